"""The best threshold of each label by a stated criterion, from one sort of its scores. Choose on images other than those evaluated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.metrics.ranking import rank_classes
from workbench.metrics.thresholds import Thresholds

CRITERIA = ("f1", "precision", "recall")
SLACK = 1e-12  # a precision of 0.9 that is computed as 0.8999999999999999 reaches 0.9
FURTHEST = 30.0  # logit, beyond which a probability cannot be told from 0 or 1


def best_thresholds(
    logits: np.ndarray, targets: np.ndarray, criterion: str = "f1", floor: float | None = None, unknown: str = "ignore"
) -> np.ndarray:
    """The best threshold of each label.

    Args:
        logits: float [N, C]; targets: int [N, C] in {1, 0, -1}.
        criterion: "f1": highest F1, of equals the highest threshold; "precision": highest recall among thresholds whose precision is at
            least `floor`, of equals the highest; "recall": highest precision among those whose recall is at least `floor`, of equals the
            lowest.
        unknown: what -1 counts as: "ignore", "positive" or "negative".

    Returns: probabilities, float64 [C], each halfway (as logits) between two scores that occur; NaN where no image is present or no
        threshold reaches the floor.
    """
    check_criterion(criterion, floor)
    logits = np.asarray(logits)
    found = np.full(logits.shape[1], np.nan)
    for column, ranked in enumerate(rank_classes(logits, targets, unknown, order=True)):
        if not len(ranked.places):
            continue
        scores = logits[ranked.order, column].astype(np.float64)  # falling
        ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))  # last of each group of equal scores
        hits = np.searchsorted(ranked.places, ends, side="right")
        step = _best(hits, ends + 1, len(ranked.places), criterion, floor)
        if step is None:
            continue
        score = scores[ends[step]]
        below = scores[ends[step] + 1] if step + 1 < len(ends) else score - 1
        found[column] = 1 / (1 + np.exp(-np.clip((score + below) / 2, -FURTHEST, FURTHEST)))
    return found


def choose_thresholds(
    logits: np.ndarray,
    targets: np.ndarray,
    categories: Categories,
    split: str,
    criterion: str = "f1",
    floor: float | None = None,
    unknown: str = "ignore",
    otherwise: float = 0.5,
) -> Thresholds:
    """`best_thresholds` as a named set that says where it comes from; labels without a best one keep `otherwise`.

    Args:
        split: name of these images.
    """
    values = best_thresholds(logits, targets, criterion, floor, unknown)
    best, without = criterion_words(criterion, floor), f"{otherwise:g} where there is none"
    words = mixed_words([without if np.isnan(value) else best for value in values])
    return Thresholds(categories, tuple(np.where(np.isnan(values), otherwise, values).tolist()), words, split)


def criterion_words(criterion: str, floor: float | None) -> str:
    """The criterion in words."""
    check_criterion(criterion, floor)
    if criterion == "f1":
        return "highest F1 per label"
    other = "recall" if criterion == "precision" else "precision"
    return f"highest {other} per label with {criterion} of at least {floor:g}"


def check_criterion(criterion: str, floor: float | None) -> None:
    if criterion not in CRITERIA:
        raise WorkbenchError(f'There is no criterion "{criterion}".{did_you_mean(str(criterion), CRITERIA)}')
    if criterion != "f1" and (isinstance(floor, bool) or not isinstance(floor, int | float) or not 0 < floor <= 1):
        raise WorkbenchError(f'The criterion "{criterion}" needs a floor above 0 and at most 1, not {floor!r}.')


def _best(hits: np.ndarray, chosen: np.ndarray, present: int, criterion: str, floor: float | None) -> int | None:
    """Place of the best of T thresholds from the highest score down: hits and chosen are int [T]."""
    if criterion == "f1":
        return int(np.argmax(2 * hits / (chosen + present)))
    precision, recall = hits / chosen, hits / present
    if criterion == "precision":
        open_to: np.ndarray = (precision >= floor - SLACK) & (hits > 0)  # type: ignore[operator]
        return int(np.argmax(np.where(open_to, hits, -1))) if open_to.any() else None
    reached = np.where(recall >= floor - SLACK, precision, -1)  # type: ignore[operator]
    return len(reached) - 1 - int(np.argmax(reached[::-1]))


def mixed_words(words: Sequence[str]) -> str:
    """What thresholds are best by, where labels differ: each with the number of its labels, in the order in which they first occur."""
    counts = {each: list(words).count(each) for each in dict.fromkeys(words)}
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{each} ({count} label{'s' if count > 1 else ''})" for each, count in counts.items())
