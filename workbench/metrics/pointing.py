"""Does a label's map lie on the label's object? Four answers, for every map of an archive and the reference rows.

- Pointing game (Zhang et al., ECCV 2016), here without their 15-pixel tolerance: a hit if the maximum of the map is inside a region of the
  label; cells that tie for the maximum share the credit.
- Energy (Wang et al., Score-CAM, 2020; relevance mass accuracy of Arras et al. 2022): the share of the map's positive part inside.
- Mask IoU: overlap of the mask with the pixels that reach a share of the map's maximum; the shares are `IOU_THRESHOLDS`, of which 0.2 is
  that of Zhou et al. (CVPR 2016).
- Relevance rank accuracy (Arras et al., Information Fusion 81, 2022): of the K highest pixels, K the size of the mask, the share inside.

Each figure has a ceiling, that of the best map at the map's own grid (`workbench.metrics.references`), and is given by object size as well,
since on a coarse grid an object smaller than a cell is seldom found by any map.

Maps are resized to the model's frame bilinearly, masks by nearest neighbour. Every present label with a region counts, crowd and
difficult regions included; a region that has no pixel at frame size is dropped and counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from workbench.inspection import Inspection
from workbench.metrics.grids import pool_masks, resize_maps
from workbench.metrics.references import (
    CENTRE_BLOB,
    RANDOM_MAP,
    TRUE_MASK,
    MapsOf,
    best_map,
    centre_blobs,
    is_reference,
    label_masks,
    random_maps,
    stored_maps,
)

IOU_THRESHOLDS = (0.2, 0.5)  # shares of a map's maximum
SIZES = ("smaller than a cell", "1 to 4 cells", "more than 4 cells")  # areas of objects, in cells of a map's grid
MEASURES = ("pointing", "energy", "relevance_rank", *(f"iou@{threshold}" for threshold in IOU_THRESHOLDS))
MapsWithMasks = Callable[[int, np.ndarray, np.ndarray], np.ndarray]  # (image, labels [K], masks [K, H, W]) -> [K, h, w]
_completed: WeakKeyDictionary[Inspection, dict[bool, dict[str, Any]]] = WeakKeyDictionary()


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

    Returns: {measure: {row: {"overall", "per_label", "n", "dropped", "by_size"}}}, measures "pointing", "energy", "relevance_rank" and one
        "iou@<share>" for each threshold; "overall" is the mean over labels, so that a frequent label does not decide. "by_size" holds
        "overall" and "n" of the objects of each of `SIZES`, in cells of the row's own grid (of the first kind's for a reference that has
        none). The entry of a map kind names the row of its best map: "ceiling". Empty where the archive has no regions.
    """
    return _localised(inspection, limit, MEASURES, inspection.map_kinds) if inspection.has_regions else {}


