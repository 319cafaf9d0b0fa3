"""Scores that are too many to keep: counted in bins, class by class, with a bound on what the bins can hide.

Bins have equal width in the logit. Within a bin the order is lost: counting its scores as tied gives the estimate, the best and the worst
order that they could have give two bounds. The exact value lies between these, whatever the scores. Counts of
several processes add up. Memory: 16 bytes a bin and class, whatever the number of images. Shapes: N images, C classes, B bins.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.metrics.ranking import check_scores, known_and_positive
from workbench.metrics.roc import Roc, from_groups, gathered, require_shares

BINS = 4096
LARGEST_LOGIT = 16.0
"""Logits beyond it share the outermost bins: their probabilities differ from 0 and 1 by less than 1.2e-7."""
_BUFFER = 1 << 20  # entries that are collected before they are counted


class Bounded(NamedTuple):
    """An estimate for each class, float64 [C], and the lowest and highest value that the exact one can have; NaN without present images."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """How far the exact value can be from the estimate, float64 [C]."""
        return np.maximum(self.value - self.low, self.high - self.value)


class ScoreHistogram:
    """Logits and targets that come in batches and are not kept.

    Args:
        categories: names of the columns.
        bins: how many bins of equal width between -`largest` and `largest`, at least 2.
        unknown: what a target of -1 counts as: "ignore", "positive" or "negative".
    """

    def __init__(self, categories: Categories, bins: int = BINS, unknown: str = "ignore", largest: float = LARGEST_LOGIT) -> None:
        if bins < 2 or not 0 < largest < np.inf:
            raise WorkbenchError(f"{bins} bins up to a logit of {largest} tell nothing apart; give at least 2 bins and a positive logit.")
        known_and_positive(np.zeros((0, 1)), unknown)
        self.categories, self.bins, self.unknown, self.largest = categories, bins, unknown, float(largest)
        self._counts = np.zeros((2, len(categories), bins), dtype=np.int64)  # absent, present
        self._waiting: list[np.ndarray] = []
        self._held = 0

    def add(self, logits: np.ndarray, targets: np.ndarray) -> None:
        """One batch: logits float [B, C], targets int [B, C]. Raises WorkbenchError on other shapes and on scores that are not finite."""
        logits, targets = check_scores(logits, targets, self.categories)
        known, positive = known_and_positive(targets, self.unknown)
        scale = self.bins / (2 * self.largest)
        place = ((np.clip(logits, -self.largest, self.largest) + self.largest) * scale).astype(np.int32)
        np.minimum(place, self.bins - 1, out=place)
        place += np.arange(len(self.categories), dtype=np.int32) * np.int32(self.bins)
        place += positive * np.int32(len(self.categories) * self.bins)
        self._waiting.append(place.ravel() if self.unknown != "ignore" or known.all() else place[known])
        self._held += self._waiting[-1].size
        if self._held >= _BUFFER:
            self._count()

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """(present, absent) int64 [C, B], from the lowest logits to the highest."""
        self._count()
        return self._counts[1], self._counts[0]

    def __iadd__(self, other: ScoreHistogram) -> ScoreHistogram:
        """Add what another process counted. Raises WorkbenchError unless both have the same categories, bins and rule."""
        mine, theirs = ((each.categories.names, each.bins, each.largest, each.unknown) for each in (self, other))
        if mine != theirs:
            raise WorkbenchError("Histograms of other categories, bins or rules for unknown labels do not add up; make them alike.")
        other._count()
        self._count()
        self._counts += other._counts
        return self

    def average_precision(self) -> Bounded:
        """Plain average precision of each class, as `workbench.metrics.average_precision`, with its bounds."""
        present, absent = self.counts()
        rows = [_area(p[::-1], n[::-1]) for p, n in zip(present, absent, strict=True)]
        return Bounded(*np.array(rows, dtype=np.float64).T)

    def area_under_roc(self) -> Bounded:
        """Area under the ROC curve of each class, with its bounds."""
        present, absent = (values.astype(np.float64) for values in self.counts())
        pairs = present.sum(1) * absent.sum(1)
        tied = (present * absent).sum(1)
        lower = np.cumsum(absent, axis=1) - absent  # absent images in lower bins
        sure = (present * lower).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return Bounded((sure + tied / 2) / pairs, sure / pairs, (sure + tied) / pairs)

    def roc(self, specificity: float = 0.95, confidence: float = 0.95) -> Roc:
        """As `workbench.metrics.roc`, with the scores of a bin taken as equal."""
        require_shares(specificity, confidence)
        present, absent = self.counts()
        return gathered([from_groups(p[::-1], n[::-1], specificity, confidence) for p, n in zip(present, absent, strict=True)])

    def _count(self) -> None:
        if self._waiting:
            flat = self._counts.reshape(-1)
            for part in self._waiting:
                flat += np.bincount(part, minlength=flat.size) if part.size > flat.size // 8 else _sparse(part, flat.size)
            self._waiting, self._held = [], 0


def _sparse(places: np.ndarray, size: int) -> np.ndarray:
    found, times = np.unique(places, return_counts=True)
    counted = np.zeros(size, dtype=np.int64)
    counted[found] = times
    return counted


def _area(present: np.ndarray, absent: np.ndarray) -> tuple[float, float, float]:
    """(estimate, lowest, highest) from how many stand in each bin, the highest bin first: int [B]."""
    total = int(present.sum())
    if not total:
        return (float("nan"),) * 3
    used = np.flatnonzero(present)
    p, n = present[used], absent[used]
    hits, misses = np.cumsum(present)[used], np.cumsum(absent)[used]
    value = (p * hits / (hits + misses)).sum() / total
    highest = (p * hits / (hits + misses - n)).sum() / total  # all present ones of a bin tied, above all absent ones
    # Lowest: all absent ones of a bin above its present ones, which follow one by one.
    ranks, above = np.arange(1, total + 1), np.repeat(misses, p)
    return float(value), float((ranks / (ranks + above)).sum() / total), float(highest)
