"""``workbench evaluate``: score a run on its validation images or another split, by a named convention; kept in the run folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.files import json_text
from workbench.metrics import PRESETS, Thresholds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--preset", default="sklearn", help=f"convention: {', '.join(PRESETS)}")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="which weights")
    parser.add_argument("--split", help="score this split in place of the one that the run was validated on")
    parser.add_argument("--thresholds", help="probability from which a label counts as predicted, or a JSON file of one for each label")
    parser.add_argument("--json", action="store_true", help="print JSON")


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
    from workbench.evaluation import evaluate

    thresholds = read_thresholds(arguments.thresholds)
    result = evaluate(arguments.folder, preset=arguments.preset, which=arguments.which, split=arguments.split, thresholds=thresholds)
    print(json_text(result) if arguments.json else result)
    return 0
