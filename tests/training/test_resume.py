"""Killed anywhere, a training goes on to the same weights, bit for bit (CPU, float32)."""

from __future__ import annotations

import math
import os

import pytest
import torch

from tests.training.colored_blocks import blocks_recipe
from workbench import files
from workbench.training import Run, loop, status, train

RECIPE = blocks_recipe("srn-disc", feature_images=20)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing stopped."""
    return train(RECIPE, tmp_path_factory.mktemp("whole") / "run", progress=False)


def timeless(run):
    return [{key: value for key, value in row.items() if key not in ("seconds", "images_per_second")} for row in run.history]


def assert_same(run, other):
    assert run.done
    assert timeless(run) == timeless(other)
    for which in ("last", "best"):
        assert run.weights(which).read_bytes() == other.weights(which).read_bytes(), which
    assert [path.name for path in run.probes] == [path.name for path in other.probes]
    for left, right in zip(run.probes, other.probes, strict=True):
        assert left.read_bytes() == right.read_bytes()
    assert (run.folder / "centres.safetensors").read_bytes() == (other.folder / "centres.safetensors").read_bytes()
    assert len(run.feature_probes) == len(run.probes)
    for left, right in zip(run.feature_probes, other.feature_probes, strict=True):
        assert left.read_bytes() == right.read_bytes()
    assert {path.name for path in run.folder.iterdir()} == {path.name for path in other.folder.iterdir()}


def test_two_whole_runs_are_the_same(whole, tmp_path):
    assert_same(train(RECIPE, tmp_path / "run", progress=False), whole)


@pytest.mark.parametrize("save_every", [300.0, -1.0], ids=["at epochs", "at every step"])
@pytest.mark.parametrize("step", [1, 8, 17, 20, 29, 36])
def test_stopped_at_a_step(step, save_every, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", save_every)
    real, calls = loop.loss_terms, 0

    def failing(*arguments):
        nonlocal calls
        calls += torch.is_grad_enabled()  # the check ahead of the first step does not count
        if calls == step:
            raise Killed
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "loss_terms", failing)
        with pytest.raises(Killed):
            train(RECIPE, tmp_path / "run", progress=False)
    if step > 1:
        lost = (step - 1) - Run.open(tmp_path / "run").position.steps
        assert 0 <= lost < (6 if save_every > 0 else 2)
    assert_same(train(RECIPE, tmp_path / "run", progress=False), whole)


def test_stopped_ahead_of_any_of_the_writes(whole, tmp_path, monkeypatch):
    real = os.replace
    count = 0

    def failing(source, target):
        nonlocal count
        count += 1
        if count == at:
            raise Killed
        return real(source, target)

    monkeypatch.setattr(files.os, "replace", failing)
    monkeypatch.setattr(status, "SECONDS", math.inf)  # how often the status is written would depend on the time that it takes
    at = -1
    train(RECIPE, tmp_path / "counted", progress=False)
    writes = count
    assert writes > 20
    for at in range(3, writes + 1, 3):
        count = 0
        with pytest.raises(Killed):
            train(RECIPE, tmp_path / f"run{at}", progress=False)
        count = writes
        assert_same(train(RECIPE, tmp_path / f"run{at}", progress=False), whole)
