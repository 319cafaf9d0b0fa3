"""Reference rows, which answer "is that good?": uniform noise, a blob in the middle of the picture, the best map of so few cells, and the
object itself. Rows without a model stand in every table beside the rows of its maps.

"Best map at 8 x 8" is the object's mask averaged over the cells of that grid, then measured as any map is: a ceiling for maps that say how
much of a cell the object fills. It is no bound: a map that shows one cell in place of all the cells of an object has less of its energy
outside, and one that lifts a neighbouring cell can move its maximum onto an object that is smaller than a cell.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from workbench.inspection import Inspection
from workbench.metrics.grids import resize_maps
from workbench.regions import resize_mask

RANDOM_MAP = "random map"
CENTRE_BLOB = "centre blob"
TRUE_MASK = "ground-truth mask"
REFERENCES = (RANDOM_MAP, CENTRE_BLOB, TRUE_MASK)
BEST_MAP = "best map at"
MapsOf = Callable[[int, np.ndarray], np.ndarray]  # (image, labels [K]) -> [K, h, w]


def stored_maps(inspection: Inspection, kind: str) -> MapsOf:
    """Maps of an archive as they are measured; NaN where one is not stored, so that it is left out and not counted as a miss."""

    def maps(image: int, labels: np.ndarray) -> np.ndarray:
        stored, values = inspection.measured_maps(kind, image)
        place: Mapping[int, int] = {int(label): row for row, label in enumerate(stored)}
        missing = np.full(values.shape[1:], np.nan, dtype=np.float32)
        return np.stack([values[place[label]] if label in place else missing for label in labels.tolist()])

    return maps


def random_maps(inspection: Inspection) -> MapsOf:
    """Uniform noise on the grid of the archive's first kind of map, the same for the same image whichever model is measured."""
    grid = inspection.grid(next(iter(inspection.map_kinds))) if inspection.map_kinds else (8, 8)

    def maps(image: int, labels: np.ndarray) -> np.ndarray:
        seed = zlib.crc32(inspection.ids[image].encode())
        return np.random.default_rng(seed).random((len(labels), *grid), dtype=np.float32)

    return maps


def centre_blobs(frame: tuple[int, int]) -> MapsOf:
    """A bell over the middle of the picture, a quarter of the frame wide on each side (its standard deviation)."""
    height, width = frame
    down = (np.arange(height) + 0.5) / height - 0.5
    across = (np.arange(width) + 0.5) / width - 0.5
    blob = np.exp(-(down[:, None] ** 2 + across[None, :] ** 2) / (2 * 0.25**2)).astype(np.float32)
    return lambda image, labels: np.repeat(blob[None], len(labels), axis=0)


def best_map(grid: tuple[int, int]) -> str:
    """Name of the row of the best map with so many (rows, columns) of cells."""
    return f"{BEST_MAP} {grid[0]} x {grid[1]}"


def is_reference(row: str) -> bool:
    """Whether a row of a table is one without a model."""
    return row in REFERENCES or row.startswith(f"{BEST_MAP} ")


def inside_out(mask: np.ndarray) -> np.ndarray:
    """A mask as an order of pixels: its core first, then its edge, then its surroundings, the nearest first: bool [H, W] -> float32."""
    height, width = (_bell(side) for side in mask.shape)
    near = height @ mask.astype(np.float32) @ width
    return mask + 0.5 * near / max(float(near.max()), 1e-6)


@lru_cache(maxsize=8)
def _bell(side: int) -> np.ndarray:
    """float32 [side, side]: weight of each pixel of a line in the neighbourhood of each other one, a twelfth of the line wide."""
    places = np.arange(side, dtype=np.float32)
    return np.exp(-((places[:, None] - places) ** 2) / (2 * (side / 12) ** 2))


def label_masks(inspection: Inspection, image: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Union of the regions of each present label at frame size: labels [K], masks bool [K, H, W], and how many were empty."""
    height, width = inspection.frame
    union: dict[int, np.ndarray] = {}
    for region in inspection.regions(image):
        label = inspection.categories.index(region.category)
        if inspection.targets[image, label] != 1:
            continue
        mask = region.filled(height, width) if region.mask is None else resize_mask(region.mask, height, width)
        union[label] = union[label] | mask if label in union else mask
    kept = {label: mask for label, mask in union.items() if mask.any()}
    labels = np.array(sorted(kept), dtype=int)
    masks = np.stack([kept[label] for label in labels]) if len(labels) else np.zeros((0, height, width), dtype=bool)
    return labels, masks, len(union) - len(kept)


def present_pairs(inspection: Inspection, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """The (image, label) pairs whose maps are measured, of the first `limit` images: two int arrays [M].

    They are the present ones. Of an image without a single known label they are the best-scored one, and the second where it counts as
    predicted too: what a map does to a score can be measured without a truth.
    """
    count = min(limit, len(inspection))
    targets, logits = inspection.targets[:count], inspection.logits()[:count]
    chosen = targets == 1
    nothing_known = (targets == -1).all(axis=1) & np.isfinite(logits).all(axis=1)
    order = np.argsort(-logits, axis=1, kind="stable")
    for row in np.flatnonzero(nothing_known).tolist():
        first, second = order[row, 0], order[row, min(1, order.shape[1] - 1)]
        chosen[row, first] = True
        chosen[row, second] |= 1 / (1 + np.exp(-np.clip(logits[row, second], -80, 80))) >= inspection.threshold
    image, label = np.nonzero(chosen)
    return image, label


def row_names(inspection: Inspection) -> tuple[str, ...]:
    """Every row of a table about this archive's maps: its kinds, then the references that it allows."""
    known = REFERENCES if inspection.has_regions else (RANDOM_MAP, CENTRE_BLOB)
    return (*inspection.map_kinds, *known)


def row_maps(inspection: Inspection, row: str, image: np.ndarray, label: np.ndarray) -> np.ndarray:
    """What a row says about each (image, label) pair: images int [M], labels int [M] -> float32 [M, H, W] at frame size.

    NaN for a pair of which it knows nothing: a map that is not stored, an object without a region. The ground-truth mask is given as an
    order of pixels, see `inside_out`.
    """
    maps = np.full((len(image), *inspection.frame), np.nan, dtype=np.float32)
    if row == TRUE_MASK:
        for each in np.unique(image).tolist():
            known, masks, _ = label_masks(inspection, each)
            for place in np.flatnonzero((image == each) & np.isin(label, known)):
                maps[place] = inside_out(masks[known == label[place]][0])
        return maps
    references = {RANDOM_MAP: random_maps(inspection), CENTRE_BLOB: centre_blobs(inspection.frame)}
    maps_of = references[row] if row in references else stored_maps(inspection, row)
    for each in np.unique(image).tolist():
        places = np.flatnonzero(image == each)
        maps[places] = resize_maps(maps_of(each, label[places]), *inspection.frame)
    return maps
