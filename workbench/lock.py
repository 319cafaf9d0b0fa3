"""One training a folder: a lock that the system takes away with the process that holds it, however that process ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import WorkbenchError, unwritable

NAME = ".lock"
_BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_held: set[int] = set()


class Busy(WorkbenchError):
    """Another process holds the lock."""


@contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold the folder's lock inside. The file `NAME` in it goes when the lock is given back; one left by a killed process locks nothing.

    Args:
        folder: made if it is not there.
        wait: until the lock is free, instead of refusing.

    Raises: Busy (a WorkbenchError) if somebody else holds it; WorkbenchError if the folder cannot be written to.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _acquire(path, wait)
    except BlockingIOError:
        raise Busy(
            f"Another training is writing into {folder}{_holder(path)}; wait for it, stop it, or train into another folder."
        ) from None
    except OSError as error:
        raise unwritable(path, error) from None
    with _released(path, handle):
        yield


@contextmanager
def kept_open(path: Path) -> Iterator[None]:
    """Hold the lock file `path` inside, waiting for it where it is held, so that others see that somebody is there. Raises OSError."""
    with _released(path, _acquire(path, wait=True)):
        yield


@contextmanager
def _released(path: Path, handle: int) -> Iterator[None]:
    _held.add(handle)
    try:
        yield
    finally:
        # Removed while it is still held: whoever opened it meanwhile finds the name gone and opens anew (see _acquire).
        with contextlib.suppress(OSError):
            path.unlink()
        _held.discard(handle)
        os.close(handle)


def holder(folder: Path) -> int | None:
    """Number of the process that holds the folder's lock; None if nobody does. 0 where it is held and nobody says by whom.

    A file system without locks cannot say: the process that the file names counts as its holder there.
    """
    path = folder / NAME
    try:
        # Not made if it is not there: nobody holds it then.
        handle = os.open(path, os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY)
    except OSError:
        return None
    try:
        _lock(handle, False)
    except OSError:
        return _number(path) or 0
    finally:
        os.close(handle)
    return None


def _acquire(path: Path, wait: bool) -> int:
    """An open handle of the file that has the name now, locked. Raises BlockingIOError if it is locked already."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                _lock(handle, wait)
            except OSError as error:
                if error.errno in _BUSY:
                    raise BlockingIOError from None
                # A file system without locks: nothing can be refused there, and refusing to train would help nobody.
            if _same(handle, path):
                os.ftruncate(handle, 0)
                os.write(handle, str(os.getpid()).encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, wait: bool) -> None:
        os.lseek(handle, 2**30, os.SEEK_SET)  # a byte beyond the text, so that others can read who it is
        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(handle: int, wait: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

    def _let_go_in_child() -> None:
        """A forked child, such as one that reads images, shares the lock and would keep it when its parent is killed."""
        while _held:
            os.close(_held.pop())

    os.register_at_fork(after_in_child=_let_go_in_child)


def _same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    number = _number(path)
    return f" (process {number} of its machine)" if number else ""


def _number(path: Path) -> int | None:
    """Which process the file names."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() and len(text) < 12 else None
