"""The history of a real, tiny training of every recipe, as the figures of a training meet it: python -m tests.support.histories

Stages, losses and terms are the recipe's; a small network learns colored blocks, two epochs a stage at most. It rewrites
tests/fixtures/histories.json and is run again when recipes change, which tests/browser/test_histories_page.py notices.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

HISTORIES = Path(__file__).parents[1] / "fixtures" / "histories.json"


def tiny(recipe: Any) -> Any:
    """The recipe on little data, with a small network."""
    from tests.training.colored_blocks import blocks_recipe

    stages = {
        name: replace(stage, epochs=min(stage.epochs, 2), batch_size=8, accumulate=1, warmup=0) if hasattr(stage, "warmup")
        else replace(stage, epochs=min(stage.epochs, 2), batch_size=8, accumulate=1)
        for name, stage in recipe.stages.items()
    }  # fmt: skip
    model = replace(recipe.model, backbone="small-narrow", weights=None)
    changes = {"data": blocks_recipe().data, "model": model, "stages": stages, "image_size": 32, "feature_images": 0}
    return replace(recipe, **changes, precision="32-true", compile=False)


def train_all() -> dict[str, list[dict[str, Any]]]:
    """The rows of each recipe by name."""
    import torch

    import workbench.datasets
    from tests.training.colored_blocks import load_blocks
    from workbench.training import RECIPES, get_recipe, train

    torch.set_num_threads(1)
    workbench.datasets.load_dataset = load_blocks  # type: ignore[assignment]
    found = {}
    for name in RECIPES:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = train(tiny(get_recipe(name)), Path(folder) / "run", progress=False).history
        print(name, len(found[name]), flush=True)
    return found


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(rows)}" for name, rows in train_all().items()]
    HISTORIES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
