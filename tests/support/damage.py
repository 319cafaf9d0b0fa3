"""Damaging files in many ways, and reading each of them under a watch: only our own error may come out, soon and in little memory."""

from __future__ import annotations

import copy
import json
import struct
import sys
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import WorkbenchError

SLOWEST = 5.0  # seconds a file, on a machine that does other things too
MOST_MEMORY = 200e6  # bytes of Python's and numpy's
MOST_RESIDENT = 1e9  # bytes by which the process may grow, libraries in C included
STRANGE = [
    None, True, False, 0, -1, 1.5, 10**30, 2**40, -(2**63), 1e308, float("nan"), float("inf"), "", " ", "0", "../../x", "a\x00b", "\ud800",
    "x" * 5000, [], [[]], [None], {}, {"a": {"b": []}}, ["a", "a"], [1, 2], [10**9, 10**9],
]  # fmt: skip


def places(node):
    """Every place in a JSON value, as (container, key)."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from places(value)


def damaged_json(rng, content):
    """JSON in which one to three places hold something else, are gone, or are there twice; or that was cut, or nests deeply."""
    if rng.random() < 0.05:
        return "[" * 100_000
    changed = copy.deepcopy(content)
    for _ in range(rng.randint(1, 3)):
        found = list(places(changed))
        if not found:
            break
        kinds = sorted({key if isinstance(key, str) else "item" for _, key in found})
        kind = rng.choice(kinds)
        container, key = rng.choice([place for place in found if (place[1] if isinstance(place[1], str) else "item") == kind])
        action = rng.random()
        if action < 0.7:
            container[key] = copy.deepcopy(rng.choice(STRANGE))
        elif action < 0.85:
            del container[key]
        else:
            container["extra" if isinstance(container, dict) else slice(key, key)] = [copy.deepcopy(container[key])]
    text = json.dumps(changed)
    return text[: rng.randrange(len(text))] if rng.random() < 0.1 else text


def split(content):
    """The header of a safetensors file as JSON, and its data."""
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(header, data):
    text = header.encode("utf-8", "surrogatepass") if isinstance(header, str) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def damaged_tensors(rng, content, entry):
    """A safetensors file whose description, header or data was changed."""
    header, data = split(content)
    action = rng.random()
    if action < 0.6:  # what we wrote into it, which the library does not look at
        header["__metadata__"][entry] = damaged_json(rng, json.loads(header["__metadata__"][entry]))
        return joined(header, data)
    if action < 0.75:  # other types and shapes that are consistent in themselves
        name = rng.choice([key for key in header if key != "__metadata__"])
        described = header[name]
        if rng.random() < 0.5:
            described["shape"] = described["shape"][::-1] if rng.random() < 0.5 else [int(np.prod(described["shape"]))]
        else:
            described["dtype"] = rng.choice(["U8", "I8", "F16", "BF16", "I16", "F32", "I32", "I64", "BOOL"])
        return joined(header, data)
    if action < 0.85:
        return joined(damaged_json(rng, header), data)
    return damaged_bytes(rng, content, 8)


def damaged_bytes(rng, content, begin=0):
    """Single bytes changed from `begin` on, and often the end cut off."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 30)):
        changed[rng.randrange(begin, len(changed))] = rng.randrange(256)
    return bytes(changed[: rng.randrange(len(changed))] if rng.random() < 0.3 else changed)


def damaged_data(rng, content):
    """Bytes changed in the data alone: offsets, pictures, pairs."""
    header, data = split(content)
    changed = bytearray(data)
    names = [name for name in header if name.split(".")[0] in ("images", "regions", "features", "labels", "targets")]
    begin, end = header[rng.choice(names)]["data_offsets"]
    for _ in range(rng.randint(1, 20) if end > begin else 0):
        changed[rng.randrange(begin, end)] = rng.randrange(256)
    return joined(header, bytes(changed))


class Watch:
    """How long single files take, and how far the process grows over all of them; leaving it fails the test where it was too much."""

    def __enter__(self) -> Watch:
        self.slowest = 0.0
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # Linux forgets the largest size so far
        self._before = largest_size()
        return self

    def read(self, read, *arguments) -> None:
        """Read one file; its time is that of this process, so that what else the machine does is not counted."""
        began = time.process_time()
        try:
            read(*arguments)
        finally:
            self.slowest = max(self.slowest, time.process_time() - began)

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            grown = largest_size() - self._before
            assert self.slowest < SLOWEST, f"one file took {self.slowest:.1f} s"
            assert grown < MOST_RESIDENT, f"the process grew by {grown / 1e6:.0f} MB"


def largest_size() -> float:
    """Bytes of memory that this process held at most, since the mark was reset where that can be done."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024.0 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    import resource  # not on every system

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def try_all(read, path, cases, least_refused, longest=1500) -> int:
    """Read `path` with each of `cases` in it; at least so many have to be refused, in a line of at most `longest` letters. How many."""
    refused = []
    tracemalloc.start()
    try:
        with Watch() as watch:
            for number, content in enumerate(cases):
                path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
                try:
                    watch.read(read, path)
                except WorkbenchError as error:
                    refused.append(str(error))
                except Exception as error:
                    shown = content[:2000]
                    pytest.fail(f"case {number}: {type(error).__name__}: {str(error)[:300]} from {shown!r}")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY, f"{peak / 1e6:.0f} MB of Python's memory"
    assert len(refused) >= least_refused, f"{len(refused)} were refused"
    long = [text[:200] for text in refused if "\n" in text or len(text) > longest]
    assert not long, f"several lines or more than {longest} letters: {long}"
    return len(refused)
