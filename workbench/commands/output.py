"""What ``-o`` may write over: a file of the kind that it writes, and nothing else unless told ``--force``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from safetensors import SafetensorError, safe_open

from workbench.errors import WorkbenchError
from workbench.files import sweep


def _archive(path: Path) -> bool:
    try:
        with safe_open(path, framework="numpy") as file:
            return "inspection" in (file.metadata() or {})
    except SafetensorError:
        return False


def _page(path: Path) -> bool:
    """Our pages forbid everything in their first lines, which nobody else's do in this way."""
    with open(path, "rb") as file:
        head = file.read(2000).lower()
    return head.startswith(b"<!doctype html>") and b"content=\"default-src 'none'; s" in head


KINDS: dict[str, Callable[[Path], bool]] = {"archive": _archive, "page": _page}


def add_output(parser: argparse.ArgumentParser, metavar: str, help: str, **more: object) -> None:
    """``-o`` and ``--force`` of a command that writes one file."""
    parser.add_argument("-o", "--out", type=Path, metavar=metavar, help=help, **more)  # type: ignore[arg-type]
    parser.add_argument("--force", action="store_true", help="write over a file of another kind, too")


def require_output(path: Path, kind: str, inputs: Iterable[str | Path], force: bool = False) -> Path:
    """Look at ``-o`` ahead of the work, and remove what a killed command left half-written beside it.

    Args:
        kind: one of `KINDS`.
        inputs: files and folders that the command reads.

    Raises: WorkbenchError where it is one of the inputs or lies in their place, a folder, a device, or a file of another kind.
    """
    try:
        if path.is_dir():
            raise WorkbenchError(f"{path} is a folder; give the name of the {kind} to write, such as {path / f'{kind}.{_ending(kind)}'}.")
        for given in map(Path, inputs):
            if path.exists() and given.exists() and path.samefile(given):
                raise WorkbenchError(f"{path} is what this command reads; write the {kind} into another file.")
        if path.exists() and not path.is_file():
            raise WorkbenchError(f"{path} is a device, a pipe or a socket; write the {kind} into a file.")
        if path.exists() and path.stat().st_size and not force and not KINDS[kind](path):
            raise WorkbenchError(f"{path} is there and is no {kind} of ours; write into another file, or over it with --force.")
        if path.parent.is_dir():
            sweep(path.parent)
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be looked at ({error.strerror or error}); give another file.") from None
    return path


def _ending(kind: str) -> str:
    return {"archive": "safetensors", "page": "html"}[kind]
