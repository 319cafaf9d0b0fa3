"""MSRN's label semantics: what the labels mean and which of them go together, before any image is seen.

From a vector for each label, two graph attention layers over the label graph give the local semantics E [C, D]. Two more give features
and a soft assignment S [C, M] of labels to groups, whose weighted sum is the global semantics Eg [M, D].

The graph attention is Velickovic et al., "Graph Attention Networks", ICLR 2018, https://arxiv.org/abs/1710.10903, with one head and
with the node itself added to what it hears. Letters: C labels, G width of the label vectors, D width, M groups.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REDUCED, HIDDEN = 256, 300  # widths before the first and between the first and the second graph attention
LENGTH = 6.0  # of learned vectors at the start, about that of the others


class GraphAttention(nn.Module):
    """Each label hears its neighbours: H = X W, weights = softmax over them of LeakyReLU(a . [H_i, H_j]), result ELU(weights H + H).

    Args:
        inputs, outputs: widths before and after.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))  # W
        self.attention = nn.Parameter(torch.empty(2 * outputs, 1))  # a: the half of the label itself, then the neighbour's
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight, gain=1.414)
        nn.init.xavier_uniform_(self.attention, gain=1.414)

    def forward(self, nodes: Tensor, neighbours: Tensor) -> Tensor:
        """Nodes [C, inputs], neighbours bool [C, C] (row i: whom label i listens to, itself included) -> [C, outputs]."""
        hidden = nodes @ self.weight  # [C, outputs]
        own, other = self.attention.split(hidden.shape[1])
        scores = F.leaky_relu(hidden @ own + (hidden @ other).T, 0.2)  # [C, C]
        weights = torch.softmax(scores.masked_fill(~neighbours, -torch.inf), 1)
        return F.elu(weights @ hidden + hidden)


class LabelSemantics(nn.Module):
    """Local semantics of the labels, and groups with their global semantics.

    Args:
        vectors: [C, G], kept as they are; with `learned` only their shape counts.
        neighbours: bool [C, C].
        width: D.
        groups: M, or 0 for none.
        learned: whether the vectors are trained, from random ones.
    """

    vectors: Tensor
    neighbours: Tensor

    def __init__(self, vectors: Tensor, neighbours: Tensor, width: int, groups: int, learned: bool = False) -> None:
        super().__init__()
        if learned:
            self.vectors = nn.Parameter(vectors.clone())
            self.reset_parameters()
        else:
            self.register_buffer("vectors", vectors)
        self.register_buffer("neighbours", neighbours)
        self.reduce = nn.Linear(vectors.shape[1], REDUCED)
        self.local = nn.ModuleList([GraphAttention(REDUCED, HIDDEN), GraphAttention(HIDDEN, width)])
        self.grouped = nn.ModuleDict()
        if groups:
            self.grouped.update({"features": GraphAttention(width, width), "assignment": GraphAttention(width, groups)})

    def reset_parameters(self) -> None:
        if isinstance(self.vectors, nn.Parameter):
            nn.init.normal_(self.vectors, std=LENGTH / self.vectors.shape[1] ** 0.5)

    def forward(self) -> dict[str, Tensor]:
        """label_embedding E [C, D] and, where there are groups, assignment S [C, M] (rows sum to 1) and group_embedding Eg [M, D].

        In at least float32, whatever the precision around it: these matrices are small and everything hangs on them.
        """
        with torch.autocast(self.vectors.device.type, enabled=False):
            labels = self.reduce(self.vectors)  # [C, REDUCED]
            for layer in self.local:
                labels = layer(labels, self.neighbours)
            out = {"label_embedding": labels}
            if len(self.grouped):
                positive = torch.relu(labels)
                features = self.grouped["features"](positive, self.neighbours)  # [C, D]
                assignment = torch.softmax(self.grouped["assignment"](positive, self.neighbours), 1)  # [C, M]
                out |= {"assignment": assignment, "group_embedding": assignment.T @ features}
        return out


def group_distance(out: dict[str, Tensor]) -> Tensor:
    """Sum over the labels of the distance between a label's embedding and that of the group it mostly belongs to; 0 without groups."""
    labels = out["label_embedding"]
    if "assignment" not in out:
        return labels.new_zeros(())
    nearest = out["group_embedding"][out["assignment"].argmax(1)]  # [C, D]
    return torch.linalg.vector_norm(labels - nearest, dim=1).sum()
