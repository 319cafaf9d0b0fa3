"""The rule that made the weights and inputs of the reference files, so that they need not be stored (see the README beside them)."""

from __future__ import annotations

import math
import zlib

import numpy as np


def fill(tag: str, name: str, shape: tuple[int, ...], scale: float) -> np.ndarray:
    """float32 of mean 0 and standard deviation `scale`, from the raw bits of a generator seeded by tag and name."""
    bits = np.random.PCG64(zlib.crc32(f"{tag}/{name}".encode()))
    count = math.prod(shape)
    values = np.empty(count, np.float32)
    for begin in range(0, count, 1 << 20):
        raw = bits.random_raw(min(1 << 20, count - begin))
        values[begin : begin + (1 << 20)] = (raw >> np.uint64(40)).astype(np.float32)
    values *= np.float32(2.0**-24)
    values -= np.float32(0.5)
    values *= np.float32(scale * math.sqrt(12))
    return values.reshape(shape)
