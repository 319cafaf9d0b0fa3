"""A model made ready to be looked at. A model of ours declares its maps and logits. A foreign model is any torch module plus a function
``maps(model, images)`` that returns ``{name: [B, C, h, w]}``; both become a `Subject`, and the rest does not know the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection import LogitKind, MapKind, PartKind, Table

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
        observe: images [B, 3, H, W] in 0..1 -> Observation.
        relations: images -> {name: [B, C, C]}, or None.
        part_kinds, tables, channel_steering: see `WorkbenchModel`.
        module: the network itself, for checks that change its weights or ask for gradients.
        quick: images -> the scored logits [B, C] without the maps, or None.
        explain: maps that are made for one label at a time, by name: images [M, 3, H, W], labels int [M] -> [M, h, w].
    """

    module: nn.Module
    categories: Categories
    size: int
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
    model: nn.Module,
    maps: Callable[[nn.Module, Tensor], Mapping[str, Tensor]] | None = None,
    *,
    categories: Sequence[str] | None = None,
    size: int | None = None,
    map_kinds: Sequence[MapKind] = (),
    prepare: Callable[[Tensor], Tensor] | None = None,
) -> Subject:
    """Wrap a model.

    Args:
        model: one of ours (then nothing else is needed), or any module whose output is logits [B, C], a tuple that begins with them, or an
            object with ``.logits``.
        maps: for a foreign model, ``maps(model, images) -> {name: [B, C, h, w]}``; receives what the model receives.
        categories: names of the foreign model's logits, in order.
        size: input height = width.
        map_kinds: what the maps mean; undeclared ones are taken as signed scores.
        prepare: turns images in 0..1, RGB, into what the foreign model expects (its normalisation).

    Raises: WorkbenchError where something is missing or shapes disagree.
    """
    if hasattr(model, "map_kinds") and maps is None:
        return _own_subject(model, size)
    if maps is None:
        raise WorkbenchError(
            f'{type(model).__name__} declares no maps; name a layer, such as maps="layer4", or give a function maps(model, images) -> '
            "{name: tensor [B, C, h, w]}."
        )
    if categories is None:
        raise WorkbenchError("A foreign model needs categories=[...]: the names of its logits in order.")
    names = Categories(categories)
    prepare = prepare or (lambda images: images)
    declared = {kind.name: kind for kind in map_kinds}

    def observe(images: Tensor) -> Observation:
        inputs = prepare(images)
        logits = _logits_of(model(inputs), len(names))
        found = maps(model, inputs)
        for name, value in found.items():
            if value.ndim != 4 or value.shape[:2] != logits.shape:
                raise WorkbenchError(
                    f'Map "{name}" has shape {list(value.shape)}, expected [B, C, h, w] with B = {len(images)} and C = {len(names)}.'
                )
        return Observation({"model": logits}, dict(found))

    size = size or int(getattr(model, "image_size", 0)) or 224
    with torch.no_grad():
        first = observe(torch.full((1, 3, size, size), 0.5, device=device_of(model)))
    kinds = tuple(declared.get(name, MapKind(name, name, "map given by the caller", scale="signed")) for name in first.maps)
    logit_kinds = (LogitKind("model", "y", "the model's logits"),)
    return Subject(
        model,
        names,
        size,
        kinds,
        logit_kinds,
        "model",
        observe,
        description={"model": type(model).__name__},
        quick=lambda images: _logits_of(model(prepare(images)), len(names)),
    )


def _own_subject(model: Any, size: int | None) -> Subject:
    def observe(images: Tensor) -> Observation:
        _, out = model(images)
        logits = {kind.name: out[f"logits.{kind.name}"] for kind in model.logit_kinds}
        maps = {kind.name: model.maps(out, kind.name) for kind in model.map_kinds}
        return Observation(logits, maps, out.get("features"), model.decompose(out), model.channel_maps(out))

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
        size or model.image_size,
        tuple(model.map_kinds),
        tuple(model.logit_kinds),
        model.scored,
        observe,
        model.relations if titles else None,
        titles,
        description,
        tuple(model.part_kinds),
        model.tables(),
        model.channel_steering,
        lambda images: model(images)[0],
    )


def _logits_of(output: Any, count: int) -> Tensor:
    logits = output[0] if isinstance(output, tuple | list) else getattr(output, "logits", output)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or logits.shape[1] != count:
        found = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise WorkbenchError(f"The model's output ({found}) is not logits [B, {count}]; give as many categories as it has logits.")
    return logits


def device_of(module: nn.Module) -> torch.device:
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
