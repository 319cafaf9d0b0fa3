"""Freed memory stays in the process: counted in pages that the system had to hand out."""

import os
import subprocess
import sys

import pytest

from workbench.models.host_memory import keep_freed_memory

COUNT = """
import resource, torch
from workbench.models.host_memory import keep_freed_memory
kept = keep_freed_memory()
network = torch.nn.Sequential(*[torch.nn.Conv2d(16, 16, 1) for _ in range(4)])
pixels = torch.zeros(8, 16, 256, 256)  # 32 MiB, as each map between
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for repetition in range(8):
    if repetition == 4:
        before = faults()
    network(pixels).sum().backward()
print(kept, faults() - before)
"""


def pages(**environment):
    """Whether memory is kept, and pages handed out in four training steps of a small network."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_") and name != "GLIBC_TUNABLES"}
    found = subprocess.run([sys.executable, "-c", COUNT], env=clean | environment, capture_output=True, text=True, check=True)
    kept, count = found.stdout.split()
    return kept == "True", int(count)


@pytest.mark.skipif(not keep_freed_memory(), reason="another C library than GNU's, or its allocator is set from outside")
def test_memory_that_is_freed_is_used_again_and_an_allocator_set_from_outside_left_alone():
    (kept, few), (kept_too, many) = pages(), pages(MALLOC_ARENA_MAX="2")
    assert (kept, kept_too) == (True, False)
    assert few < many / 4
