"""How well each image's labels are ordered, and how right its label set is: measures over rows, where average precision is over columns.

As scikit-learn defines them; tied scores always count against the model. Shapes: N images, C classes.
"""

from __future__ import annotations

import numpy as np

from workbench.metrics.parallel import each
from workbench.metrics.ranking import check_scores, known_and_positive

_ROWS = 2048


def ranking_measures(scores: np.ndarray, targets: np.ndarray, unknown: str = "ignore", threads: int | None = None) -> dict[str, float]:
    """Ranking loss, coverage error, label ranking average precision and one-error.

    Args:
        scores: float [N, C]; targets: int [N, C] in {1, 0, -1}.
        unknown: what -1 counts as: "ignore" (that label is left out of its image), "positive" or "negative".

    Returns: ``ranking_loss`` (share of pairs of a present and an absent label in the wrong order; an image without such pairs has 0),
        ``coverage_error`` (how far down the list one has to go to meet every present label; 0 where there is none), ``lrap`` (1 where
        all or no labels are present) and ``one_error`` (share of images whose highest score belongs to an absent label; of several
        highest, the share that is absent). Means over images; NaN without images.
    """
    scores, targets = check_scores(scores, targets)

    def rows(begin: int) -> np.ndarray:
        return _sums(scores[begin : begin + _ROWS], *known_and_positive(targets[begin : begin + _ROWS], unknown))

    parts = each(rows, range(0, len(scores), _ROWS), scores.size, threads)
    means = np.sum(parts, axis=0) / len(scores) if parts else np.full(4, np.nan)
    return dict(zip(("ranking_loss", "coverage_error", "lrap", "one_error"), map(float, means), strict=True))


def set_measures(predicted: np.ndarray, positive: np.ndarray, known: np.ndarray | None = None) -> dict[str, float]:
    """Hamming loss (share of wrong entries) and subset accuracy (share of images without one), from bool [N, C]; NaN without entries."""
    wrong = predicted != positive
    if known is not None:
        wrong &= known
    entries = predicted.size if known is None else int(np.count_nonzero(known))
    exact = np.count_nonzero(~wrong.any(axis=1))
    return {
        "hamming_loss": np.count_nonzero(wrong) / entries if entries else float("nan"),
        "subset_accuracy": exact / len(predicted) if len(predicted) else float("nan"),
    }


def _sums(scores: np.ndarray, known: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """The four measures [4], summed over these images."""
    scores = np.where(known, scores, -np.inf)
    positive = positive & known
    present = positive.sum(axis=1)  # [n]
    absent = known.sum(axis=1) - present
    image, label = np.nonzero(positive)  # [K] pairs
    not_above = scores[image] >= scores[image, label][:, None]  # [K, C] labels at or above each present one
    above = not_above.sum(axis=1)
    hits = (not_above & positive[image]).sum(axis=1)
    count = len(scores)
    wrong = np.bincount(image, above - hits, minlength=count)
    loss = np.divide(wrong, present * absent, out=np.zeros(count), where=present * absent > 0)
    deepest = np.zeros(count)
    np.maximum.at(deepest, image, above)
    lrap = np.divide(np.bincount(image, hits / above, minlength=count), present, out=np.ones(count), where=present > 0)
    lrap[absent == 0] = 1
    highest = known & (scores == scores.max(axis=1, keepdims=True))
    tops = highest.sum(axis=1)
    missed = np.divide((highest & ~positive).sum(axis=1), tops, out=np.zeros(count), where=tops > 0)
    return np.array([loss.sum(), deepest.sum(), lrap.sum(), missed.sum()])
