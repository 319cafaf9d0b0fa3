"""``workbench lab`` lets nobody in but whoever has the printed address, and listens on this machine only."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def asked(url):
    """The status of an answer; a server that has just printed its address may not listen yet."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return _asked(url)
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _asked(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="stops a group of processes")
def test_it_binds_to_this_machine_and_asks_for_a_token(tmp_path):
    pytest.importorskip("jupyterlab")
    private = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    command = [sys.executable, "-m", "workbench", "lab", "--no-browser", "--port", str(free_port())]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **private},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        address = next(found for line in process.stdout if (found := re.search(r"http://(\S+?):(\d+)/\S*\?token=(\w+)", line)))
        host, port, token = address.groups()
        assert host in ("127.0.0.1", "localhost")
        assert len(token) >= 32
        assert asked(f"http://127.0.0.1:{port}/api/contents?content=0") == 403
        assert asked(f"http://127.0.0.1:{port}/api/contents?content=0&token={token}") == 200
        if sys.platform == "linux":  # where every 127.x.y.z is this machine: a server for all addresses would answer here too
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", int(port)), timeout=5).close()
        process.terminate()  # us alone: the server ends too
        assert process.wait(30) == 143
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)), timeout=5).close()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
