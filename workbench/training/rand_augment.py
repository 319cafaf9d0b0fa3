"""RandAugment and cutout, each image by its own draws, so that a resumed training sees the same pictures.

Cubuk et al., "RandAugment", NeurIPS 2020, arXiv 1909.13719: a few changes an image, picked at random from a list, all of one strength.
DeVries, Taylor, "Improved Regularization of CNNs with Cutout", arXiv 1708.04552: a square of the picture is painted over. Strengths are
those of torchvision's RandAugment; the square is filled with one random colour.
Shapes: S side of the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

CHANGES = 2
STRENGTH = 0.3
"""Of the strongest change, as magnitude 9 of 30."""
HOLE = 0.5
"""Side of the square that is painted over, as a share of the image's."""
GREY = [128.0, 128.0, 128.0]


def vary_strongly(image: Tensor, draws: np.ndarray) -> Tensor:
    """Mirrored or not, changed by RandAugment, with a square painted over.

    Args:
        image: float [3, S, S] in 0..1; draws: the image's uniform numbers in [0, 1), at least two.

    Returns: float [3, S, S] in 0..1.
    """
    chance = np.random.default_rng([int(draw * 2**24) for draw in draws])
    if draws[0] < 0.5:
        image = image.flip(-1)
    pixels = (image * 255).round().to(torch.uint8)
    for _ in range(CHANGES):
        operation = OPERATIONS[int(chance.integers(len(OPERATIONS)))]
        pixels = operation(pixels, STRENGTH * float(chance.choice([-1, 1])))
    return _cutout(pixels.to(image.dtype) / 255, chance)


def _cutout(image: Tensor, chance: np.random.Generator) -> Tensor:
    size = image.shape[-1]
    side = round(HOLE * size)
    top, left = (int(middle) - side // 2 for middle in chance.integers(0, size, 2))
    color = torch.from_numpy(chance.random(3)).to(image)
    image = image.clone()
    image[:, max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = color[:, None, None]
    return image


def _geometric(
    pixels: Tensor, angle: float = 0.0, across: float = 0.0, down: float = 0.0, shear: tuple[float, float] = (0.0, 0.0)
) -> Tensor:
    """Turned and sheared by degrees, moved by shares of the side; what comes in is grey."""
    from torchvision.transforms.v2 import InterpolationMode, functional

    size = pixels.shape[-1]
    moved = [round(across * size), round(down * size)]
    return functional.affine(pixels, angle, moved, 1.0, list(shear), interpolation=InterpolationMode.BILINEAR, fill=GREY)


def _toned(name: str) -> Callable[[Tensor, float], Tensor]:
    """A torchvision function whose factor is 1 for no change."""

    def change(pixels: Tensor, strength: float) -> Tensor:
        from torchvision.transforms.v2 import functional

        return getattr(functional, name)(pixels, 1 + 0.9 * strength)

    return change


def _plain(name: str) -> Callable[[Tensor, float], Tensor]:
    """A torchvision function without a strength."""

    def change(pixels: Tensor, strength: float) -> Tensor:
        from torchvision.transforms.v2 import functional

        return getattr(functional, name)(pixels)

    return change


def _posterized(pixels: Tensor, strength: float) -> Tensor:
    from torchvision.transforms.v2 import functional

    return functional.posterize(pixels, 8 - round(4 * abs(strength)))


def _solarized(pixels: Tensor, strength: float) -> Tensor:
    from torchvision.transforms.v2 import functional

    return functional.solarize(pixels, 255 * (1 - abs(strength)))


OPERATIONS: tuple[Callable[[Tensor, float], Tensor], ...] = (
    lambda pixels, strength: pixels,
    lambda pixels, strength: _geometric(pixels, shear=(math.degrees(math.atan(0.3 * strength)), 0.0)),
    lambda pixels, strength: _geometric(pixels, shear=(0.0, math.degrees(math.atan(0.3 * strength)))),
    lambda pixels, strength: _geometric(pixels, across=0.45 * strength),
    lambda pixels, strength: _geometric(pixels, down=0.45 * strength),
    lambda pixels, strength: _geometric(pixels, angle=30 * strength),
    _toned("adjust_brightness"),
    _toned("adjust_saturation"),
    _toned("adjust_contrast"),
    _toned("adjust_sharpness"),
    _posterized,
    _solarized,
    _plain("autocontrast"),
    _plain("equalize"),
)
