"""Pointing game and energy: does a label's map lie on the label's object?

Pointing game (Zhang et al., ECCV 2016), here without their 15-pixel tolerance: a hit if the maximum of the map is inside a region of the
label; cells that tie for the maximum share the credit. Energy (Wang et al., Score-CAM 2020): the share of the map's positive part inside.
Maps are resized to the model's frame bilinearly, masks by nearest neighbour. Every present label with a region counts, crowd and
difficult regions included; a region that has no pixel at frame size is dropped and counted.

Reference rows answer "is that good?": a random map (uniform noise on the same grid) and a blob in the middle of the picture.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from workbench.analysis.grids import resize_maps
from workbench.inspection import Inspection
from workbench.regions import resize_mask

RANDOM_MAP = "random map"
CENTRE_BLOB = "centre blob"
MapsOf = Callable[[int, np.ndarray], np.ndarray]  # (image, labels [K]) -> [K, h, w]


def point_hit(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Pointing-game credit: maps [K, H, W], masks bool [K, H, W] -> [K] in 0..1."""
    top = maps == maps.max(axis=(1, 2), keepdims=True)
    return (top & masks).sum(axis=(1, 2)) / top.sum(axis=(1, 2))


def energy_inside(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Share of the positive part inside: maps [K, H, W], masks bool [K, H, W] -> [K] in 0..1; 0 where a map has no positive part."""
    positive = np.maximum(maps, 0)
    total = positive.sum(axis=(1, 2))
    inside = np.where(masks, positive, 0).sum(axis=(1, 2))
    return np.divide(inside, total, out=np.zeros_like(total), where=total > 0)


def localisation(inspection: Inspection, limit: int | None = None) -> dict[str, Any]:
    """Pointing game and energy of every map kind of an archive, reference rows included.

    Args:
        limit: measure the first `limit` images only.

    Returns: {"pointing": {row: {"overall", "per_label", "n", "dropped"}}, "energy": the same}; "overall" is the mean over labels,
        so that a frequent label does not decide. Empty where the archive has no regions.
    """
    if not inspection.has_regions:
        return {}
    images = range(min(len(inspection), limit or len(inspection)))
    first_kind = next(iter(inspection.map_kinds))
    rows: dict[str, MapsOf] = {kind: _maps_of(inspection, kind) for kind in inspection.map_kinds}
    rows[RANDOM_MAP] = _random_maps(inspection, inspection.grid(first_kind))
    rows[CENTRE_BLOB] = _centre_blobs(inspection.frame)
    hits: dict[str, list[tuple[int, float]]] = {row: [] for row in rows}
    energies: dict[str, list[tuple[int, float]]] = {row: [] for row in rows}
    dropped = 0
    for image in images:
        labels, masks, empty = _label_masks(inspection, image)
        dropped += empty
        if not len(labels):
            continue
        for row, maps_of in rows.items():
            maps = resize_maps(maps_of(image, labels), *inspection.frame)
            stored = ~np.isnan(maps).any(axis=(1, 2))
            for values, measure in ((hits, point_hit), (energies, energy_inside)):
                values[row] += zip(labels[stored], measure(maps[stored], masks[stored]), strict=True)
    return {
        "pointing": {row: {**summarise(values, inspection), "dropped": dropped} for row, values in hits.items()},
        "energy": {row: {**summarise(values, inspection), "dropped": dropped} for row, values in energies.items()},
    }


def summarise(values: list[tuple[int, float]], inspection: Inspection) -> dict[str, Any]:
    """Mean per label, and the mean of those: {"overall", "per_label": {name: mean}, "n": number of values}."""
    by_label: dict[int, list[float]] = {}
    for label, value in values:
        by_label.setdefault(int(label), []).append(float(value))
    per_label = {inspection.categories[label]: float(np.mean(found)) for label, found in sorted(by_label.items())}
    return {"overall": float(np.mean(list(per_label.values()))) if per_label else None, "per_label": per_label, "n": len(values)}


def present_labels_with_regions(inspection: Inspection, images: range) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(image, labels [K], masks bool [K, H, W] at frame size) for each image that has any."""
    for image in images:
        labels, masks, _ = _label_masks(inspection, image)
        if len(labels):
            yield image, labels, masks


def _label_masks(inspection: Inspection, image: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Union of the regions of each present label at frame size: labels [K], masks [K, H, W], and how many were empty."""
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


def _maps_of(inspection: Inspection, kind: str) -> MapsOf:
    def maps(image: int, labels: np.ndarray) -> np.ndarray:
        stored, values = inspection.shown_maps(kind, image)
        place: Mapping[int, int] = {int(label): row for row, label in enumerate(stored)}
        missing = np.full(values.shape[1:], np.nan, dtype=np.float32)  # not stored for this image: left out, not counted as a miss
        return np.stack([values[place[label]] if label in place else missing for label in labels.tolist()])

    return maps


def _random_maps(inspection: Inspection, grid: tuple[int, int]) -> MapsOf:
    def maps(image: int, labels: np.ndarray) -> np.ndarray:
        seed = zlib.crc32(inspection.ids[image].encode())
        return np.random.default_rng(seed).random((len(labels), *grid), dtype=np.float32)

    return maps


def _centre_blobs(frame: tuple[int, int]) -> MapsOf:
    height, width = frame
    down = (np.arange(height) + 0.5) / height - 0.5
    across = (np.arange(width) + 0.5) / width - 0.5
    blob = np.exp(-(down[:, None] ** 2 + across[None, :] ** 2) / (2 * 0.25**2)).astype(np.float32)  # sigma: a quarter of the frame
    return lambda image, labels: np.repeat(blob[None], len(labels), axis=0)
