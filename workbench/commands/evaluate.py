"""``workbench evaluate``: score a run on its validation images or another split, by a named convention; kept in the run folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.metrics import PRESETS, Thresholds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--preset", default="sklearn", help=f"convention: {', '.join(PRESETS)}")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="which weights")
    parser.add_argument("--split", help="score this split in place of the one that the run was validated on")
    parser.add_argument("--thresholds", help="probability from which a label counts as predicted, or a JSON file of one for each label")
    parser.add_argument("--json", action="store_true", help="print JSON")


def evaluate_run(
    folder: Path, preset: str, which: str = "best", split: str | None = None, thresholds: float | Thresholds | None = None
) -> dict[str, Any]:
    """Score one run; writes ``evaluation-<preset>.json`` into its folder, and the scores themselves beside it.

    Raises: WorkbenchError for thresholds of other categories, or chosen on the images to be scored.
    """
    from workbench.capture import predict, subject_of
    from workbench.metrics import evaluate, get_preset
    from workbench.reports.scores import Scores
    from workbench.training import Run

    convention = get_preset(preset)
    run = Run.open(folder)
    data = run.validation() if split is None else run.split(split)
    if isinstance(thresholds, Thresholds):
        thresholds.require_held_out([data.name, split or run.recipe.data.validation])
    subject = subject_of(run.model(which))
    if isinstance(thresholds, Thresholds):
        thresholds.for_categories(subject.categories)
    logits = predict(subject, data)
    targets = data.targets[:, subject.categories.columns_of(data.categories)]
    result = evaluate(logits, targets, subject.categories, convention, thresholds)
    result = {"recipe": run.recipe.name, "data": data.name, "weights": which, **result}
    Scores(data.name, which, subject.categories, list(data.ids), logits, targets).save(Path(folder))
    (Path(folder) / f"evaluation-{preset}.json").write_text(json.dumps(result, indent=1))
    return result


def read_thresholds(text: str | None) -> float | Thresholds | None:
    """What ``--thresholds`` says: a number, or a file."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return Thresholds.read(text)
    if not 0 < number < 1:
        raise WorkbenchError(f"A threshold of {text} is no probability between 0 and 1, both left out; give one, such as 0.5.")
    return number


def run(arguments: argparse.Namespace) -> int:
    thresholds = read_thresholds(arguments.thresholds)
    result = evaluate_run(arguments.folder, arguments.preset, arguments.which, arguments.split, thresholds)
    if arguments.json:
        print(json.dumps(result))
        return 0
    print(f"{result['recipe']} on {result['data']}, {result['images']} images")
    print(f"convention {result['convention']}: {result['description']}")
    print(f"mAP {100 * result['mAP']:.1f}" + (f" (without a present image: {', '.join(result['skipped'])})" if result["skipped"] else ""))
    kinds = ", ".join(f"{kind} {100 * value:.1f}" for kind, value in result["mAP by kind"].items())
    print(f"by kind of average precision: {kinds}")
    threshold = result["threshold"]
    print(f"threshold: {'one for each label' if isinstance(threshold, dict) else f'{threshold:.3g}'}, {result['chosen']}")
    for key, title in (("all", "all"), ("top3", "top 3 above the threshold"), ("top3_exact", "exactly top 3")):
        print(f"{title:>25}: " + "  ".join(f"{name} {100 * value:.1f}" for name, value in result[key].items()))
    ranking, sets = result["ranking"], result["sets"]
    print(
        f"ranking loss {ranking['ranking_loss']:.4f}, coverage {ranking['coverage_error']:.2f}, label ranking AP {ranking['lrap']:.4f}, "
        f"one-error {ranking['one_error']:.4f}, hamming loss {sets['hamming_loss']:.4f}, whole sets right {sets['subset_accuracy']:.4f}, "
        f"calibration error {result['calibration']['ECE']:.4f}"
    )
    width = max(map(len, result["AP"]))
    for name, value in sorted(result["AP"].items(), key=lambda item: -(item[1] if item[1] is not None else -1)):
        print(f"  {name:<{width}}  {'not present' if value is None else f'{100 * value:5.1f}'}")
    return 0
