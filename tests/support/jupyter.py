"""A real JupyterLab, driven by Playwright: start a private server, open a notebook, run all of it, reload, shut the kernel down.

The server has its own configuration, data and kernel folders, listens on 127.0.0.1 alone, and is stopped with its whole process group.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

TOKEN = "tests-only"
SETTINGS: dict[str, dict[str, Any]] = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, also those out of view
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
READY = "() => /\\|\\s*Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent || '')"
ALL_RAN = """() => {
  const prompts = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].map((each) => each.textContent.trim());
  return prompts.length && prompts.every((text) => /^\\[\\d+\\]:?$/.test(text));
}"""


class Lab:
    """A running server: `url` and the `folder` that it serves."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def open(self, page: Any, notebook: str) -> None:
        """Open a notebook in a clean workspace, without running it."""
        page.goto(f"{self.url}/lab/workspaces/tests/tree/{notebook}?reset&token={TOKEN}")
        page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_function("() => window.jupyterapp !== undefined")
        # The execution indicator says idle before there is a kernel; the status bar names the connected one.
        page.wait_for_function(READY, timeout=60_000)

    def run_all(self, page: Any, timeout: float = 60_000) -> None:
        self.command(page, "notebook:run-all-cells")
        page.wait_for_function(ALL_RAN, timeout=timeout)

    def save(self, page: Any) -> None:
        self.command(page, "docmanager:save")
        page.wait_for_timeout(300)

    def shut_down_kernel(self, page: Any) -> None:
        """End the kernel by way of the server, as closing it from the list of running kernels does."""
        sessions = self._ask("sessions")
        for session in sessions:
            self._ask(f"sessions/{session['id']}", "DELETE")

    def command(self, page: Any, name: str) -> None:
        page.evaluate("(name) => window.jupyterapp.commands.execute(name)", name)

    def _ask(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(f"{self.url}/api/{path}?token={TOKEN}", method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def running_lab(folder: Path, scratch: Path, more_options: Sequence[str] = ()) -> Iterator[Lab]:
    """A JupyterLab on `folder`; `scratch` takes its configuration and its log."""
    for name, value in SETTINGS.items():
        extension, file = name.split("/")
        place = scratch / "config/lab/user-settings/@jupyterlab" / extension / f"{file}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(value))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = {**os.environ, **{name: str(scratch / place) for name, place in folders.items()}}
    command = [sys.executable, "-m", "jupyter", "lab", "--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    options = [
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--ServerApp.shutdown_no_activity_timeout=300",  # should the tests be killed
        "--MappingKernelManager.cull_idle_timeout=300",
        "--LabApp.news_url=None",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = scratch / "lab.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, *options, *more_options], env=environment, stdout=output, stderr=output, start_new_session=True
        )
    lab = Lab(f"http://127.0.0.1:{port}", folder)
    try:
        _wait(lab, server, log)
        yield lab
    finally:
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def _wait(lab: Lab, server: subprocess.Popen, log: Path) -> None:
    for _ in range(240):
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended at once:\n{log.read_text()}")
        try:
            lab._ask("status")
            return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(f"JupyterLab did not answer within a minute:\n{log.read_text()}")


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """A notebook of code cells."""
    notebook = {
        "cells": [
            {"cell_type": "code", "id": f"cell-{place}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
            for place, source in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook))
    return path
