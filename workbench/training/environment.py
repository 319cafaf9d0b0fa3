"""What a result depends on besides its recipe: versions, machine, commit. No names of hosts, users or folders."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import workbench

_PACKAGES = ("torch", "torchvision", "lightning-fabric", "numpy", "pillow", "safetensors")


def environment() -> dict[str, Any]:
    """JSON that says on what a training ran."""
    return {
        "workbench": workbench.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
    }


def commit() -> str | None:
    """The commit of the source tree that runs, with "+" after it if files were changed since; None for an installed package."""
    tree = Path(workbench.__file__).parents[1]
    if not (tree / ".git").exists():
        return None
    try:
        head = _git(tree, "rev-parse", "HEAD")
        return head + ("+" if _git(tree, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(tree: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=tree, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
