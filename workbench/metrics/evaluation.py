"""All numbers of one convention, from one sort of the scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.metrics.calibration import reliability, sigmoid
from workbench.metrics.conventions import PRESETS, Convention, get_preset
from workbench.metrics.precision_recall import counts, from_counts, per_class, precision_recall_f1, top_k
from workbench.metrics.ranking import KINDS, check_scores, from_ranking, known_and_positive, mean_average_precision, rank_classes
from workbench.metrics.ranks import ranking_measures, set_measures
from workbench.metrics.thresholds import Thresholds
from workbench.scores import as_logits
from workbench.targets import checked_targets

__all__ = ["PRESETS", "Accumulator", "Convention", "evaluate", "get_preset"]


def evaluate(
    logits: np.ndarray,
    targets: np.ndarray,
    categories: Categories,
    preset: str | Convention = "sklearn",
    thresholds: float | Sequence[float] | np.ndarray | Thresholds | None = None,
    threads: int | None = None,
    scores: str | None = None,
) -> dict[str, Any]:
    """All numbers of one convention.

    Args:
        logits: float [N, C]; targets: int [N, C] in {1, 0, -1}.
        scores: what `logits` hold: "logits", or "probabilities", which are turned into logits first. Nothing said means logits, with a
            warning where all of them lie in 0..1.
        thresholds: probability from which a label is predicted, one for all or one for each [C], in place of the convention's. Whether
            it was chosen on other images is for the caller to see to (`Thresholds.require_held_out`).
        threads: see `workbench.metrics.parallel.each`; no digit depends on it.

    Returns: {"convention", "description", "images", "mAP", "AP": {category: AP or None}, "skipped": categories without a present image,
        "mAP by kind": of all three kinds of AP, "threshold": a number or {category: number}, "chosen": where it comes from, in words,
        "all": {CP, CR, CF1, OP, OR, OF1}, "top3": the same for labels in the top 3 that are above the threshold too (after a
        search: at the best threshold of the marks, see `Convention.threshold`), "top3_exact": for exactly the top 3, "labels": {category:
        {"P", "R", "F1"}}, "sets": hamming loss and subset accuracy, "ranking": see
        `ranking_measures`, "calibration": {"ECE", "bins"}}. Measures of ranking treat unknown labels as AP does, of sets as F1 does.
    """
    convention = preset if isinstance(preset, Convention) else get_preset(preset)
    logits, targets = check_scores(logits, targets, categories)
    logits = as_logits(logits, scores)
    ranked = rank_classes(logits, targets, convention.unknown_in_ap, threads)
    ap = from_ranking(ranked, convention.ap)
    known, positive = known_and_positive(targets, convention.unknown_in_f1)
    known_or_all = None if convention.unknown_in_f1 != "ignore" else known
    if isinstance(thresholds, Thresholds):
        chosen, values = thresholds.words, thresholds.for_categories(categories)
    elif thresholds is not None:
        chosen, values = "given", np.asarray(thresholds, dtype=np.float64)
        _check_thresholds(values, len(categories))
    elif convention.threshold is None:
        limit = searched_logit(logits, positive, known_or_all, convention)
        values = np.asarray(sigmoid(limit)[0])
        chosen = "highest CF1 + OF1 on the evaluated images themselves: optimistic"
    else:
        chosen, values = "fixed", np.asarray(convention.threshold)
    highest = top_k(logits, convention.top)
    if thresholds is None and convention.threshold is None:
        above = logits >= limit
        marks = np.where(highest & (logits >= 0), 1.0, -1.0)
        best = marks >= searched_logit(marks, positive, known_or_all, convention)
    else:
        above = _above(logits, values, convention.strict)
        best = above & highest
    options: dict[str, Any] = {"known": known_or_all, "cf1": convention.cf1, "empty": convention.empty}
    calibration = reliability(logits, targets, unknown=convention.unknown_in_ap, threads=threads, scores="logits")
    return {
        "convention": convention.name,
        "description": convention.description,
        "images": len(logits),
        "mAP": mean_average_precision(ap),
        "AP": {name: None if np.isnan(value) else float(value) for name, value in zip(categories, ap, strict=True)},
        "skipped": [name for name, value in zip(categories, ap, strict=True) if np.isnan(value)],
        "mAP by kind": {kind: mean_average_precision(from_ranking(ranked, kind)) for kind in KINDS},
        "threshold": float(values) if values.ndim == 0 else dict(zip(categories, map(float, values), strict=True)),
        "chosen": chosen,
        "all": precision_recall_f1(above, positive, **options),
        f"top{convention.top}": precision_recall_f1(best, positive, **options),
        f"top{convention.top}_exact": precision_recall_f1(highest, positive, **options),
        "labels": _by_label(above, positive, known_or_all, categories, convention.empty),
        "sets": set_measures(above, positive, known_or_all),
        "ranking": ranking_measures(logits, targets, convention.unknown_in_ap, threads),
        "calibration": {"ECE": calibration.ece, "bins": calibration.count.shape[1]},
    }


class Accumulator:
    """Scores that come in batches. What is handed in is copied, never written to.

    Args:
        categories: names of the columns.
    """

    def __init__(self, categories: Categories) -> None:
        self.categories = categories
        self._logits: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []

    def add(self, logits: np.ndarray, targets: np.ndarray) -> None:
        """One batch: logits float [B, C], targets int [B, C]. Raises WorkbenchError on other shapes."""
        logits, targets = np.array(logits), np.array(targets)
        if logits.shape != targets.shape or logits.shape[1:] != (len(self.categories),):
            raise WorkbenchError(
                f"Scores {list(logits.shape)} and targets {list(targets.shape)} must both be [images, {len(self.categories)} categories]."
            )
        self._logits.append(logits)
        self._targets.append(checked_targets(targets, self.categories))

    @property
    def logits(self) -> np.ndarray:
        """All so far, [N, C], a copy."""
        return np.concatenate(self._logits) if self._logits else np.zeros((0, len(self.categories)), np.float32)

    @property
    def targets(self) -> np.ndarray:
        """All so far, [N, C], a copy."""
        return np.concatenate(self._targets) if self._targets else np.zeros((0, len(self.categories)), np.int8)

    def evaluate(self, preset: str | Convention = "sklearn", **options: Any) -> dict[str, Any]:
        """As the function `evaluate`, over everything that was added."""
        return evaluate(self.logits, self.targets, self.categories, preset, **options)


def _check_thresholds(values: np.ndarray, categories: int) -> None:
    if values.shape not in ((), (categories,)):
        raise WorkbenchError(
            f"The thresholds have shape {list(values.shape)}; give one number, or one for each of {categories} categories."
        )
    if not ((values > 0) & (values < 1)).all():
        raise WorkbenchError("A threshold is a probability between 0 and 1, both left out; look at the numbers that were given.")


def _above(logits: np.ndarray, thresholds: np.ndarray, strict: bool) -> np.ndarray:
    """bool [N, C]; compared as logits in float64, so that no rounding to float32 moves an entry across."""
    # numpy compares a float32 array with a float64 scalar in float32: an array of one element keeps float64.
    limits = np.atleast_1d(np.log(thresholds / (1 - thresholds)))
    return logits > limits if strict else logits >= limits


def searched_logit(scores: np.ndarray, positive: np.ndarray, known: np.ndarray | None, convention: Convention) -> np.ndarray:
    """Of the logits that a convention tries the one with the highest CF1 + OF1, the first of equals.

    Args:
        scores: float [N, C]; positive: bool [N, C]; known: bool [N, C], the entries that count, all by default.

    Returns: float64 [1], which numpy compares with float32 scores in float64.
    """
    lowest, highest, number = convention.searched
    tried = np.round(np.linspace(lowest, highest, number), 10)
    passed = np.searchsorted(tried, scores, side="right") * ~np.isnan(scores)  # [N, C]: how many of the logits a score reaches
    if known is not None:
        passed, positive = np.where(known, passed, 0), positive & known
    classes = scores.shape[1]
    cells = passed + np.arange(classes) * (number + 1)

    def reached(places: np.ndarray) -> np.ndarray:
        """float64 [T, C]: entries of each class at or above each tried logit."""
        histogram = np.bincount(places, minlength=classes * (number + 1)).reshape(classes, number + 1)
        return np.flip(np.flip(histogram, 1).cumsum(1), 1)[:, 1:].T.astype(np.float64)

    chosen, hits, present = reached(cells.ravel()), reached(cells[positive]), counts(positive)
    sums = []
    for step in range(number):
        found = from_counts(hits[step], chosen[step], present, convention.cf1, convention.empty)
        sums.append(np.nan_to_num(found["CF1"]) + np.nan_to_num(found["OF1"]))
    return tried[[int(np.argmax(sums))]]


def _by_label(
    predicted: np.ndarray, positive: np.ndarray, known: np.ndarray | None, categories: Categories, empty: str
) -> dict[str, dict[str, float | None]]:
    if known is not None:
        predicted, positive = predicted & known, positive & known
    chosen = counts(predicted)
    if empty == "zero_counted":
        chosen = np.maximum(chosen, 1)
    found = per_class(counts(predicted & positive), chosen, counts(positive), empty)
    return {
        name: {key: None if np.isnan(values[c]) else float(values[c]) for key, values in zip(("P", "R", "F1"), found, strict=True)}
        for c, name in enumerate(categories)
    }
