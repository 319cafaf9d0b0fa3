"""What MSRN is built from beside its sizes: label vectors, a label graph, weights in the released layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.labels import LabelGraph, LabelVectors
from workbench.models.weight_files import read_tensors

if TYPE_CHECKING:
    from workbench.models.msrn import MSRNModel

LEARNED_WIDTH = 300
RELEASED_TRUNK = "resnet_101."  # holds the convolutions behind layer2 and layer3 as well

# Names in the released layout, and ours. The two classifiers of the head are taken where the model has them.
SEMANTICS = {
    "fc_label.weight": "semantics.reduce.weight",
    "fc_label.bias": "semantics.reduce.bias",
    "label_embed.layers.0.W": "semantics.local.0.weight",
    "label_embed.layers.0.a": "semantics.local.0.attention",
    "label_embed.layers.1.W": "semantics.local.1.weight",
    "label_embed.layers.1.a": "semantics.local.1.attention",
}
GROUPS = {
    "group_embed.layers.0.embed.W": "semantics.grouped.features.weight",
    "group_embed.layers.0.embed.a": "semantics.grouped.features.attention",
    "group_embed.layers.0.assign_mat.W": "semantics.grouped.assignment.weight",
    "group_embed.layers.0.assign_mat.a": "semantics.grouped.assignment.attention",
}
HEADS = {
    "concat": {
        "fc1.weight": "head.fc1.weight",
        "fc1.bias": "head.fc1.bias",
        "fc2.weight": "head.fc2.weight",
        "fc2.bias": "head.fc2.bias",
    },
    "elementwise": {"W": "head.weight", "B": "head.bias"},
}


def vectors_for(categories: Categories, vectors: Any, width: int | None) -> tuple[Tensor, str]:
    """Label vectors [C, G] in the order of `categories`, and the option that describes where they came from.

    Raises: WorkbenchError for vectors without names, of other names, or of another width than `width`.
    """
    labels = len(categories)
    if isinstance(vectors, str) and vectors == "learned":
        return torch.zeros(labels, width or LEARNED_WIDTH), "learned"
    if isinstance(vectors, str) and vectors == "stored":
        if not width:
            raise WorkbenchError('vectors="stored" waits for the vectors of a checkpoint and needs their vector_width; use "shipped".')
        return torch.zeros(labels, width), "stored"
    if isinstance(vectors, LabelVectors):
        found, source = vectors.of(categories), "stored"
    elif isinstance(vectors, str | Path):
        shipped = vectors == "shipped"
        found = LabelVectors.shipped(categories) if shipped else LabelVectors.from_file(vectors, categories)
        source = str(vectors)
    else:
        raise WorkbenchError(
            f"The label vectors are a {type(vectors).__name__}, which carries no names; give LabelVectors(categories, values), a path, "
            '"shipped" or "learned".'
        )
    if width is not None and found.width != width:
        raise WorkbenchError(
            f"The label vectors have width {found.width}, and this model takes {width}; give others, or change vector_width."
        )
    return torch.from_numpy(found.values.copy()), source


def graph_for(categories: Categories, graph: Any) -> LabelGraph:
    """The label graph in the order of `categories`; an empty one for None. Raises WorkbenchError for one of other names or without any."""
    if graph is None:
        empty = np.zeros((len(categories), len(categories)), dtype=np.int64)
        return LabelGraph(categories, empty, np.zeros(len(categories), dtype=np.int64))
    if isinstance(graph, str | Path):
        graph = LabelGraph.load(graph)
    if not isinstance(graph, LabelGraph):
        raise WorkbenchError(
            f"The label graph is a {type(graph).__name__}, which carries no names; give LabelGraph(categories, counts, singles) or a path."
        )
    return graph.ordered_as(categories)


def load_released(model: MSRNModel, path: str | Path, skip: Sequence[str] = ()) -> tuple[str, ...]:
    """Load a checkpoint in the released layout into a whole model: trunk, convolutions behind its stages, label semantics, head.

    The label vectors and the graph are no part of such a file; the model keeps those that it was built with.

    Args:
        skip: beginnings of released names that are left out or may be missing, such as ("resnet_101.",) for a model on another backbone.

    Returns: names of the tensors that were left out.

    Raises:
        WorkbenchError: a file that is no weights, or tensors that are missing or of another shape, all listed.
    """
    return take_released(model, read_tensors(path), str(path), skip)


def take_released(model: MSRNModel, tensors: dict[str, Tensor], where: str, skip: Sequence[str] = ()) -> tuple[str, ...]:
    """As `load_released`, from tensors that are there already; `where` is what the sentence calls them."""
    head = "elementwise" if model.head.exact else "concat"
    own = model.state_dict()
    places = {**SEMANTICS, **(GROUPS if len(model.semantics.grouped) else {}), **HEADS[head]}
    for layer in range(len(model.projections)):
        places |= {f"ProjectM.{layer}.{leaf}": f"projections.{layer}.{leaf}" for leaf in ("weight", "bias")}
    places |= _trunk_places(model)
    places = {name: place for name, place in places.items() if not name.startswith(tuple(skip))} if skip else places
    missing = [name for name in places if name not in tensors and not name.endswith("num_batches_tracked")]
    if missing:
        raise WorkbenchError(
            f"{where} lacks {', '.join(missing[:5])}{f' and {len(missing) - 5} more' if len(missing) > 5 else ''}; "
            f'it is not MSRN in the released layout with the head "{head}" on this backbone. '
            "Build the model it was made for, or name the beginnings to skip."
        )
    found = {name: place for name, place in places.items() if name in tensors}
    wrong = [
        f"{name} {list(tensors[name].shape)} for {list(own[place].shape)}"
        for name, place in found.items()
        if tensors[name].shape != own[place].shape
    ]
    if wrong:
        raise WorkbenchError(
            f"{where} was made for another MSRN ({'; '.join(wrong[:5])}); build the model with its categories, width, group_ratio, "
            "vector_width and backbone."
        )
    model.load_state_dict({place: tensors[name] for name, place in found.items()}, strict=False)
    return tuple(name for name in tensors if name not in places)


def _trunk_places(model: MSRNModel) -> dict[str, str]:
    """Released names of the trunk and of the convolutions behind layer2 and layer3, and ours; of another backbone than a ResNet its own."""
    from workbench.models.torchvision_backbones import STAGES

    beginnings = {f"backbone.{ours}": f"{RELEASED_TRUNK}{theirs}" for theirs, ours in STAGES.items()}
    beginnings |= {f"buffers_before.{number}.": f"{RELEASED_TRUNK}conv_buffer{number + 1}." for number in range(len(model.buffers_before))}
    places = {}
    for place in model.state_dict():
        if place.startswith(("backbone.", "buffers_before.")):
            start = next((start for start in beginnings if place.startswith(start)), None)
            places[f"{RELEASED_TRUNK}{place}" if start is None else beginnings[start] + place.removeprefix(start)] = place
    return places
