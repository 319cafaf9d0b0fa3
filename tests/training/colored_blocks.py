"""A data set that a small network learns in seconds: squares of three colours somewhere in a grey picture of 32 px."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.categories import Categories
from workbench.datasets import MultiLabelDataset
from workbench.training.recipe import DataSpec, Discriminative, ModelSpec, Recipe, Stage

COLORS = {"red": (220, 40, 40), "green": (40, 190, 60), "blue": (50, 70, 230)}


class ColoredBlocks(MultiLabelDataset):
    def __init__(self, split: str, count: int = 48, size: int = 32) -> None:
        self.name = f"blocks-{split}"
        self.categories = Categories(COLORS)
        self.ids = [f"{split}-{index}" for index in range(count)]
        self._size = size
        self._random = np.random.default_rng(sum(map(ord, split)))
        self.targets = (self._random.random((count, len(COLORS))) < 0.5).astype(np.int8)
        self._places = self._random.integers(0, size - 10, (count, len(COLORS), 2))

    def image(self, index: int) -> np.ndarray:
        noise = np.random.default_rng(index).integers(0, 40, (self._size, self._size, 3))
        image = (100 + noise).astype(np.uint8)
        for label in np.flatnonzero(self.targets[index]):
            row, column = self._places[index, label]
            image[row : row + 10, column : column + 10] = list(COLORS.values())[label]
        return image


def load_blocks(name: str, split: str, root: str | None = None, **options: int) -> ColoredBlocks:
    """Stands in for `workbench.datasets.load_dataset`."""
    assert name == "blocks"
    return ColoredBlocks(split, **options)


def blocks_recipe(system: str = "pooled", epochs: int = 2, **changes: object) -> Recipe:
    data = DataSpec("blocks", train="train", validation="val", options={"count": 48}, validation_options={"count": 24})
    cycle = {"lr": 5e-3, "batch_size": 8, "optimizer": "adamw", "schedule": "onecycle"}
    if system == "srn-disc":
        recipe = blocks_recipe("srn", epochs, **changes)
        joint = replace(recipe.stages["joint"], discriminative=Discriminative())
        return replace(recipe, name="blocks-srn-disc", stages={**recipe.stages, "joint": joint})
    if system == "srn":
        losses = {"logits.cls": "bce", "logits.sr": "bce", "logits.att": "bce"}
        stages = {
            "classifier": Stage(("trunk", "classifier"), {"logits.cls": "bce"}, epochs, **cycle),
            "attention": Stage(("attention",), {"logits.att": "bce"}, 1, 1e-2, batch_size=8),
            "regularisation": Stage(("regularisation",), {"logits.sr": "bce"}, 1, **cycle),
            "joint": Stage(("all",), losses, epochs, **{**cycle, "schedule": "cosine"}),
        }
    elif system == "msrn":
        stages = {"all": Stage(("all",), {"logits.final": "bce_mean", "loss.group": 1.0}, epochs, **cycle)}
    else:
        stages = {"all": Stage(("all",), {"logits.cls": "bce"}, epochs, **cycle)}
    return Recipe(f"blocks-{system}", data, ModelSpec(system, "small-narrow"), stages, image_size=32, **changes)
