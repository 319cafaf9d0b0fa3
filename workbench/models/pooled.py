"""The baseline: pool the last stage map over space, then one linear layer.

Its class-activation map (Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, arXiv 1512.04150) is exact
here for every pooling: the cells of a label add up to its logit minus the bias. Average pooling gives w_cd X_dp / P; max pooling puts
w_cd max_p X_dp at the cell that won channel d (Oquab et al., CVPR 2015, pool by the maximum); their mean gives the mean of the two.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection.schema import LogitKind, MapKind, PartKind
from workbench.models.backbone import Backbone
from workbench.models.base import WorkbenchModel

POOLINGS = ("average", "max", "mean")


class PooledModel(WorkbenchModel):
    """Pooling and a linear classifier on the last stage.

    Args:
        pooling: "average", "max", or "mean" (of both).

    `out`: logits.cls [B, C], feature_map [B, D, h, w] (the last stage), pooled [B, D].
    """

    scored = "cls"
    logit_kinds = (LogitKind("cls", "y", "A linear layer on the pooled feature map."),)
    part_kinds = (
        PartKind("cells", "Cells", "What the cells of the class activation add up to.", maps="class_activation"),
        PartKind("bias", "Bias", "What the label gets without any image."),
    )

    def __init__(self, categories: Categories, backbone: Backbone, image_size: int, *, pooling: str = "average") -> None:
        super().__init__(categories, backbone, image_size)
        if pooling not in POOLINGS:
            raise WorkbenchError(f'There is no pooling "{pooling}".{did_you_mean(pooling, POOLINGS)}')
        self.pooling = pooling
        self.used_stages = (len(backbone.stages) - 1,)
        self.fc = nn.Linear(backbone.channels[-1], len(categories))
        self.map_kinds = (
            MapKind(
                "class_activation",
                "Class activation",
                "How much each cell adds to the label's logit; all cells together give the logit minus its bias.",
                scale="signed",
                sums_to="logit - bias",
                logit="cls",
                layer=backbone.names[-1],
            ),
        )

    @property
    def parts(self) -> dict[str, tuple[nn.Module, ...]]:
        trunk, last = self._trunk_and_last_stage()
        return {"trunk": trunk, "classifier": (last, self.fc)}

    def forward(self, images: Tensor | Mapping[int, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        feature_map = self.backbone(images)[-1]  # [B, D, h, w]
        pooled = pool(feature_map, self.pooling)  # [B, D]
        logits = self.fc(pooled)  # [B, C]
        return logits, {"logits.cls": logits, "feature_map": feature_map, "pooled": pooled}

    def decompose(self, out: Mapping[str, Tensor]) -> dict[str, Tensor]:
        logits = out["logits.cls"]
        bias = self.fc.bias.to(logits.dtype).expand_as(logits)
        return {"cells": logits - bias, "bias": bias}

    def logit_bias(self, name: str) -> Tensor:
        return self.fc.bias if name == "cls" else super().logit_bias(name)

    def _maps(self, out: Mapping[str, Tensor], kind: str, labels: list[int]) -> Tensor:
        return class_activation(out["feature_map"], self.fc.weight[labels], self.pooling)


def pool(feature_map: Tensor, pooling: str) -> Tensor:
    """[B, D, h, w] -> [B, D]."""
    if pooling == "average":
        return feature_map.mean((2, 3))
    if pooling == "max":
        return feature_map.amax((2, 3))
    return (feature_map.mean((2, 3)) + feature_map.amax((2, 3))) / 2


def class_activation(feature_map: Tensor, weight: Tensor, pooling: str) -> Tensor:
    """What each cell adds to each label's logit, [B, K, h, w], for the rows `weight` [K, D] of the linear layer.

    Where several cells share a channel's maximum, the first of them gets all of it.
    """
    with torch.autocast(feature_map.device.type, enabled=False):  # the sum is promised to be exact
        return _class_activation(feature_map, weight, pooling)


def _class_activation(feature_map: Tensor, weight: Tensor, pooling: str) -> Tensor:
    batch, _, height, width = feature_map.shape
    flat, weight = feature_map.flatten(2).float(), weight.float()  # [B, D, P], [K, D]
    average = torch.einsum("kd,bdp->bkp", weight, flat) / flat.shape[2]
    if pooling != "average":
        best, winner = flat.max(2)  # [B, D] each
        contribution = weight[None] * best[:, None]  # [B, K, D]
        maximum = torch.zeros_like(average)
        maximum.scatter_add_(2, winner[:, None].expand_as(contribution), contribution)
        average = maximum if pooling == "max" else (average + maximum) / 2
    return average.view(batch, len(weight), height, width)
