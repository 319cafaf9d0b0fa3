"""What can be in a scene, which labels that gives, and the knobs that switch each rule on and off.

Coordinates are in units of the frame: x to the right and y downwards from 0 to 1, sizes as a fraction of the frame, angles in radians,
clockwise as seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from numbers import Real

from workbench.categories import Categories
from workbench.errors import WorkbenchError

REFERENCE = "house"
RELATIONS = {"disc": ("sun", "ball"), "diamond": ("kite", "rug"), "puff": ("cloud", "bush")}  # shape: (above the roofs, below them)
THEMES = {"water": ("pond", "duck", "reed"), "park": ("tree", "bench", "lamp")}
ANIMALS = ("cat", "dog", "bear", "rabbit")

RELATION_LABELS = tuple(label for pair in RELATIONS.values() for label in pair)
THEME_LABELS = tuple(label for members in THEMES.values() for label in members)
GROUPS = {
    **dict.fromkeys((REFERENCE, *RELATION_LABELS), "relation"),
    **dict.fromkeys(THEME_LABELS, "cooccurrence"),
    **dict.fromkeys(ANIMALS, "look_alike"),
}
CATEGORIES = Categories(GROUPS, GROUPS)


@dataclass(frozen=True)
class Knobs:
    """How a world of scenes behaves; every knob runs from 0 to 1.

    Attributes:
        relation: probability that a disc, diamond or puff is named by the rule (above or below the houses); else a coin names it.
        cooccurrence: 1 = the members of a theme come together or not at all; 0 = each comes on its own, as often as before.
        scale_spread: how small and faint some members of the themes get.
        look_alike: 1 = the animals share body, proportions and colours and differ in their ears; 0 = each has its own.
        noise: strength of the paper grain.
        tilt: how far the streets may lean, 1 being 25 degrees either way.
        terraces: share of towns with two half streets, one high and one low, in which neither the place of a paper nor that of the houses
            tells anything without the other; 0 = one street, plain to see, but the height of a paper then gives most of its name away
            (studies/scenes_speed.json says how far): set it to 1 where absolute position must not help.
        occlusion: how much of an object others may cover, and how often they seek its company.
    """

    relation: float = 1.0
    cooccurrence: float = 0.6
    scale_spread: float = 0.4
    look_alike: float = 0.6
    noise: float = 0.1
    tilt: float = 0.3
    terraces: float = 1.0
    occlusion: float = 0.3

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
                raise WorkbenchError(f'The scenes knob "{field.name}" is {value!r}; give a number from 0 to 1.')
            object.__setattr__(self, field.name, float(value))

    def text(self) -> str:
        """The knobs as one line, to key caches and to stand in reports."""
        return " ".join(f"{name}={value:g}" for name, value in asdict(self).items())


@dataclass(frozen=True)
class Thing:
    """One object of a scene.

    Attributes:
        category: its label, or "" for scenery and for a relational object that is neither above nor below a house.
        shape: what is drawn; a disc is drawn alike whether it is a sun or a ball.
        x, y: centre; size: side of the square cell that its shape is drawn in; angle: rotation.
        color, accent: (red, green, blue), 0 to 255.
        looks: eight numbers from 0 to 1 that settle the details of the shape.
        fade: 0 to 1, how far its colours have gone towards the backdrop.
        ruled: whether the relation rule names it, and so names it anew when it is moved.
    """

    category: str
    shape: str
    x: float
    y: float
    size: float
    angle: float
    color: tuple[int, int, int]
    accent: tuple[int, int, int]
    looks: tuple[float, ...]
    fade: float = 0.0
    ruled: bool = False


def side_of_houses(thing: Thing, things: Iterable[Thing]) -> int | None:
    """Where a thing is relative to the house nearest to it along the street: 0 above its roof, 1 below its base, None in between.

    "Above" is measured across the street, so it leans with it; None also where there is no house.
    """
    nearest, side = math.inf, None
    for house in things:
        if house.shape != REFERENCE:
            continue
        cosine, sine = math.cos(house.angle), math.sin(house.angle)
        dx, dy = thing.x - house.x, thing.y - house.y
        along, across = dx * cosine + dy * sine, dy * cosine - dx * sine
        if abs(along) < nearest:
            nearest = abs(along)
            side = 0 if across < -house.size / 2 else 1 if across > house.size / 2 else None
    return side


def named_by_rule(thing: Thing, things: Sequence[Thing]) -> str:
    """The label that the relation rule gives to a disc, diamond or puff among `things`; "" where it gives none."""
    side = side_of_houses(thing, things)
    return "" if side is None else RELATIONS[thing.shape][side]
