"""Per-class (C) and overall (O) precision, recall and F1 of predicted label sets, with every convention spelled out."""

from __future__ import annotations

import numpy as np

from workbench.errors import WorkbenchError

NAMES = ("CP", "CR", "CF1", "OP", "OR", "OF1")
CF1_RULES = ("of_means", "mean_of_f1")
EMPTY_RULES = ("zero", "zero_counted", "skip", "eps")
EPS = float(np.finfo(np.float64).eps)
_ROWS = 128  # up to 255 rows are added in bytes


def precision_recall_f1(
    predicted: np.ndarray,
    positive: np.ndarray,
    known: np.ndarray | None = None,
    cf1: str = "of_means",
    empty: str = "zero",
) -> dict[str, float]:
    """The six numbers.

    Args:
        predicted, positive: bool [N, C].
        known: bool [N, C], entries that count; all by default.
        cf1: "of_means" (F1 of mean precision and mean recall: the ML-GCN family) or "mean_of_f1" (scikit-learn's macro F1, SRN).
        empty: a class without a prediction has precision 0 ("zero"), is counted as one prediction, inside OP too, as
            ML-GCN's meter does ("zero_counted"), is left out of CP ("skip"), or everything has a tiny number added, as in SRN's
            evaluation ("eps"): without a prediction precision is 1, without a present entry recall is 1, without either both are.

    Returns: CP, CR, CF1, OP, OR, OF1 in 0..1; classes without positives are left out of CR and of "mean_of_f1", except under "eps".
    """
    if cf1 not in CF1_RULES:
        raise WorkbenchError(f'There is no CF1 convention "{cf1}"; use "of_means" or "mean_of_f1".')
    if empty not in EMPTY_RULES:
        raise WorkbenchError(f'There is no rule "{empty}" for classes without predictions; use one of {", ".join(EMPTY_RULES)}.')
    if known is not None:
        predicted, positive = predicted & known, positive & known
    return from_counts(counts(predicted & positive), counts(predicted), counts(positive), cf1, empty)


def from_counts(hits: np.ndarray, chosen: np.ndarray, present: np.ndarray, cf1: str, empty: str) -> dict[str, float]:
    """The six numbers from the counts of right, predicted and present entries of each class: float [C] each."""
    if empty == "zero_counted":
        chosen = np.maximum(chosen, 1)
    precision, recall, f1 = per_class(hits, chosen, present, empty)
    class_precision, class_recall = _mean(precision), _mean(recall)
    class_f1 = _f1(class_precision, class_recall) if cf1 == "of_means" else _mean(f1)
    total = [values.sum(keepdims=True) for values in (hits, chosen, present)]
    overall = per_class(total[0], total[1], total[2], "zero" if empty != "eps" else empty)
    overall_precision, overall_recall = float(overall[0][0]), float(overall[1][0])
    values = (class_precision, class_recall, class_f1, overall_precision, overall_recall, _f1(overall_precision, overall_recall))
    return dict(zip(NAMES, values, strict=True))


def per_class(hits: np.ndarray, chosen: np.ndarray, present: np.ndarray, empty: str = "zero") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1, float64 [C] each, from the counts of right, predicted and present entries [C]."""
    if empty == "eps":
        precision = (hits + EPS) / (chosen + EPS)
        recall = (hits + EPS) / (present + EPS) + EPS
        return precision, recall, 2 * precision * recall / (precision + recall)
    precision = _ratio(hits, chosen, np.nan if empty == "skip" else 0.0)
    recall = _ratio(hits, present, np.nan)
    return precision, recall, np.where(np.isnan(recall), np.nan, _ratio(2 * hits, chosen + present, 0.0))


def counts(marks: np.ndarray) -> np.ndarray:
    """How many of each column of a bool matrix [N, C] are true: float64 [C]. Added in bytes first, eight times faster than as integers."""
    marks = np.ascontiguousarray(marks).view(np.uint8)
    whole = len(marks) // _ROWS * _ROWS
    parts = np.add.reduce(marks[:whole].reshape(-1, _ROWS, marks.shape[1]), axis=1, dtype=np.uint8)  # [N / 128, C]
    return (parts.sum(0, dtype=np.int64) + marks[whole:].sum(0, dtype=np.int64)).astype(np.float64)


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """bool [N, C]: the `k` highest scores of each row, of equal ones the first."""
    k = min(k, scores.shape[1])
    chosen = np.zeros(scores.shape, dtype=bool)
    if k > 8:
        np.put_along_axis(chosen, np.argsort(-scores, axis=1, kind="stable")[:, :k], True, axis=1)
        return chosen
    left, rows = np.array(scores, dtype=np.result_type(scores, np.float32)), np.arange(len(scores))
    for _ in range(k):
        highest = left.argmax(axis=1)
        chosen[rows, highest] = True
        left[rows, highest] = -np.inf
    return chosen


def _ratio(numerator: np.ndarray | float, denominator: np.ndarray | float, otherwise: float) -> np.ndarray:
    numerator, denominator = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, otherwise), where=denominator > 0)


def _mean(values: np.ndarray) -> float:
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if counted.size else float("nan")


def _f1(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else (float("nan") if np.isnan(total) else 0.0)
