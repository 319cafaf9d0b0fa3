"""Scores of one or two sets of images, from an archive, from a run's kept scores or from bare arrays, and what thresholds make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.metrics.calibration import sigmoid
from workbench.metrics.conventions import Convention
from workbench.metrics.evaluation import searched_logit
from workbench.metrics.precision_recall import counts, per_class, precision_recall_f1
from workbench.metrics.ranking import check_scores, known_and_positive
from workbench.scores import as_logits
from workbench.targets import checked_targets
from workbench.widgets.matching import Matched, Member, match

OPTIMISTIC = "chosen on the images that it is measured on: optimistic"


@dataclass(frozen=True)
class ScoredImages:
    """What a model said about a set of images.

    Attributes:
        name: of the images; saved with thresholds that were chosen on them.
        ids: one for each image. logits: float32 [N, C]; targets: int8 [N, C] in {1, 0, -1}.
        pictures: the archive that holds their pictures, if any.
    """

    name: str
    categories: Categories
    ids: Sequence[str]
    logits: np.ndarray
    targets: np.ndarray
    pictures: Matched | None = None

    def part(self, rows: np.ndarray) -> ScoredImages:
        """Some of the images, in the order of `rows`."""
        pictures = self.pictures
        if pictures is not None:
            members = tuple(Member(each.name, each.inspection, each.rows[rows], each.columns) for each in pictures.members)
            pictures = Matched([self.ids[row] for row in rows], pictures.categories, members)
        return ScoredImages(self.name, self.categories, [self.ids[row] for row in rows], self.logits[rows], self.targets[rows], pictures)

    def in_order_of(self, categories: Categories) -> ScoredImages:
        """The same with the columns of `categories`. Raises WorkbenchError unless the names are the same."""
        columns = categories.columns_of(self.categories)
        return ScoredImages(self.name, categories, self.ids, self.logits[:, columns], self.targets[:, columns])


@dataclass(frozen=True)
class Setting:
    """The images that thresholds are measured on, and those that they are chosen on.

    Attributes:
        words: on which images thresholds are chosen and measured, for the screen.
        warning: what is wrong with that, or "".
    """

    measured: ScoredImages
    chosen_on: ScoredImages
    words: str
    warning: str


def setting(measured: ScoredImages, chosen_on: Any, seed: int = 0, scores: str | None = None) -> Setting:
    """Line up what is measured with where thresholds are chosen.

    Args:
        chosen_on: other scores of the same categories; a tuple (logits, targets) or (logits, targets, name), columns in the same order; a
            share in 0..1 of the images, drawn at random and not measured then; None: the measured images themselves, which is said wherever
            a number stands.

        scores: what bare arrays hold, "logits" or "probabilities".

    Raises:
        WorkbenchError: other categories, or a share that leaves one side empty.
    """
    if isinstance(chosen_on, bool) or chosen_on is None:
        return Setting(measured, measured, f"Best thresholds are chosen and measured on {_named(measured)}.", OPTIMISTIC)
    if isinstance(chosen_on, int | float):
        size = round(chosen_on * len(measured.ids)) if 0 < chosen_on < 1 else 0
        if not 0 < size < len(measured.ids):
            raise WorkbenchError(
                f"chosen_on={chosen_on} of {len(measured.ids)} images leaves one side empty; give a share between 0 and 1, such as 0.5."
            )
        order = np.random.default_rng(seed).permutation(len(measured.ids))
        held, rest = measured.part(np.sort(order[:size])), measured.part(np.sort(order[size:]))
        words = (
            f"Best thresholds are chosen on {size:,} images of “{measured.name}”, drawn at random (seed {seed}); "
            f"all numbers are measured on the other {len(rest.ids):,}."
        )
        return Setting(rest, held, words, "")
    if isinstance(chosen_on, tuple):
        logits, targets, *named = chosen_on
        chosen_on = scored(logits, targets, measured.categories, named[0] if named else "held-out", scores)
    other = scored(chosen_on).in_order_of(measured.categories)
    words = f"Best thresholds are chosen on {_named(other)}; all numbers are measured on {_named(measured)}."
    shared = _shared(measured, other)
    if other.name == measured.name or shared == len(measured.ids):
        return Setting(measured, other, words, OPTIMISTIC)
    warning = f"{shared:,} of the images are among those that it is measured on: optimistic" if shared else ""
    return Setting(measured, other, words, warning)


def scored(source: Any, targets: Any = None, categories: Any = None, name: str | None = None, scores: str | None = None) -> ScoredImages:
    """Scores from an `Inspection`, the path of one, what a run kept (`logits`, `targets`, `categories`, `ids`, `data`), or bare arrays.

    Raises:
        WorkbenchError: bare scores without targets or categories, or shapes that differ.
    """
    if isinstance(source, ScoredImages):
        return source if name is None else ScoredImages(name, source.categories, source.ids, source.logits, source.targets, source.pictures)
    if isinstance(source, Inspection | str | Path):
        matched = match(source)
        member = matched.first
        data = name or str(member.inspection.provenance.get("data") or member.name)
        result = ScoredImages(data, matched.categories, matched.ids, member.logits(), matched.targets, matched)
    elif all(hasattr(source, part) for part in ("logits", "targets", "categories", "ids")):
        data = name or str(getattr(source, "data", "scores"))
        result = ScoredImages(data, source.categories, list(source.ids), source.logits, source.targets)
    else:
        if targets is None or categories is None:
            raise WorkbenchError("Bare scores need targets and categories: ThresholdLab(logits, targets, categories).")
        logits = as_logits(np.asarray(source, dtype=np.float32), scores, argument="score_kind").astype(np.float32)
        names = categories if isinstance(categories, Categories) else Categories(categories)
        ids = [f"image {number}" for number in range(len(logits))] if logits.ndim else []
        result = ScoredImages(name or "scores", names, ids, logits, checked_targets(targets, names))
    check_scores(result.logits, result.targets)
    if result.logits.shape != (len(result.ids), len(result.categories)) or not len(result.ids):
        raise WorkbenchError(
            f"Scores of {result.name} are {list(result.logits.shape)}, but there are {len(result.ids)} images and "
            f"{len(result.categories)} categories; give [images, categories] with at least one image."
        )
    return result


def measure(images: ScoredImages, thresholds: np.ndarray, convention: Convention) -> dict[str, Any]:
    """What thresholds make of the scores, as `workbench.metrics.evaluate` counts under `convention`.

    Returns: {"all": {CP, CR, CF1, OP, OR, OF1}, "P", "R", "F1", "TP", "FP", "FN": float64 [C] each, NaN where there is none}.
    """
    limits = np.log(thresholds / (1 - thresholds))  # [C], float64: no rounding to float32 moves an entry across
    known, positive = known_and_positive(images.targets, convention.unknown_in_f1)
    above = (images.logits > limits if convention.strict else images.logits >= limits) & known
    positive = positive & known
    hits, chosen, present = counts(above & positive), counts(above), counts(positive)
    counted = np.maximum(chosen, 1) if convention.empty == "zero_counted" else chosen
    precision, recall, f1 = per_class(hits, counted, present, convention.empty)
    overall = precision_recall_f1(above, positive, cf1=convention.cf1, empty=convention.empty)
    return {"all": overall, "P": precision, "R": recall, "F1": f1, "TP": hits, "FP": chosen - hits, "FN": present - hits}


def described(convention: Convention, images: ScoredImages) -> Mapping[str, Any]:
    """What the browser needs to count as `measure` does, and the threshold that the convention searches on these images, if it does."""
    known, positive = known_and_positive(images.targets, convention.unknown_in_f1)
    searches = convention.threshold is None
    return {
        "name": convention.name,
        "description": convention.description,
        "unknown": convention.unknown_in_f1,
        "strict": convention.strict,
        "cf1": convention.cf1,
        "empty": convention.empty,
        "ap": convention.ap,
        "searched": float(sigmoid(searched_logit(images.logits, positive, known, convention))[0]) if searches else None,
    }


def _named(images: ScoredImages) -> str:
    return f"“{images.name}” ({len(images.ids):,} images)"


def _shared(one: ScoredImages, other: ScoredImages) -> int:
    """How many images of `one` are in `other`, by id and by their scores: two splits may number their images alike."""
    places = {identifier: place for place, identifier in enumerate(other.ids)}
    pairs = np.array([(place, places[each]) for place, each in enumerate(one.ids) if each in places], dtype=np.int64).reshape(-1, 2)
    return int((one.logits[pairs[:, 0]] == other.logits[pairs[:, 1]]).all(axis=1).sum())
