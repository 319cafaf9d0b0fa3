"""A rule of the data that makes a model right for the wrong reason, and the same training without that rule.

The rule is the scenes' `cooccurrence` knob. At 1 the three members of a theme (pond, duck, reed; tree, bench, lamp) come together or not
at all, so that nothing in the data says which of the three a label means: whoever finds the easiest of them is right about all. At 0 each
comes on its own, exactly as often as before. Everything else is equal: pictures drawn from the same seed, model, budget, optimiser.

Both are validated as they would be in practice, on pictures like those that they learned from; `benchmarks.shortcut` asks further.
"""

from __future__ import annotations

from dataclasses import replace

from workbench.training.recipe import Recipe
from workbench.training.recipes import scenes

TOGETHER, APART = 1.0, 0.0


def shortcut() -> Recipe:
    """Members of a theme always come together: the model may take a shortcut."""
    return _scenes("shortcut", TOGETHER)


def shortcut_off() -> Recipe:
    """Each member comes on its own, as often as before: there is no shortcut to take."""
    return _scenes("shortcut-off", APART)


def _scenes(name: str, cooccurrence: float) -> Recipe:
    recipe = scenes.csra()
    data = replace(recipe.data, options={**recipe.data.options, "cooccurrence": cooccurrence})
    return replace(recipe, name=name, data=data, expected=())
