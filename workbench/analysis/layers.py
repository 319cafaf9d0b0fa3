"""A layer by its name, and what it gives: ``"layer4"``; ``"head.act#1"``, the first time that it runs in one pass; ``"fpn[pool]"``, one
part of an output that has several."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from workbench.errors import WorkbenchError, did_you_mean
from workbench.foreign import is_one_graph

STATES = ("last_hidden_state", "hidden_states")  # parts of outputs that hold positions, by the names that Hugging Face gives them


@dataclass(frozen=True)
class LayerName:
    """``name``, the number of the call in a pass (from 1; None for the last), and the part of the output."""

    name: str
    call: int | None = None
    part: str | None = None

    def __str__(self) -> str:
        return self.name + (f"[{self.part}]" if self.part else "") + (f"#{self.call}" if self.call else "")

    def of(self, calls: list[Any]) -> Tensor:
        """The tensor that is asked for, of the outputs of all calls. Raises WorkbenchError where there is none, or no single one."""
        if not calls:
            raise WorkbenchError(f'Layer "{self.name}" does not run when the model is asked for scores; name another one.')
        if self.call is not None and self.call > len(calls):
            raise WorkbenchError(f'Layer "{self.name}" runs {len(calls)} times in one pass, there is no call {self.call}.')
        return self.tensor(calls[(self.call or len(calls)) - 1])

    def tensor(self, output: Any) -> Tensor:
        """The tensor that is asked for, of the output of one call."""
        return output if isinstance(output, Tensor) else self._parts(output)[self.key(output)]

    def key(self, output: Any) -> Any:
        """Key or place of the part in an output of several."""
        parts = self._parts(output)
        if self.part is not None:
            for key in parts:
                if str(key) == self.part:
                    return key
            raise WorkbenchError(f'The output of layer "{self.name}" has no part "{self.part}".{did_you_mean(self.part, map(str, parts))}')
        known = [key for key in STATES if key in parts]
        if known or (isinstance(output, tuple | list) and parts):
            return (known or list(parts))[0]
        if len(parts) == 1:
            return next(iter(parts))
        shown = ", ".join(f"{key}: {list(part.shape)}" for key, part in parts.items()) or type(output).__name__
        example = f', such as "{self.name}[{next(iter(parts))}]"' if parts else ""
        raise WorkbenchError(f'Layer "{self.name}" gives several parts ({shown}); name one{example}.')

    @staticmethod
    def _parts(output: Any) -> dict[Any, Tensor]:
        named = output if isinstance(output, Mapping) else dict(enumerate(output)) if isinstance(output, tuple | list) else {}
        return {key: part for key, part in named.items() if isinstance(part, Tensor) and part.is_floating_point()}


def layer_name(module: nn.Module, text: str | None) -> LayerName:
    """A layer of `module` from its text. Raises WorkbenchError with the nearest name."""
    layers = dict(module.named_modules())
    if is_one_graph(module):
        raise WorkbenchError(
            f"{type(module).__name__} runs as one graph whose layers cannot be watched; give the module that it was made from, a function "
            'maps(model, images), or attributions such as "occlusion" that ask for scores only.'
        )
    if text is None:
        raise WorkbenchError(f"Grad-CAM needs a layer; name one, such as {_examples(layers)}.")
    if text in layers and text:
        return LayerName(text)
    match = re.fullmatch(r"(.+?)(?:\[(.+)\])?(?:#([1-9]\d*))?", text)
    if not match or match[1] not in layers:
        near = did_you_mean(match[1] if match else text, [each for each in layers if each])
        raise WorkbenchError(f'{type(module).__name__} has no layer "{text}".{near}')
    return LayerName(match[1], int(match[3]) if match[3] else None, match[2])


@contextmanager
def watching(module: nn.Module, layer: LayerName) -> Iterator[list[Any]]:
    """The outputs of a layer, call by call, of what runs meanwhile. Outputs are shared with the model: nothing may be written to them."""
    calls: list[Any] = []
    handle = module.get_submodule(layer.name).register_forward_hook(lambda _module, _inputs, output: calls.append(output))
    try:
        yield calls
    finally:
        handle.remove()


@contextmanager
def opened(module: nn.Module, layer: LayerName, call: int) -> Iterator[list[Tensor]]:
    """The tensor of one call of a layer, cut off from what came before so that a gradient can be asked for, weights frozen or not.

    What follows gets a copy: a later layer may write into its input.
    """
    kept: list[Tensor] = []
    count = 0

    def cut(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        nonlocal count
        count += 1
        if count != call:
            return None
        value = layer.tensor(output)
        kept.append(value.detach().requires_grad_(True))
        return _with_part(output, None if isinstance(output, Tensor) else layer.key(output), kept[0].clone())

    handle = module.get_submodule(layer.name).register_forward_hook(cut)
    try:
        yield kept
    finally:
        handle.remove()


def calls_of(layer: LayerName, calls: list[Any]) -> int:
    """Which call is meant; says so where a layer runs more than once and nothing was said."""
    if layer.call is None and len(calls) > 1:
        warnings.warn(
            f'Layer "{layer.name}" runs {len(calls)} times in one pass; the map is of the last. "{layer.name}#1" is the first.',
            stacklevel=2,
        )
    return layer.call or len(calls)


def _with_part(output: Any, key: Any, value: Tensor) -> Any:
    if isinstance(output, Tensor):
        return value
    if isinstance(output, Mapping):
        changed: Any = copy.copy(output)
        changed[key] = value
        return changed
    parts = [value if place == key else part for place, part in enumerate(output)]
    return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)


def _examples(layers: dict[str, nn.Module]) -> str:
    """The last layers that are known to give maps, deepest first."""
    found = [name for name, layer in layers.items() if isinstance(layer, nn.Conv2d | nn.LayerNorm)]
    return ", ".join(f'"{name}"' for name in found[::-1][:3]) or "one of model.named_modules()"
