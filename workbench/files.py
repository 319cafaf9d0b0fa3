"""The one way in which files are written: into a folder of their own beside the target, onto the disk, and then into place.

Whatever ends the process, the file is the old one or the new one. What a killed process leaves is its folder, `.NAME.xxxxxx.part`, which
nobody holds any longer: `sweep` removes it. Safetensors writes through a temporary file beside its target, which then lies in there too.
"""

from __future__ import annotations

import glob
import json
import math
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from workbench.errors import WorkbenchError, unwritable
from workbench.lock import NAME, holder, kept_open

SUFFIX = ".part"
YOUNG = 60.0  # seconds in which a folder without a lock may be one that is just being made
EARLIER = (
    ".*.safetensors.*",
    ".tmp??????",
    f".*{SUFFIX}",
    ".unpack-*",
)  # what versions before this one, and safetensors, left half-written


@contextmanager
def atomic(path: str | Path, flush: bool = True) -> Iterator[Path]:
    """Give a temporary path for `path`; on leaving, flush it to the disk and rename it. A link stays one: what it leads to is replaced.

    Args:
        flush: False for what may be lost in a power cut.

    Raises: WorkbenchError where the disk is full, the folder cannot be written to, or `path` is no file; it is then as it was.
    """
    path = Path(os.path.realpath(path))
    try:
        if path.exists() and not path.is_file():
            raise WorkbenchError(f"{path} is {_what(path)}, not a file that can be replaced; give the name of a file.")
        with _place(path) as temporary:
            temporary.touch()
            mode = stat.S_IMODE(temporary.stat().st_mode)
            yield temporary
            os.chmod(temporary, mode)  # as this user makes files; safetensors makes private ones
            if flush:
                with open(temporary, "rb+") as file:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
            if flush:
                _flush(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    except SafetensorError as error:  # its writer gives the system's error number in its text only
        number = re.search(r"(?:os error|Os \{ code:) (\d+)", str(error))  # newer versions and older ones
        if not number:
            raise
        raise unwritable(path, OSError(int(number[1]), os.strerror(int(number[1])))) from None


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `path` on leaving, which must not be there yet. Raises OSError."""
    with _place(path) as temporary:
        temporary.mkdir()
        yield temporary
        os.replace(temporary, path)
        _flush(path.parent)


@contextmanager
def _place(path: Path) -> Iterator[Path]:
    """A name in a folder beside `path`, which is held as long as this process writes into it."""
    sweep(path.parent, name=path.name[:100])  # what was killed while it wrote the same
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}.", suffix=SUFFIX, dir=path.parent))
    try:
        with kept_open(folder / NAME):
            yield folder / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Put a folder's list of names onto the disk, without which a new file may be gone after a power cut."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _what(path: Path) -> str:
    return "a folder" if path.is_dir() else "a device, a pipe or a socket"


def sweep(folder: str | Path, ours: bool = False, name: str = "") -> None:
    """Remove what killed processes left half-written in a folder; what a living one holds stays.

    Args:
        ours: nobody else writes into the folder, so that what earlier versions left goes too, an hour after it was touched.
        name: begins the names of the files of which it is; of all by default.
    """
    for part in Path(folder).glob(f".{glob.escape(name)}*{SUFFIX}"):
        left = ours or (part / NAME).exists() or _age(part) > YOUNG
        if part.is_dir() and not part.is_symlink() and left and holder(part) is None:
            shutil.rmtree(part, ignore_errors=True)
    for pattern in EARLIER if ours else ():
        for path in Path(folder).glob(pattern):
            if path.is_file() and _age(path) > 3600:
                path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 whole or not at all, line ends as they are."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: Any, names: bool = False) -> Path:
    """Write JSON for people to read; with `names`, letters beyond ASCII as they are."""
    return write_text(path, json_text(value, indent=1, ensure_ascii=not names) + "\n")


def json_text(value: Any, **layout: Any) -> str:
    """`value` as JSON that every reader takes: numbers that are not finite, which JSON has not, become null."""
    try:
        return json.dumps(value, allow_nan=False, **layout)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, **layout)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(held) for held in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
