"""The streets of a scene and the papers that are named by them.

One street of houses, at any height, with discs, diamonds and puffs above and below it. Height alone already says something: what hangs
near the top is rarely below a street. Where that must not be, the `terraces` knob breaks the street in two, one half high on one side of
the frame and one low on the other, with the papers between the two heights: on the side of the high half they are below its houses, on
the side of the low one above. Which side is high is a coin that nothing else depends on, so neither where a paper is nor where the
houses are tells its name: only the two together do.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.datasets.scenes.palette import CREAM, PAPERS, ROOFS, WALLS, mixed
from workbench.datasets.scenes.placing import EXTENT, Place, Table
from workbench.datasets.scenes.rules import REFERENCE, RELATIONS, Thing, named_by_rule

TOWN_RATE = 0.55  # share of scenes with houses
PAPER_RATE = 0.64  # share of those in which a disc is present; the same for diamond and puff
LEAN = math.radians(25)
CLEARANCE = 0.03  # between a paper and the height of the roofs or of the street
STEP_CLEARANCE = 0.085  # between a paper's middle and the step from one terrace to the other
EDGE = 0.012


def build_town(rng: np.random.Generator, tilt: float, terraces: float) -> tuple[list[Thing], Town]:
    """The streets and houses of a scene, in painter's order, and where papers may hang."""
    lean, broken, step, base, top, high_side, height = rng.random(7).tolist()
    angle = (2 * lean - 1) * LEAN * tilt
    town: Town
    if broken < terraces:
        town = Terraces(angle, 0.16 * (step - 0.5), -0.30 + 0.16 * base, 0.14 + 0.16 * top, -1 if high_side < 0.5 else 1)
    else:
        town = Street(angle, 0.16 * (step - 0.5), -0.26 + 0.70 * height)
    things: list[Thing] = []
    pavement = mixed(CREAM, (150, 130, 140), 0.35)
    for side in (-1, 1):
        base_line = town.base_line(side)
        houses = []
        along = town.step + side * town.gap
        while abs(along) < 0.62:
            size, wall, roof, *looks = rng.random(11).tolist()
            size = town.house_size + 0.04 * size
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
    """Lines of the houses, in coordinates turned with the street about the middle of the frame (along, across).

    angle: how the streets lean; step: where houses are laid from, to both sides; gap: how far from it the first stands.
    """

    house_size: float  # of the smallest
    gap: float

    def __init__(self, angle: float, step: float) -> None:
        self.angle, self.step = angle, step
        self._cosine, self._sine = math.cos(angle), math.sin(angle)

    def in_frame(self, along: float, across: float) -> Place:
        return 0.5 + along * self._cosine - across * self._sine, 0.5 + along * self._sine + across * self._cosine

    def base_line(self, side: int) -> float:
        """Where the houses of a side (-1 left, 1 right) stand."""
        raise NotImplementedError

    def place_for(self, rng: np.random.Generator, radius: float) -> Place | None:
        """A place for a paper of that radius, or None where the draw was no good."""
        raise NotImplementedError

    def _inside(self, along: float, across: float, radius: float) -> Place | None:
        place = self.in_frame(along, across)
        return place if all(radius + EDGE < number < 1 - radius - EDGE for number in place) else None


class Street(Town):
    """One street; papers hang anywhere above or below its houses, each height as likely as any other. base: where the houses stand."""

    house_size = 0.14
    gap = 0.0

    def __init__(self, angle: float, step: float, base: float) -> None:
        super().__init__(angle, step)
        self.base = base

    def base_line(self, side: int) -> float:
        return self.base

    def place_for(self, rng: np.random.Generator, radius: float) -> Place | None:
        along, across = (rng.random(2) - 0.5).tolist()
        if self.base - self.house_size - 0.04 - radius - CLEARANCE < across < self.base + radius + CLEARANCE:
            return None
        return self._inside(along, across, radius)


class Terraces(Town):
    """Two half streets. base: where the high one stands; top: up to where the low one's roofs may reach; high: -1 or 1, the high side."""

    house_size = 0.16
    gap = 0.01

    def __init__(self, angle: float, step: float, base: float, top: float, high: int) -> None:
        super().__init__(angle, step)
        self.base, self.top, self.high = base, top, high

    def base_line(self, side: int) -> float:
        return self.base if side == self.high else self.top + 0.2

    def place_for(self, rng: np.random.Generator, radius: float) -> Place | None:
        """Between the heights of the two, away from the step; which side it is on does not enter."""
        along, across = rng.random(2).tolist()
        along -= 0.5
        low, high = self.base + CLEARANCE + radius, self.top - CLEARANCE - radius
        if abs(along - self.step) < STEP_CLEARANCE:
            return None
        return self._inside(along, low + across * (high - low), radius)


def hang_papers(
    rng: np.random.Generator, coins: np.random.Generator, town: Town, houses: list[Thing], table: Table, relation: float
) -> list[Thing]:
    """Discs, diamonds and puffs. Their looks and places are settled before their names."""
    papers = []
    for shape in RELATIONS:
        present, size, turn, *looks = rng.random(11).tolist()
        color, accent = rng.choice(len(PAPERS), 2, replace=False).tolist()
        by_rule, heads = coins.random(2).tolist()
        if present >= PAPER_RATE:
            continue
        size = 0.135 + 0.035 * size
        found = table.find((size * EXTENT[shape][0], size * EXTENT[shape][1]), lambda: town.place_for(rng, size / 2), shrinkable=False)  # noqa: B023
        if found is None:
            continue
        angle = (turn - 0.5) * (2 * math.pi if shape == "disc" else 0.7)
        ruled = by_rule < relation
        paper = Thing("", shape, *found[0], size, angle, PAPERS[color], PAPERS[accent], tuple(looks), ruled=ruled)
        name = named_by_rule(paper, houses) if ruled else RELATIONS[shape][int(heads < 0.5)]
        papers.append(Thing(name, shape, *found[0], size, angle, PAPERS[color], PAPERS[accent], tuple(looks), ruled=ruled))
    return papers
