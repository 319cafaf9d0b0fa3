"""A model made ready to be looked at. A model of ours declares its maps and logits. A foreign model is anything that gives scores for
images (see `workbench.foreign`) plus a function ``maps(model, images)`` that returns ``{name: [B, C, h, w]}``; both become a `Subject`, and
the rest does not know the difference. A `Subject` answers in evaluation mode, and leaves the model in the mode that it had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.foreign import Output, as_module, dtype_of, evaluating, frame_of, logits_of, names_of, size_of
from workbench.inspection import LogitKind, MapKind, PartKind, Table
from workbench.scores import require_scores

Explain = Callable[[Tensor, Tensor], Tensor]


@dataclass
class Observation:
    """What a model gave for a batch.

    Attributes:
        logits: [B, C] by name. maps: [B, C, h, w] by name. features: [B, C, D] or None.
        parts: addends [B, C] of the scored logits by name. channels: raw feature maps [B, D, h, w] by layer.
    """

    logits: dict[str, Tensor]
    maps: dict[str, Tensor]
    features: Tensor | None = None
    parts: dict[str, Tensor] = field(default_factory=dict)
    channels: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Subject:
    """A model made ready to be looked at.

    Attributes:
        size: (height, width) of the images that it gets.
        observe: images [B, 3, H, W] in 0..1 -> Observation.
        relations: images -> {name: [B, C, C]}, or None.
        part_kinds, tables, channel_steering: see `WorkbenchModel`.
        module: the network itself, for checks that change its weights or ask for gradients.
        quick: images -> the scored logits [B, C] without the maps, or None.
        explain: maps that are made for one label at a time, by name: images [M, 3, H, W], labels int [M] -> [M, h, w].
        scores: what a foreign model's output was said to be, "logits" or "probabilities", or None where nothing was said. The logits here
            are logits in any case.
    """

    module: nn.Module
    categories: Categories
    size: tuple[int, int]
    map_kinds: tuple[MapKind, ...]
    logit_kinds: tuple[LogitKind, ...]
    scored: str
    observe: Callable[[Tensor], Observation]
    relations: Callable[[Tensor], dict[str, Tensor]] | None = None
    relation_titles: Mapping[str, str] = field(default_factory=dict)
    description: Mapping[str, Any] = field(default_factory=dict)
    part_kinds: tuple[PartKind, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    channel_steering: str | None = None
    quick: Callable[[Tensor], Tensor] | None = None
    explain: Mapping[str, Explain] = field(default_factory=dict)
    scores: str | None = None

    @property
    def device(self) -> torch.device:
        return device_of(self.module)

    def score(self, images: Tensor) -> Tensor:
        """The scored logits [B, C] of images [B, 3, H, W] in 0..1, without the maps where they can be left out."""
        return self.quick(images) if self.quick else self.observe(images).logits[self.scored]

    def maps_of(self, kind: str, images: Tensor, labels: Tensor) -> Tensor:
        """One map of each image, raw: images [M, 3, H, W], labels int [M] -> [M, h, w]. Raises WorkbenchError for an unknown kind."""
        if kind in self.explain:
            return self.explain[kind](images, labels)
        maps = self.observe(images).maps
        if kind not in maps:
            raise WorkbenchError(f'This model has no map "{kind}".{did_you_mean(kind, [*maps, *self.explain])}')
        return maps[kind][torch.arange(len(images), device=images.device), labels]


def subject_of(
    model: Any,
    maps: Callable[[nn.Module, Tensor], Any] | None = None,
    *,
    categories: Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    map_kinds: Sequence[MapKind] = (),
    prepare: Callable[[Tensor], Tensor] | None = None,
    scores: str | None = None,
    output: Output | None = None,
) -> Subject:
    """Wrap a model.

    Args:
        model: one of ours (then nothing else is needed), or any module, exported program, ONNX session or function of images whose output
            is or holds logits [B, C].
        maps: for a foreign model, ``maps(model, images) -> {name: [B, C, h, w]}``, or one such tensor; receives what the model receives.
        categories: names of the foreign model's logits, in order; by default those that it has, as models of Hugging Face do.
        size: height = width of the input, or (height, width); by default what the model declares, else 224.
        map_kinds: what the maps mean; undeclared ones are taken as signed scores.
        prepare: turns images in 0..1, RGB, float32, into what the foreign model expects (its normalisation). They are converted to the
            number type of its weights afterwards.
        scores: "logits", or "probabilities" for a model that ends in a sigmoid or softmax: they are turned into the logits whose sigmoid
            they are.
        output: which part of the foreign model's output the logits are, by key or place, or a function of the output; needed only where
            several parts have their shape.

    Raises: WorkbenchError where something is missing or shapes disagree.
    """
    require_scores(scores)
    module = as_module(model)
    if hasattr(module, "map_kinds") and maps is None:
        return _own_subject(module, size)
    if maps is None:
        raise WorkbenchError(
            f'{type(module).__name__} declares no maps; name a layer, such as maps="layer4", or give a function maps(model, images) -> '
            "{name: tensor [B, C, h, w]}."
        )
    categories = categories or names_of(module)
    if categories is None:
        raise WorkbenchError("A foreign model needs categories=[...]: the names of its logits in order.")
    names = Categories(categories)
    declared = {kind.name: kind for kind in map_kinds}
    dtype = dtype_of(module)

    def prepared(images: Tensor) -> Tensor:
        given = images if prepare is None else prepare(images)
        return given.to(dtype) if given.is_floating_point() else given

    def observe(images: Tensor) -> Observation:
        with evaluating(module):
            inputs = prepared(images)
            logits = logits_of(module(inputs), len(names), output, scores)
            return Observation({"model": logits}, _checked_maps(maps(module, inputs), logits.shape))

    def quick(images: Tensor) -> Tensor:
        with evaluating(module):
            return logits_of(module(prepared(images)), len(names), output, scores)

    frame = size_of(module) if size is None else frame_of(size)
    first = _first_look(observe, module, frame)
    kinds = tuple(declared.get(name, MapKind(name, name, "map given by the caller", scale="signed")) for name in first.maps)
    meaning = "the model's probabilities as logits" if scores == "probabilities" else "the model's logits"
    return Subject(
        module,
        names,
        frame,
        kinds,
        (LogitKind("model", "y", meaning),),
        "model",
        observe,
        description={"model": type(model).__name__, **({"scores": scores} if scores else {})},
        quick=quick,
        scores=scores,
    )


def _own_subject(model: Any, size: int | tuple[int, int] | None) -> Subject:
    dtype = dtype_of(model)

    def observe(images: Tensor) -> Observation:
        with evaluating(model):
            _, out = model(images.to(dtype))
            logits = {kind.name: out[f"logits.{kind.name}"] for kind in model.logit_kinds}
            maps = {kind.name: model.maps(out, kind.name) for kind in model.map_kinds}
            return Observation(logits, maps, out.get("features"), model.decompose(out), model.channel_maps(out))

    def quick(images: Tensor) -> Tensor:
        with evaluating(model):
            return model(images.to(dtype))[0]

    def relations(images: Tensor) -> dict[str, Tensor]:
        with evaluating(model):
            return model.relations(images.to(dtype))

    titles = dict(getattr(model, "relation_titles", {}))
    description = {
        "model": model.config["name"],
        "backbone": model.config["backbone"],
        "options": {key: value for key, value in model.config.items() if key not in ("name", "backbone", "categories")},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
    return Subject(
        model,
        model.categories,
        frame_of(model.image_size if size is None else size),
        tuple(model.map_kinds),
        tuple(model.logit_kinds),
        model.scored,
        observe,
        relations if titles else None,
        titles,
        description,
        tuple(model.part_kinds),
        model.tables(),
        model.channel_steering,
        quick,
        scores="logits",
    )


def _checked_maps(found: Any, shape: torch.Size) -> dict[str, Tensor]:
    """What a function of maps gave, by name. Raises WorkbenchError for another shape than [B, C, h, w]."""
    if isinstance(found, Tensor):
        found = {"map": found}
    if not isinstance(found, Mapping):
        raise WorkbenchError(
            f"maps(model, images) gave {type(found).__name__}; it must give a tensor [B, C, h, w], or a dict of them by name."
        )
    for name, value in found.items():
        shown = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
        if not isinstance(value, Tensor) or value.ndim != 4 or value.shape[:2] != shape:
            raise WorkbenchError(f'Map "{name}" has shape {shown}, expected [B, C, h, w] with B = {shape[0]} and C = {shape[1]}.')
    return dict(found)


def _first_look(observe: Callable[[Tensor], Observation], module: nn.Module, frame: tuple[int, int]) -> Observation:
    try:
        with torch.no_grad():
            return observe(torch.full((1, 3, *frame), 0.5, device=device_of(module)))
    except WorkbenchError:
        raise
    except Exception as error:  # whatever a model of somebody else raises
        text = " ".join(str(error).split())
        raise WorkbenchError(
            f"The model fails on one image [1, 3, {frame[0]}, {frame[1]}] ({type(error).__name__}: {text:.300}); give size= as it was "
            "built for, or prepare= where it expects something else."
        ) from error


def device_of(module: nn.Module) -> torch.device:
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
