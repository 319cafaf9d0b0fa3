"""The running average of the weights and the strong augmentation: what they compute, and that a stopped training goes on the same."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.colored_blocks import blocks_recipe
from workbench import WorkbenchError
from workbench.training import Run, loop, train
from workbench.training.average import WeightAverage
from workbench.training.batches import augment, epoch_draws
from workbench.training.rand_augment import OPERATIONS, vary_strongly

RECIPE = replace(blocks_recipe(epochs=2), average=0.9, augmentation="modern")


def test_the_average_equals_a_loop_and_gives_the_weights_back():
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    average = WeightAverage(model, 0.5)
    expected = model[0].weight.detach().clone()
    for step in range(12):
        with torch.no_grad():
            model[0].weight += step
            model[1].num_batches_tracked += 1
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model[0].weight.detach()
        average.update(model, step)
    own = model[0].weight.detach().clone()
    with average.in_place_of(model):
        torch.testing.assert_close(model[0].weight.detach(), expected)
        assert model[1].num_batches_tracked == 12
    assert torch.equal(model[0].weight.detach(), own)


def test_what_is_kept_is_the_average_and_training_goes_on_from_the_weights(tmp_path):
    plain = train(replace(RECIPE, average=0.0), tmp_path / "plain", progress=False)
    averaged = train(RECIPE, tmp_path / "averaged", progress=False)
    assert [row["loss"] for row in plain.history] == [row["loss"] for row in averaged.history]
    left, right = (load_file(run.weights("last")) for run in (plain, averaged))
    assert any(not torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("step", [3, 8])
def test_a_stopped_training_goes_on_with_the_same_average_and_pictures(step, tmp_path, monkeypatch):
    whole = train(RECIPE, tmp_path / "whole", progress=False)
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", -1.0)
    real, calls = loop.loss_terms, 0

    def failing(*arguments):
        nonlocal calls
        calls += torch.is_grad_enabled()
        if calls == step:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "loss_terms", failing)
        with pytest.raises(KeyboardInterrupt):
            train(RECIPE, tmp_path / "run", progress=False)
    assert Run.open(tmp_path / "run").position.steps == step - 1
    again = train(RECIPE, tmp_path / "run", progress=False)
    for which in ("last", "best"):
        assert again.weights(which).read_bytes() == whole.weights(which).read_bytes()


def test_each_picture_is_varied_by_its_own_draws():
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    draws = epoch_draws(6, seed=1, epoch=0)
    together = augment(images, draws, "modern")
    assert together.shape == images.shape
    assert together.min() >= 0
    assert together.max() <= 1
    for position in range(6):
        torch.testing.assert_close(
            augment(images[position : position + 1], draws[position : position + 1], "modern")[0], together[position]
        )
        assert not torch.equal(together[position], images[position])
    assert not torch.equal(augment(images, epoch_draws(6, seed=1, epoch=1), "modern"), together)


def test_a_quarter_of_the_picture_at_most_is_painted_in_one_color():
    image = torch.linspace(0, 1, 3 * 40 * 40).reshape(3, 40, 40)
    shares = []
    for draws in np.random.default_rng(0).random((40, 4), dtype=np.float32):
        values, counts = vary_strongly(image, draws).flatten(1).unique(dim=1, return_counts=True)
        assert values.shape[0] == 3
        shares.append(int(counts.max()) / 1600)
    assert np.median(shares) <= 0.3
    assert min(shares) >= 0.05


@pytest.mark.parametrize("number", range(len(OPERATIONS)))
@pytest.mark.parametrize("strength", [-0.3, 0.3])
def test_every_change_keeps_shape_and_type(number, strength):
    pixels = (torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0)) * 255).to(torch.uint8)
    before = pixels.clone()
    changed = OPERATIONS[number](pixels, strength)
    assert changed.shape == pixels.shape
    assert changed.dtype == torch.uint8
    assert torch.equal(pixels, before)
    assert number == 0 or not torch.equal(changed, pixels) or OPERATIONS[number].__name__ == "change"


def test_an_impossible_average_is_refused_and_recipes_without_one_still_open():
    with pytest.raises(WorkbenchError, match="average is 1"):
        replace(RECIPE, average=1.0)
    kept = json.loads(json.dumps(RECIPE.to_json()))
    assert type(RECIPE).from_json(kept) == RECIPE
    del kept["average"]
    assert type(RECIPE).from_json(kept).average == 0
