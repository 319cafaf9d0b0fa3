"""Models of others: whatever they are and give, a module whose answer is logits [B, C], with the names, size and number type declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.errors import WorkbenchError, did_you_mean
from workbench.scores import LARGEST, SMALLEST

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
ONNX_TYPES = {"tensor(float16)": np.float16, "tensor(double)": np.float64}
Output = str | int | Callable[[Any], Tensor]


def as_module(model: Any) -> nn.Module:
    """The network itself: without the wrapper of torch.compile or of data parallelism, whose weights it shares; an exported program, an
    ONNX session or a function as a module. Raises WorkbenchError for anything else, and for weights that hold no values."""
    while isinstance(model, nn.Module):
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = model.module
        if inner is None:
            break
        model = inner
    if isinstance(model, torch.export.ExportedProgram):
        return _Exported(model)
    if hasattr(model, "get_inputs") and hasattr(model, "run"):
        return _Session(model)
    if not isinstance(model, nn.Module):
        if callable(model) and not isinstance(model, type):
            return _Function(model)
        raise WorkbenchError(f"{type(model).__name__} is no model; give a run, a torch module, an ONNX session or a function of images.")
    if any(weight.is_meta for weight in model.parameters()):
        raise WorkbenchError(
            f"The weights of {type(model).__name__} are on the meta device, where they hold no values; load them first, with "
            "model.to_empty(device=...) and model.load_state_dict(...)."
        )
    return model


def is_one_graph(module: nn.Module) -> bool:
    """Whether a model runs without running its layers one by one: they cannot be watched."""
    return isinstance(module, torch.jit.ScriptModule | _Function | _Exported | _Session)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Every part of `module` in evaluation mode, and afterwards in the mode that it had, also after an error.

    Flags are set, eval() is not called: models override it, and some change their weights in it.
    """
    training = [part for part in module.modules() if getattr(part, "training", False)]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


def dtype_of(module: nn.Module) -> torch.dtype:
    """The number type that the model takes: that of its first weight."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.dtype in FLOATS:
            return tensor.dtype
    return torch.float32


def names_of(module: nn.Module) -> list[str] | None:
    """The names that a model has for its logits, in order (``id2label`` of Hugging Face, ``categories``), or None. Doubles get a number."""
    labels = getattr(getattr(module, "config", None), "id2label", None)
    if isinstance(labels, Mapping) and labels:
        try:
            names = [str(labels[index]) for index in sorted(labels, key=int)]
        except (TypeError, ValueError):
            return None
        counted = Counter(names)
        return [f"{name} ({place})" if counted[name] > 1 else name for place, name in enumerate(names)]
    own = getattr(module, "categories", None)
    return [str(name) for name in own] if isinstance(own, Sequence) and not isinstance(own, str) else None


def size_of(module: nn.Module) -> tuple[int, int]:
    """(height, width) that a model says its images have; 224 x 224 where it says nothing."""
    declared = [getattr(module, "image_size", None), getattr(getattr(module, "config", None), "image_size", None)]
    for attribute in ("pretrained_cfg", "default_cfg"):
        found = getattr(module, attribute, None)
        if isinstance(found, Mapping) and len(found.get("input_size") or ()) == 3:
            declared.append(found["input_size"][1:])
    for size in declared:
        try:
            return frame_of(size)
        except WorkbenchError:
            continue
    return 224, 224


def frame_of(size: Any) -> tuple[int, int]:
    """(height, width) of a size given as one number or as two. Raises WorkbenchError for anything else."""
    sides = (size, size) if isinstance(size, int | np.integer) else size
    if not isinstance(sides, tuple | list) or len(sides) != 2 or not all(isinstance(side, int | np.integer) and side > 0 for side in sides):
        raise WorkbenchError(f"size is {size!r}; give one number, or (height, width), of the model's input in pixels.")
    return int(sides[0]), int(sides[1])


def logits_of(output: Any, count: int, pick: Output | None = None, scores: str | None = None) -> Tensor:
    """The logits [B, count] in what a model returned: a tensor, a dict, a tuple or an object with named parts.

    Args:
        pick: which part, by key or place, or a function of the output; needed only where several parts have the shape.
        scores: "probabilities" turns values in 0..1 into the logits whose sigmoid they are.

    Raises: WorkbenchError where no part, or more than one, can be the logits.
    """
    found = _picked(output, count, pick)
    if found.ndim > 2 and all(side == 1 for side in found.shape[2:]):
        found = found.flatten(1)
    if found.ndim == 1 and count == 1:
        found = found[:, None]
    if found.ndim != 2 or found.shape[1] != count:
        more = "; it has more than one score for a label: reduce it first, with output=lambda out: out.amax(-1)" if found.ndim > 2 else ""
        raise WorkbenchError(
            f"The model's output ({list(found.shape)}) is not logits [B, {count}]{more}; give as many categories as it has logits."
        )
    return to_logits(found) if scores == "probabilities" else found.float()


def to_logits(probabilities: Tensor) -> Tensor:
    """The logits of probabilities, float32. 0 and 1 themselves become the logits of the nearest numbers of float32.

    Raises: WorkbenchError where a value lies outside of 0..1.
    """
    values = probabilities.double()
    outside = (values < 0) | (values > 1)
    if bool(outside.any()):
        raise WorkbenchError(f'scores="probabilities" but the model gave {float(values[outside][0]):.4g}; leave it out: these are logits.')
    values = values.clamp(SMALLEST, LARGEST)
    return (values.log() - (-values).log1p()).float()


def _picked(output: Any, count: int, pick: Output | None) -> Tensor:
    if callable(pick):
        found = pick(output)
        if not isinstance(found, Tensor):
            raise WorkbenchError(f"output= gave {type(found).__name__}; it must give the tensor of logits [B, {count}].")
        return found
    if isinstance(output, Tensor):
        return output
    parts = _parts(output)
    if pick is not None:
        if pick not in parts:
            raise WorkbenchError(f"The model's output has no part {pick!r}.{did_you_mean(str(pick), map(str, parts))}")
        return parts[pick]
    if "logits" in parts:
        return parts["logits"]
    fitting = {key: part for key, part in parts.items() if part.shape[1:] == (count,) or (count == 1 and part.ndim == 1)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    shapes = ", ".join(f"{key!r}: {list(part.shape)}" for key, part in parts.items())
    if fitting:
        raise WorkbenchError(
            f"More than one part of the model's output may be its logits [B, {count}] ({shapes}); say which, "
            f"such as output={next(iter(fitting))!r}."
        )
    raise WorkbenchError(
        f"The model's output ({shapes or type(output).__name__}) holds no logits [B, {count}]; give as many categories as it has logits, "
        "or say which part they are with output=."
    )


def _parts(output: Any) -> dict[Any, Tensor]:
    """The tensors of an output by key, attribute or place."""
    if isinstance(output, Mapping):
        named: Mapping[Any, Any] = output
    elif hasattr(output, "_fields"):
        named = output._asdict()
    elif isinstance(output, tuple | list):
        named = dict(enumerate(output))
    else:
        named = vars(output) if hasattr(output, "__dict__") else {}
    return {key: part for key, part in named.items() if isinstance(part, Tensor)}


class _Function(nn.Module):
    """A plain function of images."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Any:
        given = self.function(images)
        return torch.from_numpy(given) if isinstance(given, np.ndarray) else given


