"""``workbench train``: one recipe into one run folder."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from workbench.errors import WorkbenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="name of a recipe, see `workbench recipes`")
    parser.add_argument("-o", "--out", type=Path, help="run folder; runs/RECIPE by default")
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="change a setting: stages.joint.lr=0.01"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes that read images which do not fit into memory")
    parser.add_argument("--json", action="store_true", help="print the last history row as JSON, and no progress bar")


def parse_settings(settings: list[str]) -> dict[str, str]:
    """``["a.b=1"]`` -> ``{"a.b": "1"}``. Raises WorkbenchError on one without "="."""
    pairs = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise WorkbenchError(f'The setting "{setting}" is not of the form KEY=VALUE; write it as --set stages.joint.lr=0.01.')
        pairs[key.strip()] = value.strip()
    return pairs


def run(arguments: argparse.Namespace) -> int:
    from workbench.shelf import home
    from workbench.training import get_recipe, train
    from workbench.training.broken import left_out

    recipe = get_recipe(arguments.recipe, parse_settings(arguments.settings))
    folder = arguments.out or home() / "runs" / recipe.name
    trained = train(recipe, folder, progress=False if arguments.json else "auto", workers=arguments.workers)
    if int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0) > 0:
        return 0  # the first process speaks for all
    last = trained.history[-1]
    if arguments.json:
        print(json.dumps({"folder": str(folder), **last}))
    else:
        for role, problems in left_out(folder).items():
            if problems:
                print(f"{len(problems)} image(s) for {role} could not be read and were left out, see {folder / 'broken.json'}.")
        print(f"Trained {recipe.name} into {folder}. Look at it: workbench inspect {folder} -o {recipe.name}.safetensors")
    return 0
