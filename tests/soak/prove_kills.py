"""Does a training survive kill -9 at any moment? Each case trains a small SRN on drawn scenes, is killed once at a random moment, and is
started again; every checkpoint found after the kill has to load, and the final weights, history and probes have to equal those of the
training that nothing stopped, bit for bit (CPU, float32). Every other case saves its state after each step instead of each epoch, so that
kills meet that write too.

The trainings are forked from this process, which has loaded PyTorch once: about two seconds a case on an idle machine.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.soak.registry import proof
from workbench.training import Run, loop, train
from workbench.training.recipe import DataSpec, ModelSpec, Recipe, Stage

TIMES = ("seconds", "images_per_second")


def recipe(scenes: Path) -> Recipe:
    """Two stages, four epochs, 32 steps."""
    cycle: dict[str, Any] = {"lr": 3e-3, "batch_size": 8, "optimizer": "adamw", "schedule": "onecycle"}
    stages = {
        "classifier": Stage(("trunk", "classifier"), {"logits.cls": "bce"}, 2, **cycle),
        "joint": Stage(("all",), {"logits.cls": "bce", "logits.sr": "bce", "logits.att": "bce"}, 2, **cycle),
    }
    data = DataSpec("scenes", "train", "val", options={"size": 32, "count": 64, "cache": str(scenes)}, validation_options={"count": 32})
    return Recipe("kill-resume", data, ModelSpec("srn", "small-narrow"), stages, image_size=32, feature_images=8)


def forked(work: Callable[[], Any]) -> int:
    """Do `work` in a child; its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def outcome(child: int) -> int:
    """Its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def contents(folder: Path) -> dict[str, Any]:
    """Everything in a finished run that its recipe decides: weights, probes and history, without the clock."""
    held: dict[str, Any] = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.safetensors")}
    held.pop("state.safetensors", None)  # of a finished run: its position, and how long the last epoch took
    rows = Run.open(folder).history
    return {**held, "history": [{key: value for key, value in row.items() if key not in TIMES} for row in rows]}


def go_on(made: Recipe, folder: Path) -> None:
    """What a user does after a crash: look at what is there, then train on."""
    for which in ("last", "best"):
        if (folder / f"{which}.safetensors").exists():
            Run.open(folder).model(which)
    train(made, folder, progress=False)


def trial(number: int, chance: random.Random, made: Recipe, folder: Path, lasts: float, whole: dict[str, Any]) -> dict[str, int]:
    """Kill and go on, once."""
    loop.SAVE_EVERY_SECONDS = -1.0 if number % 2 else 300.0
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        moment = chance.uniform(0.02, lasts)
        child = forked(lambda: train(made, folder, progress=False))
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        if outcome(child) == -signal.SIGKILL:
            break
    else:
        raise AssertionError("the training always ended before it was killed; the machine is too uneven now, start again later")
    left = sorted(path.name for path in folder.rglob(".*")) if folder.exists() else []
    code = outcome(forked(lambda: go_on(made, folder)))
    assert code == 0, f"case {number}, killed after {moment:.3f} s: it did not go on"
    assert contents(folder) == whole, f"case {number}, killed after {moment:.3f} s: it ended otherwise"
    hidden = [path.name for path in folder.rglob(".*")]
    assert not hidden, f"case {number}: {hidden} lie in the folder of the finished run"
    return {"killed": 1, "half_written_files": len([name for name in left if name != ".lock"])}


@proof(whole=50, sample=4, apart=True, marks=("slow",))
def kills(seed: int, count: int) -> dict[str, int]:
    """A training killed at any moment goes on to the result of one that nothing stopped, bit for bit."""
    if not hasattr(os, "fork"):
        pytest.skip("trainings are forked here, which this system cannot")
    torch.set_num_threads(1)
    found = {"killed": 0, "half_written_files": 0}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        made = recipe(place / "scenes")
        assert outcome(forked(lambda: train(made, place / "warm", progress=False))) == 0  # draws the scenes
        began = time.monotonic()
        assert outcome(forked(lambda: train(made, place / "whole", progress=False))) == 0
        lasts = time.monotonic() - began
        whole = contents(place / "whole")
        chance = random.Random(f"kills {seed}")
        for number in range(count):
            for key, value in trial(number, chance, made, place / "run", lasts, whole).items():
                found[key] += value
    return found
