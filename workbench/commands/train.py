"""``workbench train``: one recipe into one run folder."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.commands.numbers import whole
from workbench.errors import WorkbenchError
from workbench.files import json_text
from workbench.following import epoch_words

if TYPE_CHECKING:
    from workbench.training import Recipe, Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="name of a recipe, see `workbench recipes`; or a run folder, to go on with its own recipe")
    parser.add_argument("-o", "--out", type=Path, help="run folder; runs/RECIPE by default")
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="change a setting: stages.joint.lr=0.01"
    )
    parser.add_argument("--workers", type=whole(0, 1024), metavar="N", help="processes that read images which do not fit into memory")
    parser.add_argument("--restart", action="store_true", help="begin anew; what was trained in the folder is kept aside in it")
    parser.add_argument("--accept-data", action="store_true", help="go on though images or labels are not those that it was trained on")
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
    from workbench.training import train
    from workbench.training.broken import left_out

    recipe, folder = _asked(arguments)
    progress, on_epoch = (False, None) if arguments.json else ("auto", _say_epoch)
    given = {"restart": arguments.restart, "accept_data": arguments.accept_data}
    trained = train(recipe, folder, on_epoch=on_epoch, progress=progress, workers=arguments.workers, **given)
    if int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0) > 0:
        return 0  # the first process speaks for all
    last = trained.history[-1] if trained.history else {}
    if arguments.json:
        print(json_text({"folder": str(folder), **last}))
    else:
        for role, problems in left_out(folder).items():
            if problems:
                print(f"{len(problems)} image(s) for {role} could not be read and were left out, see {folder / 'broken.json'}.")
        print(f"Trained {recipe.name} into {folder}. Look at it: workbench inspect {folder} -o {recipe.name}.safetensors")
    return 0


def _asked(arguments: argparse.Namespace) -> tuple[Recipe, Path]:
    """The recipe and its folder; those of a run where a run folder was named."""
    from workbench.shelf import home
    from workbench.training import RECIPES, Run, get_recipe

    if arguments.recipe not in RECIPES and (Path(arguments.recipe) / "recipe.json").is_file():
        if arguments.settings or arguments.out:
            raise WorkbenchError(f"{arguments.recipe} is a run with a recipe and a folder of its own; leave out --set and -o.")
        run = Run.open(arguments.recipe)
        return run.recipe, run.folder
    recipe = get_recipe(arguments.recipe, parse_settings(arguments.settings))
    return recipe, arguments.out or home() / "runs" / recipe.name


def _say_epoch(run: Run, row: dict[str, Any]) -> None:
    """Two lines for each epoch, above the bar where there is one."""
    from tqdm import tqdm

    before = run.history[-2] if len(run.history) > 1 else None
    for line in epoch_words(row, before, run.validation().categories.names, run.recipe.total_epochs):
        tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()
