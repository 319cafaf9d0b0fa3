"""NOTICE names the terms of every file in the repository that is not plain text of our own."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = re.compile(
    r"\.(py|js|css|md|ipynb|toml|ya?ml|txt|html|cff|gitignore)$|^\.ci/run$|^(LICENSE|NOTICE|Makefile)$|/py\.typed$"
    r"|^workbench/(lessons/solutions|widgets)/.*\.json$"
)


def patterns() -> list[str]:
    """The paths at the start of the lines under "What is shipped"."""
    shipped = (ROOT / "NOTICE").read_text().split("What is shipped in this repository")[1].split("\nWhat is installed")[0]
    return re.findall(r"^  ([\w./*-]+/[\w./*-]+)", shipped, re.MULTILINE)


def test_every_data_file_has_its_terms():
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split()
    assert len(tracked) > 400
    nameless = [name for name in tracked if not OURS.search(name) and not any(fnmatch(name, pattern) for pattern in patterns())]
    assert not nameless, f"NOTICE says nothing of {nameless}; say whose they are and under which terms"


def test_nothing_is_named_that_is_not_there():
    gone = [pattern for pattern in patterns() if not list(ROOT.glob(pattern))]
    assert not gone
