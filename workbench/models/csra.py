"""CSRA, class-specific residual attention: average pooling plus a pooling that follows each label's own score map.

Zhu, Wu, "Residual Attention: A Simple but Effective Method for Multi-Label Recognition", ICCV 2021, https://arxiv.org/abs/2108.02456.

For label i with classifier m_i and cells x_p: scores z_ip = m_i . x_p, attention s_i = softmax over p of T * z_i, and
logit_i = mean over p of z_ip + lambda * sum over p of s_ip z_ip. With several heads, each with its own classifiers and T, logits add up.
As in the released code the classifiers are divided by their length and have no bias.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection.schema import LogitKind, MapKind
from workbench.models.backbone import Backbone
from workbench.models.base import WorkbenchModel

# Temperatures of the published multi-head form; an infinite one is the maximum.
TEMPERATURES = {
    2: (1.0, math.inf),
    4: (1.0, 2.0, 4.0, math.inf),
    6: (1.0, 2.0, 3.0, 4.0, 5.0, math.inf),
    8: (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, math.inf),
}


class CSRAModel(WorkbenchModel):
    """Residual attention on the last stage.

    Args:
        heads: 1, 2, 4, 6 or 8. More than one use the published temperatures.
        temperature: T of a single head; "max" takes the maximum over cells.
        residual_weight: lambda. The default of 0.1 and one head are the paper's on VOC 2007. With a ResNet-101 on COCO the released
            commands take 0.5, 6 heads to train and 4 to evaluate the published weights, and 0.4, 6 heads, for the CutMix weights.

    `out`: maps.attention [B, C, h, w] (mean over heads), features [B, C, D] (the mean feature plus lambda times the attended one),
    logits.base, logits.att, logits.cls [B, C] (cls = base + lambda * att), scores [B, heads, C, h, w].
    """

    scored = "cls"
    logit_kinds = (
        LogitKind("base", "y_avg", "The score maps averaged over the cells."),
        LogitKind("att", "y_att", "The score maps averaged with each label's own attention."),
        LogitKind("cls", "y", "y_avg plus lambda times y_att."),
    )

    def __init__(
        self,
        categories: Categories,
        backbone: Backbone,
        image_size: int,
        *,
        heads: int = 1,
        temperature: float | str = 1.0,
        residual_weight: float = 0.1,
    ) -> None:
        super().__init__(categories, backbone, image_size)
        self.temperatures = (_temperature(temperature),) if heads == 1 else _published(heads)
        self.residual_weight = residual_weight
        self.used_stages = (len(backbone.stages) - 1,)
        self.classifiers = nn.Conv2d(backbone.channels[-1], heads * len(categories), 1, bias=False)
        layer = backbone.names[-1]
        self.map_kinds = (
            MapKind(
                "attention",
                "Attention",
                "Where the label's own pooling looks; it sums to one, so it points somewhere even if the label is absent."
                + (" Mean over the heads." if heads > 1 else ""),
                sums_to="one",
                logit="att",
                layer=layer,
            ),
            MapKind(
                "class_activation",
                "Class activation",
                "How much each cell adds to the label's logit; all cells together give the logit.",
                scale="signed",
                sums_to="logit - bias",
                logit="cls",
                layer=layer,
            ),
        )

    @property
    def parts(self) -> dict[str, tuple[nn.Module, ...]]:
        trunk, last = self._trunk_and_last_stage()
        return {"trunk": trunk, "classifier": (last, self.classifiers)}

    def forward(self, images: Tensor | Mapping[int, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        x = self.backbone(images)[-1]  # [B, D, h, w]
        length = self.classifiers.weight.float().norm(dim=1).view(1, -1, 1, 1)  # [1, heads * C, 1, 1]
        scores = (self.classifiers(x) / length).unflatten(1, (len(self.temperatures), -1))  # [B, heads, C, h, w]
        attention = self._attention(scores)  # [B, heads, C, h, w]
        base = scores.mean((3, 4)).sum(1)  # [B, C]
        att = (attention * scores).sum((1, 3, 4))  # [B, C]
        cls = base + self.residual_weight * att
        looked = attention.mean(1)  # [B, C, h, w]
        attended = torch.einsum("bcp,bdp->bcd", looked.flatten(2), x.flatten(2).to(looked.dtype))  # [B, C, D]
        features = x.mean((2, 3))[:, None] + self.residual_weight * attended
        logits = {"logits.base": base, "logits.att": att, "logits.cls": cls}
        return cls, {"maps.attention": looked, "features": features, **logits, "scores": scores}

    def logit_bias(self, name: str) -> Tensor:
        if name != "cls":
            return super().logit_bias(name)
        return torch.zeros(len(self.categories), device=self.classifiers.weight.device)

    def _maps(self, out: Mapping[str, Tensor], kind: str, labels: list[int]) -> Tensor:
        if kind == "attention":
            return out["maps.attention"][:, labels]
        scores = out["scores"][:, :, labels]  # [B, heads, K, h, w]
        cells = scores.shape[3] * scores.shape[4]
        return (scores * (1 / cells + self.residual_weight * self._attention(scores))).sum(1)

    def _attention(self, scores: Tensor) -> Tensor:
        """Softmax over the cells at each head's temperature; all of it on the first best cell where that is infinite."""
        flat = scores.flatten(3)  # [B, heads, C, P]
        heads = []
        for head, temperature in enumerate(self.temperatures):
            if math.isinf(temperature):
                best = flat[:, head].argmax(2, keepdim=True)
                heads.append(torch.zeros_like(flat[:, head]).scatter_(2, best, 1.0))
            else:
                heads.append(torch.softmax(temperature * flat[:, head], 2))
        return torch.stack(heads, 1).view_as(scores)


def _temperature(value: float | str) -> float:
    if value == "max":
        return math.inf
    if isinstance(value, str) or not value > 0:
        raise WorkbenchError(f'The temperature is {value!r}; give a number above 0, or "max".')
    return float(value)


def _published(heads: int) -> tuple[float, ...]:
    if heads not in TEMPERATURES:
        raise WorkbenchError(f"CSRA has no form with {heads} heads; use 1, {', '.join(str(number) for number in TEMPERATURES)}.")
    return TEMPERATURES[heads]
