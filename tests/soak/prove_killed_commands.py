"""`kill -9` at random moments in inspect, evaluate, report, export, data get, and while caches are written: what was there before is
whole, and the next command sweeps what was left half-written.

Commands are forked from this process, which has loaded PyTorch; renaming and flushing are made slow in them, so that kills meet the writes.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import torch

from tests.soak.prove_full_disks import UNPACKED, entry, half_written, whole
from tests.soak.prove_kills import forked, outcome
from tests.soak.registry import proof
from tests.test_wrong_command_lines import ROOT, contents
from workbench.cli import main
from workbench.datasets import download
from workbench.datasets.scenes import Scenes

SLOWLY = 0.03  # seconds before a file is flushed or gets its name
Work = Callable[[Path], None]


def command(*words: str) -> Work:
    def work(room: Path) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
            code = main([word.replace("ROOM", str(room)) for word in words])
        assert code == 0, said.getvalue()

    return work


def caches(room: Path) -> None:
    """Drawn scenes are kept for the next time."""
    Scenes("train", count=40, size=48, cache=room / "scenes").image(0)


WORKS: dict[str, Work] = {
    "inspect": command("inspect", "ROOM/runs/finished", "-o", "ROOM/old.safetensors", "--limit", "4", "--no-measure"),
    "evaluate": command("evaluate", "ROOM/runs/finished"),
    "report": command("report", "ROOM/runs/finished", "-o", "ROOM/report.html"),
    "export": command("export", "ROOM/old.safetensors", "-o", "ROOM/page.html", "--images", "3"),
    "data get": command("data", "get", "voc2007", "--root", "ROOM/voc", "--keep"),
    "caches": caches,
}
FRESH = {"data get": "voc/pictures", "caches": "scenes"}  # what is made anew, so that there is something to kill


def furnish(room: Path) -> None:
    """Runs, and an older file in each place that a command writes to."""
    (room / "voc").mkdir(parents=True)
    with zipfile.ZipFile(ROOT / "tests/fixtures/run-schema-1.zip") as packed:
        packed.extractall(room / "runs")
    shutil.copy(ROOT / "data/scenes-pooled.safetensors", room / "old.safetensors")
    with zipfile.ZipFile(room / "voc" / "all.zip", "w") as file:
        for name, content in UNPACKED.items():
            file.writestr(name, content)


def slow() -> None:
    """In a child: each write takes its time."""
    for name in ("replace", "fsync"):
        real = getattr(os, name)

        def later(*given: object, real: Callable[..., object] = real) -> object:
            time.sleep(SLOWLY)
            return real(*given)

        setattr(os, name, later)


def killed(work: Work, room: Path, moment: float) -> bool:
    """Whether it was killed before its end."""

    def slowly() -> None:
        slow()
        work(room)

    child = forked(slowly)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    return outcome(child) == -signal.SIGKILL


def lasting(work: Work, room: Path) -> float:
    began = time.monotonic()

    def slowly() -> None:
        slow()
        work(room)

    assert outcome(forked(slowly)) == 0
    return time.monotonic() - began


@proof(whole=36, sample=6, piece=12, apart=True, marks=("slow",))
def killed_commands(seed: int, count: int) -> dict[str, int]:
    """A command killed at any moment leaves what was there before whole, and the next one sweeps what was half-written."""
    if not hasattr(os, "fork"):
        pytest.skip("commands are forked here, which this system cannot")
    torch.set_num_threads(1)
    rng, found = random.Random(f"killed commands {seed}"), {"killed": 0, "ended before": 0, "half-written": 0}
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        room = Path(name) / "room"
        furnish(room)
        stack.enter_context(mock.patch.dict(os.environ, {"WORKBENCH_CACHE": str(room / "cache"), "WORKBENCH_HOME": str(room)}))
        stack.enter_context(mock.patch.object(download, "sources", return_value={"voc2007": entry(room)}))
        lasts = {}
        for case in range(count):
            kind = list(WORKS)[case % len(WORKS)]
            work = WORKS[kind]
            if kind not in lasts:
                if kind in FRESH:
                    lasts[kind] = lasting(work, room)
                else:
                    assert outcome(forked(lambda work=work: work(room))) == 0  # imports what it needs, once
                    lasts[kind] = lasting(work, room)
            if kind in FRESH:
                shutil.rmtree(room / FRESH[kind], ignore_errors=True)
                shutil.rmtree(room / "voc" / ".fetched", ignore_errors=True) if kind == "data get" else None
            before = contents(room)
            moment = rng.uniform(0.0, lasts[kind])
            found["killed" if killed(work, room, moment) else "ended before"] += 1
            now = contents(room)
            found["half-written"] += bool(half_written(room, before))
            told = f"case {case}, {kind} killed after {moment:.2f} s"
            changed = [path for path, content in before.items() if path not in now or (now[path] != content and not whole(room, path))]
            assert not changed, f"{told}: {changed} changed"
            assert outcome(forked(lambda work=work: work(room))) == 0, f"{told}: the next one fails"
            assert not half_written(room, {}), f"{told}: {half_written(room, {})} are not swept"
            if kind == "data get":
                assert all((room / "voc" / path).read_bytes() == content for path, content in UNPACKED.items()), told
    return found
