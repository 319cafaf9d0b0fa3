"""The two halves of SRN that are not a backbone: attention with confidence, and the regularisation net on the weighted attention.

Source and reading of the paper: see `workbench.models.srn`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.errors import WorkbenchError, did_you_mean

VARIANTS = ("paper", "released")
NORMALISATIONS = ("batch", "scale", "none")
GATES = ("attention", "shuffled", "none")


def require(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise WorkbenchError(f'SRN has no {what} "{value}".{did_you_mean(str(value), known)}')


class AttentionNet(nn.Module):
    """Attention scores Z and confidence S of each label, both [B, C, H, W] and not squashed, from a map X [B, D, H, W].

    Args:
        inputs: channels D of X.
        width: channels of the hidden layers.
        labels: C.
        variant: "paper" (confidence is one 1x1 convolution of X) or "released" (two bottleneck blocks ahead of both, and two 1x1
            convolutions for the confidence).
        normalise: batch normalisation before each ReLU.
    """

    def __init__(self, inputs: int, width: int, labels: int, variant: str = "paper", normalise: bool = True) -> None:
        super().__init__()
        released = variant == "released"
        self.shared = nn.Sequential(*(Bottleneck(inputs, normalise) for _ in range(2 if released else 0)))
        self.scores = nn.Sequential(
            *convolution(inputs, width, 1, normalise),
            *convolution(width, width, 3, normalise),
            nn.Conv2d(width, labels, 1),
        )
        hidden = convolution(inputs, width, 1, normalise) if released else []
        self.confidence = nn.Sequential(*hidden, nn.Conv2d(width if released else inputs, labels, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shared = self.shared(x)  # [B, D, H, W]
        return self.scores(shared), self.confidence(shared)  # [B, C, H, W] twice


class Bottleneck(nn.Module):
    """The 1x1, 3x3, 1x1 residual block of ResNet with the ReLU after the sum, four times narrower inside."""

    def __init__(self, channels: int, normalise: bool) -> None:
        super().__init__()
        inner = max(1, channels // 4)
        self.body = nn.Sequential(
            *convolution(channels, inner, 1, normalise),
            *convolution(inner, inner, 3, normalise),
            *convolution(inner, channels, 1, normalise)[:-1],
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


class RegularisationNet(nn.Module):
    """f_sr: weighted attention U [B, C, H, W] of `grid` size -> y_sr [B, C], with its three hidden maps.

    The first two convolutions see all labels of one cell (which labels go together), the third sees all cells of one channel
    (`kernels` patterns of positions for each), so it fixes the grid.
    """

    def __init__(self, labels: int, hidden: int, kernels: int, grid: tuple[int, int], normalise: bool = True) -> None:
        super().__init__()
        self.grid = grid
        self.sr1 = nn.Sequential(*convolution(labels, hidden, 1, normalise))
        self.sr2 = nn.Sequential(*convolution(hidden, hidden, 1, normalise))
        self.sr3 = nn.Sequential(*convolution(hidden, hidden * kernels, grid, normalise, groups=hidden, padding=0))
        self.fc = nn.Linear(hidden * kernels, labels)

    def forward(self, weighted: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        sr1 = self.sr1(weighted)  # [B, hidden, H, W]
        sr2 = self.sr2(sr1)  # [B, hidden, H, W]
        sr3 = self.sr3(sr2).flatten(1)  # [B, hidden * kernels]
        return self.fc(sr3), {"sr1": sr1, "sr2": sr2, "sr3": sr3}


def convolution(
    inputs: int, outputs: int, kernel: int | tuple[int, int], normalise: bool, groups: int = 1, padding: int | None = None
) -> list[nn.Module]:
    """Convolution, batch normalisation if wanted (it then stands in for the bias), ReLU."""
    if padding is None:
        assert isinstance(kernel, int)
        padding = kernel // 2
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, padding=padding, groups=groups, bias=not normalise)]
    if normalise:
        layers.append(nn.BatchNorm2d(outputs))
    return [*layers, nn.ReLU(inplace=True)]


def attend(scores: Tensor) -> Tensor:
    """Softmax over the cells of each label of each image: [B, C, H, W] -> [B, C, H, W], each label's cells sum to 1."""
    return torch.softmax(scores.flatten(2), 2).view_as(scores)


def resample(maps: Tensor, grid: tuple[int, int], keep: str = "mass") -> Tensor:
    """Bring maps [B, C, h, w] to another grid by area, so that every input cell is spread over the output cells that it overlaps.

    Args:
        keep: "mass" (each map's sum stays what it was, so attention still sums to one) or "mean" (its mean does).

    Where the old grid is a multiple of the new one this is adaptive average pooling, times the cells pooled if the mass is kept;
    elsewhere adaptive pooling counts some cells twice, and this does not.
    """
    height, width = maps.shape[2:]
    if (height, width) == tuple(grid):
        return maps
    rows, columns = overlap(height, grid[0], maps), overlap(width, grid[1], maps)
    if keep == "mean":
        rows, columns = rows * (grid[0] / height), columns * (grid[1] / width)
    return torch.einsum("yh,bchw,xw->bcyx", rows, maps, columns)


def overlap(cells: int, bins: int, like: Tensor) -> Tensor:
    """[bins, cells]: the part of each of `cells` equal cells on a line that lies in each of `bins` equal bins. Columns sum to 1."""
    cell = torch.arange(cells, device=like.device, dtype=torch.float64)[None] * bins  # edges on a line of cells * bins units
    box = torch.arange(bins, device=like.device, dtype=torch.float64)[:, None] * cells
    shared = torch.minimum(cell + bins, box + cells) - torch.maximum(cell, box)
    return (shared.clamp(min=0) / bins).to(like.dtype)
