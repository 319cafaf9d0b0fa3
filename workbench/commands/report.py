"""``workbench report``: a page that compares runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.commands.output import add_output, require_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUN", help="run folders")
    add_output(parser, "PAGE", "page to write (default report.html)", default=Path("report.html"))


def run(arguments: argparse.Namespace) -> int:
    from workbench.reports.collect import collect
    from workbench.reports.page import write_report

    require_output(arguments.out, "page", arguments.folders, arguments.force)
    path = write_report([collect(folder) for folder in arguments.folders], arguments.out)
    print(f"Written to {path}")
    return 0
