"""``workbench train`` in a process of its own, which outlives the kernel that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import WorkbenchError

COMMAND = ("-m", "workbench")  # what Python is started with
SIGNALS = [number for name, number in signal.Signals.__members__.items() if name in ("SIGINT", "SIGTERM", "SIGHUP")]
STOPPED = (*(128 + number for number in SIGNALS), *(-number for number in SIGNALS))
LONGEST = 1000  # characters of a sentence
_SPEAKER = "workbench train: "


class TrainingProcess:
    """One training that was started here. It is in a session of its own: interrupting or ending the kernel does not reach it.

    Args:
        arguments: of ``workbench train``.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        # A file and no pipe: a pipe breaks when the kernel goes, and takes the training along.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115, it is read when the process has ended
        weakref.finalize(self, self._said.close)
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        try:
            self._process = subprocess.Popen(
                [sys.executable, *COMMAND, "train", *arguments], stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said, **apart
            )
        except OSError as error:
            raise WorkbenchError(f"The training could not be started ({error}); try `workbench train` in a terminal.") from None
        self._sentence: str | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Ask it to save and end; one that is still starting has nothing to save."""
        if self.running:
            self._process.terminate()

    @property
    def sentence(self) -> str:
        """Why it ended, where it ended badly; "" as long as it runs, and after a training that was finished or stopped."""
        if self.running:
            return ""
        if self._sentence is None:
            code = self._process.returncode
            self._sentence = "" if code == 0 or code in STOPPED else self._last_words() or _unexplained(code)
            self._said.close()
        return self._sentence

    def _last_words(self) -> str:
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - 8 * LONGEST))
        lines = [line.strip() for line in self._said.read().decode("utf-8", "replace").splitlines() if line.strip()]
        ours = [line.removeprefix(_SPEAKER) for line in lines if line.startswith(_SPEAKER)]
        return (ours or lines or [""])[-1][:LONGEST]


def _unexplained(code: int) -> str:
    how = f"was killed (signal {-code}), perhaps for want of memory" if code < 0 else f"ended with exit code {code} and said nothing"
    return f"The training {how}; resume it to go on from the last saved state."


def settings(overrides: Mapping[str, Any]) -> list[str]:
    """``{"stages.all.epochs": 3}`` as ``["--set", "stages.all.epochs=3"]``."""
    return [part for key, value in overrides.items() for part in ("--set", f"{key}={_text(value)}")]


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
