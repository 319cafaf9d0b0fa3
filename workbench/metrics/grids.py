"""Resize maps to the frame bilinearly, as every measure here does; masks are resized by nearest neighbour in `workbench.regions`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def resize_maps(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear (pixel centres aligned, edges clamped): float [..., h, w] -> float32 [..., height, width]."""
    rows = _bilinear_matrix(maps.shape[-2], height)
    columns = _bilinear_matrix(maps.shape[-1], width)
    return np.einsum("Hh,...hw,Ww->...HW", rows, np.asarray(maps, dtype=np.float32), columns, optimize=True)


@lru_cache(maxsize=64)
def _bilinear_matrix(source: int, target: int) -> np.ndarray:
    """float32 [target, source]: each row holds the two weights of one output position."""
    position = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, source - 1)
    share = (position - low).astype(np.float32)
    matrix = np.zeros((target, source), dtype=np.float32)
    np.add.at(matrix, (np.arange(target), low), 1 - share)
    np.add.at(matrix, (np.arange(target), high), share)
    return matrix
