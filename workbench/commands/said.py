"""What a command prints, where the reader may go away: `| head -1`, a closed terminal, a console that lacks a letter."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Patient:
    """A stream that goes on silently when nobody reads it any more."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return int(self._stream.write(text) or 0)
        except (OSError, ValueError):  # a broken pipe, a terminal that is gone; a stream that is closed
            self._leave()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._leave()

    def _leave(self) -> None:
        """What is still to be written goes nowhere."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def patient_output(also_results: bool) -> Iterator[None]:
    """Inside, what is said on stderr never ends a command, and what it prints neither, where the printing is not its purpose."""
    before = sys.stdout, sys.stderr
    if sys.stderr is not None:
        sys.stderr = Patient(sys.stderr)
    if also_results and sys.stdout is not None:
        sys.stdout = Patient(sys.stdout)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, Patient):
                stream.flush()
        sys.stdout, sys.stderr = before
