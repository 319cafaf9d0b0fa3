"""A model in one file: its tensors, and as JSON in the header what is needed to build it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.files import atomic
from workbench.models import create_model, model_class
from workbench.models.base import WorkbenchModel
from workbench.models.weight_files import is_safetensors, read_tensors
from workbench.models.weights import load_checked

SCHEMA_VERSION = 1


def save_model(model: WorkbenchModel, path: str | Path, run: Mapping[str, Any] | None = None) -> Path:
    """Write a model made by `create_model` to a safetensors file, in one atomic step; `run` says, as JSON, which training it is from."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    description = json.dumps({"schema": SCHEMA_VERSION, "config": model.config} | ({"run": dict(run)} if run else {}))
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with atomic(path) as temporary:
        save_file(tensors, temporary, metadata={"workbench-model": description})
    return path


def load_model(path: str | Path, categories: Categories | None = None, name: str | None = None) -> WorkbenchModel:
    """Build the model that a file describes and load its weights. It comes back in evaluation mode, on the CPU.

    Args:
        categories: refuse the file unless its model has exactly these, in this order.
        name: refuse the file unless it holds this model ("srn").

    Raises:
        WorkbenchError: the file is missing, damaged, of a newer schema, or holds something else.
    """
    config = read_config(path)
    if name is not None and config["name"] != name:
        raise WorkbenchError(f'{path} holds a "{config["name"]}" model, not "{name}"; give the checkpoint of a "{name}" run.')
    if categories is not None:
        _require_categories(categories, config, path)
    # The file holds every weight, so published ones need not be fetched to be overwritten.
    try:
        model = create_model(**{**config, "weights": None, **model_class(config["name"]).stored_options})
    except (
        WorkbenchError,
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
        IndexError,
        RuntimeError,
        ArithmeticError,
        MemoryError,
    ) as error:
        raise WorkbenchError(f"{path} describes a model that this version cannot build: {error!s:.300}") from None
    model.config = config
    load_checked(model, load_file(path), str(path))
    return model.eval()


def load_weights(
    model: WorkbenchModel,
    path: str | Path,
    skip: Sequence[str] = (),
    *,
    entry: str | None = None,
    rename: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Load the weights of a saved model, or of any checkpoint of PyTorch, into one that exists.

    Args:
        skip: beginnings of tensor names that are left out, or may be missing or surplus ("fc."), such as a classifier of another size.
        entry: which table of a foreign checkpoint to take, such as "state_dict_ema"; see `workbench.models.weight_files.read_tensors`.
        rename: beginnings of names in a foreign file, and what stands in their place ({"resnet.": "backbone."}).

    Returns: names of the tensors in the file that were left out.

    Raises:
        WorkbenchError: another model, other categories (unless something is skipped), or tensors that do not fit, all listed.
    """
    config = _config(path)
    if config is not None and not skip:
        if config["name"] != model.config["name"]:
            raise WorkbenchError(f'{path} holds a "{config["name"]}" model, not "{model.config["name"]}"; give the matching checkpoint.')
        _require_categories(model.categories, config, path)
    return load_checked(model, read_tensors(path, entry), str(path), skip, rename)


def _config(path: str | Path) -> dict[str, Any] | None:
    """The config of a model that was saved here, None for weights from elsewhere."""
    if not Path(path).is_file() or not is_safetensors(path):
        return None
    try:
        with safe_open(path, framework="pt") as handle:
            ours = "workbench-model" in (handle.metadata() or {})
    except (SafetensorError, OSError, ValueError):  # told by whoever reads the weights
        return None
    return read_config(path) if ours else None


def read_config(path: str | Path) -> dict[str, Any]:
    """The config of the model in a file, without its tensors."""
    path = Path(path)
    if not path.is_file():
        raise WorkbenchError(f"There is no model file at {path}; `workbench train` writes one into its run folder.")
    if Path(path).stat().st_size and not is_safetensors(path):
        raise WorkbenchError(
            f"{path} is no model that workbench saved; for weights alone, build the model with create_model and call load_weights."
        )
    try:
        with safe_open(path, framework="pt") as handle:
            text = (handle.metadata() or {}).get("workbench-model")
    except (SafetensorError, OSError, ValueError) as error:
        raise WorkbenchError(
            f"{path} cannot be read as a model ({error!s:.200}); it may be truncated, train or download it again."
        ) from None
    if text is None:
        raise WorkbenchError(f"{path} is a safetensors file but not a model that workbench saved; load bare weights as a backbone's.")
    try:
        description = json.loads(text)
        schema, config = int(description["schema"]), dict(description["config"])
        config["name"], config["categories"]["names"]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise WorkbenchError(
            f"{path} has a damaged description ({type(error).__name__}: {error!s:.200}); train or download it again."
        ) from None
    if schema > SCHEMA_VERSION:
        raise WorkbenchError(f"{path} has model schema {schema}, newer than the {SCHEMA_VERSION} this version reads; update workbench.")
    return config


def _require_categories(expected: Categories, config: dict[str, Any], path: str | Path) -> None:
    found = Categories.from_json(config["categories"])
    expected.require_same_names(found, str(path))
    if expected != found:
        raise WorkbenchError(f"{path} has the same categories in another order; reorder the data's columns with Categories.columns_of.")