def object_sizes(masks: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Which of `SIZES` each object has, by the area of its mask in cells of a grid: masks bool [K, H, W] -> int [K]."""
    pixels, cells = masks.sum(axis=(1, 2)), grid[0] * grid[1]
    frame = masks.shape[1] * masks.shape[2]
    return (pixels * cells >= frame).astype(int) + (pixels * cells > 4 * frame)  # in whole numbers: an object of one cell is not smaller


def with_ceiling(inspection: Inspection, most: float = math.inf, maps: bool = True) -> dict[str, Any]:
    """The measurements of an archive; if it was made before there was a ceiling, with the ceiling and the sizes added.

    The figures that it holds stay as they are. What is added is computed from its regions and maps, once for each opened archive.

    Args:
        most: add nothing if the masks have more pixels than this together, at frame size; a million take some 0.1 s.
        maps: without, no map is read, and the sizes are told for the best maps alone.
    """
    measured = inspection.measurements
    kinds = [kind for kind in measured.get("pointing", {}) if kind in inspection.map_kinds]
    if not kinds or not inspection.has_regions or any("ceiling" in measured["pointing"][kind] for kind in kinds):
        return measured
    if len(inspection) * math.prod(inspection.frame) > most:
        return measured
    known = _completed.setdefault(inspection, {})
    if maps not in known:
        names = [measure for measure in MEASURES if measure in measured]
        fresh = _localised(inspection, None, names, inspection.map_kinds if maps else (), references=False)
        ceilings = {kind: {"ceiling": best_map(inspection.grid(kind))} for kind in kinds}
        known[maps] = {name: _added(entries, fresh[name], ceilings) if name in fresh else entries for name, entries in measured.items()}
    return known[maps]


def of_best(own: float | None, best: float | None) -> str:
    """A figure beside that of the best map at the same grid, and its share of it: "0.26 of 0.80 (33 %)"."""
    if own is None:
        return "–"
    return f"{own:.2f}" if best is None else f"{own:.2f} of {best:.2f}" + (f" ({100 * own / best:.0f} %)" if best else "")


def present_labels_with_regions(inspection: Inspection, images: range) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(image, labels [K], masks bool [K, H, W] at frame size) for each image that has any."""
    for image in images:
        labels, masks, _ = label_masks(inspection, image)
        if len(labels):
            yield image, labels, masks


def summarise(values: Sequence[tuple[Any, ...]], inspection: Inspection) -> dict[str, Any]:
    """Mean per label of tuples (label, value, ...), and the mean of those: {"overall", "per_label": {name: mean}, "n": their number}."""
    by_label: dict[int, list[float]] = {}
    for label, value, *_ in values:
        by_label.setdefault(int(label), []).append(float(value))
    per_label = {inspection.categories[label]: float(np.mean(found)) for label, found in sorted(by_label.items())}
    return {"overall": float(np.mean(list(per_label.values()))) if per_label else None, "per_label": per_label, "n": len(values)}


def _measured(maps: np.ndarray, masks: np.ndarray) -> dict[str, np.ndarray]:
    """[K] by measure."""
    result = {"pointing": point_hit(maps, masks), "energy": energy_inside(maps, masks), "relevance_rank": relevance_rank(maps, masks)}
    return result | {f"iou@{threshold}": mask_iou(maps, masks, threshold) for threshold in IOU_THRESHOLDS}


def _localised(
    inspection: Inspection, limit: int | None, measures: Sequence[str], kinds: Iterable[str], references: bool = True
) -> dict[str, Any]:
    """As `localisation`, some measures and kinds only; without `references` the best maps are the only rows beside the kinds."""
    grids = {kind: inspection.grid(kind) for kind in inspection.map_kinds}
    usual = next(iter(grids.values()), (8, 8))
    rows: dict[str, tuple[tuple[int, int], MapsWithMasks]] = {}
    rows |= {kind: (grids[kind], _without_masks(stored_maps(inspection, kind))) for kind in kinds}
    if references:
        rows[RANDOM_MAP] = (usual, _without_masks(random_maps(inspection)))
        rows[CENTRE_BLOB] = (usual, _without_masks(centre_blobs(inspection.frame)))
    rows |= {best_map(grid): (grid, partial(_pooled, grid)) for grid in grids.values()}
    if references:
        rows[TRUE_MASK] = (usual, lambda image, labels, masks: masks.astype(np.float32))
    found: dict[str, dict[str, list[tuple[int, float, int]]]] = {measure: {row: [] for row in rows} for measure in measures}
    dropped = 0
    for image in range(min(len(inspection), limit or len(inspection))):
        labels, masks, empty = label_masks(inspection, image)
        dropped += empty
        if not len(labels):
            continue
        for row, (grid, maps_of) in rows.items():
            maps = resize_maps(maps_of(image, labels, masks), *inspection.frame)
            stored = ~np.isnan(maps).any(axis=(1, 2))
            sizes = object_sizes(masks[stored], grid)
            for measure in measures:
                values = _MEASURED[measure](maps[stored], masks[stored])
                found[measure][row] += zip(labels[stored].tolist(), values.tolist(), sizes.tolist(), strict=True)
    return {
        measure: {
            row: {**_by_size(values, inspection), "dropped": dropped, **({"ceiling": best_map(grids[row])} if row in grids else {})}
            for row, values in by_row.items()
        }
        for measure, by_row in found.items()
    }


def _by_size(values: list[tuple[int, float, int]], inspection: Inspection) -> dict[str, Any]:
    """Tuples (label, value, size), summarised together and for each of `SIZES`."""
    parts = [summarise([value for value in values if value[2] == size], inspection) for size in range(len(SIZES))]
    by_size = {name: {"overall": part["overall"], "n": part["n"]} for name, part in zip(SIZES, parts, strict=True)}
    return {**summarise(values, inspection), "by_size": by_size}


def _without_masks(maps: MapsOf) -> MapsWithMasks:
    return lambda image, labels, masks: maps(image, labels)


def _pooled(grid: tuple[int, int], image: int, labels: np.ndarray, masks: np.ndarray) -> np.ndarray:
    return pool_masks(masks, grid)


def _added(entries: Mapping[str, Any], fresh: Mapping[str, Any], ceilings: Mapping[str, Any]) -> dict[str, Any]:
    """The stored entries of one measure, each with the keys that it lacks, and the rows of the best maps before the mask's own."""
    rows = {row: {**fresh.get(row, {}), **ceilings.get(row, {}), **entry} for row, entry in entries.items()}
    last = {row: rows.pop(row) for row in (TRUE_MASK,) if row in rows}
    return {**rows, **{row: entry for row, entry in fresh.items() if is_reference(row)}, **last}


_MEASURED: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "pointing": point_hit,
    "energy": energy_inside,
    "relevance_rank": relevance_rank,
    **{f"iou@{threshold}": partial(mask_iou, threshold=threshold) for threshold in IOU_THRESHOLDS},
}
