"""``workbench report``: a page that compares runs."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUN", help="run folders")
    parser.add_argument("-o", "--out", type=Path, default=Path("report.html"), metavar="PAGE", help="page to write (default report.html)")


def run(arguments: argparse.Namespace) -> int:
    from workbench.reports.collect import collect
    from workbench.reports.page import write_report

    path = write_report([collect(folder) for folder in arguments.folders], arguments.out)
    print(f"Written to {path}")
    return 0
