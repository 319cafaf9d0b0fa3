"""Do two kinds of map say the same? Learned attention beside attribution, for every pair of kinds that an archive holds.

Rank correlation (Spearman) over the cells, and overlap (IoU) of the fifth of the picture that each puts highest: two unrelated maps
have about 0 and 0.11. The coarser map is resized bilinearly to the finer one's grid.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from workbench.analysis.sanity import rank_correlation
from workbench.inspection import Inspection
from workbench.metrics.grids import resize_maps
from workbench.metrics.pointing import summarise
from workbench.metrics.references import present_pairs

__all__ = ["agreement", "top_area_iou"]

TOP_AREA = 0.2  # share of the picture


def top_area_iou(first: np.ndarray, second: np.ndarray, share: float = TOP_AREA) -> np.ndarray:
    """Overlap of the highest cells of each pair of maps: [M, P], [M, P] -> [M] in 0..1; ties in reading order."""
    count = max(1, round(share * first.shape[1]))
    chosen = []
    for maps in (first, second):
        inside = np.zeros(maps.shape, dtype=bool)
        np.put_along_axis(inside, np.argsort(-maps, axis=1, kind="stable")[:, :count], True, axis=1)
        chosen.append(inside)
    return (chosen[0] & chosen[1]).sum(axis=1) / (chosen[0] | chosen[1]).sum(axis=1)


def agreement(inspection: Inspection, limit: int = 100) -> dict[str, Any]:
    """For the present labels of the first `limit` images, every pair of kinds.

    Returns: {"agreement": {kind: {"overall", "per_label", "n", "with": {other: {"rank_correlation", "top_area_iou"}}}}}; "overall" and
        "per_label" are the rank correlation with all other kinds on average. Empty where there are not two kinds.
    """
    image, label = present_pairs(inspection, limit)
    found: dict[str, list[tuple[int, float]]] = {kind: [] for kind in inspection.map_kinds}
    beside: dict[str, dict[str, Any]] = {kind: {} for kind in inspection.map_kinds}
    maps = {kind: _maps(inspection, kind, image, label) for kind in inspection.map_kinds}
    for first, second in combinations(inspection.map_kinds, 2):
        both = sorted(set(maps[first]) & set(maps[second]))
        if not both:
            continue
        grid = max(inspection.grid(first), inspection.grid(second))
        one, two = (np.stack([resize_maps(maps[kind][pair], *grid).ravel() for pair in both]) for kind in (first, second))
        correlation, overlap = rank_correlation(one, two), top_area_iou(one, two)
        for kind, other in ((first, second), (second, first)):
            found[kind] += [(which, value) for (_, which), value in zip(both, correlation.tolist(), strict=True)]
            beside[kind][other] = {"rank_correlation": float(correlation.mean()), "top_area_iou": float(overlap.mean())}
    result = {kind: {**summarise(values, inspection), "with": beside[kind]} for kind, values in found.items() if values}
    return {"agreement": result} if result else {}


def _maps(inspection: Inspection, kind: str, image: np.ndarray, label: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Maps as they are shown of those pairs for which one is stored: float32 [h, w] by (image, label)."""
    result: dict[tuple[int, int], np.ndarray] = {}
    for each in np.unique(image).tolist():
        stored, values = inspection.measured_maps(kind, each)
        wanted = set(label[image == each].tolist())
        result |= {
            (each, int(which)): maps for which, maps in zip(stored, values, strict=True) if int(which) in wanted and np.isfinite(maps).all()
        }
    return result
