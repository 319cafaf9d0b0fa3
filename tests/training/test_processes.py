"""Several processes under torchrun: the same result as one process with the same batch, and a sentence when one of them dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.support.blocks_training import shared_recipe
from tests.training.colored_blocks import blocks_recipe
from workbench.errors import WorkbenchError
from workbench.metrics import average_precision
from workbench.training import Run, train
from workbench.training.batches import epoch_plan, evaluation_plan
from workbench.training.evaluation import _all_rows
from workbench.training.processes import Processes, process_count

ROOT = Path(__file__).parents[2]


class Pretended(Processes):
    """One of several processes, the others being here as well."""

    def __init__(self, rank, count, gathers=None):
        self.rank, self.count, self.first, self.gathers = rank, count, rank == 0, gathers

    def gathered(self, rows):
        return self.gathers


def torchrun(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "tests.support.blocks_training"]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_image_goes_to_one_process_and_part(count):
    for batch in epoch_plan(47, 16, 0, 0):
        parts = Pretended(0, count).parts(batch, accumulate=2)
        assert [len(share) for share in parts] == [2] * count
        assert np.concatenate([part for share in parts for part in share]).tolist() == batch.tolist()
        sizes = [sum(map(len, share)) for share in parts]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("images", [1, 63, 64, 65, 150, 321])
@pytest.mark.parametrize("count", [2, 3])
def test_gathered_scores_are_in_the_order_of_the_images_and_none_is_doubled(images, count):
    random = np.random.default_rng(images)
    logits, targets = random.normal(size=(images, 4)).astype(np.float32), random.integers(-1, 2, (images, 4)).astype(np.int8)
    plan = evaluation_plan(images, 64)
    held = [logits[np.concatenate(own)] if (own := plan[rank::count]) else np.zeros((0, 4), np.float32) for rank in range(count)]
    for rank in range(count):
        rows = _all_rows([held[rank]], plan, 4, Pretended(rank, count, held))
        assert np.array_equal(rows, logits)
        assert np.array_equal(average_precision(rows, targets), average_precision(logits, targets), equal_nan=True)


def test_more_processes_than_a_batch_has_images_are_refused():
    with pytest.raises(WorkbenchError, match=r'Stage "joint" has batches of 5 images for 3 process\(es\) that take 2 part\(s\)'):
        Pretended(0, 3).require_enough(epoch_plan(16, 6, 0, 0), 2, "joint")


def test_processes_are_counted_as_torchrun_and_slurm_say(monkeypatch):
    for name in ("WORLD_SIZE", "SLURM_NTASKS", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    assert process_count() == 1
    monkeypatch.setenv("SLURM_NTASKS", "8")
    assert process_count() == 1, "a batch script is one process, whatever it may start"
    monkeypatch.setenv("SLURM_PROCID", "3")
    assert process_count() == 8
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert process_count() == 2


@pytest.mark.parametrize("accumulate", [2, 3])
def test_a_batch_in_parts_is_the_batch(accumulate, tmp_path):
    """Gradients are added up, then clipped, then stepped: clipping the parts would give another result, because the clip is tight."""
    recipe = blocks_recipe()
    stage = replace(recipe.stages["all"], freeze_statistics=True, batch_size=16, clip=0.05, optimizer="sgd", lr=0.1)
    whole = train(replace(recipe, stages={"all": stage}), tmp_path / "whole", progress=False)
    parts = train(replace(recipe, stages={"all": replace(stage, accumulate=accumulate)}), tmp_path / "parts", progress=False)
    loose = train(replace(recipe, stages={"all": replace(stage, clip=0.0)}), tmp_path / "loose", progress=False)
    for one, other in zip(whole.history, parts.history, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)
    assert abs(loose.history[-1]["loss"] - whole.history[-1]["loss"]) > 1e-3


def test_a_clipped_step_is_as_long_as_it_may_be(tmp_path):
    recipe = blocks_recipe(epochs=1)
    stage = replace(
        recipe.stages["all"], clip=0.01, optimizer="sgd", momentum=0.0, weight_decay=0.0, lr=1.0, schedule="constant", batch_size=48
    )
    steps = []
    for number, lr in enumerate((1.0, 1e-9)):
        run = train(replace(recipe, stages={"all": replace(stage, lr=lr)}), tmp_path / str(number), progress=False)
        steps.append({name: value.double() for name, value in load_file(run.weights("last")).items() if "running" not in name})
    learned = {name for name, _ in run.model("last").named_parameters()}
    length = sum(float(((steps[0][name] - steps[1][name]) ** 2).sum()) for name in learned) ** 0.5
    assert length == pytest.approx(0.01, rel=1e-3)


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tmp_path):
    process = torchrun("train", "blocks", "-o", tmp_path / "two", "--json")
    alone = train(shared_recipe(), tmp_path / "one", progress=False)
    said, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    assert json.loads(said)["epoch"] == 6, "one of them speaks"
    together = Run.open(tmp_path / "two")
    assert together.done
    for one, two in zip(alone.history, together.history, strict=True):
        assert one.keys() == two.keys()
        for key in one:
            if key.startswith(("loss", "discriminative")):
                assert two[key] == pytest.approx(one[key], abs=1e-5), key
        assert (two["images"], two["step"]) == (one["images"], one["step"])
    model, data = together.model("last"), together.validation()
    scores = measured(model, data)
    assert together.history[-1]["validation.ap"] == scores, "to the last digit"
    assert {path.name for path in together.folder.iterdir()} == {path.name for path in alone.folder.iterdir()}
    for one, two in zip(alone.feature_probes, together.feature_probes, strict=True):
        assert (load_file(one)["features.pairs"] == load_file(two)["features.pairs"]).all()


def measured(model, data):
    """Average precision of each label, by one process, in the batches of a training's evaluation."""
    import torch

    pixels = torch.from_numpy(data.pixels(32).copy()).permute(0, 3, 1, 2).float() / 255
    model = model.to(memory_format=torch.channels_last)
    with torch.no_grad():
        parts = [model(pixels[torch.from_numpy(indices)])[1]["logits.final"].numpy() for indices in evaluation_plan(len(data), 64)]
    return average_precision(np.concatenate(parts), data.targets).tolist()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="kills as POSIX does")
def test_one_killed_ends_the_other_with_a_sentence(tmp_path):
    process = torchrun("train", "blocks-long", "-o", tmp_path / "run", PID_FOLDER=str(tmp_path))
    try:
        deadline = time.monotonic() + 600  # for a machine that does much else; so is the limit below
        while not (tmp_path / "run" / "history.jsonl").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        killed = time.monotonic()
        os.kill(int((tmp_path / "rank1").read_text()), signal.SIGKILL)
        _, errors = process.communicate(timeout=250)
        print(f"the other one ended {time.monotonic() - killed:.1f} s after the kill")  # under a minute; `pytest -s` shows it
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode != 0
    assert "process of this training has ended" in errors
    assert Run.open(tmp_path / "run").model("last") is not None
