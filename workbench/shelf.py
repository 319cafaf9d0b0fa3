"""Where things lie: runs/, data/ and notebooks/ of the project folder, and archives by name."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection import Inspection


def home() -> Path:
    """The project folder: WORKBENCH_HOME, else the nearest folder upwards that has notebooks/ and data/, else the current folder."""
    named = os.environ.get("WORKBENCH_HOME")
    if named:
        return Path(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "notebooks").is_dir() and (folder / "data").is_dir():
            return folder
    return here


def archives() -> dict[str, Path]:
    """Archives by name. What the tour trained on this machine takes precedence over what is shipped in data/."""
    found: dict[str, Path] = {}
    for folder in (home() / "data", home() / "runs" / "tour"):
        found |= {path.stem: path for path in sorted(folder.glob("*.safetensors"))}
    return found


def open_inspection(name: str | Path) -> Inspection:
    """Open an archive by its path, or by name: "scenes-srn" is runs/tour/scenes-srn.safetensors if you made it, else the shipped one.

    Raises: WorkbenchError naming the nearest archive.
    """
    path = Path(name)
    if path.suffix == ".safetensors" or path.is_file():
        return Inspection.open(path)
    known = archives()
    if str(name) not in known:
        raise WorkbenchError(f'There is no archive "{name}" in {home()}.{did_you_mean(str(name), known) if known else ""}')
    return Inspection.open(known[str(name)])


def run_folder(path: str | Path) -> Path:
    """A run folder that is there: as given, or as seen from the project folder.

    Raises: WorkbenchError naming the nearest run in runs/ of the project folder.
    """
    path, runs = Path(path), home() / "runs"
    for candidate in (path, home() / path):
        if any((candidate / name).is_file() for name in ("recipe.json", "history.jsonl")):
            return candidate
    known = {f"runs/{found.parent.relative_to(runs).as_posix()}" for found in [*runs.glob("*/recipe.json"), *runs.glob("*/*/recipe.json")]}
    hint = did_you_mean(path.as_posix(), sorted(known)) if known else ""
    raise WorkbenchError(f"There is no run at {path}.{hint} Start one with `workbench train RECIPE -o {path}`, or name a recipe.")
