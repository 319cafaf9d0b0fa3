"""Command lines made of right and wrong ones: words exchanged, dropped, doubled, lengthened, control characters, numbers out of range.

Each ends with exit code 2 and a sentence, or succeeds; soon, without a traceback, and what was there before is as it was unless the line
names it. What would train, listen, or ask a network is stopped where it would begin: `train`, `tour`, `lab`, `data get`.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import shlex
import shutil
import signal
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from unittest import mock

import pytest

from tests.soak.registry import proof
from tests.test_wrong_command_lines import LINES, ROOT, contents
from workbench.cli import main
from workbench.terminal import printable

SECONDS = 30  # an alarm; `LONGEST` is what a line may take of the processor
LONGEST = 8.0
LINES_RIGHT = """
    export a -o page.html --images 2
    export a -o page.html --no-pictures --cap 3 --images 1
    export data/b.safetensors -o p.html --images 1 --pictures blurred
    train scenes-srn -o r1 --set stages.joint.lr=0.01 --workers 0
    evaluate RUN --preset sklearn --json
    evaluate RUN --which last --thresholds 0.5
    inspect RUN -o x.safetensors --limit 2 --no-measure
    inspect RUN -o x.safetensors --limit 1 --picture-size 32 --pictures blurred --no-measure
    report RUN -o p.html
    data list
    data get scenes
    data get voc2007 --root folder
    data check scenes --count 2 --json
    data check scenes --count 2 --set seed=3 --split train
    data export scenes --count 2 -o exported
    watch RUN --json
    watch RUN
    recipes
    recipes --json
    doctor
    lab --port 9999 --no-browser
    --version
    --help
    export --help
"""
STARTED = ("workbench.training.train", "workbench.commands.lab.subprocess.Popen", "workbench.datasets.download.get")
NUMBERS = ["-1", "0", "1e999", "nan", "1" * 400, "99999999999999999999", "0x10", "1_000", "٣", "1e-400", " 3", "3.5"]
CONTROLS = [
    "\n",
    "\r",
    "\t",
    "\x1b[31m",
    "\x07",
    "\x7f",
    "\u202e",
    "\udcff",
    "\u0301",
    "'",
    "$(x)",
    "*",
    "%s",
    "{0}",
    "\\",
    "=",
    "-",
    "--",
    "/",
]


class Began(BaseException):
    """The line is right, and would now train, serve or fetch."""


class Hangs(BaseException):
    """It took too long."""


def began(*_: object, **__: object) -> None:
    raise Began


def mutated(rng: random.Random, lines: list[list[str]]) -> list[str]:
    """One or two changes of a line."""
    words = list(rng.choice(lines))
    for _ in range(rng.choice([1, 1, 2])):
        place = rng.randrange(len(words) + 1)
        other = rng.choice(rng.choice(lines) or ["-o"])
        if not words or place == len(words):
            words.insert(place, other)
            continue
        word = words[place]
        action = rng.randrange(8)
        if action == 0:
            second = rng.randrange(len(words))
            words[place], words[second] = words[second], word
        elif action == 1:
            del words[place]
        elif action == 2:
            words.insert(place, word)
        elif action == 3:
            words[place] = word * rng.choice([2, 100, 2000])
        elif action == 4:
            at = rng.randrange(len(word) + 1)
            words[place] = word[:at] + rng.choice(CONTROLS) + word[at:]
        elif action == 5:
            key, equals, _value = word.partition("=")
            words[place] = f"{key}={rng.choice(NUMBERS)}" if equals else rng.choice(NUMBERS)
        elif action == 6:
            words[place] = other
        else:
            words[place] = word[: rng.randrange(len(word) + 1)]
    return [word.replace("\0", "") for word in words]


def make(room: Path) -> Path:
    """The room of the wrong lines; its run."""
    for name in ("data", "notebooks", "folder"):
        (room / name).mkdir(parents=True)
    for name, source in (("a", "scenes-pooled"), ("b", "photos")):
        shutil.copy(ROOT / f"data/{source}.safetensors", room / f"data/{name}.safetensors")
    (room / "notanarchive.safetensors").write_bytes(b"x" * 100)
    (room / "file.txt").write_text("hello")
    os.mkfifo(room / "fifo")
    with zipfile.ZipFile(ROOT / "tests/fixtures/run-schema-1.zip") as packed:
        packed.extractall(room / "runs")
    return room / "runs" / "finished"


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(words: list[str]) -> tuple[object, str]:
    """Exit code, and what was said on stderr. A line that would train, serve or fetch ends with "began"."""
    said, out = io.StringIO(), io.StringIO()
    with in_time(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(out):
        try:
            code: object = main(words)
        except SystemExit as end:  # as argparse ends
            code = end.code
        except Began:
            code = "began"
    assert "Traceback" not in said.getvalue() + out.getvalue()
    return code, said.getvalue()


def named(words: list[str], room: Path, run_folder: Path) -> set[str]:
    """Files that a line may write over: those that it names, and what `evaluate` keeps in a run."""
    found = {str(path.relative_to(room)) for path in run_folder.parent.rglob("evaluation-*")}
    found |= {str(path.relative_to(room)) for path in run_folder.parent.rglob("scores*")}
    with contextlib.suppress(OSError, ValueError):
        found |= {str((room / word).resolve().relative_to(room)) for word in words if word and (room / word).is_file()}
    return found


@proof(whole=300, sample=24, piece=60, apart=True, marks=("slow",))
def command_lines(seed: int, count: int) -> dict[str, int]:
    """Any command line ends with exit code 2 and a sentence, or succeeds, soon, and changes only what it names."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("the room holds a FIFO, which this system has not")
    rng, found = random.Random(f"command lines {seed}"), Counter[str]()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        room = Path(name).resolve() / "room"
        folder = make(room)
        given = [line.replace("LONG", "x" * 300).replace("RUN", str(folder)) for line in [*LINES_RIGHT.strip().splitlines() * 4, *LINES]]
        lines = [shlex.split(line) for line in given]
        stack.enter_context(contextlib.chdir(room))
        stack.enter_context(mock.patch.dict(os.environ, {"WORKBENCH_HOME": str(room), "WORKBENCH_CACHE": str(Path(name) / "cache")}))
        for started in STARTED:
            stack.enter_context(mock.patch(started, began))
        before = contents(room)
        for case in range(count):
            words = mutated(rng, lines)
            start = time.process_time()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    code, said = run(words)
                assert code in (0, 2, "began"), f"code {code}: {said[-300:]}"
                assert said.strip() or code != 2, "nothing was said"
                assert said == printable(said), "control characters were printed"
                assert time.process_time() - start < LONGEST, f"{time.process_time() - start:.1f} s"
                now = contents(room)
                may = named(words, room, folder) if code == 0 else set()
                changed = [path for path, content in before.items() if now.get(path) != content and path not in may]
                assert not changed, f"{changed} changed"
                left = [path for path in now if path.endswith(".part") or ".part/" in path]
                assert not left, f"{left} were left"
            except (Exception, Hangs) as error:
                pytest.fail(f"case {case}: {type(error).__name__}: {error!s:.400} after {words!a:.400}")
            found[f"code {code}" if code != "began" else "would have begun"] += 1
            if now != before:
                shutil.rmtree(room)
                make(room)
                os.chdir(room)
    return dict(found)
