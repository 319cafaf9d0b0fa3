"""Ctrl-C, SIGTERM and SIGHUP: heard in words at once; what cannot be left half done is finished and saved; then all ends.

A second signal ends it at once. Python handles a signal only when the main thread comes out of what it does, which can be a long step. So
in a command a thread listens too, woken by the system's own handler: it says that the signal was heard, and ends the process where the
main thread does not come to it: after a second signal; in work that leaves nothing half done, after `PATIENCE`; and where it waits for
another process of the training that is dead, or for a device that does not answer, after `GRACE_SECONDS`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from workbench.errors import WorkbenchError

GRACE_SECONDS = 20.0
PATIENCE = 2.0
AGAIN = 0.3  # seconds within which signals count as one: who stops a group of processes often sends two
SIGNALS = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)
NAMES = {signal.SIGINT: "Ctrl-C"}


class Stopped(KeyboardInterrupt):
    """The work was asked to stop; a training has saved its state.

    Attributes:
        signal: number of the signal that asked.
    """

    def __init__(self, number: int) -> None:
        super().__init__("stopped, and saved")
        self.signal = number


class StopRequest:
    """Whether somebody asked to stop.

    Args:
        name: of the command, for what is said.
        held: whether work begins that must not be left half done: a signal is noted, and not raised, there.

    Attributes:
        signal: number of the signal that did, or 0.
        watched: whether other processes share the work. Then it ends for all of them at the end of a step, and a second SIGTERM says
            nothing new.
    """

    def __init__(self, name: str = "workbench", held: bool = False) -> None:
        self.name, self.signal, self.watched = name, 0, False
        self.listened = False  # to by a thread
        self._held, self._since = int(held), 0.0

    @property
    def held(self) -> bool:
        return self._held > 0

    def again(self, number: int) -> bool:
        """Whether this one is a second request, to end at once."""
        return time.monotonic() - self._since > AGAIN and (number == signal.SIGINT or not self.watched)

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal and not self.again(number):
            return
        first, self.signal = not self.signal, number
        if first:
            self._since = time.monotonic()
            if not self.listened:
                _say(self.heard(number))
        if not first or not self.held:
            raise Stopped(number)

    def heard(self, number: int) -> str:
        rest = "the step that runs is finished and saved; a second one ends it at once." if self.held else "stopping."
        return f"{self.name}: {NAMES.get(signal.Signals(number), signal.Signals(number).name)} was heard, {rest}"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Inside, signals are noted and not raised."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    @contextmanager
    def interruptible(self, save: Callable[[], None] | None = None) -> Iterator[None]:
        """Inside, where nothing can be left half done, a signal is raised as `Stopped`, also one that was noted before.

        Args:
            save: called where the work inside does not come to its end.
        """
        free = self._held > 0 and not self.watched
        try:
            self._held -= free
            try:
                if free and self.signal and not self._held:
                    raise Stopped(self.signal)
                yield
            finally:
                self._held += free
        except Stopped:
            if save:
                save()
            raise
        except Exception:
            with suppress(WorkbenchError):
                if save:
                    save()
            raise


_commands: list[StopRequest] = []  # the command's own, while one runs


@contextmanager
def stop_request(watched: bool = False) -> Iterator[StopRequest]:
    """Collect signals inside, without raising them. Python takes them in its main thread only; in another one nothing is collected.

    Args:
        watched: other processes share the work; end this one, with a sentence, when it does not stop within the grace time.
    """
    request = _commands[-1] if _commands else StopRequest("workbench train", held=True)
    if threading.current_thread() is not threading.main_thread():
        yield StopRequest(held=True)
        return
    before, request.watched = request.watched, watched
    try:
        if _commands:
            with request.hold():
                yield request
        else:
            with _handling(request, listen=watched):
                yield request
    finally:
        request.watched = before


@contextmanager
def listening(name: str) -> Iterator[None]:
    """Hear signals in all of a command: raised as `Stopped` wherever no `stop_request` holds them back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    request = StopRequest(name)
    _commands.append(request)
    try:
        with _handling(request, listen=True):
            yield
    finally:
        _commands.remove(request)


@contextmanager
def _handling(request: StopRequest, listen: bool) -> Iterator[None]:
    # Under nohup a closed terminal says nothing.
    heard = [number for number in SIGNALS if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, request.handle) for number in heard}
    try:
        if listen:
            with _listener(request):
                yield
        else:
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _listener(request: StopRequest) -> Iterator[None]:
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_listen, args=(request, reader), daemon=True)
    request.listened = True
    thread.start()
    try:
        yield
    finally:
        request.listened = False
        signal.set_wakeup_fd(before)
        writer.close()
        thread.join()
        reader.close()


def _listen(request: StopRequest, reader: socket.socket) -> None:
    """Until the other end is closed. It knows of signals before the main thread does, and so keeps its own account."""
    first = second = 0
    since = open_since = second_since = 0.0
    while True:
        if select.select([reader], [], [], 0.1 if first else None)[0]:
            numbers = reader.recv(64)
            if not numbers:
                return
        else:
            numbers = b""
        now = time.monotonic()
        for number in numbers:
            if number in SIGNALS and not first:
                first, since = number, now
                _say(request.heard(number))
            elif number in SIGNALS and now - since > AGAIN and (number == signal.SIGINT or not request.watched):
                second, second_since = second or number, second_since or now
        if not first:
            continue
        open_since = 0.0 if request.held else open_since or now
        if second and now - second_since > PATIENCE / 2:
            _end(second, f"{request.name}: ended at once; what was saved before is kept.")
        if open_since and now - open_since > PATIENCE:
            _end(first, f"{request.name}: stopped; start it again to go on.")
        if request.watched and first == signal.SIGTERM and now - since > GRACE_SECONDS:
            _end(
                first,
                f"{request.name}: asked to stop and not at the end of a step after {GRACE_SECONDS:g} s, most likely because another "
                "process of this training has ended; what was saved before is kept, start the training again to go on.",
            )


def _say(text: str) -> None:
    with suppress(OSError, ValueError, RuntimeError, AttributeError):  # the terminal is gone, or in the middle of another line
        sys.stderr.write(f"\n{text}\n")
        sys.stderr.flush()


def _end(number: int, text: str) -> None:
    _say(text)
    os._exit(128 + number)
