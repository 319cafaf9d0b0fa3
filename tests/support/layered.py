"""Synthetic inspections of a model with layers, label groups and raw channels, whose parts add up to the logit exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.support.archives import make_contents
from workbench.inspection import Channels, Inspection, InspectionContents, LogitKind, MapKind, PartKind, Table
from workbench.widgets.layers import summed

LAYERS = ("stage-2", "stage-3", "stage-4")
WIDTH = 24


def make_layered_contents(
    count: int = 8,
    categories: int | Sequence[str] = 6,
    *,
    grids: tuple[int, ...] = (16, 8, 4),
    groups: int = 3,
    remainder: bool = False,
    with_channels: int = 3,
    seed: int = 0,
    **options: Any,
) -> InspectionContents:
    """Contents as of `make_contents`, with families "local" and "group" over three layers.

    Args:
        grids: side of each layer's maps, finest first.
        remainder: the score has a part that no cell explains.
        with_channels: the first so many images keep their raw channels.
    """
    contents = make_contents(count, categories, system="pooled", grid=(grids[0], grids[0]), seed=seed, **{"name": "msrn", **options})
    names = list(contents.categories.names)
    random = np.random.default_rng([seed, 5])
    fine = contents.maps["class_activation"].astype(np.float32)  # [N, C, h, w]
    maps, kinds, parts, declared = {}, [], {}, []
    for family, strength in (("local", 1.0), ("group", 0.35)):
        for place, (layer, side) in enumerate(zip(LAYERS, grids, strict=True)):
            step = grids[0] // side
            coarse = fine.reshape(*fine.shape[:2], side, step, side, step).sum(axis=(3, 5)) * strength * (0.2, 0.5, 0.3)[place] / 24
            values = (coarse + random.normal(0, 0.02 * step, coarse.shape)).astype(np.float16)
            name, title = f"{family}.{layer}", layer.replace("-", " ")
            maps[name] = values
            meaning = f"How much each cell of {title} adds to the label's logit through {family} attention."
            kinds.append(MapKind(name, f"{family.capitalize()}, {title}", meaning, "signed", logit="final", layer=title))
            parts[name] = values.astype(np.float64).sum(axis=(2, 3))
            declared.append(PartKind(name, f"{family.capitalize()}, {title}", meaning, maps=name))
    whole = np.array(
        [[summed([maps[f"local.{layer}"][n, c].astype(np.float64) for layer in LAYERS]) for c in range(len(names))] for n in range(count)]
    )
    maps["local.sum"] = whole.astype(np.float16)
    kinds.insert(0, MapKind("local.sum", "Local, all layers", "All layers on the finest grid.", "signed", logit="final", layer="stage 2"))
    parts["bias"] = np.broadcast_to(random.normal(-0.5, 0.2, len(names)), (count, len(names)))
    declared.append(PartKind("bias", "Bias", "What the label gets without any image."))
    if remainder:
        parts["remainder"] = random.normal(0, 0.4, (count, len(names)))
        declared.append(PartKind("remainder", "Remainder", "What gradient times input leaves unexplained."))
    contents.maps, contents.map_kinds = maps, tuple(kinds)
    contents.map_labels = {}
    contents.parts = {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in parts.items()}
    contents.part_kinds, contents.decomposes = tuple(declared), "final"
    contents.logits = {"final": sum(values.astype(np.float64) for values in contents.parts.values()).astype(np.float32)}
    contents.logit_kinds = (LogitKind("final", "y", "The model's answer."),)
    contents.measurements = {}
    group_names = [f"group {number + 1}" for number in range(groups)]
    assignment = random.dirichlet([0.4] * groups, len(names))
    centres = random.normal(0, 1, (groups, WIDTH))
    embeddings = assignment @ centres + random.normal(0, 0.3, (len(names), WIDTH))
    present = (contents.targets == 1).astype(np.float64)
    counts = 7 * (present.T @ present)  # the training images were other and more than those of the archive
    shares = counts / np.maximum(np.diag(counts), 1)[:, None]
    contents.tables = {
        "assignment": Table(assignment, names, group_names, "Groups", "How far each label belongs to each group."),
        "label_embedding": Table(embeddings, names, (), "Label embeddings", "What steers the attention of each label."),
        "group_embedding": Table(centres, group_names, (), "Group embeddings", "What steers the attention of each group."),
        "cooccurrence": Table(counts, names, names, "Co-occurrence", "Training images with both labels."),
        "neighbours": Table((shares.T >= 0.4).astype(float), names, names, "Neighbours", "The row's label listens to the column's."),
    }
    with_channels = min(with_channels, count)
    layers = {
        layer: random.normal(0, 1, (with_channels, WIDTH, side, side)).astype(np.float16) for layer, side in zip(LAYERS, grids, strict=True)
    }
    contents.channels = Channels(np.arange(with_channels), layers, "label_embedding") if with_channels else None
    return contents


def make_layered(*arguments: Any, **options: Any) -> Inspection:
    """`make_layered_contents`, opened in memory."""
    return Inspection.of(make_layered_contents(*arguments, **options))
