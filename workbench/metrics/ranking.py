"""Average precision per class, in the three conventions of the field, with tied scores grouped.

plain: sum over distinct thresholds of (recall step) x (precision there), as scikit-learn and ML-GCN's evaluation compute it.
interpolated: the same with precision replaced by its monotone envelope (VOC 2010 and later, SRN's evaluation); never below plain.
11-point: mean of that envelope at the recalls 0, 0.1, ... 1 (VOC 2007 as it was run then).

All three, and the curves, follow from where the present entries stand in the order of the scores, so each class is sorted once.
Shapes: N images, C classes, K present entries of one class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import WorkbenchError, did_you_mean
from workbench.metrics.parallel import each
from workbench.targets import checked_targets

UNKNOWN_RULES = ("ignore", "positive", "negative")
KINDS = ("plain", "interpolated", "11-point")
_COLUMNS = 16  # taken from the matrix at a time: a cache line of float32


@dataclass(frozen=True)
class RankedClass:
    """The present entries of one class, from the highest score to the lowest.

    Attributes:
        places: int64 [K], where the present ones stand in the order of the scores, entries that do not count left out.
        above: int64 [K], entries with that score or a higher one; hits: the present ones among them.
        order: int64 [n], images by falling score, equal scores by image; None unless asked for: it takes more than the scores do.
    """

    places: np.ndarray
    above: np.ndarray
    hits: np.ndarray
    order: np.ndarray | None = None


def average_precision(
    scores: np.ndarray, targets: np.ndarray, kind: str = "plain", unknown: str = "ignore", threads: int | None = None
) -> np.ndarray:
    """Average precision of each class.

    Args:
        scores: float [N, C], higher means more confident. Give logits in float32: half-precision probabilities create ties.
        targets: int [N, C]: 1 present, 0 absent, -1 unknown.
        kind: "plain", "interpolated" or "11-point".
        unknown: what -1 counts as: "ignore" (that entry is left out of its class), "positive" or "negative".
        threads: see `workbench.metrics.parallel.each`; the result does not depend on it.

    Returns: float64 [C], NaN for a class without a present entry.
    Raises: WorkbenchError on shapes that differ, scores that are not finite, or an unknown option.
    """
    return from_ranking(rank_classes(scores, targets, unknown, threads), kind)


def from_ranking(ranked: list[RankedClass], kind: str = "plain") -> np.ndarray:
    """Average precision of classes that are sorted already, float64 [C]; see `average_precision`."""
    if kind not in KINDS:
        raise WorkbenchError(f'There is no average precision "{kind}".{did_you_mean(str(kind), KINDS)}')
    return np.array([_area(one.hits / one.above, one.hits, kind) for one in ranked])


def mean_average_precision(per_class: np.ndarray) -> float:
    """Mean over the classes that have a present entry; NaN if none has."""
    per_class = np.asarray(per_class, dtype=np.float64)
    counted = per_class[~np.isnan(per_class)]
    return float(counted.mean()) if counted.size else float("nan")


def rank_classes(
    scores: np.ndarray, targets: np.ndarray, unknown: str = "ignore", threads: int | None = None, order: bool = False
) -> list[RankedClass]:
    """Sort each class once; with `order`, say which image stands where. Arguments and errors as for `average_precision`."""
    scores, targets = check_scores(scores, targets)
    known, positive = known_and_positive(targets, unknown)
    everything = bool(known.all())

    def block(begin: int) -> list[RankedClass]:
        columns = slice(begin, begin + _COLUMNS)
        values = np.ascontiguousarray(sortable(scores[:, columns]).T)  # [<=16, N]
        present = np.ascontiguousarray(positive[:, columns].T)
        counts = None if everything else np.ascontiguousarray(known[:, columns].T)
        return [_ranked(values[c], present[c], None if counts is None else counts[c], order) for c in range(len(values))]

    blocks = each(block, range(0, scores.shape[1], _COLUMNS), scores.size, threads)
    return [one for part in blocks for one in part]


def precision_recall_curve(scores: np.ndarray, targets: np.ndarray, unknown: str = "ignore") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The whole curve of one class: recall, precision and score, [T] each, at the distinct scores from the highest down.

    Args:
        scores, targets: [N], as in `average_precision`; without a present entry recall is NaN.
    """
    scores, targets = check_scores(np.asarray(scores)[:, None], np.asarray(targets)[:, None])
    (ranked,) = rank_classes(scores, targets, unknown, order=True)
    found = scores[ranked.order, 0]
    ends = np.flatnonzero(np.append(found[1:] != found[:-1], True))  # last of each group of ties
    present = np.zeros(len(found), dtype=np.int64)
    present[ranked.places] = 1
    hits = np.cumsum(present)[ends]
    recall = hits / len(ranked.places) if len(ranked.places) else np.full(len(ends), np.nan)
    return recall, hits / (ends + 1), found[ends]


