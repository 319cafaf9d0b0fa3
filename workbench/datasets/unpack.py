"""Unpacking archives that cannot be trusted: nothing lands outside the folder, no links, no more bytes than are plausible."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import IO

from workbench.datasets.files import require_inside
from workbench.errors import WorkbenchError

MOST_FILES = 1_000_000
MOST_GROWTH = 20
"""Times an archive's own size that may come out of it, beyond a first megabyte; COCO's annotations, the most, grow fivefold."""
_CHUNK = 1 << 20
_TEMPORARY = ".unpack-"
_Member = tuple[str, Callable[[], AbstractContextManager[IO[bytes]]]]


def sweep(folder: Path) -> None:
    """Remove what a process that was killed while it unpacked into `folder` left behind. Nobody may be unpacking there."""
    for orphan in folder.rglob(f"{_TEMPORARY}*"):
        orphan.unlink(missing_ok=True)


def unpack(archive: str | Path, folder: str | Path, most_bytes: int | None = None) -> list[str]:
    """Write the files of a .zip or .tar (also compressed) into `folder`; a file of the same name is replaced, each in one step.

    Args:
        most_bytes: what may come out altogether; unless given, `MOST_GROWTH` times the archive's size and a megabyte.

    Returns: the files written, relative to `folder`.

    Raises:
        WorkbenchError: a damaged archive; a name that leads out of the folder; a link, device or encrypted file; more than is plausible.
    """
    archive, folder = Path(archive), Path(folder)
    left = most_bytes if most_bytes is not None else MOST_GROWTH * archive.stat().st_size + (1 << 20)
    folder.mkdir(parents=True, exist_ok=True)
    base = folder.resolve()
    written: list[str] = []
    try:
        for name, opened in _members(archive):
            inside = require_inside(name, f"{archive.name}: an entry")
            target = folder / inside
            if not target.parent.resolve().is_relative_to(base):
                raise WorkbenchError(f"{target.parent} is a link that leads out of {folder}; remove it and unpack again.")
            target.parent.mkdir(parents=True, exist_ok=True)
            written.append(PurePosixPath(inside).as_posix())
            with opened() as source:
                left -= _copy(source, target, left, archive)
            if len(written) > MOST_FILES:
                raise WorkbenchError(f"{archive} holds more than {MOST_FILES} files, which no data set here does; get it again.")
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise WorkbenchError(f"{archive} cannot be unpacked ({error}); it is damaged or encrypted, get it again.") from None
    except OSError as error:
        raise WorkbenchError(f"{archive} cannot be unpacked into {folder} ({error}); check the disk, or get it again.") from None
    return written


def _members(archive: Path) -> Iterator[_Member]:
    """Name and opener of each file. Raises WorkbenchError for what is neither a file nor a folder."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for entry in zipped.infolist():
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise _refused(archive, entry.filename)
                if not entry.is_dir():
                    yield entry.filename, lambda entry=entry: zipped.open(entry)  # type: ignore[misc]
        return
    with tarfile.open(archive) as taped:
        for member in taped:
            if not (member.isreg() or member.isdir()):
                raise _refused(archive, member.name)
            if member.isreg():
                yield member.name, lambda member=member: taped.extractfile(member)  # type: ignore[misc]


def _refused(archive: Path, name: str) -> WorkbenchError:
    return WorkbenchError(
        f"{archive} holds {name!r:.80}, a link or a device, which a data set does not need; get it from its official page."
    )


def _copy(source: IO[bytes], target: Path, left: int, archive: Path) -> int:
    """Write one file under a temporary name, then in place. What is counted is what comes out, not what the archive says."""
    handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=target.parent)
    written = 0
    try:
        with os.fdopen(handle, "wb") as file:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > left:
                    raise WorkbenchError(f"{archive} unpacks to far more than its size makes plausible; get it from its official page.")
                file.write(chunk)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return written
