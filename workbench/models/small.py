"""Two small backbones for 64 to 96 px on a CPU: the same layers, parameters and work, and a different receptive field.

Five 3x3 convolutions with batch normalisation. "small-narrow" has no dilation: a cell of its last map sees 39 pixels. "small" spreads the
kernels of two of them, so that it sees 79, which is more than a whole image of 64. Comparing the two separates what a head adds
from what a wider view alone would have given.
"""

from __future__ import annotations

from pathlib import Path

from torch import nn

from workbench.models.backbone import Backbone
from workbench.models.receptive_field import receptive_fields
from workbench.models.weights import load_backbone_weights

CHANNELS = (24, 48, 96, 128)
STRIDES = (2, 4, 8, 8)
DILATIONS = {"small": (2, 3), "small-narrow": (1, 1)}


def create(name: str, weights: str | Path | None) -> Backbone:
    middle, last = DILATIONS[name]
    first, second, third, fourth = CHANNELS
    stages = nn.ModuleList(
        [
            convolution(3, first, stride=2),
            nn.Sequential(convolution(first, second, stride=2), convolution(second, second, dilation=middle)),
            convolution(second, third, stride=2),
            convolution(third, fourth, dilation=last),
        ]
    )
    load_backbone_weights(stages, name, weights)
    return Backbone(
        list(stages),
        names=[f"stage {number}" for number in range(1, 5)],
        channels=CHANNELS,
        strides=STRIDES,
        receptive_fields=receptive_fields(stages),
        mean=(0.5, 0.5, 0.5),
        deviation=(0.25, 0.25, 0.25),
    )


def convolution(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """3x3 convolution that keeps the size (up to its stride), batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