def curve_at(ranked: RankedClass, recalls: np.ndarray) -> np.ndarray:
    """Precision [R] at the first threshold that reaches each of `recalls` [R] in 0..1; NaN for a class without a present entry."""
    total = len(ranked.hits)
    if not total:
        return np.full(len(recalls), np.nan)
    reached = np.searchsorted(ranked.hits, np.maximum(np.asarray(recalls) * total - 1e-9, 0))
    return (ranked.hits / ranked.above)[np.minimum(reached, total - 1)]


def check_scores(scores: np.ndarray, targets: np.ndarray, categories: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scores float [N, C] and targets int8 [N, C] as arrays. Raises WorkbenchError for other shapes or values."""
    scores, shape = np.asarray(scores), np.shape(targets)
    if scores.ndim != 2 or scores.shape != shape:
        raise WorkbenchError(f"Scores {list(scores.shape)} and targets {list(shape)} must both be [images, categories].")
    if not np.isfinite(scores).all():
        raise WorkbenchError("Some scores are NaN or infinite; look at the model's logits before evaluating.")
    return scores, checked_targets(targets, categories)


def known_and_positive(targets: np.ndarray, unknown: str) -> tuple[np.ndarray, np.ndarray]:
    """Bool masks [N, C] of the entries that count and of the positive ones, under a rule for -1."""
    if unknown not in UNKNOWN_RULES:
        raise WorkbenchError(f'There is no rule "{unknown}" for unknown labels; use one of {", ".join(UNKNOWN_RULES)}.')
    unlabelled = targets == -1
    known = ~unlabelled if unknown == "ignore" else np.ones_like(unlabelled)
    positive = (targets == 1) | unlabelled if unknown == "positive" else targets == 1
    return known, positive


def sortable(scores: np.ndarray) -> np.ndarray:
    """float32 where that loses nothing, else float64."""
    if scores.dtype in (np.float16, np.float32):
        return scores.astype(np.float32, copy=False)
    wide = scores.astype(np.float64, copy=False)
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide) else wide


def sorted_labels(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One class by falling score: which entries are positive, bool [n], and which are the last of their score, bool [n].

    Args:
        scores: float32 or float64 [n]; positive: bool [n].
    """
    if scores.dtype == np.float32:
        packed = (_falling(scores).astype(np.uint64) << np.uint64(1)) | positive
        packed.sort()
        present, keys = (packed & np.uint64(1)).astype(bool), packed >> np.uint64(1)
    else:
        rows = np.argsort(-scores, kind="stable")
        present, keys = positive[rows], scores[rows]
    return present, _lasts(keys)


def _falling(scores: np.ndarray) -> np.ndarray:
    """uint32 that rise as float32 scores fall."""
    bits = (scores + np.float32(0)).view(np.uint32)  # adding 0 makes one zero of two
    return np.where(bits >> 31, bits, bits ^ np.uint32(0x7FFFFFFF))


def _lasts(keys: np.ndarray) -> np.ndarray:
    return np.append(keys[1:] != keys[:-1], True) if len(keys) else np.zeros(0, dtype=bool)


def _ranked(scores: np.ndarray, positive: np.ndarray, known: np.ndarray | None, ordered: bool) -> RankedClass:
    """One class: scores float32 or float64 [N], positive and known bool [N]."""
    images = np.arange(len(scores)) if known is None else np.flatnonzero(known)
    if known is not None:
        scores, positive = scores[images], positive[images]
    order = None
    if not ordered:
        present, last = sorted_labels(scores, positive)
    elif scores.dtype == np.float32:
        # One sort of integers: the score in the upper half, image and label below.
        packed = (_falling(scores).astype(np.uint64) << np.uint64(32)) | (images.astype(np.uint64) << np.uint64(1)) | positive
        packed.sort()
        order = ((packed >> np.uint64(1)) & np.uint64(0x7FFFFFFF)).astype(np.int64)
        present, last = (packed & np.uint64(1)).astype(bool), _lasts(packed >> np.uint64(32))
    else:
        rows = np.argsort(-scores, kind="stable")
        order = images[rows]
        present, last = positive[rows], _lasts(scores[rows])
    places = np.flatnonzero(present)
    hits = np.arange(1, len(places) + 1)
    if last.all():
        return RankedClass(places, places + 1, hits, order)
    ends = np.flatnonzero(last)
    above = ends[np.searchsorted(ends, places)] + 1  # [K]
    return RankedClass(places, above, np.searchsorted(places, above), order)


def _area(precision: np.ndarray, hits: np.ndarray, kind: str) -> float:
    """`precision` [K] at each present entry, the ties of that entry included; `hits` as in `RankedClass`."""
    total = len(hits)
    if not total:
        return float("nan")
    if kind == "plain":
        return float(precision.sum() / total)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if kind == "interpolated":
        return float(envelope.sum() / total)
    return float(envelope[np.searchsorted(hits * 10, np.arange(11) * total)].mean())
