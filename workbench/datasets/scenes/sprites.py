"""How street and papers look: each shape is a list of flat polygons in its own square cell, x and y from -0.5 to 0.5, y downwards.

Animals and the members of the themes stand in `creatures` and `props`; `SPRITES` of this package's `draw` brings them together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workbench.datasets.scenes.palette import CREAM, Color, darker, lighter, mixed
from workbench.datasets.scenes.rules import Thing

_TURN = np.linspace(0, 2 * np.pi, 36, endpoint=False)
CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)  # [36, 2]
_SMALL_CIRCLE = CIRCLE[::3]


class Part(NamedTuple):
    """One polygon: points [n, 2] in the cell, its colour, and whether it is part of the outline (else it lies on what is drawn before)."""

    points: np.ndarray
    color: Color
    outline: bool = False


def ellipse(x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> np.ndarray:
    points = (CIRCLE if max(rx, ry) > 0.08 else _SMALL_CIRCLE) * (rx, ry)
    if angle:
        cosine, sine = np.cos(angle), np.sin(angle)
        points = points @ np.array([[cosine, sine], [-sine, cosine]])
    return points + (x, y)


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def polygon(*numbers: float) -> np.ndarray:
    return np.array(numbers).reshape(-1, 2)


def street(thing: Thing) -> list[Part]:
    """A strip of pavement; the length of the street is looks[0] cells, its thickness looks[1]."""
    half, thick = thing.looks[0] / 2, thing.looks[1] / 2
    return [Part(box(-half, -thick, half, thick), thing.color, True)]


def house(thing: Thing) -> list[Part]:
    wide, tall, roof_kind, openings, chimney, door_side, *_ = thing.looks
    half = 0.33 + 0.09 * wide  # of the wall
    eaves = -0.12 - 0.1 * tall
    wall, roof = thing.color, thing.accent
    parts = []
    if chimney > 0.45:
        at = half * (0.5 if chimney > 0.72 else -0.62)
        parts.append(Part(box(at - 0.05, -0.47, at + 0.07, eaves), darker(roof, 0.3), True))
    parts.append(Part(box(-half, eaves - 0.01, half, 0.5), wall, True))
    if roof_kind < 0.5:
        parts.append(Part(polygon(-half - 0.07, eaves, 0, -0.5, half + 0.07, eaves), roof, True))
    elif roof_kind < 0.8:
        parts.append(Part(polygon(-half - 0.06, eaves, -half * 0.5, -0.45, half * 0.5, -0.45, half + 0.06, eaves), roof, True))
    else:  # stepped gable
        steps = polygon(-1, 0, -1, -0.35, -0.66, -0.35, -0.66, -0.7, -0.33, -0.7, -0.33, -1, 0.33, -1, 0.33, -0.7, 0.66, -0.7, 0.66, -0.35)
        steps = np.concatenate([steps, polygon(1, -0.35, 1, 0)]) * (half, 0.47 + eaves) + (0, eaves)
        parts.append(Part(steps, roof, True))
    at = half * 0.45 * (1 if door_side > 0.5 else -1)
    parts.append(Part(box(at - 0.1, 0.17, at + 0.1, 0.5), darker(roof, 0.12)))
    pane = mixed((126, 176, 205), CREAM, openings)
    parts.append(Part(box(-at - 0.11, 0.15, -at + 0.11, 0.36), pane))
    if openings > 0.35:
        for side in (-1, 1):
            parts.append(Part(box(side * half * 0.48 - 0.085, eaves + 0.07, side * half * 0.48 + 0.085, eaves + 0.21), pane))
    return parts


def disc(thing: Thing) -> list[Part]:
    """A round paper with six sectors: as good a sun as a ball."""
    parts = [Part(ellipse(0, 0, 0.5, 0.5), thing.color, True)]
    light = mixed(thing.accent, CREAM, 0.35)
    for third in range(3):
        sector = CIRCLE[third * 12 : third * 12 + 7] * 0.43
        parts.append(Part(np.concatenate([[[0.0, 0.0]], sector]), light))
    parts.append(Part(ellipse(0, 0, 0.12, 0.12), thing.color))
    return parts


def diamond(thing: Thing) -> list[Part]:
    """A quartered lozenge with a bow at either end: as good a kite as a rug."""
    half = 0.33 + 0.07 * thing.looks[0]
    light = mixed(thing.accent, CREAM, 0.25)
    parts = [Part(polygon(0, -0.42, half, 0, 0, 0.42, -half, 0), thing.color, True)]
    for end in (-1, 1):
        parts.append(Part(polygon(0, end * 0.38, 0.1, end * 0.5, -0.1, end * 0.5), darker(thing.color), True))
    parts.append(Part(polygon(0, -0.34, half * 0.8, 0, 0, 0), light))
    parts.append(Part(polygon(0, 0.34, -half * 0.8, 0, 0, 0), light))
    return parts


def puff(thing: Thing) -> list[Part]:
    """A long soft heap of lobes, alike on both sides: as good a cloud as a bush."""
    bulge = 0.15 + 0.05 * thing.looks[0]
    lobes = [(-0.3, 0.02, 0.19), (0.31, -0.02, 0.18)]
    for side in (-1, 1):
        shift = 0.12 * (thing.looks[1 if side < 0 else 2] - 0.5)
        lobes += [(-0.14 + shift, side * bulge, 0.19), (0.15 + shift, side * bulge * 0.9, 0.18)]
    parts = [Part(ellipse(0, 0, 0.36, 0.24), thing.color, True)]
    parts += [Part(ellipse(x, y, radius, radius), thing.color, True) for x, y, radius in lobes]
    inner = lighter(thing.color, 0.38)
    parts += [
        Part(ellipse(x * 0.72, y * 0.62, radius * 0.52, radius * 0.46), inner) for x, y, radius in lobes[: 3 + int(thing.looks[3] * 2)]
    ]
    return parts
