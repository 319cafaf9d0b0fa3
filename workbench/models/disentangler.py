"""Class disentangler: takes one image's features apart by class, ours, after Hassanin et al.

Hassanin, Radwan, Khan, Tahtali, "Learning Discriminative Representations for Multi-Label Image Recognition", J. Vis. Commun. Image
Represent. 83 (2022) 103448, https://arxiv.org/abs/2107.11159. Its method section was not available to us, no code of it is public: how the
features are taken apart here is ours, from what is common for it. Each class has its own attention A over the cells and pools the
projected map V with it: F[b, c] = sum over cells of A[b, c] V[b]. The attention is either "cam", from a score map of its own for each
class (with a temperature as in CSRA, https://arxiv.org/abs/2108.02456), or "semantic", from the product of the map with a query made of the
class's label vector. A linear row for each class then reads F: logit = w_c . F[b, c] + b_c.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection.schema import LogitKind, MapKind
from workbench.models.backbone import Backbone
from workbench.models.base import WorkbenchModel
from workbench.models.msrn_inputs import vectors_for

ATTENTIONS = ("cam", "semantic")
SQUASHES = ("softmax", "sigmoid")
LEARNED_WIDTH = 64


class ClassDisentangler(nn.Module):
    """A map X [B, channels, H, W] -> class features F [B, C, D] with their attention [B, C, H, W], which sums to one over the cells.

    Args:
        channels: of X; labels: C; width: D.
        attention: "cam" or "semantic".
        temperature: of the softmax over the cells ("cam").
        squash: "softmax", or "sigmoid" divided by its sum over the cells ("cam"), which spreads wider.
        vectors: label vectors float [C, d] for "semantic", kept as they are; None learns them, of `vector_width`.
    """

    vectors: Tensor

    def __init__(
        self,
        channels: int,
        labels: int,
        width: int,
        *,
        attention: str = "cam",
        temperature: float = 1.0,
        squash: str = "softmax",
        vectors: Tensor | None = None,
        vector_width: int = LEARNED_WIDTH,
    ) -> None:
        super().__init__()
        for what, value, known in (("attention", attention, ATTENTIONS), ("squash", squash, SQUASHES)):
            if value not in known:
                raise WorkbenchError(f'The disentangler has no {what} "{value}".{did_you_mean(str(value), known)}')
        if not temperature > 0:
            raise WorkbenchError(f"The temperature is {temperature}; give a number above 0.")
        self.attention, self.temperature, self.squash = attention, temperature, squash
        self.values = nn.Conv2d(channels, width, 1)
        if attention == "cam":
            if vectors is not None:
                raise WorkbenchError('Label vectors are for attention="semantic"; leave them out, or choose it.')
            self.scores = nn.Conv2d(channels, labels, 1)
        else:
            if vectors is not None and (vectors.ndim != 2 or len(vectors) != labels):
                raise WorkbenchError(f"The label vectors are {list(vectors.shape)}; {labels} labels take [{labels}, d].")
            if vectors is None:
                self.vectors = nn.Parameter(torch.randn(labels, vector_width))
            else:
                self.register_buffer("vectors", vectors.detach().float().clone())
            self.query = nn.Sequential(nn.Linear(self.vectors.shape[1], width), nn.ReLU(inplace=True), nn.Linear(width, width))
            self.key = nn.Conv2d(channels, width, 1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """F [B, C, D], and {"maps.attention": A [B, C, H, W], "attention_scores" [B, C, H, W], "values": V [B, D, H, W]}."""
        values = self.values(x)  # [B, D, H, W]
        scores = self.scores(x) if self.attention == "cam" else self._match(x)  # [B, C, H, W]
        attention = self._attend(scores)  # [B, C, H, W]
        features = torch.einsum("bcp,bdp->bcd", attention.flatten(2), values.flatten(2).to(attention.dtype))  # [B, C, D]
        return features, {"maps.attention": attention, "attention_scores": scores, "values": values}

    def _match(self, x: Tensor) -> Tensor:
        query = self.query(self.vectors)  # [C, D]
        return torch.einsum("cd,bdhw->bchw", query, self.key(x)) / math.sqrt(query.shape[1])

    def _attend(self, scores: Tensor) -> Tensor:
        flat = self.temperature * scores.flatten(2)  # [B, C, P]
        flat = flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat
        if self.squash == "softmax":
            return torch.softmax(flat, 2).view_as(scores)
        open_cells = torch.sigmoid(flat)
        return (open_cells / open_cells.sum(2, keepdim=True).clamp(min=1e-6)).view_as(scores)


class DisentangledModel(WorkbenchModel):
    """The plain network with a disentangler in the place of its pooling: the smallest model with class features.

    Ours, after Hassanin et al. (equations not available to us).

    Args:
        attention, temperature, squash: as in `ClassDisentangler`.
        vectors: of the "semantic" attention: "learned", "shipped", LabelVectors, or the path of a word vector file or of saved ones.
        vector_width: width that the vectors must have; of learned ones the width that they get (64 unless given).
        width: D; by default the channels of the last stage, at most 512.

    `out`: maps.attention [B, C, h, w], features [B, C, D], logits.cls [B, C]; attention_scores [B, C, h, w], values [B, D, h, w]; and with
    attention "cam" logits.cam [B, C], the attention scores averaged over the cells: training them too makes the scores class activations,
    otherwise they only learn where to look.
    """

    scored = "cls"

    def __init__(
        self,
        categories: Categories,
        backbone: Backbone,
        image_size: int,
        *,
        attention: str = "cam",
        temperature: float = 1.0,
        squash: str = "softmax",
        vectors: Any = "learned",
        vector_width: int | None = None,
        width: int | None = None,
    ) -> None:
        super().__init__(categories, backbone, image_size)
        channels, labels = backbone.channels[-1], len(categories)
        width = width or min(512, channels)
        self.used_stages = (len(backbone.stages) - 1,)
        # A checkpoint holds the vectors that were read from a file, so its config does not ask for the file again.
        found, source = None, "learned"
        if not (isinstance(vectors, str) and vectors == "learned"):
            found, source = vectors_for(categories, vectors, vector_width)
            source = source if source == "shipped" else "stored"
        self.disentangler = ClassDisentangler(
            channels,
            labels,
            width,
            attention=attention,
            temperature=temperature,
            squash=squash,
            vectors=found,
            vector_width=vector_width or LEARNED_WIDTH,
        )
        self.settled = {"vectors": source, "vector_width": self.disentangler.vectors.shape[1] if attention == "semantic" else None}
        self.rows = ClassRows(labels, width)
        cam = (
            LogitKind("cam", "y_cam", "The attention's scores averaged over the cells; only teaches the attention, where it is trained."),
        )
        self.logit_kinds = (LogitKind("cls", "y", "A linear row for each class on its own features."), *(cam if attention == "cam" else ()))
        layer = backbone.names[-1]
        self.map_kinds = (
            MapKind(
                "attention",
                "Class attention",
                "Where the class takes its features from; it sums to one, so it points somewhere even if the label is absent.",
                sums_to="one",
                logit="cls",
                layer=layer,
            ),
            MapKind(
                "class_activation",
                "Class activation",
                "How much each cell adds to the label's logit, attention included; all cells together give the logit minus its bias.",
                scale="signed",
                sums_to="logit - bias",
                logit="cls",
                layer=layer,
            ),
        )

    @property
    def parts(self) -> dict[str, tuple[nn.Module, ...]]:
        trunk, last = self._trunk_and_last_stage()
        return {"trunk": trunk, "classifier": (last, self.disentangler, self.rows)}

    def forward(self, images: Tensor | Mapping[int, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        x = self.backbone(images)[-1]  # [B, channels, h, w]
        features, out = self.disentangler(x)  # [B, C, D]
        logits = {"logits.cls": self.rows(features)}  # [B, C]
        if self.disentangler.attention == "cam":
            logits["logits.cam"] = out["attention_scores"].mean((2, 3))
        return logits["logits.cls"], {**out, "features": features, **logits}

    def logit_bias(self, name: str) -> Tensor:
        return self.rows.bias if name == "cls" else super().logit_bias(name)

    def _maps(self, out: Mapping[str, Tensor], kind: str, labels: list[int]) -> Tensor:
        attention = out["maps.attention"][:, labels]  # [B, K, h, w]
        if kind == "attention":
            return attention
        with torch.autocast(attention.device.type, enabled=False):  # the sum is promised to be exact
            return attention.float() * torch.einsum("kd,bdhw->bkhw", self.rows.weight[labels].float(), out["values"].float())


class ClassRows(nn.Module):
    """One linear row a class, each reading its own features: [B, C, D] -> [B, C]."""

    def __init__(self, labels: int, width: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(width)
        self.weight = nn.Parameter(torch.empty(labels, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(labels))

    def forward(self, features: Tensor) -> Tensor:
        return (features * self.weight).sum(2) + self.bias
