"""MSRN, the Multi-layered Semantic Representation Network.

Qu, Che, Huang, Xu, Zheng, "Multi-layered Semantic Representation Network for Multi-label Image Classification", arXiv 2106.11596.

Labels and groups of labels get embeddings from their word vectors and their co-occurrence (`label_semantics`). At each of the last three
stages of the backbone they steer an attention of their own for every channel (`msrn_attention`); the pooled features of all layers go
through a head (`msrn_heads`) to the logits.

Deviations. Written from a description of the released network and equal to it in numbers; not from the paper's text. Two things follow the
backbone: the channels, and the width, which is 512 where the last stage has as many channels. A layer is halved by its max pooling only
where at least `SMALLEST_GRID` cells a side are left, as they are at 448 px; pooled further, a small image would lose its places. The
`concat` head is the released one; the default here is `elementwise`, which is there too but switched off: it has a thousandth of the
parameters, and its logits are exact sums over cells. The convolutions behind the stages start as PyTorch starts them, the released ones as
ResNet's (He et al., fan-out). `msrn_inputs.load_released` reads a released checkpoint, trunk and all. The released label vectors are
GloVe's; the shipped ones are sentence embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection.additions import Table
from workbench.inspection.schema import LogitKind
from workbench.labels import LabelGraph
from workbench.models.backbone import Backbone
from workbench.models.base import WorkbenchModel
from workbench.models.label_semantics import LabelSemantics, group_distance
from workbench.models.msrn_attention import attend_channels, contributions
from workbench.models.msrn_heads import ConcatHead, ElementwiseHead
from workbench.models.msrn_inputs import graph_for, vectors_for
from workbench.models.msrn_kinds import map_kinds, part_kinds, tables_of
from workbench.models.srn_branch import require, resample

HEADS = ("elementwise", "concat")
LAYERS = ("all", "last")
SMALLEST_GRID = 7
GROUP_LOSS_WEIGHT = 1e-4


class MSRNModel(WorkbenchModel):
    """MSRN on the last stages of a backbone.

    Args:
        head: "elementwise" (a label's features decide about this label alone) or "concat" (the released one).
        graph: LabelGraph of the training labels, or the path of a saved one; None: every label listens to itself alone. Training makes
            it from the targets of the training split.
        vectors: "shipped"; the path of a word vector file or of saved label vectors; LabelVectors; or "learned" (trained from random
            ones). "stored" waits for those of a checkpoint.
        vector_width: width that the vectors must have; of learned and stored ones the width that they get (300 for learned ones).
        width: channels D that each layer is projected to; by default as many as the last stage has, at least 64 and at most 512.
        layers: "all" (the last three stages) or "last".
        threshold, edge_direction: which pairs of labels are neighbours, see `LabelGraph.adjacency`.
        group_ratio: groups for each label, rounded down, at least one; 0.2 on VOC and 0.05 on COCO as released.
        use_graph, use_groups: without, labels listen to themselves alone, or there are no groups (and the group loss is 0).

    `out`: features [B, C, L * D] (O, layer after layer), group_features [B, M, L * D] (Q), logits.final [B, C], loss.group (its weight of
    1e-4 included), label_embedding [C, D] (E), group_embedding [M, D] (Eg), assignment [C, M] (S), and projected.<layer> [B, D, h, w].
    The maps are made by `maps`: local.<layer>, group.<layer>, and local.sum over all layers.
    """

    scored = "final"
    logit_kinds = (LogitKind("final", "y", "From the features that labels and groups pooled at every layer."),)
    channel_steering = "label_embedding"
    stored_options = MappingProxyType({"vectors": "stored", "graph": None})

    def __init__(
        self,
        categories: Categories,
        backbone: Backbone,
        image_size: int,
        *,
        head: str = "elementwise",
        graph: LabelGraph | str | Path | None = None,
        vectors: Any = "shipped",
        vector_width: int | None = None,
        width: int | None = None,
        layers: str = "all",
        threshold: float = 0.4,
        edge_direction: str = "released",
        group_ratio: float = 0.2,
        use_graph: bool = True,
        use_groups: bool = True,
    ) -> None:
        super().__init__(categories, backbone, image_size)
        require("head", head, HEADS)
        require("layers", layers, LAYERS)
        if not 0 < group_ratio <= 1:
            raise WorkbenchError(f"group_ratio is {group_ratio}; give the groups for each label, above 0 and at most 1, such as 0.2.")
        count = 3 if layers == "all" else 1
        if len(backbone.stages) < count:
            raise WorkbenchError(f'MSRN reads the last {count} stages and this backbone has {len(backbone.stages)}; use layers="last".')
        last = len(backbone.stages) - 1
        self.used_stages = tuple(range(last + 1 - count, last + 1))
        self.layer_names = tuple(backbone.names[stage].replace(" ", "-") for stage in self.used_stages)
        self.pooled = tuple(backbone.grid(image_size, stage)[0] // 2 >= SMALLEST_GRID for stage in self.used_stages)
        labels, channels = len(categories), [backbone.channels[stage] for stage in self.used_stages]
        self.width = width or min(512, max(64, channels[-1]))
        groups = max(1, int(group_ratio * labels + 1e-9)) if use_groups else 0

        found, source = vectors_for(categories, vectors, vector_width)
        counted = graph_for(categories, graph)
        self.register_buffer("pair_counts", torch.from_numpy(counted.counts.copy()))
        self.register_buffer("single_counts", torch.from_numpy(counted.singles.copy()))
        neighbours = counted.adjacency(threshold, edge_direction).neighbours if use_graph else np.eye(labels, dtype=bool)
        self.semantics = LabelSemantics(found, torch.from_numpy(neighbours), self.width, groups, source == "learned")
        # The released network sends the earlier stages through one more 1x1 convolution of the same width.
        self.buffers_before = nn.ModuleList([nn.Conv2d(width, width, 1) for width in channels[:-1]])
        self.projections = nn.ModuleList([nn.Conv2d(width, self.width, 1) for width in channels])
        self.head: ElementwiseHead | ConcatHead
        self.head = (ElementwiseHead if head == "elementwise" else ConcatHead)(labels, groups, count, self.width)
        titles = [backbone.names[stage] for stage in self.used_stages]
        self.map_kinds = map_kinds(titles, self.layer_names, bool(groups), self.head.exact)
        self.part_kinds = part_kinds(titles, self.layer_names, bool(groups), self.head.exact)
        self.settled = {"graph": None, "vectors": source, "vector_width": found.shape[1]}

    @classmethod
    def options_from_training(cls, categories: Categories, targets: np.ndarray) -> dict[str, Any]:
        return {"graph": LabelGraph.from_targets(categories, targets)}

    @property
    def graph(self) -> LabelGraph:
        """The counts that the neighbours were made from; all 0 where the model was built without a graph."""
        counts, singles = cast(Tensor, self.pair_counts), cast(Tensor, self.single_counts)
        return LabelGraph(self.categories, counts.cpu().numpy(), singles.cpu().numpy())

    @property
    def parts(self) -> dict[str, tuple[nn.Module, ...]]:
        trunk, last = self._trunk_and_last_stage()
        return {
            "trunk": trunk,
            "layers": (last, self.buffers_before),
            "semantics": (self.semantics,),
            "classifier": (self.projections, self.head),
        }

    def forward(self, images: Tensor | Mapping[int, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        stages = self.backbone(images)
        layers = []
        for number, stage in enumerate(self.used_stages):
            current = stages[stage]  # [B, channels, H, W]
            if number < len(self.buffers_before):
                current = self.buffers_before[number](current)
            if self.pooled[number] and min(current.shape[2:]) > 1:
                current = F.max_pool2d(current, 2)
            layers.append(current)
        return self.read(layers)

    def read(self, layers: list[Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Everything after the layers' maps [B, channels, h, w], one a layer: logits [B, C] and the intermediates."""
        labels = len(self.categories)
        out = self.semantics()
        queries = self._queries(out)  # [C + M, D]
        projected = [project(current) for project, current in zip(self.projections, layers, strict=True)]  # [B, D, h, w]
        pooled = torch.cat([attend_channels(current, queries) for current in projected], 2)  # [B, C + M, L * D]
        out["features"] = pooled[:, :labels]
        if pooled.shape[1] > labels:
            out["group_features"] = pooled[:, labels:]
        out["loss.group"] = GROUP_LOSS_WEIGHT * group_distance(out)
        out |= {f"projected.{name}": current for name, current in zip(self.layer_names, projected, strict=True)}
        logits = self.head(out)
        return logits, {**out, "logits.final": logits}

    def map_grid(self, kind: str, image_size: int) -> tuple[int, int]:
        number = self._layer_of(kind)
        rows, columns = self.backbone.grid(image_size, self.used_stages[number])
        return (rows // 2, columns // 2) if self.pooled[number] and min(rows, columns) > 1 else (rows, columns)

    @torch.no_grad()
    def decompose(self, out: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Shares of the scored logits that add up to them, each [B, C]: local.<layer>, group.<layer>, bias, and of the concat head the
        remainder that gradient times input leaves."""
        with torch.autocast(out["features"].device.type, enabled=False):
            parts = self.head.decompose(out, out["logits.final"].to(out["features"].dtype))
        named: dict[str, Tensor] = {}
        for name, value in parts.items():
            if isinstance(value, Tensor):
                named[name] = value
            else:
                named |= {f"{name}.{layer}": share for layer, share in zip(self.layer_names, value, strict=True)}
        return named

    @torch.no_grad()
    def tables(self) -> dict[str, Table]:
        """label_embedding [C, D] (E), group_embedding [M, D] (Eg), assignment [C, M] (S), and of the graph, where there is one,
        cooccurrence [C, C] (counts of images, single ones on the diagonal) and neighbours [C, C] (1 where the row listens)."""
        return tables_of(self.categories, self.semantics(), self.graph, self.semantics.neighbours)

    def channel_maps(self, out: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The projected maps of each layer, [B, D, h, w]; softmax over the cells of a channel times an embedding is the attention."""
        return {name: out[f"projected.{name}"] for name in self.layer_names}

    def logit_bias(self, name: str) -> Tensor:
        if name != "final" or not self.head.exact or "assignment" in dict(self.semantics.grouped):
            return super().logit_bias(name)
        return cast(Tensor, self.head.bias).detach()

    @torch.no_grad()
    def _maps(self, out: Mapping[str, Tensor], kind: str, labels: list[int]) -> Tensor:
        part, _, name = kind.partition(".")
        if name == "sum":
            maps = [self._layer_maps(out, part, number, labels) for number in range(len(self.layer_names))]
            finest = max(layer.shape[2] for layer in maps), max(layer.shape[3] for layer in maps)
            return torch.stack([resample(layer, finest) for layer in maps]).sum(0)
        return self._layer_maps(out, part, self.layer_names.index(name), labels)

    def _layer_maps(self, out: Mapping[str, Tensor], part: str, layer: int, labels: list[int]) -> Tensor:
        """[B, K, h, w]: what the cells of one layer add to the logits of `labels` through the label or the group features."""
        embedding = out["label_embedding"] if part == "local" else out["group_embedding"]
        mixing = part == "group" or not self.head.exact
        if not mixing:
            embedding = embedding[labels]
        projected = out[f"projected.{self.layer_names[layer]}"]
        images = []
        with torch.autocast(projected.device.type, enabled=False):
            for image in range(len(projected)):  # one by one: the concat head's gradients are large
                one = {name: out[name][image : image + 1] for name in ("features", "group_features") if name in out}
                one |= {name: out[name] for name in ("assignment",) if name in out}
                weights = self.head.weights(one, part, layer, labels)
                images.append(contributions(projected[image : image + 1], embedding, weights, mixing))
        return torch.cat(images)

    def _queries(self, out: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([out[name] for name in ("label_embedding", "group_embedding") if name in out])

    def _layer_of(self, kind: str) -> int:
        name = kind.partition(".")[2]
        return 0 if name == "sum" else self.layer_names.index(name)
