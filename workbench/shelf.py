"""Where things lie: runs/, data/ and notebooks/ of the project folder, and archives by name."""

from __future__ import annotations

import os
import tempfile
import warnings
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


def cache_home() -> Path:
    """Where caches lie: $WORKBENCH_CACHE, else ``workbench`` under $XDG_CACHE_HOME or ~/.cache.

    A user without a home, or whose home cannot be written to, as in a container, has it in the system's temporary folder, with a warning.
    """
    chosen = os.environ.get("WORKBENCH_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        place = (Path(base) if base else Path.home() / ".cache") / "workbench"
        place.mkdir(parents=True, exist_ok=True)
        if os.access(place, os.W_OK):
            return place
    except (OSError, RuntimeError):  # Path.home() where neither HOME nor the user database knows one
        pass
    number = os.getuid() if hasattr(os, "getuid") else 0
    place = Path(tempfile.gettempdir()) / f"workbench-{number}"
    place.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and place.stat().st_uid != number:
        raise WorkbenchError(f"{place} belongs to somebody else, and there is no home to keep caches in; set WORKBENCH_CACHE to a folder.")
    warnings.warn(f"There is no home folder to keep caches in: they lie in {place}; set WORKBENCH_CACHE to choose.", stacklevel=3)
    return place


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
        elsewhere = " Those that ship lie in the project folder: start there, or name it in WORKBENCH_HOME."
        raise WorkbenchError(f'There is no archive "{name}" in {home()}.{did_you_mean(str(name), known) if known else elsewhere}')
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
