"""Tensors in files that somebody else wrote, without running anything that is in them: safetensors, and checkpoints of PyTorch, which are
opened with ``weights_only=True`` alone. A file is told by its content, not by its name."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from workbench.errors import WorkbenchError, did_you_mean

USUAL = ("", "state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params")
"""Names under which checkpoints keep what was trained, the first that is there is taken; "" is the file itself."""
WRAPPERS = ("module.", "_orig_mod.")  # in front of each name: DataParallel and its kin, torch.compile
NO_WEIGHTS = re.compile(r"optim|scheduler|scaler|^lr_")
AVERAGED = re.compile(r"(^|[._])(ema|shadow|swa|averaged?)([._]|$)", re.IGNORECASE)
DEEPEST = 12  # tables within tables within a checkpoint


def read_tensors(path: str | Path, entry: str | None = None) -> dict[str, Tensor]:
    """The named tensors of a .safetensors file, or of a .pth / .pt checkpoint.

    A checkpoint that holds more than weights may keep them in a table, or in a table within a table; ``module.`` and ``_orig_mod.`` in
    front of names are dropped.

    Args:
        path: of the file; ``PATH#ENTRY`` names an entry as `entry` does.
        entry: name of the table to take, such as "state_dict_ema". By default the one table that is no moving average, the first of
            `USUAL` if there are several, and a moving average only if there is nothing else.

    Raises:
        WorkbenchError: the file is missing, damaged, holds no table of tensors, or several of which none is usual.
    """
    path = Path(path)
    if not path.is_file() and entry is None and "#" in path.name:
        name, _, entry = path.name.rpartition("#")
        path = path.with_name(name)
    if not path.is_file():
        raise WorkbenchError(f'There is no weights file at {path}; give a path, or one of None, "imagenet" or "pypi".')
    tables = _tables(path)
    chosen = _chosen(tables, entry, path)
    return {_unwrapped(name): value for name, value in tables[chosen].items() if name != "n_averaged"}


def is_safetensors(path: str | Path) -> bool:
    """Whether a file starts as safetensors do: the length of a header in JSON, and its brace."""
    with open(path, "rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < 1 << 40


def _tables(path: Path) -> dict[str, Mapping[str, Tensor]]:
    """Every table of named tensors in a file, by the names that lead to it."""
    try:
        if is_safetensors(path):
            return {"": load_file(path)}
        # A Namespace holds settings, and has no code of its own that loading would run. Given a path, torch.load goes by its name.
        with torch.serialization.safe_globals([argparse.Namespace]), open(path, "rb") as file:
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's own error types among them
        if "global" in str(error).lower():  # the name of a class or function that loading would have to call
            raise WorkbenchError(
                f"{path} holds more than tensors ({_first_line(error)}); save its state_dict alone, or as .safetensors."
            ) from None
        raise WorkbenchError(f"{path} cannot be read as weights ({_first_line(error)}); it may be truncated, get it again.") from None
    found: dict[str, Mapping[str, Tensor]] = {}
    _collect(loaded, "", found)
    if not found:
        raise WorkbenchError(f"{path} is not a table of named tensors; save the model's state_dict.")
    if len(found) > 1 and not any("." in name for table in found.values() for name in table) and not _usual(found):
        return {"": {f"{place}.{name}": value for place, table in found.items() for name, value in table.items()}}  # a tree of modules
    return found


def _collect(node: Any, place: str, found: dict[str, Mapping[str, Tensor]], depth: int = 0) -> None:
    if not isinstance(node, Mapping):
        return
    tensors = {name: value for name, value in node.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if tensors and (len(tensors) == len(node) or any("." in name for name in tensors)):
        found[place] = tensors
    for name, value in node.items():
        if isinstance(name, str) and not NO_WEIGHTS.search(name.lower()) and depth < DEEPEST:
            _collect(value, f"{place}.{name}" if place else name, found, depth + 1)


def _chosen(tables: Mapping[str, Any], entry: str | None, path: Path) -> str:
    if entry is not None:
        matching = [place for place in tables if entry in (place, place.rpartition(".")[2])]
        if len(matching) == 1:
            return matching[0]
        raise WorkbenchError(f'{path} has no weights under "{entry}".{did_you_mean(entry, [place for place in tables if place])}')
    plain = [place for place in tables if not AVERAGED.search(place)] or list(tables)
    chosen = plain[:1] if len(plain) == 1 else _usual(plain)
    if not chosen:
        raise WorkbenchError(f"{path} holds several tables of weights, {', '.join(plain[:8])}; name one, as {path.name}#{plain[0]}.")
    return chosen[0]


def _usual(places: Any) -> list[str]:
    """Those places that end in a usual name, the most usual first."""
    return sorted((place for place in places if place.rpartition(".")[2] in USUAL), key=lambda place: USUAL.index(place.rpartition(".")[2]))


def _unwrapped(name: str) -> str:
    while name.startswith(WRAPPERS):
        name = name.removeprefix("module.").removeprefix("_orig_mod.")
    return name.replace("._orig_mod.", ".")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
