"""Painter: a scene's things become pixels, and an id buffer that says which thing each pixel shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from workbench.datasets.scenes import creatures, props, sprites
from workbench.datasets.scenes.backdrop import Backdrop
from workbench.datasets.scenes.palette import mixed
from workbench.datasets.scenes.rules import ANIMALS, Thing
from workbench.datasets.scenes.sprites import Part

SPRITES: dict[str, Callable[[Thing], list[Part]]] = {
    "street": sprites.street,
    "house": sprites.house,
    "disc": sprites.disc,
    "diamond": sprites.diamond,
    "puff": sprites.puff,
    "pond": props.pond,
    "duck": props.duck,
    "reed": props.reed,
    "tree": props.tree,
    "bench": props.bench,
    "lamp": props.lamp,
    **dict.fromkeys(ANIMALS, creatures.animal),
}
SHADOW = 0.011  # how far a paper's shadow falls, as a fraction of the frame


def supersampling(size: int) -> int:
    """Subpixels along one side of a pixel."""
    return 4 if size <= 128 else 3 if size <= 320 else 2


def paint(things: Sequence[Thing], backdrop: Backdrop, size: int) -> np.ndarray:
    """uint8 [size, size, 3], without grain: things in painter's order, each with a soft flat shadow, smoothed from `supersampling`."""
    factor = supersampling(size)
    side = size * factor
    canvas = backdrop.paint(side)
    pen = ImageDraw.Draw(canvas)
    shade = mixed(backdrop.middle, (70, 60, 100), 0.17)
    fall = (SHADOW * side * math.cos(backdrop.light), SHADOW * side * math.sin(backdrop.light))
    for thing in things:
        parts = SPRITES[thing.shape](thing)
        points = _in_pixels(thing, parts, side)
        shadow = mixed(shade, backdrop.middle, thing.fade)
        for part, corners in zip(parts, points, strict=True):
            if part.outline:
                pen.polygon((corners + fall).ravel().tolist(), fill=shadow)
        for part, corners in zip(parts, points, strict=True):
            color = mixed(part.color, backdrop.middle, thing.fade) if thing.fade else part.color
            pen.polygon(corners.ravel().tolist(), fill=color)
    return np.asarray(canvas.reduce(factor))


def shown(things: Sequence[Thing], size: int) -> np.ndarray:
    """bool [len(things), size, size]: the pixels of which a thing covers at least half, after what lies over it."""
    factor = supersampling(size)
    points = size * factor
    ids = id_buffer(things, points)
    pixel = np.arange(points) // factor
    kinds = len(things) + 1
    where = (pixel[:, None] * size + pixel[None, :]) * kinds + ids
    counts = np.bincount(where.ravel(), minlength=size * size * kinds).reshape(size, size, kinds)
    return np.moveaxis(2 * counts[:, :, 1:] >= factor * factor, 2, 0)


def id_buffer(things: Sequence[Thing], side: int) -> np.ndarray:
    """uint8 [side, side]: 1 + position of the thing that each point shows, 0 for the backdrop."""
    canvas = Image.new("L", (side, side))
    pen = ImageDraw.Draw(canvas)
    for position, thing in enumerate(things):
        parts = [part for part in SPRITES[thing.shape](thing) if part.outline]
        for corners in _in_pixels(thing, parts, side):
            pen.polygon(corners.ravel().tolist(), fill=position + 1)
    return np.asarray(canvas)


def _in_pixels(thing: Thing, parts: Sequence[Part], side: int) -> list[np.ndarray]:
    scale = thing.size * side
    cosine, sine = math.cos(thing.angle) * scale, math.sin(thing.angle) * scale
    turn = np.array([[cosine, sine], [-sine, cosine]])
    points = np.concatenate([part.points for part in parts]) @ turn
    points += (thing.x * side - 0.5, thing.y * side - 0.5)
    result, start = [], 0
    for part in parts:
        result.append(points[start : start + len(part.points)])
        start += len(part.points)
    return result
