"""``workbench evaluate``: score a run's validation images under a named convention; the result is also kept in the run folder."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from workbench.metrics import PRESETS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--preset", default="sklearn", help=f"convention: {', '.join(PRESETS)}")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="which weights")
    parser.add_argument("--json", action="store_true", help="print JSON")


def evaluate_run(folder: Path, preset: str, which: str = "best") -> dict[str, Any]:
    """Score one run and write ``evaluation-<preset>.json`` into its folder."""
    from workbench.capture import predict, subject_of
    from workbench.metrics.evaluation import evaluate, get_preset
    from workbench.training import Run

    convention = get_preset(preset)
    run = Run.open(folder)
    data = run.validation()
    subject = subject_of(run.model(which))
    logits = predict(subject, data)
    targets = data.targets[:, subject.categories.columns_of(data.categories)]
    result = evaluate(logits, targets, subject.categories, convention)
    result = {"recipe": run.recipe.name, "data": data.name, "weights": which, **result}
    (Path(folder) / f"evaluation-{preset}.json").write_text(json.dumps(result, indent=1))
    return result


def run(arguments: argparse.Namespace) -> int:
    result = evaluate_run(arguments.folder, arguments.preset, arguments.which)
    if arguments.json:
        print(json.dumps(result))
        return 0
    print(f"{result['recipe']} on {result['data']}, {result['images']} images")
    print(f"convention {result['convention']}: {result['description']}")
    print(f"mAP {100 * result['mAP']:.1f}" + (f" (without a present image: {', '.join(result['skipped'])})" if result["skipped"] else ""))
    for key in ("all", "top3"):
        print(f"{key:>4}: " + "  ".join(f"{name} {100 * value:.1f}" for name, value in result[key].items()))
    width = max(map(len, result["AP"]))
    for name, value in sorted(result["AP"].items(), key=lambda item: -(item[1] if item[1] is not None else -1)):
        print(f"  {name:<{width}}  {'not present' if value is None else f'{100 * value:5.1f}'}")
    return 0
