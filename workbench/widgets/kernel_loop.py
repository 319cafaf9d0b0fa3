"""Widget messages leave from the kernel's own loop, whichever thread asks for them, and none is cut in two when the kernel ends.

ipykernel passes messages on in a thread of its own, which works until the very end. By then pyzmq no longer sends a frame of 64 kB and more
without copying it (`zmq.utils.garbage.GarbageCollector._atexit`): such a message loses its end, and the next message is joined to what was
sent of it. The page then reports a "Kernel message validation error".
"""

from __future__ import annotations

import asyncio
import atexit
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from IPython import get_ipython


def in_kernel(call: Callable[[], Any]) -> None:
    """Make `call`: at once in the kernel's loop and where there is no such kernel, else as soon as the loop comes to it, in order.

    A kernel that ends makes no more calls.
    """
    kernel = getattr(get_ipython(), "kernel", None)  # marimo's and others' messages go another way
    loop = getattr(getattr(kernel, "io_loop", None), "asyncio_loop", None)
    if kernel is not None:
        _prepare_the_end(kernel)
    if loop is None or running_loop() is loop:
        call()
        return
    with suppress(RuntimeError):  # closed
        loop.call_soon_threadsafe(call)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that this thread is in."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@cache
def _prepare_the_end(kernel: Any) -> None:
    """What is registered last is done first, and so before pyzmq's own end."""
    import zmq.utils.garbage  # noqa: F401

    atexit.register(_end, kernel)


def _end(kernel: Any) -> None:
    """Send what waits; what other threads send from now on is copied, whatever its size."""
    kernel.session.copy_threshold = sys.maxsize
    sent = threading.Event()
    kernel.iopub_thread.schedule(sent.set)
    sent.wait(5)
