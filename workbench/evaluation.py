"""The verb `evaluate`: score a run, an archive or any scores, under a named convention. The counting is done in `workbench.metrics`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.errors import WorkbenchError
from workbench.files import write_json
from workbench.inspection import Inspection
from workbench.metrics import Accumulator, Convention, Thresholds, get_preset

if TYPE_CHECKING:
    from workbench.training import Run

Limits = float | Sequence[float] | np.ndarray | Thresholds | None
TABLES = (("all", "all"), ("top3", "top 3 above the threshold"), ("top3_exact", "exactly top 3"))


class Evaluation(dict[str, Any]):
    """All numbers of one convention, as a dict that is JSON (its keys: `workbench.metrics.evaluate`), and in words when printed.

    Of a run it also says "recipe", "data" (name of the images) and "weights" ("best" or "last"); of an archive "data", its name.
    """

    def __str__(self) -> str:
        title = " on ".join(self[key] for key in ("recipe", "data") if key in self)
        absent = f" (without a present image: {', '.join(self['skipped'])})" if self["skipped"] else ""
        kinds = ", ".join(f"{kind} {100 * value:.1f}" for kind, value in self["mAP by kind"].items())
        limit, ranking, sets = self["threshold"], self["ranking"], self["sets"]
        width = max(map(len, self["AP"]))
        lines = [
            f"{title}, {self['images']} images" if title else f"{self['images']} images",
            f"convention {self['convention']}: {self['description']}",
            f"mAP {100 * self['mAP']:.1f}{absent}",
            f"by kind of average precision: {kinds}",
            f"threshold: {'one for each label' if isinstance(limit, dict) else f'{limit:.3g}'}, {self['chosen']}",
            *(f"{name:>25}: " + "  ".join(f"{each} {100 * value:.1f}" for each, value in self[key].items()) for key, name in TABLES),
            f"ranking loss {ranking['ranking_loss']:.4f}, coverage {ranking['coverage_error']:.2f}, "
            f"label ranking AP {ranking['lrap']:.4f}, one-error {ranking['one_error']:.4f}, hamming loss {sets['hamming_loss']:.4f}, "
            f"whole sets right {sets['subset_accuracy']:.4f}, calibration error {self['calibration']['ECE']:.4f}",
        ]
        for name, value in sorted(self["AP"].items(), key=lambda item: -(item[1] if item[1] is not None else -1)):
            lines.append(f"  {name:<{width}}  {'not present' if value is None else f'{100 * value:5.1f}'}")
        return "\n".join(lines)

    __repr__ = __str__


def evaluate(
    scored: Run | Inspection | str | Path | ArrayLike,
    targets: ArrayLike | MultiLabelDataset | None = None,
    *,
    categories: Categories | Iterable[str] | None = None,
    preset: str | Convention = "sklearn",
    thresholds: Limits = None,
    which: str = "best",
    split: str | None = None,
    scores: str | None = None,
) -> Evaluation:
    """Score a run, an archive, or scores of any model beside the truth. `print` shows it, ``["mAP"]`` and the like give the numbers.

    Args:
        scored: a run or its folder: its validation images are scored, and ``evaluation-<preset>.json`` and the scores are kept in it; an
            Inspection; or logits, float [N, C], as an array, a tensor or rows.
        targets: with logits: int [N, C], 1 present, 0 absent, -1 unknown; or the data set with the same images in the same order.
        categories: with logits: the names of their columns; by default the data set's.
        preset: a key of `workbench.metrics.PRESETS`, or a Convention of your own.
        thresholds: probability from which a label is predicted, one for all or one for each [C], in place of the convention's.
        which: of a run, the weights: "best" or "last".
        split: of a run, the split to score in place of the one that it was validated on.
        scores: what an array holds: "logits", or "probabilities" of a model that ends in a sigmoid or softmax. Nothing said means logits,
            with a warning where all of them lie in 0..1.

    Raises: WorkbenchError for arguments that do not belong together, shapes that do not fit, an unknown preset, or thresholds that are of
        other categories or were chosen on the images to be scored.
    """
    convention = preset if isinstance(preset, Convention) else get_preset(preset)
    if not isinstance(scored, str) and (isinstance(scored, Sequence) or hasattr(scored, "__array__")):
        _refuse({"which": which != "best", "split": split is not None}, "logits")
        return _evaluate_logits(_array(scored, "scores"), targets, categories, convention, thresholds, scores)
    _refuse({"targets": targets is not None, "categories": categories is not None}, "a run or an archive, which has its own")
    if isinstance(scored, Inspection):
        _refuse({"which": which != "best", "split": split is not None}, "an archive")
        _require_held_out(thresholds, [scored.name])
        result = _evaluate_logits(scored.logits(), scored.targets, scored.categories, convention, thresholds, scores)
        return Evaluation({"data": scored.name, **result})
    _refuse({"scores": scores == "probabilities"}, "a run, whose scores are logits")
    return _evaluate_run(scored, convention, thresholds, which, split)  # type: ignore[arg-type]  # all else was told apart above


def _evaluate_run(run: Run | str | Path, convention: Convention, thresholds: Limits, which: str, split: str | None) -> Evaluation:
    from workbench.capture import predict, subject_of
    from workbench.reports.scores import Scores
    from workbench.training import Run

    run = run if isinstance(run, Run) else Run.open(run)
    data = run.validation() if split is None else run.split(split)
    _require_held_out(thresholds, [data.name, split or run.recipe.data.validation])
    if split is None:
        for sentence in run.data_changed(data):
            print(f"{run.folder.name}: the images are not those that it was validated on: {sentence}.", file=sys.stderr)
    subject = subject_of(run.model(which))
    if isinstance(thresholds, Thresholds):
        thresholds.for_categories(subject.categories)  # refused before minutes of work
    logits = predict(subject, data)
    targets = data.targets[:, subject.categories.columns_of(data.categories)]
    result = _evaluate_logits(logits, targets, subject.categories, convention, thresholds, "logits")
    result = Evaluation({"recipe": run.recipe.name, "data": data.name, "weights": which, **result})
    Scores(data.name, which, subject.categories, list(data.ids), logits, targets).save(run.folder)
    write_json(run.folder / f"evaluation-{convention.name}.json", result)
    return result


def _evaluate_logits(
    logits: np.ndarray,
    targets: ArrayLike | MultiLabelDataset | None,
    categories: Categories | Iterable[str] | None,
    convention: Convention,
    thresholds: Limits,
    scores: str | None,
) -> Evaluation:
    if targets is None:
        raise WorkbenchError("Scores alone cannot be evaluated; give their targets [images, categories], or the data set, as well.")
    if categories is None:
        if not isinstance(targets, MultiLabelDataset):
            raise WorkbenchError("Arrays do not say what their columns are; give categories=[...], a name for each.")
        categories = targets.categories
    names = categories if isinstance(categories, Categories) else Categories(categories)
    if isinstance(targets, MultiLabelDataset):
        _require_held_out(thresholds, [targets.name])
        targets = targets.targets[:, names.columns_of(targets.categories)]
    both = Accumulator(names)
    both.add(logits, _array(targets, "targets"))
    return Evaluation(both.evaluate(convention, thresholds=thresholds, scores=scores))


def _refuse(given: dict[str, bool], kind: str) -> None:
    for name, is_given in given.items():
        if is_given:
            raise WorkbenchError(f"{name}= does not go with {kind}; leave it out.")


def _array(values: Any, what: str) -> np.ndarray:
    """Numbers [images, categories]. Raises WorkbenchError for text and for rows of different length, such as lists of names."""
    try:
        found = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except ValueError:
        found = np.zeros(0, dtype=object)
    if found.dtype.kind not in "biuf" and not (found.dtype == object and found.ndim == 2):
        raise WorkbenchError(
            f"The {what} are no table of numbers; give [images, categories], for targets 1 present, 0 absent and -1 unknown in the order "
            "of categories=."
        )
    return found


def _require_held_out(thresholds: Limits, evaluated: list[str]) -> None:
    if isinstance(thresholds, Thresholds):
        thresholds.require_held_out(evaluated)
