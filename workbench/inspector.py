"""`workbench.inspect`: from a model, or a run that trained one, and images to an archive with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

import workbench
from workbench.analysis.measure import measure as measure_maps
from workbench.capture import Subject, capture, subject_of
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.picture_list import PictureList
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection, MapKind
from workbench.training import Run

Maps = Callable[[nn.Module, Tensor], Mapping[str, Tensor]]


def inspect(
    model: nn.Module | Run | str | Path,
    images: MultiLabelDataset | Sequence[str | Path | np.ndarray] | None = None,
    maps: Maps | None = None,
    *,
    categories: Sequence[str] | None = None,
    size: int | None = None,
    map_kinds: Sequence[MapKind] = (),
    prepare: Callable[[Tensor], Tensor] | None = None,
    name: str | None = None,
    limit: int | None = None,
    picture_size: int | None = None,
    top_labels: int | None = None,
    measure: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Make an archive. `AttentionExplorer(inspect(...))` shows it, ``.save(path)`` keeps it.

    Args:
        model: a run (or its folder), a model of ours, or any torch module together with `maps`.
        images: a data set, or pictures as paths or uint8 arrays [H, W, 3]; by default the run's validation images.
        maps, categories, size, map_kinds, prepare: for a foreign model, see `workbench.capture.subject_of`.
        limit: only the first `limit` images.
        picture_size, top_labels, progress: see `workbench.capture.capture`.
        measure: put pointing, energy, deletion and the randomised-weights check beside the maps.

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

    def wrap(module: nn.Module) -> Subject:
        return subject_of(module, maps, categories=categories, size=size, map_kinds=map_kinds, prepare=prepare)

    network.eval()
    subject = wrap(network)
    name = name or str(subject.description.get("model", "inspection"))
    contents = capture(
        subject,
        images,
        name=name,
        picture_size=picture_size,
        top_labels=top_labels,
        provenance=provenance,
        progress=progress,
    )
    if measure:
        contents.measurements = measure_maps(subject, wrap, images, Inspection.of(contents))
    return Inspection.of(contents)
