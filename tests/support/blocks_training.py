"""``workbench train`` on colored blocks, for tests that need processes of their own: python -m tests.support.blocks_training ARGUMENTS

The recipes "blocks" (SRN with the discriminative loss, statistics frozen, sizes that do not divide) and "blocks-long" are there too.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import torch

import workbench.datasets
from tests.training.colored_blocks import blocks_recipe, load_blocks
from workbench.training import recipes
from workbench.training.recipe import Recipe


def shared_recipe(**changes: object) -> Recipe:
    """For equality between one process and several: 47 images in batches of 15 and 16, 77 to evaluate in batches of 64 and less."""
    recipe = blocks_recipe("srn-disc", feature_images=70)
    data = replace(recipe.data, options={"count": 47}, validation_options={"count": 77})
    stages = {name: replace(stage, freeze_statistics=True, batch_size=16, clip=1.0) for name, stage in recipe.stages.items()}
    stages["joint"] = replace(stages["joint"], losses={**stages["joint"].losses, "logits.cls": "bce_mean"})
    return replace(recipe, name="blocks", data=data, stages=stages, **changes)


def long_recipe() -> Recipe:
    return replace(blocks_recipe("pooled", epochs=3000), name="blocks-long")


if __name__ == "__main__":
    from workbench.cli import main

    torch.set_num_threads(1)
    workbench.datasets.load_dataset = load_blocks
    recipes.RECIPES |= {"blocks": shared_recipe, "blocks-long": long_recipe}
    if folder := os.environ.get("PID_FOLDER"):
        Path(folder, f"rank{os.environ.get('RANK', 0)}").write_text(str(os.getpid()))
    sys.exit(main(sys.argv[1:]))
