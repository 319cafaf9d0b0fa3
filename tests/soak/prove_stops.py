"""Is a stop heard at any moment? `workbench train` gets SIGINT, SIGTERM or SIGHUP once, at a random moment from its start to its end:
while the data set is looked through for broken images, while trunk maps are made, in a step, in an evaluation. It has to say so within two
seconds, to end within two more, and, started again, to come to the result of the training that nothing stopped, bit for bit. Every fourth
case stops `workbench inspect` instead: nothing is left of its file, or all of it.

Reading an image and evaluating are made slow here, so that moments fall into them too.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import workbench.datasets
from tests.soak.prove_kills import contents, forked, outcome
from tests.soak.registry import proof
from tests.training.colored_blocks import ColoredBlocks, blocks_recipe
from workbench import cli
from workbench.inspection import Inspection
from workbench.training import loop, recipes
from workbench.training.stopping import SIGNALS

PATIENCE = 2.0  # seconds for the words, and as many for the end


class SlowBlocks(ColoredBlocks):
    def image(self, index: int) -> Any:
        time.sleep(0.015)
        return super().image(index)


def looked_through():
    """Images that may be broken, four stages."""
    made = blocks_recipe("srn", epochs=1)
    return replace(made, name="stops", data=replace(made.data, skip_broken=2))


def on_maps():
    """A trunk that is never trained: its maps are made once."""
    made = blocks_recipe("pooled", epochs=3)
    stages = {"classifier": replace(made.stages["all"], train=("classifier",))}
    return replace(made, name="stops", stages=stages, augmentation="flip")


def slow_figures(*given: Any, real: Callable[..., Any] = loop.validation_figures) -> Any:
    time.sleep(0.3)
    return real(*given)


def command(words: Path, *arguments: str) -> Callable[[], None]:
    """A command in a child, whose words go to a file."""

    def work() -> None:
        with words.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        os._exit(cli.main(list(arguments)))

    return work


def stopped(work: Callable[[], None], words: Path, number: int, moment: float) -> int:
    """Send the signal; the exit code. Fails where it was not heard, or not in time."""
    child = forked(work)
    time.sleep(moment)
    sent = time.monotonic()
    os.kill(child, number)
    heard = 0.0
    while not (ended := os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
        heard = heard or (time.monotonic() if "was heard" in words.read_text() else 0.0)
        assert heard or time.monotonic() - sent < PATIENCE, f"{words.read_text()}\nsignal {number} after {moment:.2f} s was not heard"
        assert time.monotonic() - sent < 2 * PATIENCE, f"{words.read_text()}\nsignal {number} after {moment:.2f} s: it did not end"
        time.sleep(0.01)
    assert ended
    return outcome(child)


def trial(number: int, chance: random.Random, place: Path, arguments: list[str], lasts: float) -> bool:
    """One stop; whether it came before the end."""
    words, sign = place / "words", chance.choice(SIGNALS)
    words.write_text("")
    moment = chance.uniform(0.3, lasts)  # a little before, the command does not listen yet
    code = stopped(command(words, *arguments), words, sign, moment)
    if code == 0 or "was heard" not in words.read_text():
        return False
    assert code == 128 + sign, f"case {number}: code {code} after signal {sign} at {moment:.2f} s\n{words.read_text()}"
    return True


@proof(whole=60, sample=4, apart=True, marks=("slow",))
def stops(seed: int, count: int) -> dict[str, int]:
    """A stop is heard at any moment, ends a command in time, and loses nothing."""
    if not hasattr(os, "fork"):
        pytest.skip("commands are forked here, which this system cannot")
    torch.set_num_threads(1)
    workbench.datasets.load_dataset = lambda name, split, root=None, **options: SlowBlocks(split, **options)
    loop.validation_figures = slow_figures
    chance, found = random.Random(f"stops {seed}"), {"stopped": 0, "stopped_inspections": 0}
    for kind, made in enumerate((looked_through, on_maps)):
        recipes.RECIPES["stops"] = made
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            began = time.monotonic()
            assert outcome(forked(command(place / "words", "train", "stops", "-o", str(place / "whole")))) == 0, (
                place / "words"
            ).read_text()
            lasts, whole = time.monotonic() - began, contents(place / "whole")
            for number in range(kind, count, 2):
                if number % 4 == 3:
                    out = place / f"archive-{number}.safetensors"
                    stop = trial(number, chance, place, ["inspect", str(place / "whole"), "-o", str(out)], lasts / 2)
                    found["stopped_inspections"] += stop
                    assert not out.exists() or len(Inspection.open(out)), "half an archive was left"
                    continue
                run = place / f"run-{number}" / "run"  # with trunk maps of its own
                arguments = ["train", "stops", "-o", str(run)]
                while not trial(number, chance, place, arguments, lasts):
                    shutil.rmtree(run.parent)  # it ended before it was stopped
                found["stopped"] += 1
                assert outcome(forked(command(place / "words", *arguments))) == 0, (place / "words").read_text()
                assert contents(run) == whole, f"case {number} ended otherwise"
    return found
