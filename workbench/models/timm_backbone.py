"""Any convolutional network of timm (https://github.com/huggingface/pytorch-image-models) by name, where timm is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from workbench.errors import WorkbenchError, did_you_mean
from workbench.models.backbone import Backbone
from workbench.models.weights import load_backbone_weights


def create(name: str, weights: str | Path | None) -> Backbone:
    """The feature stages of ``timm:<name>``; weights None, "imagenet" (timm downloads its default set), or a file.

    Receptive fields are given as 0, which means not known: timm's networks need not be chains.

    Raises:
        WorkbenchError: timm is missing, has no such network, or has it without separate feature stages (transformers).
    """
    try:
        import timm
    except ImportError:
        raise WorkbenchError(f'Backbone "{name}" needs timm; run `pip install timm`, or use a backbone without "timm:".') from None
    short = name.removeprefix("timm:")
    if not timm.is_model(short):
        raise WorkbenchError(f'timm has no network "{short}".{did_you_mean(short, timm.list_models())}')
    try:
        network = timm.create_model(short, pretrained=weights == "imagenet", features_only=True)
    except (OSError, RuntimeError) as error:
        raise WorkbenchError(f'timm cannot give the feature stages of "{short}" ({error}); choose another network or weights.') from None
    if not isinstance(network, nn.ModuleDict) or not hasattr(network, "return_layers"):
        raise WorkbenchError(f'timm\'s "{short}" has no separate feature stages; choose a convolutional network such as timm:resnet26.')
    if weights != "imagenet":
        load_backbone_weights(network, name, weights)
    published: Any = timm.get_pretrained_cfg(short)
    information: Any = network.feature_info
    backbone = Backbone(
        _stages(network),
        names=[stage["module"] for stage in information],
        channels=information.channels(),
        strides=information.reduction(),
        receptive_fields=[0] * len(information.channels()),
        mean=published.mean,
        deviation=published.std,
    )
    _require_channels_first(backbone, short, published.input_size)
    return backbone


def _stages(network: nn.ModuleDict) -> list[nn.Module]:
    """Cut the chain of modules after each one whose output timm returns."""
    stages: list[nn.Module] = []
    current: list[nn.Module] = []
    returned: Any = network.return_layers
    for name, module in network.items():
        current.append(module)
        if name in returned:
            stages.append(nn.Sequential(*current))
            current = []
    return stages


def _require_channels_first(backbone: Backbone, short: str, input_size: tuple[int, int, int]) -> None:
    """Some of timm's stages return [B, H, W, D]; a trial image tells."""
    maps = backbone.frozen_maps(torch.zeros(1, *input_size), -1, range(len(backbone.stages)))
    for stage, width in enumerate(backbone.channels):
        if maps[stage].ndim != 4 or maps[stage].shape[1] != width:
            raise WorkbenchError(
                f'Stage {stage} of timm\'s "{short}" returns {list(maps[stage].shape)}, not [1, {width}, H, W]; '
                "choose a convolutional network such as timm:resnet26."
            )
