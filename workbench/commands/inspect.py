"""``workbench inspect``: a run's maps, scores and numbers into one archive."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from workbench.commands.numbers import whole
from workbench.commands.output import add_output, require_output
from workbench.inspection.private import Keeping, leaving
from workbench.pictures import LARGEST_SIDE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="RUN", help="run folder")
    add_output(parser, "FILE", "archive to write (.safetensors)", required=True)
    parser.add_argument("--limit", type=whole(1), default=200, help="how many validation images (default 200)")
    parser.add_argument(
        "--picture-size", type=whole(1, LARGEST_SIDE), help="height and width of the stored pictures; the model's input by default"
    )
    parser.add_argument("--pictures", choices=get_args(Keeping), default="jpeg", help="how pictures are kept (default jpeg)")
    parser.add_argument("--no-pictures", dest="pictures", action="store_const", const="none", help="keep none: grey areas in their place")
    parser.add_argument("--no-measure", action="store_true", help="leave out what is measured about the maps")


def run(arguments: argparse.Namespace) -> int:
    from workbench.inspector import inspect

    require_output(arguments.out, "archive", [arguments.folder], arguments.force)

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}/{total} images", end="\n" if done == total else "", file=sys.stderr)

    inspection = inspect(
        arguments.folder,
        limit=arguments.limit,
        picture_size=arguments.picture_size,
        pictures=arguments.pictures,
        measure=not arguments.no_measure,
        progress=progress,
    )
    path = inspection.save(arguments.out)
    size = path.stat().st_size / 1e6
    print(f"{inspection!r}\nWritten to {path}, {size:.1f} MB. {leaving(len(inspection), arguments.pictures)}")
    print(f"Explore it: workbench export {path} -o page.html")
    return 0
