"""torchvision's ResNets as four stages, ``layer1`` (with the stem) to ``layer4``.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, https://arxiv.org/abs/1512.03385.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torchvision
from torch import nn

from workbench.errors import WorkbenchError
from workbench.models.backbone import Backbone
from workbench.models.receptive_field import receptive_fields
from workbench.models.weights import load_backbone_weights, load_checked

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
STAGES = {"conv1.": "stages.0.0.0.", "bn1.": "stages.0.0.1.", "layer1.": "stages.0.1."}
STAGES |= {f"layer{number}.": f"stages.{number - 1}." for number in range(2, 5)}
"""Beginnings of names in torchvision's ResNets, and in a `Backbone` made of one."""


def create(name: str, weights: str | Path | None) -> Backbone:
    """A ResNet without its pooling and classifier. "imagenet" is torchvision's IMAGENET1K_V1, the set that most papers start from."""
    network = torchvision.models.get_model(name, weights=None)
    if weights == "imagenet":
        published = torchvision.models.get_model_weights(name).IMAGENET1K_V1
        try:
            tensors = published.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:
            raise WorkbenchError(
                f"The ImageNet weights of {name} could not be downloaded ({error}); "
                f"get {published.url} where there is a network, and give its path as weights."
            ) from None
        load_checked(network, tensors, published.url, skip=("fc.",))
    else:
        load_backbone_weights(network, name, weights, skip=("fc.",))
    stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
    stages = [nn.Sequential(stem, network.layer1), network.layer2, network.layer3, network.layer4]
    return Backbone(
        stages,
        names=[f"layer{number}" for number in range(1, 5)],
        channels=[_width(layer) for layer in (network.layer1, network.layer2, network.layer3, network.layer4)],
        strides=(4, 8, 16, 32),
        receptive_fields=receptive_fields(stages),
        mean=IMAGENET_MEAN,
        deviation=IMAGENET_DEVIATION,
    )


def _width(layer: nn.Sequential) -> int:
    """Channels that a layer's last block returns: a bottleneck ends in its third convolution, a basic block in its second."""
    block: Any = layer[-1]
    return (block.conv3 if hasattr(block, "conv3") else block.conv2).out_channels
