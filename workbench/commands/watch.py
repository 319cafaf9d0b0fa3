"""``workbench watch``: what the training monitor shows, in a terminal."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.files import json_text
from workbench.following import RUNNING, Following, epoch_words, progress_words, state_words

SECONDS = 1.0  # between two looks
EARLIER = 3  # finished epochs that are shown at first


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="RUN", type=Path, help="run folder, as `workbench train` writes it")
    parser.add_argument("--json", action="store_true", help="print how it stands now as JSON, and do not wait")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 after a training that was finished or stopped, 1 after one that failed or was killed."""
    training = Following(arguments.folder)
    facts = training.facts()
    if facts["state"] == "new":
        raise WorkbenchError(f"There is no run in {arguments.folder}; make one with `workbench train RECIPE -o {arguments.folder}`.")
    if arguments.json:
        rows = training.history()
        print(json_text({"folder": str(arguments.folder), **facts, "last": rows[-1] if rows else None}))
    else:
        facts = _follow(training, facts)
    return 1 if facts["state"] in ("failed", "killed") else 0


def _follow(training: Following, facts: dict[str, Any]) -> dict[str, Any]:
    """Print each epoch as it is finished, and below them, where somebody can see it, how far the next one is."""
    print(f"{facts['recipe']} in {training.folder}")
    live, told = sys.stdout.isatty(), max(0, facts["rows"] - EARLIER)
    while True:
        rows = training.history()
        for place in range(min(told, len(rows)), len(rows)):
            names = training.header(place + 1)["categories"] if place + 1 in training.probed() else []
            for line in epoch_words(rows[place], rows[place - 1] if place else None, names, facts["epochs"]):
                print(f"\r\033[K{line}" if live else line)
        told = len(rows)
        if facts["state"] not in RUNNING:
            print(f"\r\033[K{state_words(facts)}" if live else state_words(facts))
            return facts
        if live:
            print(f"\r\033[K{progress_words(facts)[: shutil.get_terminal_size().columns - 1]}", end="")
        sys.stdout.flush()
        time.sleep(SECONDS)
        facts = training.facts()
