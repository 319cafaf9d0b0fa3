"""The one way from what a caller gives, a model and where its maps come from, to a `Subject`: for `inspect` and for `predictor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from workbench.analysis.attribution import Attribution, add_attribution, parse
from workbench.foreign import Output, as_module
from workbench.inspection import MapKind
from workbench.subject import Subject, subject_of

MapFunction = Callable[[nn.Module, Tensor], Any]  # a tensor [B, C, h, w], or {name: tensor}
Maps = MapFunction | str | Mapping[str, MapFunction | str]


@dataclass(frozen=True)
class Adapted:
    """A subject, the maps that are made for it label by label, and how another module (with other weights) becomes one like it."""

    subject: Subject
    asked: tuple[Attribution, ...]
    again: Callable[[nn.Module], Subject]


def adapted(
    model: Any,
    maps: Maps | None = None,
    *,
    attributions: Sequence[str | Attribution] = (),
    categories: Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    map_kinds: Sequence[MapKind] = (),
    prepare: Callable[[Tensor], Tensor] | None = None,
    scores: str | None = None,
    output: Output | None = None,
    layout: str | None = None,
    scores_alone: bool = False,
) -> Adapted:
    """Arguments as of `workbench.inspect`.

    Args:
        scores_alone: a foreign model needs no maps at all.

    Raises: WorkbenchError where something is missing or does not fit together.
    """
    module = as_module(model)
    given, asked = _sources(maps, attributions)
    asked = [replace(each, layout=layout) if layout and each.layout is None else each for each in asked]
    if given is None and (asked or scores_alone) and not hasattr(module, "map_kinds"):
        given = _no_maps
    options: dict[str, Any] = {"categories": categories, "size": size, "map_kinds": map_kinds, "prepare": prepare}
    options |= {"scores": scores, "output": output}
    subject = subject_of(module, given, **options)
    settled = tuple(add_attribution(subject, attribution) for attribution in asked)

    def again(other: nn.Module) -> Subject:
        made = subject_of(other, given, **options)
        for attribution in settled:  # with the layout that was established on the weights as they are
            add_attribution(made, attribution)
        return made

    return Adapted(subject, settled, again)


def _sources(maps: Maps | None, attributions: Sequence[str | Attribution]) -> tuple[MapFunction | None, list[Attribution]]:
    """What a function gives for all labels at once, and what is made label by label."""
    asked = [parse(each) if isinstance(each, str) else each for each in attributions]
    if isinstance(maps, str):
        return None, [Attribution("grad_cam", layer=maps), *asked]
    if maps is None or callable(maps):
        return maps, asked
    layers = [Attribution("grad_cam", layer=layer, key=key) for key, layer in maps.items() if isinstance(layer, str)]
    functions = {key: function for key, function in maps.items() if not isinstance(function, str)}
    together = (lambda model, inputs: {key: function(model, inputs) for key, function in functions.items()}) if functions else None
    return together, [*layers, *asked]


def _no_maps(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    return {}
