"""``workbench recipes``: what can be trained."""

from __future__ import annotations

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="show this recipe in full")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    from workbench.training import RECIPES, get_recipe

    if arguments.name:
        print(json.dumps(get_recipe(arguments.name).to_json(), indent=2))
        return 0
    rows = {name: (function.__doc__ or "").strip().splitlines()[0] for name, function in sorted(RECIPES.items())}
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    width = max(map(len, rows))
    for name, summary in rows.items():
        print(f"{name:<{width}}  {summary}")
    print("\nTrain one with `workbench train NAME`; change a setting with --set, as in --set stages.joint.lr=0.01")
    return 0
