"""Models and backbones by name. A dict, no registry machinery; torch is imported only when something here is used.

Letters in shapes, for the whole package: B batch, C classes, D feature width, H W a grid, P = H*W its cells.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError, did_you_mean
from workbench.models.host_memory import ask_for_large_pages

if TYPE_CHECKING:
    from workbench.categories import Categories
    from workbench.models.backbone import Backbone as Backbone
    from workbench.models.backbone import create_backbone as create_backbone
    from workbench.models.base import WorkbenchModel as WorkbenchModel
    from workbench.models.checkpoint import load_model as load_model
    from workbench.models.checkpoint import load_weights as load_weights
    from workbench.models.checkpoint import save_model as save_model

ask_for_large_pages()  # before anybody makes a tensor

MODELS = {
    "pooled": "workbench.models.pooled:PooledModel",
    "csra": "workbench.models.csra:CSRAModel",
    "disentangled": "workbench.models.disentangler:DisentangledModel",
    "srn": "workbench.models.srn:SRNModel",
    "msrn": "workbench.models.msrn:MSRNModel",
}

_HOMES = {
    "Backbone": "workbench.models.backbone",
    "WorkbenchModel": "workbench.models.base",
    "create_backbone": "workbench.models.backbone",
    "load_model": "workbench.models.checkpoint",
    "load_weights": "workbench.models.checkpoint",
    "save_model": "workbench.models.checkpoint",
}
__all__ = ["MODELS", "create_model", "model_class", "model_options", *_HOMES]


def create_model(
    name: str,
    categories: Categories | Iterable[str] | Mapping[str, Any],
    backbone: str = "small",
    weights: str | None = None,
    image_size: int = 64,
    **options: Any,
) -> WorkbenchModel:
    """Build a model for a list of categories; ``create_model(**model.config)`` builds the same one again.

    Args:
        name: one of `MODELS`.
        categories: a Categories, its JSON, or plain names in column order.
        backbone, weights: as in `create_backbone`.
        image_size: side of the square input in pixels, from which heads with a fixed grid take it.
        options: keyword arguments of the model, see `model_options`.

    Raises:
        WorkbenchError: an unknown model, backbone or option, with the nearest known name.
    """
    from workbench.categories import Categories
    from workbench.models.backbone import create_backbone

    kind = model_class(name)
    known = model_options(name)
    for option in options:
        if option not in known:
            raise WorkbenchError(f'Model "{name}" has no option "{option}".{did_you_mean(option, known)}')
    if isinstance(categories, Mapping):
        categories = Categories.from_json(categories)
    elif not isinstance(categories, Categories):
        categories = Categories(categories)
    if int(image_size) < 1:
        raise WorkbenchError(f"image_size is {image_size}; give the side of the square input in pixels, such as 64 or 224.")
    model = kind(categories, create_backbone(backbone, weights), int(image_size), **options)
    chosen = {**known, **options, **model.settled}
    model.config = {
        "name": name,
        "categories": categories.to_json(),
        "backbone": backbone,
        "weights": None if weights is None else str(weights),
        "image_size": int(image_size),
        **{key: list(value) if isinstance(value, tuple) else value for key, value in chosen.items()},
    }
    return model


def model_options(name: str) -> dict[str, Any]:
    """The options that a model takes, with their defaults. Raises WorkbenchError for an unknown model."""
    parameters = inspect.signature(model_class(name)).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def model_class(name: str) -> Any:
    """The class of a model. Raises WorkbenchError for an unknown name, with the nearest one."""
    try:
        module, _, attribute = MODELS[name].partition(":")
    except KeyError:
        raise WorkbenchError(f'There is no model "{name}".{did_you_mean(str(name), MODELS)}') from None
    return getattr(importlib.import_module(module), attribute)


if not TYPE_CHECKING:  # an editor and a type checker see the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'workbench.models' has no attribute '{name}'")
        return getattr(importlib.import_module(_HOMES[name]), name)
