"""How far a mean average precision would move with other images of the same kind: bootstrap over images, for one model or two at once.

Every resample draws N images with replacement. It is applied as a weight for each image to the one sort of the real scores, which gives
the same number as sorting the drawn images. Resample r depends on (seed, r) alone, so neither threads nor their number change a digit.
Shapes: N images, C classes, R resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import WorkbenchError
from workbench.metrics.parallel import each
from workbench.metrics.ranking import RankedClass, from_ranking, mean_average_precision, rank_classes


@dataclass(frozen=True)
class Interval:
    """A value on the real images, and where a share `level` of the resampled ones lies.

    Attributes:
        per_class: value, low and high of each class, float64 [C, 3]; NaN without a present image.
    """

    value: float
    low: float
    high: float
    level: float
    resamples: int
    per_class: np.ndarray


@dataclass(frozen=True)
class Paired(Interval):
    """The difference A - B, both scored on the same resampled images.

    Attributes:
        share_above: share of the resamples in which A is ahead of B.
    """

    share_above: float


def bootstrap(
    scores: np.ndarray,
    targets: np.ndarray,
    kind: str = "plain",
    unknown: str = "ignore",
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    threads: int | None = None,
) -> Interval:
    """Percentile interval of mAP and of each AP. scores float [N, C], targets int [N, C]; the rest as for `average_precision`."""
    _check(resamples, level)
    ranked = rank_classes(scores, targets, unknown, threads, order=True)
    drawn = _resampled([ranked], np.shape(scores), kind, resamples, seed, threads)[0]  # [R, C]
    real = from_ranking(ranked, kind)
    return Interval(mean_average_precision(real), *_ends(_means(drawn), level), level, resamples, _rows(real, drawn, level))


def paired_bootstrap(
    scores_a: np.ndarray,
    scores_b: np.ndarray,
    targets: np.ndarray,
    kind: str = "plain",
    unknown: str = "ignore",
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    threads: int | None = None,
) -> Paired:
    """mAP of A minus mAP of B on the same images: scores float [N, C] each, row i of both belonging to image i."""
    _check(resamples, level)
    both = [rank_classes(scores, targets, unknown, threads, order=True) for scores in (scores_a, scores_b)]
    drawn = _resampled(both, np.shape(scores_a), kind, resamples, seed, threads)  # [2, R, C]
    real = [from_ranking(ranked, kind) for ranked in both]
    difference = _means(drawn[0]) - _means(drawn[1])  # [R]
    counted = difference[~np.isnan(difference)]
    return Paired(
        mean_average_precision(real[0]) - mean_average_precision(real[1]),
        *_ends(difference, level),
        level,
        resamples,
        _rows(real[0] - real[1], drawn[0] - drawn[1], level),
        float((counted > 0).mean()) if counted.size else float("nan"),
    )


def resample_weights(images: int, seed: int, number: int) -> np.ndarray:
    """How often each image is drawn in one resample: int32 [N]."""
    drawn = np.random.default_rng([seed, number]).integers(0, images, images)
    return np.bincount(drawn, minlength=images).astype(np.int32)


def weighted_average_precision(ranked: RankedClass, weights: np.ndarray, kind: str = "plain") -> float:
    """Average precision of a class in which image i counts `weights[i]` times: int [N]. NaN if nothing present has a weight."""
    if not len(ranked.places):
        return float("nan")
    drawn = weights[ranked.order]
    hits = np.cumsum(drawn[ranked.places])  # [K]
    total = int(hits[-1])
    if not total:
        return float("nan")
    counted = drawn[ranked.places]  # [K] how often each present entry is drawn
    hits = hits[ranked.hits - 1]  # at the last of its group of ties
    precision = hits / np.maximum(np.cumsum(drawn)[ranked.above - 1], 1)
    if kind == "plain":
        return float(counted @ precision / total)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if kind == "interpolated":
        return float(counted @ envelope / total)
    return float(envelope[np.searchsorted(hits * 10, np.arange(11) * total)].mean())


def _resampled(
    rankings: list[list[RankedClass]], shape: tuple[int, ...], kind: str, resamples: int, seed: int, threads: int | None
) -> np.ndarray:
    """Average precisions [models, R, C]."""

    def one(number: int) -> list[list[float]]:
        weights = resample_weights(shape[0], seed, number)
        return [[weighted_average_precision(ranked, weights, kind) for ranked in classes] for classes in rankings]

    return np.array(each(one, range(resamples), shape[0] * shape[1] * resamples, threads)).transpose(1, 0, 2)


def _means(drawn: np.ndarray) -> np.ndarray:
    """Mean over the classes that have a present image in the resample: [R, C] -> [R]."""
    counted = ~np.isnan(drawn)
    count = counted.sum(1)
    return np.divide(np.where(counted, drawn, 0).sum(1), count, out=np.full(len(drawn), np.nan), where=count > 0)


def _ends(values: np.ndarray, level: float) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if not values.size:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _rows(real: np.ndarray, drawn: np.ndarray, level: float) -> np.ndarray:
    return np.array([(value, *_ends(drawn[:, c], level)) for c, value in enumerate(real)])


def _check(resamples: int, level: float) -> None:
    if resamples < 1 or not 0 < level < 1:
        raise WorkbenchError(f"A bootstrap needs 1 resample or more and a level between 0 and 1, not {resamples} and {level}.")
