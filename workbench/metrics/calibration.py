"""Does a probability of 0.7 come true seven times in ten? Reliability bins and the expected calibration error.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, for each label as a yes-or-no question of its own.
Shapes: N images, C classes, B bins of equal width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.metrics.parallel import each
from workbench.metrics.ranking import check_scores, known_and_positive
from workbench.scores import as_logits


@dataclass(frozen=True)
class Reliability:
    """What came true in each bin of probability.

    Attributes:
        count: int64 [C, B] entries; confidence: float64 [C, B], sum of their probabilities; present: int64 [C, B], how many were present.
    """

    count: np.ndarray
    confidence: np.ndarray
    present: np.ndarray

    @property
    def ece(self) -> float:
        """Expected calibration error over all entries, every label in one pot."""
        return float(_error(self.count.sum(0), self.confidence.sum(0), self.present.sum(0)))

    @property
    def ece_per_class(self) -> np.ndarray:
        """The same for each class, float64 [C]; NaN without entries."""
        return _error(self.count, self.confidence, self.present)

    def curve(self, column: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean probability, share present and entries, [B] each, of one class or of all; NaN in an empty bin."""
        count, confidence, present = (
            values.sum(0) if column is None else values[column] for values in (self.count, self.confidence, self.present)
        )
        with np.errstate(invalid="ignore"):
            return np.where(count, confidence / count, np.nan), np.where(count, present / count, np.nan), count


def reliability(
    logits: np.ndarray,
    targets: np.ndarray,
    bins: int = 15,
    unknown: str = "ignore",
    threads: int | None = None,
    scores: str | None = None,
) -> Reliability:
    """Sort all probabilities into bins.

    Args:
        logits: float [N, C]; targets: int [N, C] in {1, 0, -1}.
        bins: how many; each holds its lower end, the last one also 1.
        scores: "logits" or "probabilities", see `workbench.metrics.evaluate`.
    """
    logits, targets = check_scores(logits, targets)
    logits = as_logits(logits, scores)

    def column(c: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        known, positive = known_and_positive(targets[:, c], unknown)
        probability = sigmoid(logits[known, c])
        place = np.minimum((probability * bins).astype(np.int64), bins - 1)
        present = np.bincount(place[positive[known]], minlength=bins)
        return np.bincount(place, minlength=bins), np.bincount(place, probability, minlength=bins), present

    found = each(column, range(logits.shape[1]), logits.size, threads)
    count, confidence, present = (np.stack(values) for values in zip(*found, strict=True))
    return Reliability(count, confidence, present)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probability of each logit, without overflow; float64."""
    shrunk = np.exp(-np.abs(np.asarray(logits, dtype=np.float64)))
    return np.where(np.asarray(logits) >= 0, 1, shrunk) / (1 + shrunk)


def _error(count: np.ndarray, confidence: np.ndarray, present: np.ndarray) -> np.ndarray:
    total = count.sum(-1)
    gaps = np.abs(confidence - present).sum(-1)  # entries of a bin x its gap
    return np.divide(gaps, total, out=np.full(np.shape(total), np.nan), where=total > 0)
