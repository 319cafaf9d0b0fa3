"""What SRN's regularisation compares: every neuron of its last convolution, traced back to the labels it reads and on to those it moves.

A neuron reads one channel of the second 1x1 convolution through a template as large as the grid. Its `inflow` says how much the weighted
attention of each label feeds that channel, its `outflow` how much the neuron adds to y_sr of each label. Both come from the weights alone,
batch normalisation's scale included and the ReLUs left out: they name candidates, which `top_images` and the moved-object experiment of
`workbench.analysis.relations` put to the test.
Shapes: C labels, K neurons, H W the grid, N images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.models.srn import SRNModel

__all__ = ["Templates", "activations", "top_images", "trace"]


@dataclass(frozen=True)
class Templates:
    """All neurons of one model.

    Attributes:
        template: float32 [K, H, W], what a neuron multiplies its channel with.
        inflow: float32 [K, C]; outflow: float32 [K, C].
    """

    categories: Categories
    template: np.ndarray
    inflow: np.ndarray
    outflow: np.ndarray

    def strengths(self) -> np.ndarray:
        """float64 [C, C]: how strongly the neurons lead from the column's label to the row's: sum of |out| * norm of template * |in|."""
        size = np.linalg.norm(self.template.reshape(len(self.template), -1), axis=1).astype(np.float64)
        return np.einsum("ki,k,kj->ij", np.abs(self.outflow), size, np.abs(self.inflow))

    def slant(self) -> np.ndarray:
        """float64 [K, 2]: correlation of each template with the column and the row number: which way (right, down) it grows; 0 if flat."""
        _, height, width = self.template.shape
        rows, columns = np.mgrid[:height, :width]
        centred = self.template - self.template.mean((1, 2), keepdims=True, dtype=np.float64)
        length = np.sqrt((centred**2).sum((1, 2)))
        result = np.zeros((len(self.template), 2))
        for axis, places in enumerate((columns, rows)):
            direction = places - places.mean()
            norm = np.linalg.norm(direction)
            np.divide((centred * direction).sum((1, 2)), length * norm, out=result[:, axis], where=length * norm > 0)
        return result

    def neurons_between(self, source: str, target: str, count: int = 5) -> list[int]:
        """The neurons that lead most strongly from one label to another. Raises WorkbenchError for an unknown name."""
        read, moved = self.categories.index(source), self.categories.index(target)
        size = np.linalg.norm(self.template.reshape(len(self.template), -1), axis=1)
        strength = np.abs(self.outflow[:, moved]) * size * np.abs(self.inflow[:, read])
        return [int(neuron) for neuron in np.argsort(-strength, kind="stable")[:count]]


def trace(model: nn.Module) -> Templates:
    """Templates of an SRN. Raises WorkbenchError for another model."""
    if not isinstance(model, SRNModel):
        raise WorkbenchError(f"Templates can be traced in an SRN, and this is a {type(model).__name__}; give the model of an SRN run.")
    net = model.regularisation
    with torch.no_grad():
        labels_to_channels = _scaled(net.sr2) @ _scaled(net.sr1)  # [channels, C]
        kernels = _scaled(net.sr3).reshape(-1, *net.grid)  # [K, H, W]
        per_channel = len(kernels) // len(labels_to_channels)
        inflow = labels_to_channels.repeat_interleave(per_channel, 0)  # [K, C]
        return Templates(model.categories, _numpy(kernels), _numpy(inflow), _numpy(net.fc.weight.T))


def activations(model: nn.Module, pixels: np.ndarray, batch: int = 64) -> np.ndarray:
    """How strongly each neuron fires on each picture: uint8 [N, H, W, 3] -> float32 [N, K], in evaluation mode."""
    trace(model)
    network = cast(SRNModel, model).eval()
    parts = []
    with torch.no_grad():
        for begin in range(0, len(pixels), batch):
            images = torch.from_numpy(np.array(pixels[begin : begin + batch])).permute(0, 3, 1, 2).float() / 255
            _, out = network(images.to(next(network.parameters()).device))
            parts.append(_numpy(out["sr3"]))
    return np.concatenate(parts)


def top_images(fired: np.ndarray, neuron: int, count: int = 8) -> list[int]:
    """Rows of `activations` [N, K] that a neuron fires on most, silent ones left out."""
    order = np.argsort(-fired[:, neuron], kind="stable")[:count]
    return [int(row) for row in order if fired[row, neuron] > 0]


def _scaled(layers: nn.Sequential) -> Tensor:
    """A convolution's weight as a matrix [out, in * h * w], with the factor of the batch normalisation that follows it."""
    convolution = cast(nn.Conv2d, layers[0])
    weight = convolution.weight.flatten(1)
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            variance = cast(Tensor, layer.running_var)
            weight = weight * (layer.weight / torch.sqrt(variance + layer.eps))[:, None]
    return weight


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
