"""Average precision per class, in the two conventions of the field, with tied scores grouped.

plain: sum over distinct thresholds of (recall step) x (precision there), as scikit-learn and ML-GCN's evaluation compute it.
interpolated: the same with precision replaced by its monotone envelope (VOC 2010 and later, SRN's evaluation); never below plain.
"""

from __future__ import annotations

import numpy as np

from workbench.errors import WorkbenchError

UNKNOWN_RULES = ("ignore", "positive", "negative")
KINDS = ("plain", "interpolated")


def average_precision(scores: np.ndarray, targets: np.ndarray, kind: str = "plain", unknown: str = "ignore") -> np.ndarray:
    """Average precision of each class.

    Args:
        scores: float [N, C], higher means more confident. Give logits in float32: half-precision probabilities create ties.
        targets: int [N, C]: 1 present, 0 absent, -1 unknown.
        kind: "plain" or "interpolated".
        unknown: what -1 counts as: "ignore" (that entry is left out of its class), "positive" or "negative".

    Returns: float64 [C], NaN for a class without a present entry.
    Raises: WorkbenchError on shapes that differ, scores that are not finite, or an unknown option.
    """
    scores, targets = np.asarray(scores), np.asarray(targets)
    check_scores(scores, targets)
    if kind not in KINDS:
        raise WorkbenchError(f'There is no average precision "{kind}"; use one of {", ".join(KINDS)}.')
    known, positive = known_and_positive(targets, unknown)
    order = np.argsort(-scores, axis=0)
    result = np.full(scores.shape[1], np.nan)
    for c in range(scores.shape[1]):
        rows = order[:, c]
        if unknown == "ignore":
            rows = rows[known[rows, c]]
        result[c] = _average_precision(scores[rows, c], positive[rows, c], kind)
    return result


def mean_average_precision(per_class: np.ndarray) -> float:
    """Mean over the classes that have a present entry; NaN if none has."""
    per_class = np.asarray(per_class, dtype=np.float64)
    counted = per_class[~np.isnan(per_class)]
    return float(counted.mean()) if counted.size else float("nan")


def check_scores(scores: np.ndarray, targets: np.ndarray) -> None:
    if scores.ndim != 2 or scores.shape != targets.shape:
        raise WorkbenchError(f"Scores {list(scores.shape)} and targets {list(targets.shape)} must both be [images, categories].")
    if not np.isfinite(scores).all():
        raise WorkbenchError("Some scores are NaN or infinite; look at the model's logits before evaluating.")


def known_and_positive(targets: np.ndarray, unknown: str) -> tuple[np.ndarray, np.ndarray]:
    """Bool masks [N, C] of the entries that count and of the positive ones, under a rule for -1."""
    if unknown not in UNKNOWN_RULES:
        raise WorkbenchError(f'There is no rule "{unknown}" for unknown labels; use one of {", ".join(UNKNOWN_RULES)}.')
    unlabelled = targets == -1
    known = ~unlabelled if unknown == "ignore" else np.ones_like(unlabelled)
    positive = (targets == 1) | unlabelled if unknown == "positive" else targets == 1
    return known, positive


def _average_precision(sorted_scores: np.ndarray, positive: np.ndarray, kind: str) -> float:
    total = int(positive.sum())
    if total == 0:
        return float("nan")
    ends = np.flatnonzero(np.append(sorted_scores[1:] != sorted_scores[:-1], True))  # last row of each group of ties
    hits = np.cumsum(positive)[ends]
    precision = hits / (ends + 1)
    if kind == "interpolated":
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(hits, prepend=0) * precision) / total)
