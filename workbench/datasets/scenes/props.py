"""How the members of the two themes look: pond, duck, reed; tree, bench, lamp. Cells and parts as in `sprites`."""

from __future__ import annotations

from workbench.datasets.scenes.palette import BEAK, CATTAIL, CREAM, GLOW, INK, TRUNK, darker, lighter
from workbench.datasets.scenes.rules import Thing
from workbench.datasets.scenes.sprites import CIRCLE, Part, box, ellipse, polygon


def pond(thing: Thing) -> list[Part]:
    wobble = 1 + 0.07 * ((CIRCLE[:, 0] * CIRCLE[:, 1]) * (thing.looks[0] - 0.5) * 4)[:, None]
    shore = CIRCLE * wobble
    rim = lighter(thing.color, 0.55)
    parts = [Part(shore * (0.48, 0.25), rim, True), Part(shore * (0.44, 0.215), thing.color)]
    ripple = lighter(thing.color, 0.3)
    shift = 0.1 * (thing.looks[1] - 0.5)
    parts.append(Part(box(-0.26 + shift, -0.075, -0.02 + shift, -0.04), ripple))
    parts.append(Part(box(0.0 - shift, 0.05, 0.26 - shift, 0.085), ripple))
    return parts


def duck(thing: Thing) -> list[Part]:
    body, wing = thing.color, darker(thing.color, 0.14)
    parts = [
        Part(polygon(-0.5, -0.1, -0.22, -0.02, -0.28, 0.2), body, True),  # tail
        Part(ellipse(-0.06, 0.14, 0.36, 0.24), body, True),
        Part(ellipse(0.2, -0.17, 0.19, 0.19), body, True),
        Part(polygon(0.34, -0.22, 0.5, -0.13, 0.34, -0.06), BEAK, True),
        Part(ellipse(-0.1, 0.12, 0.19, 0.12, 0.25), wing),
        Part(ellipse(0.25, -0.21, 0.045, 0.045), INK),
    ]
    return _facing(parts, thing.looks[0])


def reed(thing: Thing) -> list[Part]:
    lean = 0.08 * (thing.looks[0] - 0.5)
    parts = []
    for at, top in ((-0.17, -0.3 + 0.1 * thing.looks[1]), (0.02, -0.5), (0.2, -0.22 - 0.1 * thing.looks[2])):
        parts.append(
            Part(polygon(at * 0.5 - 0.03, 0.5, at + lean - 0.02, top, at + lean + 0.03, top, at * 0.5 + 0.03, 0.5), thing.color, True)
        )
        parts.append(Part(ellipse(at + lean, top + 0.17, 0.068, 0.16), CATTAIL, True))
    for side in (-1, 1):
        leaf = polygon(0, 0.5, side * 0.12, 0.16, side * 0.31, -0.02, side * 0.16, 0.5)
        parts.append(Part(leaf, darker(thing.color, 0.12), True))
    return parts


def tree(thing: Thing) -> list[Part]:
    slim = 0.8 + 0.2 * thing.looks[0]
    light = thing.looks[1] > 0.5
    parts = [Part(box(-0.06, 0.2, 0.06, 0.5), TRUNK, True)]
    tiers = ((0.06, 0.36, 0.36), (-0.16, 0.17, 0.29), (-0.5, -0.03, 0.215))
    for tier, (top, bottom, half) in enumerate(tiers):
        color = lighter(thing.color, 0.12 * tier) if light else darker(thing.color, 0.09 * (2 - tier))
        parts.append(Part(polygon(0, top - 0.12 if tier < 2 else top, half * slim, bottom, -half * slim, bottom), color, True))
    return parts


def bench(thing: Thing) -> list[Part]:
    plank, iron = thing.color, thing.accent
    parts = [Part(box(side * 0.36 - 0.045, -0.24, side * 0.36 + 0.045, 0.34), iron, True) for side in (-1, 1)]
    parts += [Part(box(-0.48, top, 0.48, top + 0.115), plank, True) for top in (-0.28, -0.11)]
    parts.append(Part(box(-0.5, 0.08, 0.5, 0.2), lighter(plank, 0.18), True))
    return parts


def lamp(thing: Thing) -> list[Part]:
    iron = thing.color
    half = 0.15 + 0.03 * thing.looks[0]
    return [
        Part(box(-0.04, -0.12, 0.04, 0.46), iron, True),
        Part(box(-0.14, 0.42, 0.14, 0.5), iron, True),
        Part(polygon(-half, -0.37, half, -0.37, half * 0.6, -0.08, -half * 0.6, -0.08), GLOW, True),
        Part(polygon(-half - 0.04, -0.36, 0, -0.5, half + 0.04, -0.36), iron, True),
        Part(ellipse(0, -0.23, 0.05, 0.07), CREAM),
    ]


def _facing(parts: list[Part], which: float) -> list[Part]:
    return parts if which > 0.5 else [part._replace(points=part.points * (-1, 1)) for part in parts]
