"""Cases worth looking at, found in an archive: a map of an absent label, a map on its object, a map beside it.

All work on the maps' own cells: [h, w] for one label, [C, h, w] for the labels of an image.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np

from workbench.inspection import Inspection
from workbench.regions import resize_mask

FINE = 8  # sub-cells on each side of a cell, on which the share of a cell that an object covers is counted


class Case(NamedTuple):
    """A picture and a label."""

    image: int
    label: str


def coverage(inspection: Inspection, image: int, label: int, grid: tuple[int, int]) -> np.ndarray:
    """The share of each cell that the objects of a label cover: float [h, w] in 0..1; zero where no region is known."""
    height, width = grid
    total = np.zeros((height * FINE, width * FINE), dtype=bool)
    for region in inspection.regions(image):
        if region.category == inspection.categories[label]:
            total |= resize_mask(
                region.filled(*inspection.picture) if region.mask is not None else region.filled(*inspection.frame), *total.shape
            )
    return total.reshape(height, FINE, width, FINE).mean(axis=(1, 3))


def map_of(inspection: Inspection, kind: str, image: int, label: int) -> np.ndarray | None:
    """One map as shown: float32 [h, w], or None where it is not stored."""
    labels, values = inspection.shown_maps(kind, image)
    place = np.flatnonzero(labels == label)
    return values[place[0]] if len(place) else None


def share_near(values: np.ndarray, covered: np.ndarray, margin: int = 0) -> float:
    """The share of a map's positive part in cells that the object covers at all, or that are at most `margin` cells from one."""
    inside = covered > 0
    for _ in range(margin):
        padded = np.pad(inside, 1)
        shifts = [padded[1 + dy : 1 + dy + inside.shape[0], 1 + dx : 1 + dx + inside.shape[1]] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        inside = np.any(shifts, axis=0)
    positive = np.maximum(values, 0)
    total = positive.sum()
    return float(positive[inside].sum() / total) if total > 0 else 0.0


def on_object(inspection: Inspection, kind: str, without: Collection[str] = ()) -> Case:
    """A present, predicted label whose map lies on its object, away from the middle, in a picture with several labels.

    A map that is spread over a few cells is preferred to one that is a single dot, because it shows better.

    Args:
        without: labels that the picture should not hold, if there is one without them.
    """
    labels = (inspection.targets == 1).sum(axis=1)
    plain = ~(inspection.targets[:, [name in without for name in inspection.categories]] == 1).any(axis=1, keepdims=True)

    def worth(image: int, label: int, values: np.ndarray) -> float:
        column = np.unravel_index(np.argmax(values), values.shape)[1]
        aside = abs((column + 0.5) / values.shape[1] - 0.5) > 0.2
        dot = values.max() / max(np.maximum(values, 0).sum(), 1e-9)
        positive, covered = np.maximum(values, 0), coverage(inspection, image, label, values.shape)
        inside = float((positive * covered).sum() / max(positive.sum(), 1e-9))  # a cell that the object only grazes counts little
        return 2 * inside + 2 * aside - max(0.0, dot - 0.5) + 0.4 * min(labels[image], 4)

    found = _predicted(inspection) & (inspection.targets == 1)
    return _best(inspection, kind, found & plain if (found & plain).any() else found, worth)


def beside_object(inspection: Inspection, kind: str) -> Case:
    """A present label that the model is sure of, although its map has its strongest cell well away from the object."""
    sure = (inspection.probabilities() >= 0.8) & (inspection.targets == 1)

    def worth(image: int, label: int, values: np.ndarray) -> float:
        covered = coverage(inspection, image, label, values.shape)
        return (
            float(values.max() / max(np.maximum(values, 0).sum(), 1e-9)) - 2 * share_near(values, covered, margin=1)
            if covered.any()
            else -9
        )

    return _best(inspection, kind, sure, worth)


def typical_absent(inspection: Inspection, kind: str) -> Case:
    """The absent, rightly not predicted label whose map's strongest cell is the median one of all such labels."""
    peaks = strongest_cells(inspection, kind)
    chosen = ~_predicted(inspection) & (inspection.targets == 0) & ~np.isnan(peaks)
    middle = np.median(peaks[chosen]) if chosen.any() else 0.0
    return _best(inspection, kind, chosen, lambda image, label, values: -abs(float(values.max()) - middle))


def strongest_cells(inspection: Inspection, kind: str) -> np.ndarray:
    """The largest value of each map: float64 [N, C]; NaN where a map is not stored."""
    peaks = np.full(inspection.targets.shape, np.nan)
    for image in range(len(inspection)):
        labels, values = inspection.shown_maps(kind, image)
        peaks[image, labels] = values.max(axis=(1, 2))
    return peaks


def _predicted(inspection: Inspection) -> np.ndarray:
    return inspection.probabilities() >= inspection.threshold


def _best(inspection: Inspection, kind: str, wanted: np.ndarray, worth: Callable[[int, int, np.ndarray], float]) -> Case:
    """The wanted pair [N, C] that is worth most; where none is wanted, the best of the present ones, else of all."""
    for pairs in (wanted, inspection.targets == 1, np.ones(inspection.targets.shape, dtype=bool)):
        best, case = -np.inf, None
        for image, label in np.argwhere(pairs):
            values = map_of(inspection, kind, int(image), int(label))
            if values is not None and (value := worth(int(image), int(label), values)) > best:
                best, case = value, Case(int(image), inspection.categories[int(label)])
        if case:
            return case
    raise AssertionError("an archive holds at least one map")
