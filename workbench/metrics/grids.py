"""Resize maps to the frame bilinearly, as every measure here does, and average masks over the cells of a map's grid; masks are resized by
nearest neighbour in `workbench.regions`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def resize_maps(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear (pixel centres aligned, edges clamped): float [..., h, w] -> float32 [..., height, width]."""
    if maps.shape[-2:] == (height, width):
        return np.asarray(maps, dtype=np.float32)
    rows = _bilinear_matrix(maps.shape[-2], height)
    columns = _bilinear_matrix(maps.shape[-1], width)
    # Two plain products; the wider side is made last, so that the one in between stays small.
    return rows @ (np.asarray(maps, dtype=np.float32) @ columns.T)


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


def pool_masks(masks: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The share of each cell that a mask covers: bool [..., H, W] -> float32 [..., h, w]. Cells share a pixel between them by area."""
    rows, columns = (_cells(side, cells) for side, cells in zip(masks.shape[-2:], grid, strict=True))
    return (rows @ masks.astype(np.float64) @ columns.T).astype(np.float32)  # rounded, so that cells with equal shares tie


@lru_cache(maxsize=64)
def _cells(side: int, cells: int) -> np.ndarray:
    """float64 [cells, side]: the weight of each pixel of a line in the mean of each cell, the part of the cell that it fills."""
    edges = np.arange(cells + 1)[:, None] * side / cells
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return np.maximum(overlap, 0) * cells / side
