"""A mapped file that is looked at before each slice. Its bytes are read when they are asked for: written over in between, they would be a
mixture of two archives, and cut off, the kernel would end with SIGBUS."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError

_BLOCK, _BLOCKS = 4096, 16


class Watched:
    """One file as it was when it was opened. Replaced by another that is renamed to it, it stays whole."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._state = os.stat(self._path)
        self._digest = self._checksum()

    def check(self) -> None:
        """Raise WorkbenchError if the file was written to since."""
        try:
            now = os.stat(self._path)
        except OSError:
            return  # gone from its folder, whole where it is mapped
        was = self._state
        if (now.st_ino, now.st_dev) != (was.st_ino, was.st_dev) or (now.st_ctime_ns == was.st_ctime_ns and now.st_size == was.st_size):
            return
        # A time alone may come from renaming or from other permissions; one that was set back hides a change.
        if (now.st_size, now.st_mtime_ns) != (was.st_size, was.st_mtime_ns) or self._checksum() != self._digest:
            raise WorkbenchError(
                f"{self._path} was changed since it was opened, so that its maps and its scores may not belong together; open it again."
            )
        self._state = now

    def _checksum(self) -> int:
        """Of the header and of blocks from all over the file: cheap for any size."""
        digest = 0
        with open(self._path, "rb") as file:
            for number in range(_BLOCKS):
                file.seek(number * max(0, self._state.st_size - _BLOCK) // (_BLOCKS - 1))
                digest = zlib.crc32(file.read(_BLOCK), digest)
        return digest


class WatchedSlice:
    """A tensor of a watched file: as safetensors' slices, looked at before it is read."""

    def __init__(self, held: Any, file: Watched) -> None:
        self._held, self._file = held, file

    def __getitem__(self, rows: Any) -> Any:
        self._file.check()
        return self._held[rows]

    def get_shape(self) -> Any:
        return self._held.get_shape()

    def get_dtype(self) -> Any:
        return self._held.get_dtype()
