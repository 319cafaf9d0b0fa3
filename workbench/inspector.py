"""`workbench.inspect`: from a model, or a run that trained one, and images to an archive with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

import workbench
from workbench.analysis.attribution import Attribution, add_attribution, attribution_maps, parse
from workbench.analysis.measure import measure as measure_maps
from workbench.capture import Subject, capture, subject_of
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.picture_list import PictureList
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection, MapKind
from workbench.inspection.private import Keeping
from workbench.training import Run

MapFunction = Callable[[nn.Module, Tensor], Any]  # a tensor [B, C, h, w], or {name: tensor}
Maps = MapFunction | str | Mapping[str, MapFunction | str]
TOP_LABELS = 2  # labels whose attribution is kept beside those of the present ones


def inspect(
    model: nn.Module | Run | str | Path,
    images: MultiLabelDataset | Sequence[str | Path | np.ndarray] | None = None,
    maps: Maps | None = None,
    *,
    attributions: Sequence[str | Attribution] = (),
    categories: Sequence[str] | None = None,
    size: int | None = None,
    map_kinds: Sequence[MapKind] = (),
    prepare: Callable[[Tensor], Tensor] | None = None,
    name: str | None = None,
    limit: int | None = None,
    picture_size: int | None = None,
    pictures: Keeping = "jpeg",
    top_labels: int | None = None,
    measure: bool | Literal["thorough"] = True,
    progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Make an archive. `AttentionExplorer(inspect(...))` shows it, ``.save(path)`` keeps it.

    Args:
        model: a run (or its folder), a model of ours, or any torch module together with `maps` or `attributions`.
        images: a data set, or pictures as paths or uint8 arrays [H, W, 3]; by default the run's validation images.
        maps: for a foreign model, where its maps come from: the name of a layer, of which Captum makes Grad-CAM (``"layer4"``); a function
            ``maps(model, images) -> {name: tensor [B, C, h, w]}``; or a dict of both by name, ``{"cam": function, "deep": "layer4"}``,
            whose functions give one tensor each. A layer may be named for a model of ours too; its own maps stay.
        attributions: maps that Captum makes for one label at a time, such as ``"integrated_gradients"``, ``"occlusion"``,
            ``"grad_cam.layer4"``, or an `Attribution` with settings; kept for the present labels and the `top_labels` best-scored ones
            (by default 2).
        categories, size, map_kinds, prepare: for a foreign model, see `workbench.subject.subject_of`.
        limit: only the first `limit` images.
        picture_size, pictures, top_labels, progress: see `workbench.capture.capture`.
        measure: put what can be measured beside the maps; "thorough" takes minutes, see `workbench.analysis.measure.measure`.

    Raises: WorkbenchError where something is missing or does not fit together.
    """
    run = Run.open(model) if isinstance(model, str | Path) else model if isinstance(model, Run) else None
    provenance: dict[str, Any] = {"workbench": workbench.__version__, "made": datetime.now(UTC).strftime("%Y-%m-%d")}
    if run is not None:
        network: nn.Module = run.model("best")
        images = run.validation() if images is None else images
        name = name or run.recipe.name
        provenance |= {"recipe": run.recipe.name, "seed": run.recipe.seed, "environment": run.environment}
    else:
        assert isinstance(model, nn.Module)
        network = model
    if images is None:
        raise WorkbenchError("There are no images to look at; give a data set or a list of pictures.")
    categories = categories or getattr(network, "categories", None)
    if not isinstance(images, MultiLabelDataset):
        if categories is None:
            raise WorkbenchError("A list of pictures does not say what the labels are; give categories=[...].")
        images = PictureList(images, categories)
    if limit is not None:
        images = images.subset(range(min(limit, len(images))))
    if not len(images):
        raise WorkbenchError(f"{images.name} holds no images; there is nothing to look at.")
    given, asked = _sources(maps, attributions)
    if given is None and asked and not hasattr(network, "map_kinds"):
        given = _no_maps

    def wrap(module: nn.Module) -> Subject:
        made = subject_of(module, given, categories=categories, size=size, map_kinds=map_kinds, prepare=prepare)
        for attribution in asked:
            add_attribution(made, attribution)
        return made

    network.eval()
    subject = wrap(network)
    name = name or str(subject.description.get("model", "inspection"))
    contents = capture(
        subject,
        images,
        name=name,
        picture_size=picture_size,
        pictures=pictures,
        top_labels=top_labels,
        provenance=provenance,
        progress=progress,
    )
    captured = Inspection.of(contents)
    for attribution in asked:
        kept = TOP_LABELS if top_labels is None else top_labels
        values, labels = attribution_maps(subject, attribution, images, captured, kept)
        contents.maps = {**contents.maps, attribution.name: values}
        contents.map_labels = {**contents.map_labels, attribution.name: labels}
        contents.map_kinds = (*contents.map_kinds, attribution.kind(subject.scored))
    if measure:
        measured, tables = measure_maps(subject, wrap, images, Inspection.of(contents), thorough=measure == "thorough")
        contents.measurements, contents.tables = measured, {**contents.tables, **tables}
    return Inspection.of(contents)


def _sources(maps: Maps | None, attributions: Sequence[str | Attribution]) -> tuple[MapFunction | None, list[Attribution]]:
    """What a function gives for all labels at once, and what Captum makes label by label."""
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
