"""Per-class (C) and overall (O) precision, recall and F1 of predicted label sets, with every convention spelled out."""

from __future__ import annotations

import numpy as np

from workbench.errors import WorkbenchError

NAMES = ("CP", "CR", "CF1", "OP", "OR", "OF1")


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
        cf1: "of_means" (F1 of mean precision and mean recall: the ML-GCN family) or "mean_of_f1" (scikit-learn's macro F1).
        empty: a class without a prediction has precision 0 ("zero"), is counted as one prediction, inside OP too, as
            ML-GCN's meter does ("zero_counted"), or is left out of CP ("skip").

    Returns: CP, CR, CF1, OP, OR, OF1 in 0..1; classes without positives are left out of CR and of "mean_of_f1".
    """
    if cf1 not in ("of_means", "mean_of_f1"):
        raise WorkbenchError(f'There is no CF1 convention "{cf1}"; use "of_means" or "mean_of_f1".')
    if empty not in ("zero", "zero_counted", "skip"):
        raise WorkbenchError(f'There is no rule "{empty}" for classes without predictions; use "zero", "zero_counted" or "skip".')
    if known is not None:
        predicted, positive = predicted & known, positive & known
    hits = (predicted & positive).sum(0).astype(np.float64)  # [C]
    chosen = predicted.sum(0).astype(np.float64)
    present = positive.sum(0).astype(np.float64)
    if empty == "zero_counted":
        chosen = np.maximum(chosen, 1)

    precision = _ratio(hits, chosen, np.nan if empty == "skip" else 0.0)
    recall = _ratio(hits, present, np.nan)
    class_precision, class_recall = _mean(precision), _mean(recall)
    if cf1 == "of_means":
        class_f1 = _f1(class_precision, class_recall)
    else:
        class_f1 = _mean(np.where(np.isnan(recall), np.nan, _ratio(2 * hits, chosen + present, 0.0)))
    overall_precision = float(_ratio(hits.sum(), chosen.sum(), 0.0))
    overall_recall = float(_ratio(hits.sum(), present.sum(), np.nan))
    values = (class_precision, class_recall, class_f1, overall_precision, overall_recall, _f1(overall_precision, overall_recall))
    return dict(zip(NAMES, values, strict=True))


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """bool [N, C]: the `k` highest scores of each row."""
    k = min(k, scores.shape[1])
    chosen = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(chosen, np.argsort(-scores, axis=1, kind="stable")[:, :k], True, axis=1)
    return chosen


def _ratio(numerator, denominator, otherwise: float) -> np.ndarray:
    numerator, denominator = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, otherwise), where=denominator > 0)


def _mean(values: np.ndarray) -> float:
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if counted.size else float("nan")


def _f1(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else (float("nan") if np.isnan(total) else 0.0)
