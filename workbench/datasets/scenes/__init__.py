"""Scenes, the drawn testbed: images whose rules are known and have knobs. `rules` says what is what, `draw` how it looks."""

from workbench.datasets.scenes.dataset import SPLITS, Scenes
from workbench.datasets.scenes.rules import ANIMALS, CATEGORIES, REFERENCE, RELATION_LABELS, RELATIONS, THEME_LABELS, THEMES, Knobs, Thing
from workbench.datasets.scenes.scene import Scene

__all__ = [
    "ANIMALS",
    "CATEGORIES",
    "REFERENCE",
    "RELATIONS",
    "RELATION_LABELS",
    "SPLITS",
    "THEMES",
    "THEME_LABELS",
    "Knobs",
    "Scene",
    "Scenes",
    "Thing",
]
