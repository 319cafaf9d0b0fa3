"""SRN, the Spatial Regularization Network.

Zhu, Li, Ouyang, Yu, Wang, "Learning Spatial Regularization with Image-level Supervisions for Multi-label Image Classification",
CVPR 2017, https://arxiv.org/abs/1702.05891.

For each label an attention map A (softmax over the cells of the scores Z) and a confidence map S are learned from image labels alone:
y_att = sum over cells of A * S. Their product U = sigmoid(S) * A goes through a small net whose last convolution sees every cell of
a channel at once, so that it learns how the labels lie to each other: y_sr. The result is (y_cls + y_sr) / 2.

Deviations. The paper's form has no batch normalisation in the branch; `normalisation="none"` is that form, but started from the usual
initialisation its y_sr hardly differs between images, because U averages 1 / (2 P): so "batch" is the default here.
The released network differs from the paper: `variant="released"` has a second layer in the confidence and two bottleneck blocks ahead of
attention and confidence; its blocks are pre-activation ones, ours have the ReLU after the sum like the rest of torchvision's ResNets.
The widths follow the backbone (half of X's channels, which gives the paper's 512 for 1024) instead of being fixed at 512.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection.schema import LogitKind, MapKind
from workbench.models.backbone import Backbone
from workbench.models.base import WorkbenchModel
from workbench.models.srn_branch import GATES, NORMALISATIONS, VARIANTS, AttentionNet, RegularisationNet, attend, require, resample


class SRNModel(WorkbenchModel):
    """SRN on a backbone: X is its last stage but one; the last stage, average pooling and a linear layer give y_cls.

    Args:
        variant: "paper" or "released".
        normalisation: "batch" (before each ReLU of the branch), "scale" (U times the number of cells), "none" (as published).
        gate: "attention" (SRN); "shuffled" (the cells of U change places at random, the same for all labels of an image: what is left
            without positions); "none" (the matched control: the same layers with U = Z + S, no softmax, no sigmoid, no y_att).
        attention_width: hidden channels of the attention; by default half of X's channels, at least 64 and at most 512.
        hidden: hidden channels of the regularisation; by default the same as `attention_width`.
        kernels: position patterns of the last convolution for each hidden channel.
        grid: (H, W) that the last convolution is made for; by default that of X at `image_size`. Other sizes of X are brought to it
            by area with the mass kept.
        shuffle_seed: chooses the one order of the cells that "shuffled" uses in evaluation. In training torch's generator draws a
            new order for every image; in evaluation all images share one, so that a result does not depend on the batch around it.

    `out`: maps.attention (A), maps.confidence (S, raw), maps.weighted (U), all [B, C, H, W] on X's own grid; attention_scores (Z);
    features [B, C, D] (X pooled by A); logits.cls, logits.att, logits.sr, logits.final [B, C]; sr1, sr2 [B, hidden, H, W] on `grid`,
    sr3 [B, hidden * kernels]. With gate "none": no maps.attention, logits.att or features, because there is no attention.
    """

    scored = "final"
    relation_titles = MappingProxyType({"regularisation": "Influence on y_sr"})

    def __init__(
        self,
        categories: Categories,
        backbone: Backbone,
        image_size: int,
        *,
        variant: str = "paper",
        normalisation: str = "batch",
        gate: str = "attention",
        attention_width: int | None = None,
        hidden: int | None = None,
        kernels: int = 4,
        grid: tuple[int, int] | None = None,
        shuffle_seed: int = 0,
    ) -> None:
        super().__init__(categories, backbone, image_size)
        require("variant", variant, VARIANTS)
        require("normalisation", normalisation, NORMALISATIONS)
        require("gate", gate, GATES)
        if len(backbone.stages) < 2:
            raise WorkbenchError("SRN reads the last two stages of its backbone, and this one has a single stage; choose another.")
        self.gate, self.normalisation, self.shuffle_seed = gate, normalisation, shuffle_seed
        self.used_stages = (len(backbone.stages) - 2, len(backbone.stages) - 1)
        labels, channels = len(categories), backbone.channels[-2]
        width = attention_width or min(512, max(64, channels // 2))
        rows, columns = grid or backbone.grid(image_size, -2)
        batch = normalisation == "batch"
        self.attention = AttentionNet(channels, width, labels, variant, batch)
        self.regularisation = RegularisationNet(labels, hidden or width, kernels, (rows, columns), batch)
        self.fc = nn.Linear(backbone.channels[-1], labels)
        self.map_kinds = _map_kinds(gate, backbone.names[-2])
        self.logit_kinds = tuple(kind for kind in LOGIT_KINDS if gate != "none" or kind.name != "att")

    @property
    def parts(self) -> dict[str, tuple[nn.Module, ...]]:
        trunk, last = self._trunk_and_last_stage()
        return {
            "trunk": trunk,
            "classifier": (last, self.fc),
            "attention": (self.attention,),
            "regularisation": (self.regularisation,),
        }

    def forward(self, images: Tensor | Mapping[int, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        *_, x, top = self.backbone(images)  # [B, D, H, W], [B, D', H', W']
        cls = self.fc(top.mean((2, 3)))  # [B, C]
        sr, out = self.branch(x)
        final = 0.5 * cls + 0.5 * sr
        return final, {**out, "logits.cls": cls, "logits.sr": sr, "logits.final": final}

    def branch(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Everything after X [B, D, H, W]: y_sr [B, C] and the intermediates."""
        scores, confidence = self.attention(x)  # Z, S: [B, C, H, W]
        if self.gate == "none":
            weighted = scores + confidence
            out = {"maps.confidence": confidence, "maps.weighted": weighted, "attention_scores": scores}
        else:
            attention = attend(scores)  # A: [B, C, H, W]
            weighted = torch.sigmoid(confidence) * attention  # U: [B, C, H, W]
            out = {
                "maps.attention": attention,
                "maps.confidence": confidence,
                "maps.weighted": weighted,
                "attention_scores": scores,
                "features": torch.einsum("bcp,bdp->bcd", attention.flatten(2), x.flatten(2).to(attention.dtype)),
                "logits.att": (attention * confidence).sum((2, 3)),
            }
        sr, hidden = self.regularise(weighted)
        return sr, {**out, **hidden}

    def regularise(self, weighted: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """y_sr [B, C] and the hidden maps for a weighted attention U [B, C, H, W] of any size."""
        if self.gate == "shuffled":
            weighted = self._shuffled(weighted)
        if self.gate == "none":
            return self.regularisation(resample(weighted, self.regularisation.grid, keep="mean"))
        weighted = resample(weighted, self.regularisation.grid)
        if self.normalisation == "scale":
            weighted = weighted * (weighted.shape[2] * weighted.shape[3])
        return self.regularisation(weighted)

    def relations(self, images: Tensor | Mapping[int, Tensor]) -> dict[str, Tensor]:
        """How much the weighted attention of label j moves y_sr of label i: {"regularisation": [B, i, j]}.

        Gradient times input, the sum over cells of U[j] * d y_sr[i] / d U[j], in evaluation mode. Images must not influence each other
        for this, which batch normalisation in training mode would break.
        """
        modes = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            with torch.no_grad():
                weighted = self(images)[1]["maps.weighted"]
            with torch.inference_mode(False), torch.enable_grad():
                weighted = weighted.detach().clone().requires_grad_()  # [B, C, H, W]
                total = self.regularise(weighted)[0].sum(0)  # [C]; images are independent, so one backward serves the batch
                rows = []
                for label in range(len(total)):
                    (gradient,) = torch.autograd.grad(total[label], weighted, retain_graph=label + 1 < len(total))
                    rows.append((weighted.detach() * gradient).sum((2, 3)))  # [B, j]
        finally:
            for module, training in modes:
                module.training = training
        return {"regularisation": torch.stack(rows, 1)}

    def _shuffled(self, weighted: Tensor) -> Tensor:
        flat = weighted.flatten(2)  # [B, C, P]
        batch, labels, cells = flat.shape
        if self.training:
            order = torch.rand(batch, cells, device=flat.device).argsort(1)
        else:
            generator = torch.Generator().manual_seed(self.shuffle_seed)
            order = torch.randperm(cells, generator=generator).to(flat.device).expand(batch, cells)
        return flat.gather(2, order[:, None].expand(batch, labels, cells)).view_as(weighted)


LOGIT_KINDS = (
    LogitKind("cls", "y_cls", "The backbone's own classifier."),
    LogitKind("att", "y_att", "A linear classifier on the features that the attention pools; it only teaches the attention."),
    LogitKind("sr", "y_sr", "The spatial regularisation, from the weighted attention maps of all labels alone."),
    LogitKind("final", "y", "Mean of y_cls and y_sr."),
)


def _map_kinds(gate: str, layer: str) -> tuple[MapKind, ...]:
    confidence = MapKind(
        "confidence",
        "Confidence sigmoid(S)",
        "How sure the model is, cell by cell, that the label is there.",
        scale="unit",
        transform="sigmoid",
        layer=layer,
    )
    if gate == "none":
        return (
            MapKind(
                "weighted",
                "Score maps Z + S",
                "What the regularisation reads in the matched control: plain score maps, which are no attention.",
                scale="signed",
                layer=layer,
            ),
        )
    attention = MapKind(
        "attention",
        "Attention A",
        "Where the model looks for the label; it sums to one, so it points somewhere even if the label is absent.",
        sums_to="one",
        logit="att",
        layer=layer,
    )
    weighted = MapKind(
        "weighted",
        "Weighted attention U",
        "Attention times confidence: where the model looks, damped where it does not believe in the label.",
        logit="sr",
        layer=layer,
    )
    return attention, confidence, weighted
