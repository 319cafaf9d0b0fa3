"""Training: recipes, their stages, the loop, and the run folder that it writes. Nothing heavy is imported before it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.training.loop import train as train
    from workbench.training.recipe import Recipe as Recipe
    from workbench.training.recipes import RECIPES as RECIPES
    from workbench.training.recipes import get_recipe as get_recipe
    from workbench.training.run import Run as Run

_HOMES = {
    "RECIPES": "workbench.training.recipes",
    "Recipe": "workbench.training.recipe",
    "Run": "workbench.training.run",
    "get_recipe": "workbench.training.recipes",
    "train": "workbench.training.loop",
}
__all__ = [*_HOMES]


if not TYPE_CHECKING:  # an editor and a type checker see the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'workbench.training' has no attribute '{name}'")
        return getattr(importlib.import_module(_HOMES[name]), name)
