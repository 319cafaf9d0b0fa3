"""Small models with settled batch statistics, for tests that compare outputs."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.models import WorkbenchModel, create_model

NAMES = ["sun", "ball", "house", "tree", "boat"]


def settled(name: str = "srn", backbone: str = "small", size: int = 64, seed: int = 0, **options) -> WorkbenchModel:
    """A model in evaluation mode whose weights are random but whose batch normalisation has seen a batch, so that nothing is near zero."""
    torch.manual_seed(seed)
    model = create_model(name, NAMES, backbone, None, size, **options).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # a plain average, so that one batch settles it
    with torch.no_grad():
        model(pictures(8, size))
    return model.eval()


def pictures(count: int = 2, height: int = 64, width: int | None = None, seed: int = 1) -> Tensor:
    """float32 [count, 3, height, width] in 0..1, blotchy rather than noisy."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    return torch.nn.functional.interpolate(coarse, (height, width or height), mode="bilinear")
