"""What a map is worth: does it point at the object, does removing what it shows change the score, does it depend on the weights.

One module a question, loaded when it is asked for: ``from workbench.analysis import pointing``, then ``pointing.localisation(...)``. What
each offers stands in its own ``__all__``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.analysis import (
        agreement,
        attribution,
        embedding,
        faithfulness,
        imputation,
        leakage,
        measure,
        pointing,
        projection,
        randomise,
        relations,
        robustness,
        sanity,
        semantics,
        separation,
        templates,
    )

__all__ = [
    "agreement",
    "attribution",
    "embedding",
    "faithfulness",
    "imputation",
    "leakage",
    "measure",
    "pointing",
    "projection",
    "randomise",
    "relations",
    "robustness",
    "sanity",
    "semantics",
    "separation",
    "templates",
]


if not TYPE_CHECKING:  # an editor and a type checker see the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'workbench.analysis' has no attribute '{name}'")
        return importlib.import_module(f"workbench.analysis.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
