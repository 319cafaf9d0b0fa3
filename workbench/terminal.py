"""Text from data on its way to a terminal: control characters and letters that the terminal has no code for are printed as escapes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""`text` with control and direction characters as escapes (``\x1b``); line ends, tabs and returns stay."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


class Escaped:
    """A stream that writes through `printable` into another one, which never fails on a letter."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        self._stream.write(printable(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def escaped_output() -> Iterator[None]:
    """What is printed inside goes through `Escaped`."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (Escaped(stream) if stream is not None else stream for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
