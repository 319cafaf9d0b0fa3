"""ThresholdLab: from which score on does the model say a label, what does another threshold gain and lose, and in which images?

The kernel sends all scores once. The browser sorts each label's scores once, so that a moved threshold is found by halving, whatever the
number of images; the kernel counts the same numbers with `workbench.metrics` for what is kept: the still picture and the saved thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.metrics.calibration import reliability
from workbench.metrics.choosing import CRITERIA, best_thresholds, check_criterion, criterion_words, mixed_words
from workbench.metrics.conventions import PRESETS, get_preset
from workbench.metrics.ranking import from_ranking, rank_classes
from workbench.metrics.thresholds import Thresholds
from workbench.widgets.asked import Question
from workbench.widgets.explorer import Explorer, Snapshot
from workbench.widgets.operating import ScoredImages, Setting, described, measure, scored, setting
from workbench.widgets.payload import pack, thumbnails

SIDE = 112  # pixels of each side of a thumbnail
SORTS = ("stored", "name", "frequency", "AP")
SINCES = ("change", "reference")
REFERENCE, HAND, CHOSEN, LOADED = "reference", "hand", "chosen", "loaded"  # where a threshold comes from
FLOOR = 0.9
Scored = Any  # an Inspection, its path, the scores that a run kept, ScoredImages, or logits


class ThresholdLab(Explorer, kind="thresholds"):
    """A threshold for each label, with precision, recall and F1 as it moves, and the images that change sides.

    Args:
        scores: an `Inspection` or its path, what `workbench evaluate` kept of a run, or logits float [N, C] with `targets` int [N, C] in
            {1, 0, -1} and `categories`. All are taken as float32.
        chosen_on: where best thresholds are chosen: other scores of the same categories (an `Inspection`, what was kept of a run, or a
            tuple of logits and targets, and a name if there is one), or a share in 0..1 of the images, which are then held out and not
            measured. Without it they are chosen where they are measured, and the lab says so.
        score_kind: what bare scores hold: "logits", or "probabilities" of a model that ends in a sigmoid or softmax.
        name: of the images; saved with thresholds that are chosen on them.
        convention: of `workbench.metrics.PRESETS`; its way of counting is taken, not its own threshold.
        reference: probability at which all thresholds stand at first, and that the numbers of all labels are compared with.
        view: other entries of `view_state`, for example ``label="sun"``, ``criterion="precision"``, ``floor=0.9``, ``sort="AP"``, or
            ``thresholds=``: one number for all, a list, or a dict of some by name.

    Attributes:
        view_state, image, label, status: see `Explorer`; `image` is the one that was clicked.

    Raises:
        WorkbenchError: scores that do not fit together, or a view that cannot be.
    """

    def __init__(
        self,
        scores: Scored,
        targets: Any = None,
        categories: Categories | Sequence[str] | None = None,
        *,
        chosen_on: Scored | float | None = None,
        score_kind: str | None = None,
        name: str | None = None,
        convention: str = "sklearn",
        reference: float = 0.5,
        **view: Any,
    ) -> None:
        self._setting = setting(scored(scores, targets, categories, name, score_kind), chosen_on, scores=score_kind)
        images = self._setting.measured
        self._reference = _probability("reference", reference)
        self._view = {
            "image": images.ids[0], "label": _opening_label(images), "convention": convention,
            "thresholds": [self._reference] * len(images.categories), "origins": [REFERENCE] * len(images.categories),
            "before": [self._reference] * len(images.categories), "since": "change",
            "loaded_split": "", "criterion": "f1", "floor": FLOOR, "sort": "stored",
        }  # fmt: skip
        self._view = self._checked({**view, "convention": convention})
        super().__init__()

    def _opening(self) -> dict[str, Any]:
        return {
            "description": describe(self._setting, self._reference),
            "tables": tables(self._setting),
            "thumbnails": pack({}),
        }

    @property
    def setting(self) -> Setting:
        """The images that are measured, and those that thresholds are chosen on."""
        return self._setting

    @property
    def reference(self) -> float:
        """The probability that the current thresholds are compared with."""
        return self._reference

    @property
    def compared(self) -> list[float]:
        """What flips are counted from: for each label its threshold before the last change, or the reference."""
        view = self._view
        return [self._reference] * len(view["before"]) if view["since"] == "reference" else list(view["before"])

    @property
    def numbers(self) -> dict[str, Any]:
        """Precision, recall, F1 and counts at the current thresholds in the chosen convention; see `operating.measure`."""
        return measure(self._setting.measured, np.array(self._view["thresholds"]), get_preset(self._view["convention"]))

    @property
    def thresholds(self) -> Thresholds:
        """The current ones with where they come from. Some that were moved by hand count as chosen on the images in view."""
        measured, chosen_on = self._setting.measured.name, self._setting.chosen_on.name
        words, splits = [], []
        for origin in self._view["origins"]:
            kind, _, text = origin.partition(": ")
            words.append({REFERENCE: f"{self._reference:g}, not chosen", HAND: "by hand"}.get(kind, text))
            splits.append({HAND: measured, LOADED: self._view["loaded_split"]}.get(kind, chosen_on))
        kinds = [origin.partition(": ")[0] for origin in self._view["origins"]]
        picked = [split for split, kind in zip(splits, kinds, strict=True) if kind != REFERENCE] or splits
        split = measured if measured in picked else picked[0]
        return Thresholds(self._setting.measured.categories, tuple(self._view["thresholds"]), mixed_words(words), split)

    def choose(self, criterion: str | None = None, floor: float | None = None, labels: Sequence[str] | None = None) -> Thresholds:
        """Set the best thresholds by a criterion, on the images of `chosen_on`; labels without one keep theirs.

        Args:
            criterion, floor: see `workbench.metrics.best_thresholds`; by default those in view.
            labels: names; all by default.

        Returns: the thresholds that are now set.
        """
        criterion = criterion or self._view["criterion"]
        floor = self._view["floor"] if floor is None else floor
        check_criterion(criterion, floor)
        names = self._setting.measured.categories
        columns = range(len(names)) if labels is None else [names.index(label) for label in labels]
        images, convention = self._setting.chosen_on, get_preset(self._view["convention"])
        best = best_thresholds(images.logits, images.targets, criterion, floor, convention.unknown_in_f1)
        thresholds, origins = list(self._view["thresholds"]), list(self._view["origins"])
        for column in columns:
            if not np.isnan(best[column]):
                thresholds[column] = float(best[column])
                origins[column] = f"{CHOSEN}: {criterion_words(criterion, floor)}"
        self.show(thresholds=thresholds, origins=origins, criterion=criterion, floor=floor)
        return self.thresholds

    def save_thresholds(self, path: str | Path) -> Path:
        """Write the current thresholds for ``workbench evaluate --thresholds``, which refuses them on the images they were chosen on."""
        return self.thresholds.save(path)

    def load_thresholds(self, path: str | Path) -> None:
        """Set what `save_thresholds` wrote. Raises WorkbenchError for a damaged file or other categories."""
        found = Thresholds.read(path)
        values = found.for_categories(self._setting.measured.categories).tolist()
        self.show(thresholds=values, origins=[f"{LOADED}: {found.criterion}"] * len(values), loaded_split=found.split)

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        from workbench.widgets.thresholds_still import describe_thresholds, thresholds_html

        return Snapshot(thresholds_html(self), describe_thresholds(self), self._names())

    def export_html(self, path: str | Path, cap_mb: float = 20) -> Path:
        """Write the lab as one page that works from disk without a network.

        Args:
            cap_mb: largest size of the page in megabytes. All scores are in it; thumbnails beyond the cap are left out, and it says so.

        Raises:
            WorkbenchError: the scores alone do not fit under the cap.
        """
        from workbench.widgets.thresholds_export import export_thresholds

        return export_thresholds(self, path, cap_mb)

    def __repr__(self) -> str:
        images, view = self._setting.measured, self._view
        place = images.categories.index(view["label"])
        numbers = self.numbers
        return (
            f"ThresholdLab of {images.name}: {len(images.ids):,} images, {len(images.categories)} labels, "
            f'"{view["label"]}" from {view["thresholds"][place]:.3f} with F1 {percent(numbers["F1"][place])}, '
            f"CF1 {percent(numbers['all']['CF1'])}, OF1 {percent(numbers['all']['OF1'])} (convention {view['convention']})"
        )

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        images, result = self._setting.measured, {**self._view, **changes}
        for key in changes:
            if key not in self._view:
                raise WorkbenchError(f'A view has no "{key}".{did_you_mean(key, self._view)}')
        if isinstance(result["image"], int) and 0 <= result["image"] < len(images.ids):
            result["image"] = images.ids[result["image"]]
        if result["image"] != self._view["image"] and result["image"] not in set(images.ids):
            near = did_you_mean(str(result["image"]), images.ids)
            raise WorkbenchError(f'There is no image "{result["image"]}" among those that are measured.{near}')
        images.categories.index(result["label"])
        get_preset(result["convention"])
        for key, known in (("criterion", CRITERIA), ("sort", SORTS), ("since", SINCES)):
            if result[key] not in known:
                raise WorkbenchError(f'"{key}" cannot be {result[key]!r} here; use one of {", ".join(known)}.')
        check_criterion("precision", result["floor"])
        self._check_thresholds(result, changes)
        return result

    def _check_thresholds(self, result: dict[str, Any], changes: Mapping[str, Any]) -> None:
        """One number for each label, whichever way they were given; those given without an origin were moved by hand."""
        categories = self._setting.measured.categories
        before = self._view["thresholds"]
        result["thresholds"] = values = self._listed("thresholds", result["thresholds"], before)
        if "before" in changes:
            result["before"] = self._listed("before", result["before"], before)
        elif values != before:
            result["before"] = before
        if "thresholds" in changes and "origins" not in changes:
            old = zip(self._view["origins"], before, values, strict=True)
            result["origins"] = [origin if value == was else HAND for origin, was, value in old]
        origins = result["origins"]
        kinds = {REFERENCE, HAND, CHOSEN, LOADED}
        if (
            not isinstance(origins, list | tuple)
            or len(origins) != len(categories)
            or any(str(origin).partition(": ")[0] not in kinds for origin in origins)
        ):
            raise WorkbenchError(f'"origins" needs one of {", ".join(sorted(kinds))} for each of {len(categories)} labels.')

    def _listed(self, key: str, given: Any, otherwise: Sequence[float]) -> list[float]:
        """One probability for each label, from one for all, one for each, or a dict of some by name."""
        categories = self._setting.measured.categories
        if isinstance(given, Mapping):
            asked = {categories.index(name): value for name, value in given.items()}
            given = [asked.get(column, value) for column, value in enumerate(otherwise)]
        elif isinstance(given, int | float):
            given = [given] * len(categories)
        if not isinstance(given, Sequence | np.ndarray) or len(given) != len(categories):
            raise WorkbenchError(f'"{key}" needs one number, or one for each of {len(categories)} labels; give a dict for some of them.')
        return [_probability(key, value) for value in given]

    def _packet(self, question: Question) -> dict[str, Any] | None:
        pictures = self._setting.measured.pictures
        if question["ask"] == "thumbnails" and pictures is not None:
            return thumbnails(pictures, [pictures.position(image) for image in question.numbers("images")], SIDE)
        return None


def describe(parts: Setting, reference: float) -> dict[str, Any]:
    """Names and sentences for the browser, as JSON."""
    images = parts.measured
    ranked = rank_classes(images.logits, images.targets)
    aps = {kind: from_ranking(ranked, kind) for kind in dict.fromkeys(preset.ap for preset in PRESETS.values())}
    return {
        "ids": list(images.ids),
        "categories": list(images.categories),
        "name": images.name,
        "chosen_on": parts.chosen_on.name,
        "held": len(parts.chosen_on.ids),
        "apart": parts.chosen_on is not images,
        "words": parts.words,
        "warning": parts.warning,
        "pictures": images.pictures is not None,
        "reference": reference,
        "AP": {kind: [None if np.isnan(value) else float(value) for value in values] for kind, values in aps.items()},
        "conventions": [described(preset, images) for preset in PRESETS.values()],
    }


def tables(parts: Setting) -> dict[str, Any]:
    """Scores and targets with the images of a label side by side, [C, N], and reliability bins [C, 15], as one packet."""
    images = parts.measured
    arrays: dict[str, np.ndarray] = {"scores": images.logits.astype(np.float32).T, "targets": images.targets.astype(np.int8).T}
    if parts.chosen_on is not images:
        arrays |= {"held.scores": parts.chosen_on.logits.astype(np.float32).T, "held.targets": parts.chosen_on.targets.astype(np.int8).T}
    found = reliability(images.logits, images.targets, scores="logits")
    arrays["bins.count"], arrays["bins.present"] = found.count.astype(np.int32), found.present.astype(np.int32)
    arrays["bins.confidence"] = found.confidence.astype(np.float32)
    return pack(arrays)


def percent(value: float) -> str:
    """A share as every table of the lab prints it."""
    return "–" if np.isnan(value) else f"{100 * value:.1f}"


def _opening_label(images: ScoredImages) -> str:
    """The label that 0.5 serves worst among those with many present images: there is something to be seen."""
    present = (images.targets == 1).sum(0)
    best = best_thresholds(images.logits, images.targets)
    gap = np.where(np.isnan(best) | (present < max(1, np.median(present))), -1.0, np.abs(np.nan_to_num(best, nan=0.5) - 0.5))
    return images.categories[int(np.argmax(gap))]


def _probability(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 < value < 1:
        raise WorkbenchError(f'"{key}" holds probabilities between 0 and 1, both left out, not {value!r}.')
    return float(value)
