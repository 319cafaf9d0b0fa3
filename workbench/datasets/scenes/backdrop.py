"""The tinted paper behind a scene: a soft gradient in any direction with a few large pale rounds, the same at the top as at the bottom."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from workbench.datasets.scenes.palette import BACKDROPS, Color, lighter, mixed


@dataclass(frozen=True)
class Backdrop:
    """first, second: the tints; direction: radians along which the first turns into the second; rounds: (x, y, radius) of pale discs;
    light: direction in which shadows fall."""

    first: Color
    second: Color
    direction: float
    rounds: tuple[tuple[float, float, float], ...]
    light: float

    @property
    def middle(self) -> Color:
        return mixed(self.first, self.second, 0.5)

    def paint(self, side: int) -> Image.Image:
        """The backdrop as an RGB picture of side x side."""
        steps = (np.arange(32) - 15.5) / 32
        along = 0.5 + (steps[None, :] * math.cos(self.direction) + steps[:, None] * math.sin(self.direction)) / 1.2
        tint = np.array(self.first) + along[:, :, None] * (np.array(self.second) - np.array(self.first))
        small = Image.fromarray(np.clip(np.rint(tint), 0, 255).astype(np.uint8))
        canvas = small.resize((side, side), Image.Resampling.BILINEAR)
        pen = ImageDraw.Draw(canvas)
        pale = lighter(self.middle, 0.3)
        for x, y, radius in self.rounds:
            pen.ellipse([(x - radius) * side, (y - radius) * side, (x + radius) * side, (y + radius) * side], fill=pale)
        return canvas


def draw_backdrop(rng: np.random.Generator) -> Backdrop:
    """A backdrop at random; every part of it is as likely upside down."""
    first, second = BACKDROPS[rng.integers(len(BACKDROPS))]
    direction, light, *numbers = rng.random(2 + 3 * 3).tolist()
    rounds = tuple((x, y, 0.08 + 0.17 * radius) for x, y, radius in zip(numbers[0::3], numbers[1::3], numbers[2::3], strict=True))
    return Backdrop(first, second, direction * 2 * math.pi, rounds, light * 2 * math.pi)
