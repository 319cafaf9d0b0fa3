"""Writing that cannot leave half a file: everything goes to a temporary name, onto the disk, and then into place."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from workbench.errors import unwritable


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; on leaving, flush it to the disk and rename it to `path`.

    Raises: WorkbenchError where the disk is full or the folder cannot be written to; `path` is then as it was.
    """
    try:
        with _replaced(path) as temporary:
            yield temporary
        _flush(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    except SafetensorError as error:  # its writer gives the system's error number in its text only
        number = re.search(r"(?:os error|Os \{ code:) (\d+)", str(error))  # newer versions and older ones
        if not number:
            raise
        raise unwritable(path, OSError(int(number[1]), os.strerror(int(number[1])))) from None


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner may read
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _flush(folder: Path) -> None:
    """Put a folder's list of names onto the disk, without which a new file may be gone after a power cut."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sweep(folder: Path, older_than: float = 0) -> None:
    """Remove what killed processes left half-written in a folder, unless it was touched in the last `older_than` seconds."""
    ours, of_safetensors = ".*.safetensors.*", ".tmp??????"  # safetensors writes through a temporary file of its own
    for path in [*folder.glob(ours), *folder.glob(of_safetensors)]:
        if time.time() - path.stat().st_mtime >= older_than:
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")
