"""MSRN's two ways from pooled features to logits, and what each feature adds to a logit.

Both take the label features O [B, C, L * D] and the group features Q [B, M, L * D] (None without groups), layer by layer in the last
axis. `weights` gives the factors with which a pooled feature o = sum over cells of n * x enters a logit, so that weight * n * x is the
share of a single cell: see `workbench.models.msrn_attention.contributions`. Letters: B batch, C labels, K chosen labels, M groups,
L layers, D width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ElementwiseHead(nn.Module):
    """logit_c = <W_c, tanh([O_c, (S Q)_c])> + b_c: the features of a label decide about this label alone.

    With tanh(o) / o as part of the weight (1 at o = 0) the logit is exactly the sum of all its cells' shares and the bias.
    """

    exact = True

    def __init__(self, labels: int, groups: int, layers: int, width: int) -> None:
        super().__init__()
        self.layers, self.width = layers, width
        self.weight = nn.Parameter(torch.empty(labels, (2 if groups else 1) * layers * width))
        self.bias = nn.Parameter(torch.empty(labels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(self.weight.shape[1])
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Logits [B, C]."""
        parts = [torch.tanh(pooled) for pooled in self._pooled(features)]
        return (self.weight * torch.cat(parts, 2)).sum(2) + self.bias

    def decompose(self, features: Mapping[str, Tensor], logits: Tensor) -> dict[str, list[Tensor] | Tensor]:
        """Shares of the logits: "local" and "group" as one [B, C] a layer, "bias"."""
        parts: dict[str, list[Tensor] | Tensor] = {}
        for name, weight, pooled in zip(("local", "group"), self._weights(), self._pooled(features), strict=False):
            layered = (weight * torch.tanh(pooled)).unflatten(2, (self.layers, self.width))
            parts[name] = list(layered.sum(3).unbind(2))
        return {**parts, "bias": self.bias.expand_as(logits)}

    def weights(self, features: Mapping[str, Tensor], part: str, layer: int, labels: Sequence[int]) -> Tensor:
        """Factors of one layer: "local" [B, K, D] on each label's own features, "group" [B, K, M, D] on those of all groups."""
        number = ("local", "group").index(part)
        pooled = self._layer(self._pooled(features)[number], layer)[:, labels]  # [B, K, D]
        factors = self._layer(self._weights()[number], layer)[labels] * _tanh_over(pooled)
        if part == "local":
            return factors
        return features["assignment"][labels][None, :, :, None] * factors[:, :, None]

    def _pooled(self, features: Mapping[str, Tensor]) -> list[Tensor]:
        local = features["features"]
        if "group_features" not in features:
            return [local]
        return [local, torch.einsum("cm,bmd->bcd", features["assignment"], features["group_features"])]

    def _weights(self) -> list[Tensor]:
        return list(self.weight.split(self.layers * self.width, 1))

    def _layer(self, values: Tensor, layer: int) -> Tensor:
        return values[..., layer * self.width : (layer + 1) * self.width]


class ConcatHead(nn.Module):
    """Everything through two linear layers: tanh of all label and group features, 2048 hidden, LeakyReLU, C logits.

    Nothing ties the features of a label to its logit, so a logit is explained by the gradient times the input, over the features of all
    labels; what that leaves over is a remainder of its own.
    """

    exact = False

    def __init__(self, labels: int, groups: int, layers: int, width: int, hidden: int = 2048) -> None:
        super().__init__()
        self.labels, self.layers, self.width = labels, layers, width
        self.fc1 = nn.Linear((labels + groups) * layers * width, hidden)
        self.fc2 = nn.Linear(hidden, labels)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        return self.fc2(F.leaky_relu(self.fc1(self._pooled(features).tanh().flatten(1)), 0.01))

    def decompose(self, features: Mapping[str, Tensor], logits: Tensor) -> dict[str, list[Tensor] | Tensor]:
        """Shares of the logits: "local" and "group" (gradient times input) as one [B, C] a layer, "bias" and "remainder"."""
        parts: dict[str, list[Tensor] | Tensor] = {}
        pooled = self._pooled(features)
        for name, rows in self._rows(features).items():
            parts[name] = [
                torch.einsum("bkqd,bqd->bk", self.weights(features, name, layer, range(self.labels)), self._layer(pooled[:, rows], layer))
                for layer in range(self.layers)
            ]
        bias = self.fc2.bias.expand_as(logits)
        shares = torch.stack([share for name in parts for share in parts[name]]).sum(0)
        return {**parts, "bias": bias, "remainder": logits - bias - shares}

    def weights(self, features: Mapping[str, Tensor], part: str, layer: int, labels: Sequence[int]) -> Tensor:
        """Gradient of the logits by one layer's features: [B, K, C, D] for "local", [B, K, M, D] for "group"."""
        pooled = self._pooled(features)  # [B, C + M, L * D]
        flat = pooled.tanh().flatten(1)
        slopes = torch.where(F.linear(flat, self.fc1.weight, self.fc1.bias) > 0, 1.0, 0.01).to(flat.dtype)  # [B, hidden]
        rows = self._rows(features)[part]
        first = self.fc1.weight.unflatten(1, (pooled.shape[1], self.layers, self.width))[:, rows, layer]  # [hidden, C or M, D]
        gradients = torch.einsum("kh,bh,hqd->bkqd", self.fc2.weight[list(labels)], slopes, first)
        return gradients * (1 - self._layer(pooled[:, rows], layer).tanh().square())[:, None]

    def _pooled(self, features: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([features[name] for name in ("features", "group_features") if name in features], 1)

    def _rows(self, features: Mapping[str, Tensor]) -> dict[str, slice]:
        rows = {"local": slice(0, self.labels)}
        return {**rows, "group": slice(self.labels, None)} if "group_features" in features else rows

    def _layer(self, values: Tensor, layer: int) -> Tensor:
        return values[..., layer * self.width : (layer + 1) * self.width]


def _tanh_over(values: Tensor) -> Tensor:
    """tanh(o) / o, which is 1 at o = 0."""
    near = values.abs() < 1e-3
    safe = values.masked_fill(near, 1.0)
    return torch.where(near, 1 - values.square() / 3, safe.tanh() / safe)
