"""Drawn scenes on disk: a plain .npz for each world, split and size, written in one step, keyed by all that shapes its pixels."""

from __future__ import annotations

import hashlib
import os
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL

from workbench.errors import WorkbenchError
from workbench.files import atomic, sweep
from workbench.shelf import cache_home

LIMIT = 2_000_000_000  # bytes; beyond it the files longest unused are removed


def default_folder() -> Path:
    """``scenes`` in `workbench.shelf.cache_home`."""
    return cache_home() / "scenes"


def fingerprint(*what: object) -> str:
    """A name for pixels made from `what` by this very code, with these versions of Pillow and numpy."""
    digest = hashlib.sha256(repr((what, PIL.__version__, np.__version__)).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:24]


def read(path: Path, count: int, size: int, labels: int) -> tuple[np.ndarray, np.ndarray] | None:
    """(pixels uint8 [count, size, size, 3], targets int8 [count, labels]), or None if there is no such file or it is damaged."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            pixels, targets = stored["pixels"], stored["targets"]
        os.utime(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = pixels.shape == (count, size, size, 3) and targets.shape == (count, labels)
    return (pixels, targets) if fits and pixels.dtype == np.uint8 and targets.dtype == np.int8 else None


def write(path: Path, pixels: np.ndarray, targets: np.ndarray) -> None:
    """Store both; a folder that cannot be written to is no reason to stop, the scenes are then drawn again next time."""
    with suppress(OSError, WorkbenchError):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, ours=True)
        with atomic(path) as temporary, temporary.open("wb") as file:
            np.savez(file, pixels=pixels, targets=targets)  # a zip, whose checksums `read` goes by
        _prune(path)


def _prune(newest: Path) -> None:
    files = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in newest.parent.glob("*.npz") if file != newest)
    total = newest.stat().st_size + sum(size for _, size, _ in files)
    for _, size, file in files:
        if total <= LIMIT:
            break
        file.unlink(missing_ok=True)
        total -= size
