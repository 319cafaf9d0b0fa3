"""Fetching the data sets that may be fetched: with resume, a check of what came, and a look at the disk before.

What comes from where stands in ``sources.json``. An archive grows as NAME.part in the data set's folder, gets its name once its size and
digest are right, is unpacked and removed. The folder ``.fetched`` remembers for each archive which files came out of it, so that the
command can be repeated and notices what was deleted since. One process fills a folder at a time.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workbench
from workbench.datasets.unpack import sweep, unpack
from workbench.errors import WorkbenchError
from workbench.files import write_json
from workbench.lock import Busy, locked

ATTEMPTS = 5
"""Connections in a row that bring nothing before we give up."""
TIMEOUT = 60.0  # seconds without a byte
_CHUNK = 1 << 20
_RECORDS = ".fetched"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Archive:
    """One file to fetch: address, size in bytes, "sha256:..." or "md5:..." or None, and who publishes these figures."""

    url: str
    bytes: int
    digest: str | None = None
    source: str = ""

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def sources() -> dict[str, dict[str, Any]]:
    """What is known about where data sets come from, by name: page, terms, and archives or instructions (``by_hand``)."""
    content = json.loads(Path(__file__).with_name("sources.json").read_text(encoding="utf-8"))
    return {name: entry for name, entry in content.items() if isinstance(entry, dict)}


def get(name: str, folder: Path, keep: bool = False, progress: Progress | None = None, say: Callable[[str], None] | None = None) -> int:
    """Fetch and unpack the archives of a data set that are not there yet, or whose files are not all there any more.

    Args:
        folder: where it belongs; made if needed.
        keep: leave the archives beside what was unpacked.
        progress: called with (archive, bytes there, bytes in all).
        say: called with a sentence where files were deleted since they were unpacked.

    Returns: the number of archives fetched.

    Raises: WorkbenchError where another process fills the folder, the disk is too small, the server cannot be reached, or what came is
        not what was published.
    """
    try:
        with locked(folder):
            return _get(sources()[name], folder, keep, progress, say)
    except Busy:
        raise WorkbenchError(f"Another process is fetching into {folder}; wait for it, or name another folder with --root.") from None


def _get(entry: dict[str, Any], folder: Path, keep: bool, progress: Progress | None, say: Callable[[str], None] | None) -> int:
    archives = [Archive(**item) for item in entry["archives"]]
    sweep(folder)  # what a killed process left
    wanted = []
    for archive in archives:
        files = _unpacked(folder, archive)
        gone = [file for file in files if not (folder / file).is_file()]
        if gone and say:
            say(f"{len(gone):,} of the {len(files):,} files of {archive.name} are gone, such as {gone[0]}; it is fetched again.")
        if gone or not files:
            wanted.append(archive)
    missing = sum(archive.bytes - _there(folder, archive) for archive in wanted)
    if wanted:
        _require_space(folder, missing + entry["unpacked"] * sum(archive.bytes for archive in wanted) // sum(a.bytes for a in archives))
    for archive in wanted:
        path = fetch(archive, folder, progress)
        _remember(folder, archive, unpack(path, folder))
        if not keep:
            path.unlink()
    return len(wanted)


def fetch(archive: Archive, folder: Path, progress: Progress | None = None, pause: float = 1.0) -> Path:
    """Fetch one archive into `folder`, going on where an earlier attempt stopped.

    Args:
        pause: seconds before the second connection; doubled for each one in a row that brings nothing.

    Raises: WorkbenchError; after wrong content nothing of it is left.
    """
    target, part = folder / archive.name, folder / f"{archive.name}.part"
    if target.is_file() and _problem(target, archive) is None:
        return target
    idle = most = 0
    while (have := part.stat().st_size if part.exists() else 0) < archive.bytes:
        try:
            _receive(archive, part, have, progress)
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 416, 429):
                raise WorkbenchError(
                    f"{archive.url} answers {error.code} {error.reason}; see whether the address has moved, and fetch it by hand."
                ) from None
            if error.code == 416:  # it has no bytes where ours end: what we have is of another file
                part.unlink(missing_ok=True)
            reason = f"the server answers {error.code}"
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError | TimeoutError):
                raise WorkbenchError(f"{part} cannot be written or {archive.url} not be reached ({error}); check both.") from None
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        now = part.stat().st_size if part.exists() else 0
        if now >= archive.bytes:
            break
        idle = 0 if now > max(have, most) else idle + 1  # going back and forth, as after a restart, is no progress
        most = max(have, most, now)
        if idle >= ATTEMPTS:
            raise WorkbenchError(
                f"{archive.url} could not be fetched ({reason:.100}); {now} of {archive.bytes} bytes are there, repeat the command to "
                "go on."
            )
        time.sleep(pause * 2 ** max(idle - 1, 0) if idle else 0)
    problem = _problem(part, archive)
    if problem:
        part.unlink()
        raise WorkbenchError(
            f"{archive.url} is not what was published ({problem}); it was removed, repeat the command or fetch it by hand."
        )
    os.replace(part, target)
    return target


def _receive(archive: Archive, part: Path, have: int, progress: Progress | None) -> None:
    """One connection: append to `part` what comes; begin anew where the server does not answer with the rest."""
    if not archive.url.startswith(("http://", "https://")):
        raise WorkbenchError(f"{archive.url} is not an address on the web; correct sources.json.")
    headers = {"User-Agent": f"workbench/{workbench.__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with urllib.request.urlopen(urllib.request.Request(archive.url, headers=headers), timeout=TIMEOUT) as answer:
        whole = re.fullmatch(rf"bytes {have}-\d+/(\d+|\*)", answer.headers.get("Content-Range") or "")
        continues = have > 0 and answer.status == 206 and whole is not None
        with open(part, "ab" if continues else "wb") as file:
            there = have if continues else 0
            while chunk := answer.read(_CHUNK):
                there += len(chunk)
                if there > archive.bytes:
                    break  # too much: the size is wrong, which the check then says
                file.write(chunk)
                if progress:
                    progress(archive.name, there, archive.bytes)
            if there > archive.bytes:
                file.write(chunk)


def _problem(path: Path, archive: Archive) -> str | None:
    """What is wrong with a file, or None."""
    size = path.stat().st_size
    if size != archive.bytes:
        return f"it has {'more than ' if size > archive.bytes else ''}{min(size, archive.bytes)} bytes instead of {archive.bytes}"
    if archive.digest is None:
        return None
    kind, _, expected = archive.digest.partition(":")
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    return None if found == expected else f"{kind} {found} instead of {expected}"


def _there(folder: Path, archive: Archive) -> int:
    sizes = [path.stat().st_size for path in (folder / archive.name, folder / f"{archive.name}.part") if path.is_file()]
    return min(max(sizes, default=0), archive.bytes)


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WorkbenchError(
            f"{folder} has {free / 1e9:.1f} GB free and {needed / 1e9:.1f} GB are needed; make room, or name a folder on another disk "
            "with --root."
        )


def _unpacked(folder: Path, archive: Archive) -> list[str]:
    """The files that came out of an archive, relative to `folder`; empty where it was not unpacked, or is another one by now."""
    try:
        content = json.loads((folder / _RECORDS / f"{archive.name}.json").read_text(encoding="utf-8"))
        same = content["bytes"] == archive.bytes and content["digest"] == archive.digest
        return [str(file) for file in content["files"]] if same else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _remember(folder: Path, archive: Archive, files: list[str]) -> None:
    place = folder / _RECORDS / f"{archive.name}.json"
    place.parent.mkdir(exist_ok=True)
    write_json(place, {"bytes": archive.bytes, "digest": archive.digest, "files": files})
