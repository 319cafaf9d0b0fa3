"""Batches of pixels as floats, and the few random changes that training uses. Every draw comes from the generator that is handed in.

B images, H W pixels. Nothing here turns a picture upside down: the scenes' relations are vertical.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from workbench.errors import WorkbenchError

_LUMA = (0.299, 0.587, 0.114)


def to_float(pixels: Tensor) -> Tensor:
    """uint8 [B, H, W, 3] or [B, 3, H, W] -> float32 [B, 3, H, W] from 0 to 1. Raises WorkbenchError for any other shape or type."""
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or 3 not in (pixels.shape[-1], pixels.shape[1]):
        raise WorkbenchError(
            f"Pixels have type {pixels.dtype} and shape {list(pixels.shape)}; expected uint8 [B, H, W, 3] or [B, 3, H, W]."
        )
    if pixels.shape[-1] == 3:
        pixels = pixels.permute(0, 3, 1, 2)
    return pixels.float().div_(255).contiguous()


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the images mirrored left to right. [B, 3, H, W] -> the same."""
    mirrored = _uniform(images, generator) < 0.5  # [B]
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def random_shift(images: Tensor, generator: torch.Generator, fraction: float = 0.08) -> Tensor:
    """Each image moved by up to `fraction` of its sides, what enters being a reflection. [B, 3, H, W] -> the same."""
    batch, _, height, width = images.shape
    down, across = round(fraction * height), round(fraction * width)
    padded = pad(images, (across, across, down, down), mode="reflect")
    top = (_uniform(images, generator) * (2 * down + 1)).long()  # [B]
    left = (_uniform(images, generator) * (2 * across + 1)).long()
    rows = top[:, None] + torch.arange(height, device=images.device)  # [B, H]
    columns = left[:, None] + torch.arange(width, device=images.device)  # [B, W]
    image = torch.arange(batch, device=images.device)[:, None, None]
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()  # [B, H, W, 3] -> [B, 3, H, W]


def color_jitter(images: Tensor, generator: torch.Generator, strength: float = 0.2) -> Tensor:
    """Brightness, contrast and saturation of each image changed by up to `strength` either way, kept in 0 to 1. Shape as given."""
    brightness, contrast, saturation = (
        (1 + strength * (2 * _uniform(images, generator) - 1)).to(images.dtype)[:, None, None, None] for _ in range(3)
    )
    luma = images.new_tensor(_LUMA)[None, :, None, None]
    images = images * brightness
    grey = (images * luma).sum(dim=1, keepdim=True)  # [B, 1, H, W]
    images = grey + (images - grey) * saturation
    level = grey.mean(dim=(2, 3), keepdim=True)  # [B, 1, 1, 1]
    return (level + (images - level) * contrast).clamp(0, 1)


def augment(images: Tensor, generator: torch.Generator, shift: float = 0.08, jitter: float = 0.2) -> Tensor:
    """Flip, shift and jitter a batch for training; 0 switches shift or jitter off. [B, 3, H, W] -> the same."""
    images = random_flip(images, generator)
    if shift > 0:
        images = random_shift(images, generator, shift)
    return color_jitter(images, generator, jitter) if jitter > 0 else images


def _uniform(images: Tensor, generator: torch.Generator) -> Tensor:
    """One number from 0 to 1 for each image, on its device."""
    return torch.rand(len(images), generator=generator, device=generator.device).to(images.device)
