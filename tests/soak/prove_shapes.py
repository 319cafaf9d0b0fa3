"""One real optimisation step of each recipe for published data: full image size, ResNet-101, its data in the official layout.

What is changed, besides the data: two images a batch, one epoch of the last stage, no pretrained weights, float32 (most processors
emulate bfloat16, ten times slower); checkpoints (up to 1.3 GB each) are not written.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

import workbench.datasets
from tests.soak.registry import listed, proof
from tests.support.miniatures import make_miniature
from workbench.datasets import load_dataset
from workbench.training import RECIPES, get_recipe, loop, train

OFFICIAL = [name for name, make in RECIPES.items() if make().model.backbone == "resnet101"]


def fingerprint(model):
    """The length of each parameter, found without a copy of it: one has 264 million values."""
    return [float(torch.linalg.vector_norm(parameter.detach())) for parameter in model.parameters()]


@proof(whole=len(OFFICIAL), sample=2, piece=1, apart=True, marks=("slow",))
def full_shapes(seed, count):
    """Every recipe for published data takes an optimisation step at full size, and most of its network learns."""
    for name in listed(OFFICIAL, seed, count):
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
            one_step(name, Path(folder), monkeypatch)


def one_step(name, folder, monkeypatch):
    recipe = get_recipe(name)
    last = recipe.last_stage
    changes = {f"stages.{stage}.epochs": int(stage == last) for stage in recipe.stages}
    changes |= {f"stages.{last}.batch_size": 2, "model.weights": None, "precision": "32-true", "feature_images": 0}
    small = recipe.with_overrides(changes)
    assert small.image_size in (224, 448)
    root = make_miniature(recipe.data.name, folder / "data")

    def two_images(data, split, root_given=None, **options):
        dataset = load_dataset(data, split, root, **options)
        labelled = np.flatnonzero((dataset.targets == 1).any(axis=1))[:2]
        return dataset.subset(labelled)

    seen = []
    monkeypatch.setattr(workbench.datasets, "load_dataset", two_images)
    monkeypatch.setattr(loop, "write_probe", lambda *_: None)
    monkeypatch.setattr(loop, "save_model", lambda *_: None)

    def look_instead_of_writing(path, position, model, *_):
        seen.append((position.steps, fingerprint(model)))

    monkeypatch.setattr(loop, "write_state", look_instead_of_writing)
    built = loop.build_model

    def remembered(*arguments):
        model = built(*arguments)
        seen.append((0, fingerprint(model)))
        return model

    monkeypatch.setattr(loop, "build_model", remembered)
    run = train(small, folder / "run", progress=False)
    (row,) = run.history
    assert math.isfinite(row["loss"])
    (_, before), *_, (steps, after) = seen  # the state is written before the evaluation and after it
    assert steps == 1
    changed = [old != new for old, new in zip(before, after, strict=True)]
    assert np.mean(changed) > 0.5, f"{name}: of the network only {np.mean(changed):.0%} learns in the last stage"