class _Exported(nn.Module):
    """A program of torch.export, which may take batches of one size only."""

    def __init__(self, program: torch.export.ExportedProgram) -> None:
        super().__init__()
        self.program = program.module()
        names = set(program.graph_signature.user_inputs)
        first = next(node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names)
        self.batch = first.shape[0] if isinstance(first.shape[0], int) else None

    def forward(self, images: Tensor) -> Any:
        return _in_batches(self.program, images, self.batch)


class _Session(nn.Module):
    """A session of ONNX Runtime: scores without gradients."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self.session = session
        (self.given, *others) = session.get_inputs()
        if others:
            raise WorkbenchError(f"The ONNX model takes {1 + len(others)} inputs; give one that takes images alone.")
        self.names = [output.name for output in session.get_outputs()]
        batch = (self.given.shape or [None])[0]
        self.batch = batch if isinstance(batch, int) else None

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return _in_batches(self._run, images, self.batch)

    def _run(self, images: Tensor) -> dict[str, Tensor]:
        values = images.detach().cpu().numpy().astype(ONNX_TYPES.get(self.given.type, np.float32))
        found = self.session.run(None, {self.given.name: values})
        return {name: torch.from_numpy(np.asarray(value)).to(images.device) for name, value in zip(self.names, found, strict=True)}


def _in_batches(function: Callable[[Tensor], Any], images: Tensor, batch: int | None) -> Any:
    """Ask a function that takes so many images at once and no others: the last ones are repeated until they are enough."""
    if batch is None or len(images) == batch:
        return function(images)
    full = torch.cat([images, images[-1:].expand(-len(images) % batch, *images.shape[1:])])
    return _cut([function(part) for part in full.split(batch)], len(images))


def _cut(outputs: list[Any], count: int) -> Any:
    first = outputs[0]
    if isinstance(first, Tensor):
        return torch.cat(outputs)[:count]
    if isinstance(first, Mapping):
        return {key: _cut([output[key] for output in outputs], count) for key in first}
    return tuple(_cut(list(parts), count) for parts in zip(*outputs, strict=True))
