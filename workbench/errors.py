"""The one error type that users meet, and the near-miss hint that its sentences carry."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable
from pathlib import Path

_ENDLESS = re.compile(r"(\S{80})\S{420,}")  # a word longer than any path or name that is meant, as a damaged or hostile file holds


class WorkbenchError(Exception):
    """Bad input, told as one sentence: what was wrong, where, and what to do about it.

    The command line prints it and exits with 2; notebooks show it as it stands. Anything else that is raised is a defect of ours.
    """

    def __str__(self) -> str:
        return _ENDLESS.sub(r"\1...", super().__str__())


class DataWarning(UserWarning):
    """Something in the data looks odd: it was read, and this is how."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``' Did you mean "x"?'`` for the known name nearest to `name`, else the list of known names."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f' Did you mean "{near[0]}"?'
    shown = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
    return f" Known names: {shown}."


def unwritable(path: str | Path, error: OSError) -> WorkbenchError:
    """The sentence for a file that the system would not let us write."""
    folder = Path(path).parent
    if error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return WorkbenchError(
            f"{path} cannot be written, the disk or your quota is full; free some space and start again: what was written before is kept."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WorkbenchError(f"{folder} cannot be written to ({error.strerror}); give another folder, or change its permissions.")
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return WorkbenchError(f"{folder} is a file, or lies below one; give a folder.")
    if error.errno == errno.ENOENT:
        return WorkbenchError(f"{folder} is gone; make it again, or give another folder.")
    if error.errno == errno.ENAMETOOLONG:
        return WorkbenchError(f"The name {Path(path).name[:40]}... is longer than the file system takes; give a shorter one.")
    if error.errno == errno.EISDIR:
        return WorkbenchError(f"{path} is a folder; give the name of a file.")
    return WorkbenchError(f"{path} cannot be written ({error.strerror or error}); look after the disk, then start again.")
