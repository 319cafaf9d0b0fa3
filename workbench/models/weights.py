"""Reading weights that somebody else wrote, without running anything that is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from workbench.errors import WorkbenchError


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, or of a .pth / .pt checkpoint read with ``weights_only=True``.

    A checkpoint that holds more than weights may keep them under ``state_dict``; a leading ``module.`` of each name is dropped.

    Raises:
        WorkbenchError: the file is missing, damaged, or holds something other than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise WorkbenchError(f'There is no weights file at {path}; give a path, or one of None, "imagenet" or "pypi".')
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError) as error:
        raise WorkbenchError(f"{path} cannot be read as weights ({_first_line(error)}); it may be truncated, get it again.") from None
    except Exception as error:  # pickle's own error types, for a file with more in it than tensors
        raise WorkbenchError(
            f"{path} holds more than tensors ({_first_line(error)}); save its state_dict alone, or as .safetensors."
        ) from None
    tensors = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else loaded
    if not isinstance(tensors, Mapping) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise WorkbenchError(f"{path} is not a table of named tensors; save the model's state_dict.")
    return {name.removeprefix("module."): value for name, value in tensors.items()}


def load_checked(module: nn.Module, tensors: Mapping[str, Tensor], where: str, skip: tuple[str, ...] = ()) -> None:
    """Load `tensors` into `module`, or refuse in a sentence that lists missing, unexpected and misshapen names.

    Args:
        where: what the sentence calls the source, usually a path.
        skip: beginnings of names that may be missing or surplus.
    """
    own = module.state_dict()
    given = {name: value for name, value in tensors.items() if not name.startswith(skip)} if skip else dict(tensors)
    missing = [name for name in own if name not in given and not (skip and name.startswith(skip))]
    unexpected = [name for name in given if name not in own]
    wrong = [
        f"{name} {list(given[name].shape)} for {list(own[name].shape)}"
        for name in own
        if name in given and own[name].shape != given[name].shape
    ]
    problems = [
        f"{label} {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
        for label, names in (("missing:", missing), ("unexpected:", unexpected), ("of another shape:", wrong))
        if names
    ]
    if problems:
        raise WorkbenchError(
            f"The weights in {where} do not fit this model ({'; '.join(problems)}); "
            "build the model they were made for, or name the beginnings to skip."
        )
    module.load_state_dict(given, strict=False)


def load_backbone_weights(module: nn.Module, name: str, weights: str | Path | None, skip: tuple[str, ...] = ()) -> None:
    """Load a weights file into a backbone that has no published weights of its own; None leaves it as it was initialised."""
    if weights is None:
        return
    if weights in ("imagenet", "pypi"):
        raise WorkbenchError(f'Backbone "{name}" has no "{weights}" weights; use None to train from scratch, or the path of a file.')
    load_checked(module, read_tensors(weights), str(weights), skip)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
