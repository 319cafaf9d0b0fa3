"""Ctrl-C and SIGTERM: the step that runs is finished, the state is saved, and then the training ends.

A second Ctrl-C ends it at once. A process that cannot come to the end of its step, because it waits for another one that is dead or for
a device that does not answer, says so and ends after `GRACE_SECONDS`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 20.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The training was asked to stop, and has saved its state.

    Attributes:
        signal: number of the signal that asked.
    """

    def __init__(self, number: int) -> None:
        super().__init__("stopped, and saved")
        self.signal = number


class StopRequest:
    """Whether somebody asked to stop.

    Attributes:
        signal: number of the signal that did, or 0.
    """

    def __init__(self) -> None:
        self.signal = 0

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number


@contextmanager
def stop_request(watched: bool = False) -> Iterator[StopRequest]:
    """Collect signals inside. Python takes them in its main thread only; in another one nothing is collected.

    Args:
        watched: end the process, with a sentence, when it does not stop within the grace time after SIGTERM.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.handle) for number in SIGNALS}
    try:
        if watched:
            with _watch():
                yield request
        else:
            yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _watch() -> Iterator[None]:
    """A thread that the system's own signal handler wakes, because Python's waits until the main thread comes out of what it does."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    over = threading.Event()
    thread = threading.Thread(target=_wait_for_term, args=(reader, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        over.set()
        writer.close()
        thread.join()
        reader.close()


def _wait_for_term(reader: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        select.select([reader], [], [])
        numbers = reader.recv(64)
        if not numbers:
            return
        if signal.SIGTERM in numbers:
            break
    if not over.wait(GRACE_SECONDS):
        sys.stderr.write(
            f"workbench train: asked to stop and not at the end of a step after {GRACE_SECONDS:g} s, most likely because another process "
            "of this training has ended; what was saved before is kept, start the training again to go on.\n"
        )
        sys.stderr.flush()
        os._exit(128 + signal.SIGTERM)
