"""From (seed, split, index, knobs) to a scene, and from nothing else: not the number of images, their order, or the process.

Each part of a scene has a stream of random numbers of its own, so that turning one knob leaves the rest as it was: scenes at relation = 0
are, pixel for pixel, those at relation = 1 with other names.
"""

from __future__ import annotations

import zlib

import numpy as np

from workbench.datasets.scenes.backdrop import draw_backdrop
from workbench.datasets.scenes.crowd import (
    TWICE,
    TWICE_RATE,
    animals_present,
    make_animal,
    make_member,
    members_present,
    place_crowd,
)
from workbench.datasets.scenes.placing import EXTENT, Table
from workbench.datasets.scenes.rules import ANIMALS, REFERENCE, Knobs, Thing
from workbench.datasets.scenes.scene import Scene
from workbench.datasets.scenes.town import TOWN_RATE, build_town, hang_papers

_TOWN, _PAPERS, _COINS, _MEMBERS, _ANIMALS, _PLACES, _GRAIN = range(7)


def compose(seed: int, split: str, index: int, knobs: Knobs) -> Scene:
    """The scene of image `index` of a split."""
    key = (seed, zlib.crc32(split.encode()), index)

    def stream(part: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence((*key, part))))

    rng = stream(_TOWN)
    backdrop = draw_backdrop(rng)
    table = Table(knobs.occlusion)
    things: list[Thing] = []
    if rng.random() < TOWN_RATE:
        things, town = build_town(rng, knobs.tilt, knobs.terraces)
        houses = [thing for thing in things if thing.shape == REFERENCE]
        for house in houses:
            table.lay(house.x, house.y, (house.size * EXTENT[REFERENCE][0], house.size * EXTENT[REFERENCE][1]))
        things += hang_papers(stream(_PAPERS), stream(_COINS), town, houses, table, knobs.relation)

    rng = stream(_MEMBERS)
    wanted = []
    for shape in members_present(rng, knobs.cooccurrence):
        wanted.append(make_member(rng, shape, knobs.scale_spread))
        if shape in TWICE and rng.random() < TWICE_RATE:
            wanted.append(make_member(rng, shape, knobs.scale_spread))
    rng = stream(_ANIMALS)
    animals = animals_present(rng)
    if not (things or wanted or animals):  # hardly any scene stays empty
        animals = [ANIMALS[int(rng.random() * len(ANIMALS))]]
    wanted += [make_animal(rng, shape, knobs.look_alike) for shape in animals]
    others = [thing for thing in things if thing.category]
    crowd = place_crowd(stream(_PLACES), wanted, others, table, knobs.occlusion)
    ponds = [thing for thing in crowd if thing.shape == "pond"]
    rest = [thing for thing in crowd if thing.shape != "pond"]
    return Scene(f"{split}-{index:06d}", tuple(ponds + things + rest), backdrop, (*key, _GRAIN), knobs.noise)
