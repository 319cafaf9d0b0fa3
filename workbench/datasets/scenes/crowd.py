"""Which members of the themes and which animals are in a scene, and how each looks. They may be anywhere: above or below says nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from workbench.datasets.scenes.palette import FEATHERS, FURS, IRON, NEEDLES, OWN_FURS, PAPERS, PLANKS, STEMS, WATERS, Color, mixed
from workbench.datasets.scenes.placing import EXTENT, Place, Table
from workbench.datasets.scenes.rules import ANIMALS, THEMES, Thing

MEMBER_RATE = 0.2  # share of scenes in which a member of a theme is present, whatever `cooccurrence` is
ANIMAL_RATE = 0.14
CLOSE_RATE = 0.9  # share of them that go where something is already, at occlusion = 1
TWICE_RATE = 0.3  # of present ducks, reeds and trees that come in twos
TWICE = ("duck", "reed", "tree")
SIZES = {"pond": 0.34, "duck": 0.16, "reed": 0.2, "tree": 0.22, "bench": 0.19, "lamp": 0.22}
MAIN_COLORS = {"pond": WATERS, "duck": FEATHERS, "reed": STEMS, "tree": NEEDLES, "bench": PLANKS, "lamp": IRON}
# Proportions at look_alike = 0: head width, body width, ear size, patch, scarf, tail, belly, tone (see `creatures`).
OWN_LOOKS = {
    "cat": (0.3, 0.1, 0.6, 0.3, 0.2, 0.9, 0.2, 0.5),
    "dog": (0.5, 0.5, 0.5, 0.9, 0.9, 0.1, 0.9, 0.5),
    "bear": (1.0, 1.0, 0.5, 0.2, 0.2, 0.55, 0.2, 0.5),
    "rabbit": (0.0, 0.0, 0.9, 0.3, 0.2, 0.4, 0.9, 0.5),
}


def members_present(rng: np.random.Generator, cooccurrence: float) -> list[str]:
    """Members of the themes, each with probability `MEMBER_RATE`; the more `cooccurrence`, the more of them follow their theme's coin."""
    present = []
    for members in THEMES.values():
        theme, *draws = rng.random(1 + 2 * len(members)).tolist()
        for follows, own, member in zip(draws[0::2], draws[1::2], members, strict=True):
            if (theme if follows < cooccurrence else own) < MEMBER_RATE:
                present.append(member)
    return present


def make_member(rng: np.random.Generator, shape: str, scale_spread: float) -> Thing:
    """A member of a theme, not yet placed; half of them are drawn smaller and fainter as `scale_spread` grows."""
    color, size, weak, turn, accent, *looks = rng.random(13).tolist()
    weakness = scale_spread * max(0.0, 2 * weak - 1)
    size = SIZES[shape] * (0.92 + 0.2 * size) * (1 - 0.62 * weakness)
    colors = MAIN_COLORS[shape]
    angle = (turn - 0.5) * math.radians(16)
    return Thing(
        shape, shape, 0, 0, size, angle, colors[int(color * len(colors))], IRON[int(accent * len(IRON))], tuple(looks), 0.6 * weakness
    )


def animals_present(rng: np.random.Generator) -> list[str]:
    return [animal for animal, draw in zip(ANIMALS, rng.random(len(ANIMALS)).tolist(), strict=True) if draw < ANIMAL_RATE]


def make_animal(rng: np.random.Generator, shape: str, look_alike: float) -> Thing:
    """An animal, not yet placed: at `look_alike` = 1 all but the ears is drawn from one distribution for all of them."""
    fur, accent, size, turn, tone, *looks = rng.random(13).tolist()
    shared: Color = FURS[int(fur * len(FURS))]
    shade = mixed(shared, (255, 236, 214) if tone < 0.5 else (60, 50, 70), 0.25 * abs(2 * tone - 1))
    color = mixed(OWN_FURS[shape], shade, look_alike)
    details = tuple(own + look_alike * (look - own) for own, look in zip(OWN_LOOKS[shape], looks, strict=True))
    angle = (turn - 0.5) * math.radians(30) * (0.3 + 0.7 * look_alike)
    return Thing(shape, shape, 0, 0, 0.22 + 0.06 * size, angle, color, PAPERS[int(accent * len(PAPERS))], details)


def place_crowd(rng: np.random.Generator, wanted: list[Thing], others: list[Thing], table: Table, occlusion: float) -> list[Thing]:
    """The objects that found a place, each with it. A duck goes to the pond if there is one; with `occlusion` more of them go where
    something is already, `others` or one another."""
    placed: list[Thing] = []
    pond: Thing | None = None
    for thing in wanted:
        wide, tall = EXTENT[thing.shape][0] * thing.size, EXTENT[thing.shape][1] * thing.size
        close, which = rng.random(2).tolist()
        near = pond if thing.shape == "duck" and close < 0.5 else None
        company = [*others, *placed]
        if near is None and close < CLOSE_RATE * occlusion and company:
            near = company[int(which * len(company))]
        found = table.find((wide, tall), lambda: _place(rng, wide, tall, near), layer=0 if thing.shape == "pond" else 1)  # noqa: B023
        if found is None:
            continue
        (x, y), shrink = found
        thing = replace(thing, x=x, y=y, size=thing.size * shrink)
        if thing.shape == "pond":
            pond = thing
        placed.append(thing)
    return placed


def _place(rng: np.random.Generator, wide: float, tall: float, near: Thing | None) -> Place:
    """Anywhere inside the frame, or touching the box of `near`."""
    x, y = rng.random(2).tolist()
    if near is None:
        return wide + 0.01 + x * (0.98 - 2 * wide), tall + 0.01 + y * (0.98 - 2 * tall)
    reach_x, reach_y = EXTENT[near.shape][0] * near.size + wide, EXTENT[near.shape][1] * near.size + tall
    x, y = near.x + 0.8 * reach_x * (2 * x - 1), near.y + 0.8 * reach_y * (2 * y - 1)
    return min(max(x, wide), 1 - wide), min(max(y, tall), 1 - tall)
