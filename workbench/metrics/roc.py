"""Area under the ROC curve of each class with an interval, and sensitivity at a fixed specificity, from one sort of the scores.

Area: the share of pairs of a present and an absent image that are in the right order, ties counting half. Its interval: DeLong, DeLong,
Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver Operating Characteristic Curves", Biometrics 44 (1988) 837, on
the logit of the area, so that it stays between 0 and 1. Shapes: N images, C classes, G distinct scores of one class.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from workbench.errors import WorkbenchError
from workbench.metrics.parallel import each
from workbench.metrics.ranking import check_scores, known_and_positive, sortable, sorted_labels


@dataclass(frozen=True)
class Roc:
    """What is known of each class, float64 [C], NaN where the present or the absent images are lacking.

    Attributes:
        area: area under the curve.
        low, high: its interval. With an area of exactly 0 or 1 DeLong's variance is 0; the interval then comes from the rule of three:
            the least of the two counts decides how far it reaches.
        sensitivity: largest share of present images found where at least the asked share of absent ones is left out.
        present, absent: int64 [C], how many images.
    """

    area: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sensitivity: np.ndarray
    present: np.ndarray
    absent: np.ndarray


def roc(
    scores: np.ndarray,
    targets: np.ndarray,
    unknown: str = "ignore",
    specificity: float = 0.95,
    confidence: float = 0.95,
    threads: int | None = None,
) -> Roc:
    """Area, interval and sensitivity of each class.

    Args:
        scores: float [N, C]; targets: int [N, C] in {1, 0, -1}; unknown: what -1 counts as, see `average_precision`.
        specificity: share of the absent images that a threshold has to leave out, 0 to 1.
        confidence: of the interval, above 0 and below 1.

    Raises: WorkbenchError on shapes that differ, scores that are not finite, or a share out of range.
    """
    require_shares(specificity, confidence)
    scores, targets = check_scores(scores, targets)

    def column(c: int) -> tuple[float, ...]:
        known, positive = known_and_positive(targets[:, c], unknown)
        present, last = sorted_labels(sortable(np.ascontiguousarray(scores[known, c])), positive[known])
        ends = np.flatnonzero(last)
        hits = np.cumsum(present)[ends] if len(ends) else np.zeros(0, dtype=np.int64)
        return from_groups(np.diff(hits, prepend=0), np.diff(ends + 1 - hits, prepend=0), specificity, confidence)

    return gathered(each(column, range(scores.shape[1]), scores.size, threads))


def gathered(rows: list[tuple[float, ...]]) -> Roc:
    """`Roc` of what `from_groups` says of each class."""
    area, low, high, sensitivity, present, absent = (np.array(values, dtype=np.float64) for values in zip(*rows, strict=True))
    return Roc(area, low, high, sensitivity, present.astype(np.int64), absent.astype(np.int64))


def from_groups(present: np.ndarray, absent: np.ndarray, specificity: float, confidence: float) -> tuple[float, ...]:
    """(area, low, high, sensitivity, present, absent) of one class.

    Args:
        present, absent: int [G], how many images have each score, from the highest score down.
    """
    p, n = int(present.sum()), int(absent.sum())
    if not p or not n:
        return (*[float("nan")] * 4, p, n)
    below = n - np.cumsum(absent) + absent / 2  # absent images with a lower score, ties half, for a present one [G]
    above = np.cumsum(present) - present / 2  # present images with a higher score for an absent one [G]
    area = float((present * below).sum() / (p * n))
    spread = _variance(present, below / n, p, area) / p + _variance(absent, above / p, n, area) / n
    low, high = _interval(area, spread, p, n, confidence)
    allowed = np.floor((1 - specificity) * n + 1e-9)
    reached = np.flatnonzero(np.cumsum(absent) <= allowed)
    sensitivity = float(np.cumsum(present)[reached[-1]] / p) if len(reached) else 0.0
    return area, low, high, sensitivity, p, n


def require_shares(specificity: float, confidence: float) -> None:
    """Raise WorkbenchError for shares out of range."""
    if not 0 <= specificity <= 1:
        raise WorkbenchError(f"A specificity of {specificity} is no share; give 0 to 1, such as 0.95.")
    if not 0 < confidence < 1:
        raise WorkbenchError(f"A confidence of {confidence} is no share; give one above 0 and below 1, such as 0.95.")


def _variance(counts: np.ndarray, values: np.ndarray, total: int, mean: float) -> float:
    """Sample variance of `values`, each of which stands `counts` times; 0 for one value."""
    return float((counts * (values - mean) ** 2).sum() / (total - 1)) if total > 1 else 0.0


def _interval(area: float, variance: float, present: int, absent: int, confidence: float) -> tuple[float, float]:
    if area in (0.0, 1.0) or variance == 0:
        reach = 1 - (1 - confidence) ** (1 / min(present, absent))
        return max(0.0, area - reach), min(1.0, area + reach)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    logit = np.log(area / (1 - area))
    reach = z * np.sqrt(variance) / (area * (1 - area))
    return float(1 / (1 + np.exp(reach - logit))), float(1 / (1 + np.exp(-reach - logit)))
