"""The streets of a scene and the papers that are named by them.

Two terraces of houses, one high on one side of the frame and one low on the other; discs, diamonds and puffs hang between the two
heights. On the side of the high terrace they are below its houses, on the side of the low one above. Which side is high is a coin that
nothing else depends on, so neither where a paper is nor where the streets are tells its name: only the two together do.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.datasets.scenes.palette import CREAM, PAPERS, ROOFS, WALLS, mixed
from workbench.datasets.scenes.placing import EXTENT, Place, Table
from workbench.datasets.scenes.rules import REFERENCE, RELATIONS, Thing, named_by_rule

TOWN_RATE = 0.5  # share of scenes with houses
PAPER_RATE = 0.64  # share of those in which a disc is present; the same for diamond and puff
LEAN = math.radians(25)
CLEARANCE = 0.03  # between a paper and the height of the roofs or of the street
STEP_CLEARANCE = 0.085  # between a paper's middle and the step from one terrace to the other
EDGE = 0.012


def build_town(rng: np.random.Generator, tilt: float) -> tuple[list[Thing], Town]:
    """The streets and houses of a scene, in painter's order, and where papers may hang."""
    lean, step, base, top, high_side = rng.random(5).tolist()
    town = Town(
        angle=(2 * lean - 1) * LEAN * tilt,
        step=0.16 * (step - 0.5),
        base=-0.30 + 0.16 * base,
        top=0.14 + 0.16 * top,
        high=-1 if high_side < 0.5 else 1,
    )
    things: list[Thing] = []
    pavement = mixed(CREAM, (150, 130, 140), 0.35)
    for side in (-1, 1):
        base_line = town.base if side == town.high else town.top + 0.2
        houses = []
        along = town.step + side * 0.01
        while abs(along) < 0.62:
            size, wall, roof, *looks = rng.random(11).tolist()
            size = 0.16 + 0.04 * size
            width = size * (0.8 + 0.19 * looks[0])
            place = town.in_frame(along + side * width / 2, base_line - size / 2)
            along += side * (width + 0.004)
            if all(0.07 < number < 0.93 for number in place):
                wall, roof = WALLS[int(wall * len(WALLS))], ROOFS[int(roof * len(ROOFS))]
                houses.append(Thing(REFERENCE, REFERENCE, *place, size, town.angle, wall, roof, tuple(looks)))
        length, middle = abs(along - town.step), (along + town.step) / 2
        x, y = town.in_frame(middle, base_line + 0.008)
        looks = (length / 0.2, 0.11, *[0.5] * 6)
        things += [Thing("", "street", x, y, 0.2, town.angle, pavement, pavement, looks), *houses]
    return things, town


class Town:
    """Lines of the two terraces, in coordinates turned with the street about the middle of the frame (along, across).

    base: where the high terrace stands; top: up to where the low one's roofs may reach; step: where one ends and the other begins;
    high: -1 or 1, the side of the high terrace; angle: how the streets lean.
    """

    def __init__(self, angle: float, step: float, base: float, top: float, high: int) -> None:
        self.angle, self.step, self.base, self.top, self.high = angle, step, base, top, high
        self._cosine, self._sine = math.cos(angle), math.sin(angle)

    def in_frame(self, along: float, across: float) -> Place:
        return 0.5 + along * self._cosine - across * self._sine, 0.5 + along * self._sine + across * self._cosine

    def place_between(self, rng: np.random.Generator, radius: float) -> Place | None:
        """A place between the heights of the two terraces, away from the step; which side it is on does not enter."""
        along, across = rng.random(2).tolist()
        along -= 0.5
        low, high = self.base + CLEARANCE + radius, self.top - CLEARANCE - radius
        if abs(along - self.step) < STEP_CLEARANCE:
            return None
        place = self.in_frame(along, low + across * (high - low))
        return place if all(radius + EDGE < number < 1 - radius - EDGE for number in place) else None


def hang_papers(
    rng: np.random.Generator, coins: np.random.Generator, town: Town, houses: list[Thing], table: Table, relation: float
) -> list[Thing]:
    """Discs, diamonds and puffs between the terraces. Their looks and places are settled before their names."""
    papers = []
    for shape in RELATIONS:
        present, size, turn, *looks = rng.random(11).tolist()
        color, accent = rng.choice(len(PAPERS), 2, replace=False).tolist()
        by_rule, heads = coins.random(2).tolist()
        if present >= PAPER_RATE:
            continue
        size = 0.135 + 0.035 * size
        found = table.find((size * EXTENT[shape][0], size * EXTENT[shape][1]), lambda: town.place_between(rng, size / 2), shrinkable=False)  # noqa: B023
        if found is None:
            continue
        angle = (turn - 0.5) * (2 * math.pi if shape == "disc" else 0.7)
        ruled = by_rule < relation
        paper = Thing("", shape, *found[0], size, angle, PAPERS[color], PAPERS[accent], tuple(looks), ruled=ruled)
        name = named_by_rule(paper, houses) if ruled else RELATIONS[shape][int(heads < 0.5)]
        papers.append(Thing(name, shape, *found[0], size, angle, PAPERS[color], PAPERS[accent], tuple(looks), ruled=ruled))
    return papers
