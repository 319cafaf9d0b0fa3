"""`workbench.inspect`: from a model, or a run that trained one, and images to an archive with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

import workbench
from workbench.analysis.adapted import Maps, adapted
from workbench.analysis.attribution import Attribution, attribution_maps
from workbench.analysis.measure import measure as measure_maps
from workbench.capture import capture
from workbench.datasets.adapter import as_dataset
from workbench.errors import WorkbenchError
from workbench.foreign import Output, as_module, names_of
from workbench.inspection import Inspection, MapKind
from workbench.inspection.private import Keeping
from workbench.training import Run

TOP_LABELS = 2  # labels whose attribution is kept beside those of the present ones


def inspect(
    model: Any,
    images: Any = None,
    maps: Maps | None = None,
    *,
    targets: Any = None,
    regions: Any = None,
    unknown: Any = None,
    bits: int | None = None,
    normalised: tuple[Sequence[float], Sequence[float]] | None = None,
    attributions: Sequence[str | Attribution] = (),
    categories: Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    map_kinds: Sequence[MapKind] = (),
    prepare: Callable[[Tensor], Tensor] | None = None,
    scores: Literal["logits", "probabilities"] | None = None,
    output: Output | None = None,
    layout: str | None = None,
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
        model: a run (or its folder), a model of ours, or any other together with `maps` or `attributions`: a torch module (compiled,
            traced, of any number type), an exported program, an ONNX session, a function of images. Its modes, gradients and hooks stay as
            they are.
        images: a data set of ours or of torch, a loader, rows of Hugging Face ``datasets``, a folder, paths, PIL images, arrays, tensors,
            bytes, a generator, see `as_dataset`; by default the run's validation images.
        targets, regions, unknown, bits, normalised: what is in the images, and how they are to be read, see `as_dataset`.
        maps: for a foreign model, where its maps come from: the name of a layer, of which Grad-CAM is made (``"layer4"``); a function
            ``maps(model, images)`` that gives one tensor [B, C, h, w] or ``{name: tensor}``; or a dict of both by name, ``{"cam": function,
            "deep": "layer4"}``, whose functions give one tensor each. A layer may be named for a model of ours too; its own maps stay.
        attributions: maps that are made for one label at a time, such as ``"integrated_gradients"``, ``"occlusion"``,
            ``"grad_cam.layer4"``, or an `Attribution` with settings; kept for the present labels and the `top_labels` best-scored ones
            (by default 2).
        categories, size, map_kinds, prepare, scores, output: for a foreign model, see `workbench.subject.subject_of`. A model that ends in
            a sigmoid or softmax needs ``scores="probabilities"``.
        layout: what a layer's output holds, where that cannot be established: "NCHW", "NHWC", "tokens", or "tokens+5" where five others
            stand before those of the grid.
        limit: only the first `limit` images.
        picture_size, pictures, top_labels, progress: see `workbench.capture.capture`.
        measure: put what can be measured beside the maps; "thorough" takes minutes, see `workbench.analysis.measure.measure`.

    Raises: WorkbenchError where something is missing or does not fit together.
    """
    run = Run.open(model) if isinstance(model, str | Path) else model if isinstance(model, Run) else None
    provenance: dict[str, Any] = {"workbench": workbench.__version__, "made": datetime.now(UTC).strftime("%Y-%m-%d")}
    if run is not None:
        network: Any = run.model("best")
        images = run.validation() if images is None else images
        name = name or run.recipe.name
        provenance |= {"recipe": run.recipe.name, "seed": run.recipe.seed, "environment": run.environment}
    else:
        network = as_module(model)
    if images is None:
        raise WorkbenchError("There are no images to look at; give a data set, or images of any kind that `as_dataset` understands.")
    categories = categories or names_of(network)
    images = as_dataset(
        images, categories, targets=targets, regions=regions, unknown=unknown, limit=limit, bits=bits, normalised=normalised
    )
    made = adapted(
        network,
        maps,
        attributions=attributions,
        categories=categories,
        size=size,
        map_kinds=map_kinds,
        prepare=prepare,
        scores=scores,
        output=output,
        layout=layout,
    )
    subject = made.subject
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
    for attribution in made.asked:
        kept = TOP_LABELS if top_labels is None else top_labels
        values, labels = attribution_maps(subject, attribution, images, captured, kept)
        contents.maps = {**contents.maps, attribution.name: values}
        contents.map_labels = {**contents.map_labels, attribution.name: labels}
        contents.map_kinds = (*contents.map_kinds, attribution.kind(subject.scored))
    if measure:
        measured, tables = measure_maps(subject, made.again, images, Inspection.of(contents), thorough=measure == "thorough")
        contents.measurements, contents.tables = measured, {**contents.tables, **tables}
    return Inspection.of(contents)
