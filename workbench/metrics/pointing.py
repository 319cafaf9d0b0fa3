"""Does a label's map lie on the label's object? Four answers, for every map of an archive and the reference rows.

- Pointing game (Zhang et al., ECCV 2016), here without their 15-pixel tolerance: a hit if the maximum of the map is inside a region of the
  label; cells that tie for the maximum share the credit.
- Energy (Wang et al., Score-CAM, 2020; relevance mass accuracy of Arras et al. 2022): the share of the map's positive part inside.
- Mask IoU: overlap of the mask with the pixels that reach a share of the map's maximum; the shares are `IOU_THRESHOLDS`, of which 0.2 is
  that of Zhou et al. (CVPR 2016).
- Relevance rank accuracy (Arras et al., Information Fusion 81, 2022): of the K highest pixels, K the size of the mask, the share inside.

Maps are resized to the model's frame bilinearly, masks by nearest neighbour. Every present label with a region counts, crowd and
difficult regions included; a region that has no pixel at frame size is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from workbench.inspection import Inspection
from workbench.metrics.grids import resize_maps
from workbench.metrics.references import CENTRE_BLOB, RANDOM_MAP, TRUE_MASK, MapsOf, centre_blobs, label_masks, random_maps, stored_maps

IOU_THRESHOLDS = (0.2, 0.5)  # shares of a map's maximum
MEASURES = ("pointing", "energy", "relevance_rank", *(f"iou@{threshold}" for threshold in IOU_THRESHOLDS))


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


def mask_iou(maps: np.ndarray, masks: np.ndarray, threshold: float) -> np.ndarray:
    """Overlap of masks with the pixels of at least `threshold` times the map's maximum: [K, H, W] twice -> [K] in 0..1.

    Only positive values are taken: 0 where a map has none.
    """
    floor = threshold * maps.max(axis=(1, 2), keepdims=True)
    chosen = (maps >= floor) & (maps > 0)
    return (chosen & masks).sum(axis=(1, 2)) / np.maximum((chosen | masks).sum(axis=(1, 2)), 1)


def relevance_rank(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Share of the mask found by as many of the highest pixels as it has: maps [K, H, W], masks bool [K, H, W] -> [K] in 0..1.

    Where pixels tie for the last places, they share them.
    """
    result = np.zeros(len(maps))
    for place, (values, mask) in enumerate(zip(maps.reshape(len(maps), -1), masks.reshape(len(maps), -1), strict=True)):
        size = int(mask.sum())
        lowest = np.partition(values, -size)[-size]
        above, tied = values > lowest, values == lowest
        left = size - above.sum()
        result[place] = ((above & mask).sum() + left * (tied & mask).sum() / tied.sum()) / size
    return result


def localisation(inspection: Inspection, limit: int | None = None) -> dict[str, Any]:
    """Every measure above for every map kind of an archive, reference rows included.

    Args:
        limit: measure the first `limit` images only.

    Returns: {measure: {row: {"overall", "per_label", "n", "dropped"}}}, measures "pointing", "energy", "relevance_rank" and one
        "iou@<share>" for each threshold; "overall" is the mean over labels, so that a frequent label does not decide. Empty where the
        archive has no regions.
    """
    if not inspection.has_regions:
        return {}
    rows: dict[str, MapsOf] = {kind: stored_maps(inspection, kind) for kind in inspection.map_kinds}
    rows |= {RANDOM_MAP: random_maps(inspection), CENTRE_BLOB: centre_blobs(inspection.frame)}
    found: dict[str, dict[str, list[tuple[int, float]]]] = {measure: {row: [] for row in (*rows, TRUE_MASK)} for measure in MEASURES}
    dropped = 0
    for image in range(min(len(inspection), limit or len(inspection))):
        labels, masks, empty = label_masks(inspection, image)
        dropped += empty
        if not len(labels):
            continue
        for row in found["pointing"]:
            maps = masks.astype(np.float32) if row == TRUE_MASK else resize_maps(rows[row](image, labels), *inspection.frame)
            stored = ~np.isnan(maps).any(axis=(1, 2))
            for measure, values in _measured(maps[stored], masks[stored]).items():
                found[measure][row] += zip(labels[stored], values, strict=True)
    return {
        measure: {row: {**summarise(values, inspection), "dropped": dropped} for row, values in by_row.items()}
        for measure, by_row in found.items()
    }


def present_labels_with_regions(inspection: Inspection, images: range) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(image, labels [K], masks bool [K, H, W] at frame size) for each image that has any."""
    for image in images:
        labels, masks, _ = label_masks(inspection, image)
        if len(labels):
            yield image, labels, masks


def summarise(values: list[tuple[int, float]], inspection: Inspection) -> dict[str, Any]:
    """Mean per label, and the mean of those: {"overall", "per_label": {name: mean}, "n": number of values}."""
    by_label: dict[int, list[float]] = {}
    for label, value in values:
        by_label.setdefault(int(label), []).append(float(value))
    per_label = {inspection.categories[label]: float(np.mean(found)) for label, found in sorted(by_label.items())}
    return {"overall": float(np.mean(list(per_label.values()))) if per_label else None, "per_label": per_label, "n": len(values)}


def _measured(maps: np.ndarray, masks: np.ndarray) -> dict[str, np.ndarray]:
    """[K] by measure."""
    result = {"pointing": point_hit(maps, masks), "energy": energy_inside(maps, masks), "relevance_rank": relevance_rank(maps, masks)}
    return result | {f"iou@{threshold}": mask_iou(maps, masks, threshold) for threshold in IOU_THRESHOLDS}
