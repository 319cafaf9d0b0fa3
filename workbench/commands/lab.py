"""``workbench lab``: JupyterLab on this machine alone, opened on a notebook."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from workbench.commands.numbers import whole
from workbench.errors import WorkbenchError, did_you_mean
from workbench.training.stopping import SIGNALS, Stopped

LONGEST = 10.0  # seconds that the server has to end its kernels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notebook", nargs="?", default="00_start_here", help="notebook to open (default 00_start_here)")
    parser.add_argument("--port", type=whole(0, 65535), default=8888, help="first port to try (default 8888)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser; the address is printed")


def find_notebook(name: str, root: Path) -> str:
    """Path of a notebook below `root`, from a path or a bare name. Raises WorkbenchError with the nearest name."""
    for candidate in (root / name, root / "notebooks" / f"{name}.ipynb", root / "notebooks" / name):
        if candidate.is_file():
            return candidate.resolve().relative_to(root.resolve()).as_posix()
    known = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    raise WorkbenchError(f'There is no notebook "{name}" in {root / "notebooks"}.{did_you_mean(name, known)}')


def run(arguments: argparse.Namespace) -> int:
    from workbench.shelf import home

    try:
        import jupyterlab  # noqa: F401
    except ModuleNotFoundError:
        raise WorkbenchError('JupyterLab is not installed; run: pip install -e ".[explore]"') from None
    root = home()
    notebook = find_notebook(arguments.notebook, root)
    command = [
        *(sys.executable, "-m", "jupyter", "lab"),
        "--ServerApp.ip=127.0.0.1",  # this machine only; the token in the printed address is the key
        f"--ServerApp.port={arguments.port}",
        f"--ServerApp.root_dir={root}",
        # Widget state of notebooks that are not trusted would run its script when they are opened.
        "--ServerApp.contents_manager_class=workbench.commands.guarded_contents.GuardedContents",
        f"--LabApp.default_url=/lab/tree/{notebook}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if arguments.no_browser:
        command.append("--ServerApp.open_browser=False")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    print(f"Opening {notebook} in JupyterLab; stop it with Ctrl-C twice.", flush=True)
    for number in (number for number in SIGNALS if number != signal.SIGINT and signal.getsignal(number) is not signal.SIG_IGN):
        signal.signal(number, _stopped)
    process = subprocess.Popen(command, cwd=root)
    while True:
        try:
            return process.wait()
        except Stopped:  # us alone, and the server would live on
            _end(process)
            raise
        except KeyboardInterrupt:  # JupyterLab got it too, and asks by itself whether to stop
            continue


def _stopped(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have the server end its kernels and itself."""
    process.terminate()
    try:
        process.wait(LONGEST)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
