"""``workbench export``: the explorer of archives as one page that works from disk, offline."""

from __future__ import annotations

import argparse

from workbench.commands.numbers import positive, whole
from workbench.commands.output import add_output, require_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "archives", nargs="+", metavar="FILE", help="archive, or its name (scenes-srn); several of the same images are compared"
    )
    add_output(parser, "PAGE", "page to write (.html)", required=True)
    parser.add_argument("--pictures", choices=("blurred", "none"), help="blur the pictures, or leave grey areas in their place")
    parser.add_argument("--no-pictures", dest="pictures", action="store_const", const="none", help="the same as --pictures none")
    parser.add_argument("--images", type=whole(1), help="at most so many images")
    parser.add_argument("--cap", type=positive, default=20, metavar="MB", help="largest page in MB (default 20)")


def run(arguments: argparse.Namespace) -> int:
    from workbench.shelf import open_inspection
    from workbench.widgets import AttentionExplorer

    require_output(arguments.out, "page", arguments.archives, arguments.force)
    inspections = [open_inspection(name) for name in arguments.archives]
    if arguments.pictures:
        inspections = [inspection.with_pictures(arguments.pictures) for inspection in inspections]
    explorer = AttentionExplorer(inspections)
    chosen = None if arguments.images is None else range(min(arguments.images, len(explorer.matched.ids)))
    path = explorer.export_html(arguments.out, images=chosen, cap_mb=arguments.cap)
    print(f"Written to {path}, {path.stat().st_size / 1e6:.1f} MB. Open it in a browser; it needs no network.")
    return 0
