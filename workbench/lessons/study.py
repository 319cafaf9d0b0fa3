"""Measured results in studies/, and where a lesson's own training goes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.shelf import home


def read_study(name: str) -> dict[str, Any] | None:
    """studies/NAME.json of the project folder, or None where it is not there.

    Raises: WorkbenchError if the file is damaged.
    """
    path = home() / "studies" / f"{name}.json"
    if not path.is_file():
        return None
    try:
        study = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WorkbenchError(f"{path} is damaged ({error!s:.200}); measure it again with `python -m benchmarks.{name}`.") from None
    if not isinstance(study, dict):
        raise WorkbenchError(f"{path} is not a study; measure it again with `python -m benchmarks.{name}`.")
    return study


def run_folder(lesson: str, settings: Mapping[str, Any]) -> Path:
    """A folder in runs/ for a training with these settings, so that other settings get another folder: runs/01_srn-seed-1."""
    parts = [f"{key.split('.')[-1]}-{value}" for key, value in settings.items()]
    return home() / "runs" / re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join([lesson, *parts]))
