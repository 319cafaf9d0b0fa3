"""A disk that is full at any moment of a command: a small tmpfs, filled so far that between nothing and all of what the command writes
still fits. The old files are whole, the exit code is 2 with one sentence, and nothing half-written is left.

Where no tmpfs can be mounted (it takes root), this is skipped: a limit on the size of files, as tests/test_command_outputs.py sets it,
says less.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.soak.registry import proof
from tests.test_wrong_command_lines import ROOT, contents
from workbench.cli import main
from workbench.datasets import download
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.reports.scores import Scores
from workbench.shelf import open_inspection
from workbench.widgets import ThresholdLab

SIZE = 24 << 20  # bytes of the tmpfs
PAGE = 4096
UNPACKED = {f"pictures/{number:03}.jpg": os.urandom(20_000) for number in range(20)}
Work = Callable[[Path], None]


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """A tmpfs of its own, gone afterwards whatever happens."""
    place = Path(tempfile.mkdtemp(prefix="workbench-full-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    try:
        if mounted.returncode:
            pytest.skip(f"no tmpfs can be mounted here, so no disk can be full: {mounted.stderr.strip():.100}")
        yield place
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def command(*words: str) -> Work:
    """A command on the disk."""

    def work(disk: Path) -> None:
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = main([word.replace("DISK", str(disk)) for word in words])
        if code == 2:
            raise WorkbenchError(said.getvalue().strip())
        assert code == 0, f"code {code}: {said.getvalue()[-300:]}"

    return work


def thresholds(disk: Path) -> None:
    """What the threshold lab saves."""
    ThresholdLab(open_inspection(disk / "old.safetensors")).save_thresholds(disk / "thresholds.json")


def tour(disk: Path) -> None:
    """What the tour writes after its trainings: an archive in the place of an older one, and the report."""
    open_inspection(ROOT / "data/scenes-pooled.safetensors").save(disk / "old.safetensors")
    command("report", "DISK/runs/finished", "DISK/runs/stopped", "-o", "DISK/report.html")(disk)


WORKS: dict[str, Work] = {
    "inspect": command("inspect", "DISK/runs/finished", "-o", "DISK/old.safetensors", "--limit", "4", "--no-measure"),
    "evaluate": command("evaluate", "DISK/runs/finished"),
    "report": command("report", "DISK/runs/finished", "-o", "DISK/report.html"),
    "export": command("export", str(ROOT / "data/scenes-pooled.safetensors"), "-o", "DISK/page.html", "--images", "3"),
    "data export": command("data", "export", "scenes", "--count", "4", "-o", "DISK/exported"),
    "data get": command("data", "get", "voc2007", "--root", "DISK/voc"),
    "tour": tour,
    "thresholds": thresholds,
}


SEVERAL = ("evaluate", "tour")  # write several files: those before the one that did not fit are new


def furnish(disk: Path) -> None:
    """What is there before: runs, and an older file in each place that a command writes to."""
    with zipfile.ZipFile(ROOT / "tests/fixtures/run-schema-1.zip") as packed:
        packed.extractall(disk / "runs")
    shutil.copy(ROOT / "data/scenes-pooled.safetensors", disk / "old.safetensors")
    (disk / "voc").mkdir()
    with zipfile.ZipFile(disk / "voc" / "all.zip", "w") as file:
        for name, content in UNPACKED.items():
            file.writestr(name, content)
    for name in ("evaluate", "report", "export", "thresholds"):
        WORKS[name](disk)


def entry(disk: Path) -> dict[str, object]:
    size = (disk / "voc" / "all.zip").stat().st_size
    return {"page": "p", "terms": "t", "unpacked": 0, "archives": [{"url": "http://127.0.0.1:9/all.zip", "bytes": size}]}


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def half_written(disk: Path, before: dict[str, bytes]) -> list[str]:
    """What is there beside what was, and beside what a command finished."""
    extra = [str(path.relative_to(disk)) for path in disk.rglob("*") if ".part" in path.name or path.name.startswith((".unpack-", ".tmp"))]
    return [path for path in extra if path not in before]


@proof(whole=160, sample=16, piece=16, apart=True, marks=("slow",))
def full_disks(seed: int, count: int) -> dict[str, int]:
    """Whenever the disk is full, old files stay whole, and a command ends with code 2, one sentence, and nothing half-written."""
    rng, found = random.Random(f"full disks {seed}"), Counter[str]()
    with small_disk() as disk, contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as kept:
        cache = {"WORKBENCH_CACHE": str(disk / "cache"), "WORKBENCH_HOME": str(disk)}
        stack.enter_context(mock.patch.dict(os.environ, cache))
        furnish(disk)
        stack.enter_context(mock.patch.object(download, "sources", return_value={"voc2007": entry(disk)}))
        shutil.copytree(disk, Path(kept) / "before")
        before = contents(disk)
        needs: dict[str, int] = {}
        for case in range(count):
            name = list(WORKS)[case % len(WORKS)]
            if name not in needs:
                needs[name] = most_written(WORKS[name], disk)
                restore(disk, Path(kept) / "before")
            room = max(0, rng.randrange(-needs[name] // 6, needs[name] + needs[name] // 6 + PAGE)) // PAGE * PAGE
            filler = disk / "filler"
            filler.write_bytes(b"\0" * max(0, free(disk) - room))
            try:
                outcome = refused(WORKS[name], disk)
            except Exception as error:
                pytest.fail(f"case {case}, {name} with {room} of {needs[name]} bytes free: {type(error).__name__}: {error!s:.400}")
            filler.unlink()
            now = contents(disk)
            told = f"case {case}, {name} with {room} of {needs[name]} bytes free, {outcome}"
            if outcome == "refused":
                changed = [
                    path for path, content in before.items() if now.get(path) != content and not (name in SEVERAL and whole(disk, path))
                ]
                assert not changed, f"{told}: {changed} changed"
            assert not half_written(disk, before), f"{told}: {half_written(disk, before)} left"
            found[outcome] += 1
            if now != before:
                restore(disk, Path(kept) / "before")
    return dict(found)


def whole(room: Path, path: str) -> bool:
    """Whether a file that was replaced is a whole one of its kind."""
    file = room / path
    if path.endswith(".html"):
        return file.read_text(encoding="utf-8").rstrip().endswith("</html>")
    if path.endswith(".json"):
        return isinstance(json.loads(file.read_text()), dict)
    if path.endswith("scores.safetensors"):
        return bool(Scores.read(file.parent))
    return path == "old.safetensors" and len(Inspection.open(file)) > 0


def refused(work: Work, disk: Path) -> str:
    try:
        work(disk)
    except WorkbenchError as error:
        said = str(error)
        assert len(said.splitlines()) == 1, said
        assert "full" in said or "space" in said or "free" in said, said
        return "refused"
    return "fits"


def most_written(work: Work, disk: Path) -> int:
    """Bytes by which the disk gets fuller at most while the command works, as seen at the end of each file."""
    start, least = free(disk), [free(disk)]
    real = os.replace

    def watching(source: object, target: object, **more: object) -> None:
        least.append(free(disk))
        real(source, target, **more)  # type: ignore[arg-type, call-overload]

    with mock.patch("os.replace", watching):
        work(disk)
    least.append(free(disk))
    return start - min(least)


def restore(disk: Path, before: Path) -> None:
    for path in disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(before, disk, dirs_exist_ok=True)
