"""Run folders with scores and evaluations as `workbench evaluate` leaves them, without a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from workbench import Categories
from workbench.metrics import evaluate
from workbench.reports.scores import Scores

NAMES = ("boat", "cat", "dog", "never")


def make_scored_run(
    folder: Path, skill: float = 2.0, seed: int = 0, data: str = "photos-val", images: int = 60, presets=("sklearn",)
) -> Path:
    """A run whose scores tell present from absent by `skill`; the targets are the same for every run of as many images."""
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(json.dumps({"name": folder.name, "model": {"backbone": "resnet101"}, "image_size": 448}))
    targets = np.random.default_rng(7).choice([-1, 0, 0, 1], (images, len(NAMES))).astype(np.int8)
    targets[:, -1] = 0
    noise = np.random.default_rng(seed).normal(size=targets.shape)
    logits = (noise + skill * (targets == 1) - skill / 2).astype(np.float32)
    categories = Categories(NAMES)
    for preset in presets:
        result = {"recipe": folder.name, "data": data, "weights": "best", **evaluate(logits, targets, categories, preset)}
        (folder / f"evaluation-{preset}.json").write_text(json.dumps(result))
    Scores(data, "best", categories, [f"i{row}" for row in range(images)], logits, targets).save(folder)
    return folder
