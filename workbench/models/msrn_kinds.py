"""What MSRN declares about itself as data: its maps, the parts of its logits, and tables about its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from workbench.categories import Categories
from workbench.inspection.additions import Table
from workbench.inspection.schema import MapKind, PartKind
from workbench.labels import LabelGraph


def map_kinds(titles: Sequence[str], names: Sequence[str], groups: bool, exact: bool) -> tuple[MapKind, ...]:
    """Declare the maps of layers `titles`, finest first, whose short names are `names`."""
    how = "adds to" if exact else "adds, to first order (gradient times input), to"
    whole = "logit - bias" if exact and not groups else None
    kinds = []
    if len(names) > 1:
        meaning = f"How much each place {how} the label's logit through label attention, all layers together on the finest grid."
        kinds.append(MapKind("local.sum", "Local, all layers", meaning, "signed", None, whole, "final", titles[0]))
    for part, title, what in (("local", "Local", "label"), ("group", "Group", "group"))[: 1 + groups]:
        for layer, name in zip(titles, names, strict=True):
            meaning = f"How much each cell of {layer} {how} the label's logit through {what} attention."
            sums = whole if len(names) == 1 else None
            kinds.append(MapKind(f"{part}.{name}", f"{title}, {layer}", meaning, "signed", None, sums, "final", layer))
    return tuple(kinds)


def part_kinds(titles: Sequence[str], names: Sequence[str], groups: bool, exact: bool) -> tuple[PartKind, ...]:
    """Declare the parts of a logit, layer by layer, for the same arguments as `map_kinds`."""
    how = "What" if exact else "To first order (gradient times input), what"
    kinds = [
        PartKind(f"{part}.{name}", f"{title}, {layer}", f"{how} {what} attention at {layer} adds.", f"{part}.{name}")
        for part, title, what in (("local", "Local", "label"), ("group", "Group", "group"))[: 1 + groups]
        for layer, name in zip(titles, names, strict=True)
    ]
    kinds.append(PartKind("bias", "Bias", "The label's constant, which no picture changes."))
    if not exact:
        meaning = "What gradient times input leaves over, because the head is no sum: the other parts explain the logit only so far."
        kinds.append(PartKind("remainder", "Remainder", meaning))
    return tuple(kinds)


def tables_of(categories: Categories, semantics: Mapping[str, Tensor], graph: LabelGraph, neighbours: Tensor) -> dict[str, Table]:
    """Tables of a model's semantics (as `LabelSemantics` gives them) and of its graph, where that counted anything."""
    labels = list(categories)
    values = {name: tensor.detach().float().cpu().numpy() for name, tensor in semantics.items()}
    tables = {
        "label_embedding": Table(
            values["label_embedding"], labels, (), "Label embeddings E", "What steers each label's attention, by channel."
        )
    }
    if "assignment" in values:
        groups = [f"group {number}" for number in range(1, values["assignment"].shape[1] + 1)]
        title, meaning = "Group embeddings Eg", "What steers each group's attention, by channel."
        tables["group_embedding"] = Table(values["group_embedding"], groups, (), title, meaning)
        title, meaning = "Membership S", "How much of each label belongs to each group; a row sums to one."
        tables["assignment"] = Table(values["assignment"], labels, groups, title, meaning)
    if graph.singles.any():
        counts = (graph.counts + np.diag(graph.singles)).astype(np.float64)
        meaning = "Training images that have both labels; on the diagonal those that have the label."
        tables["cooccurrence"] = Table(counts, labels, labels, "Co-occurrence", meaning)
        meaning = "1 where the row's label listens to the column's; every label listens to itself."
        tables["neighbours"] = Table(neighbours.cpu().numpy().astype(np.float64), labels, labels, "Neighbours", meaning)
    return tables
