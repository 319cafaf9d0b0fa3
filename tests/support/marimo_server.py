"""A real marimo editor on one notebook, with configuration, state and caches of its own, on 127.0.0.1 alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

# The page follows the browser's theme, and cells run when it opens.
CONFIGURATION = '[display]\ntheme = "system"\n[runtime]\nauto_instantiate = true\n'


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """A marimo notebook: a Python file with a function for each cell."""
    parts = [f"@app.cell\ndef _():\n{textwrap.indent(cell, '    ')}\n    return\n" for cell in cells]
    path.write_text("\n\n".join(["import marimo\n\napp = marimo.App()\n", *parts]))
    return path


@contextmanager
def running_marimo(notebook: Path, scratch: Path) -> Iterator[str]:
    """Address of a marimo editor on `notebook`; `scratch` takes its configuration and its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache"}
    environment = {**os.environ, **{name: str(scratch / place) for name, place in places.items()}}
    for place in places.values():
        (scratch / place).mkdir()
    (scratch / "config" / "marimo").mkdir()
    (scratch / "config" / "marimo" / "marimo.toml").write_text(CONFIGURATION)
    command = [sys.executable, "-m", "marimo", "-y", "edit", notebook.name, "--headless", "--no-token", "--skip-update-check"]
    log = scratch / "marimo.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--host=127.0.0.1", f"--port={port}"],
            env=environment,
            cwd=notebook.parent,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/"
    finally:
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def _wait(address: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(240):
        if server.poll() is not None:
            raise RuntimeError(f"marimo ended at once:\n{log.read_text()}")
        try:
            urllib.request.urlopen(address, timeout=20).close()
            return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(f"marimo did not answer within a minute:\n{log.read_text()}")
