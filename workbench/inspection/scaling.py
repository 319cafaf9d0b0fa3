"""Maps of any size in half precision: each map is stored as float16 beside a scale of its own.

float16 has 11 bits and ends at 65504 and 6e-8. The scale puts the largest value of a map near the upper end, so that a map of 1e-30 or of
1e30 is stored as well as one of 1. Values that were float16 times some factor before are found out and come back bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

MAPS_AT_ONCE = 4096
UPPER = 2.0**5  # the largest value becomes 1024..2047 times this, at most 65504
SIGNIFICANDS = np.arange(1024, 2048, dtype=np.float64)
NOISE = 2048 * 2.0**-22  # of a significand that went through float32 twice


@dataclass(frozen=True)
class ScaledMaps:
    """Maps [..., h, w] as float16 of that shape and a scale float64 [...]: their product, float32, by index or as an array."""

    halves: np.ndarray
    scales: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.halves.shape

    def __getitem__(self, index: int | slice | np.ndarray) -> np.ndarray:
        return unscaled(self.halves[index], self.scales[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.float32, copy=False)


def scaled(maps: np.ndarray | ScaledMaps) -> ScaledMaps:
    """Maps [..., h, w], each with a scale of its own. NaN and infinities stay what they are."""
    if isinstance(maps, ScaledMaps):
        return maps
    flat = np.asarray(maps).reshape(int(np.prod(maps.shape[:-2])), int(np.prod(maps.shape[-2:])))
    halves, scales = np.empty(flat.shape, dtype=np.float16), np.ones(len(flat))
    for begin in range(0, len(flat), MAPS_AT_ONCE):
        part = slice(begin, begin + MAPS_AT_ONCE)
        halves[part], scales[part] = _scaled(flat[part].astype(np.float64))
    return ScaledMaps(halves.reshape(maps.shape), scales.reshape(maps.shape[:-2]))


def _scaled(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[M, P] -> float16 [M, P], float64 [M]."""
    sizes = np.where(np.isfinite(values), np.abs(values), 0)
    top = sizes.max(axis=1, initial=0)
    known = top > 0
    safe = np.where(known, top, 1)
    significand = np.full(len(values), SIGNIFICANDS[0])
    significand[known] = _significands(sizes[known] / safe[known, None])
    with np.errstate(invalid="ignore"):
        halves = (values / safe[:, None] * (significand * UPPER)[:, None]).astype(np.float16)
    return halves, np.where(known, safe / (significand * UPPER), 1.0)


def unscaled(halves: np.ndarray, scales: np.ndarray | None) -> np.ndarray:
    """The maps again: float16 [..., h, w], scale [...] -> float32 [..., h, w]."""
    if scales is None:
        return halves.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        return (halves.astype(np.float64) * scales[..., None, None]).astype(np.float32)


def halves_or_floats(values: np.ndarray) -> np.ndarray:
    """float16 where its range holds the values, else float32."""
    largest = float(np.abs(values, where=np.isfinite(values), out=np.zeros_like(values)).max(initial=0))
    return values.astype(np.float16 if largest == 0 or 1e-2 <= largest <= 65504 else np.float32)


def _significands(shares: np.ndarray) -> np.ndarray:
    """The significand of each map's largest value, 1024..2047, with which all its values have 11 bits; 1024 where there is none.

    Args:
        shares: sizes of the values as shares of the largest, [M, P].
    """
    result = np.full(len(shares), SIGNIFICANDS[0])
    if not shares.shape[1]:
        return result
    places = np.minimum([1, 2, 4], shares.shape[1] - 1)
    for begin in range(0, len(shares), 256):
        part = shares[begin : begin + 256]
        few = np.sort(part, axis=1)[:, ::-1][:, places]
        fits = np.ones((len(part), len(SIGNIFICANDS)), dtype=bool)
        for column in few.T:
            fits &= _rest(column[:, None] * SIGNIFICANDS) < NOISE
        for row in np.flatnonzero(fits.any(axis=1)):
            tried = SIGNIFICANDS[fits[row]]
            whole = (_rest(part[row][None] * tried[:, None]) < NOISE).all(axis=1)
            if whole.any():
                result[begin + row] = tried[int(np.argmax(whole))]
    return result


def _rest(values: np.ndarray) -> np.ndarray:
    """How far each value is from having 11 bits, as a share of its last one."""
    significand = np.frexp(values)[0] * 2048
    return np.abs(significand - np.rint(significand))
