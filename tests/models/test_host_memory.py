"""Large tensors come in large pages: counted in pages that the system had to hand out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.models.host_memory import SETTING

GRANTED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
COUNT = """
import resource, torch, workbench.models
network = torch.nn.Sequential(*[torch.nn.Conv2d(16, 16, 1) for _ in range(4)])
pixels = torch.zeros(8, 16, 256, 256)  # 32 MiB, as each map between
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for repetition in range(8):
    if repetition == 4:
        before = faults()
    network(pixels).sum().backward()
print(faults() - before)
"""


def pages(**environment):
    """Pages handed out in four training steps of a small network."""
    clean = {name: value for name, value in os.environ.items() if name != SETTING}
    found = subprocess.run([sys.executable, "-c", COUNT], env=clean | environment, capture_output=True, text=True, check=True)
    return int(found.stdout)


@pytest.mark.skipif(not GRANTED.exists() or "[madvise]" not in GRANTED.read_text(), reason="large pages are granted to all, or to none")
def test_large_tensors_come_in_large_pages_unless_set_otherwise():
    assert pages() < pages(**{SETTING: "0"}) / 4
