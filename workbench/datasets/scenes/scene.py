"""A scene as data: what is where, to be drawn at any size, edited and drawn again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from workbench.datasets.scenes import draw
from workbench.datasets.scenes.backdrop import Backdrop
from workbench.datasets.scenes.rules import CATEGORIES, Thing, named_by_rule
from workbench.errors import WorkbenchError
from workbench.regions import Region

GRAIN_CELLS = 64  # the paper grain is drawn once on this grid, so that an enlarged scene shows the same grain
GRAIN_STRENGTH = 42.0  # standard deviation at noise = 1, in grey levels


@dataclass(frozen=True)
class Scene:
    """What is in one image. Immutable: `moved` and `without` return another scene with everything else as it was.

    Attributes:
        id: "train-000012".
        things: objects and scenery in painter's order, later ones over earlier ones.
        backdrop: the paper behind.
        grain: key of the paper grain; noise: its strength from 0 to 1.
    """

    id: str
    things: tuple[Thing, ...]
    backdrop: Backdrop
    grain: tuple[int, ...]
    noise: float

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the categories in the scene, in column order."""
        present = {thing.category for thing in self.things}
        return tuple(name for name in CATEGORIES if name in present)

    @property
    def target(self) -> np.ndarray:
        """int8 [C]: 1 present, 0 absent."""
        present = {thing.category for thing in self.things}
        return np.array([name in present for name in CATEGORIES], dtype=np.int8)

    def moved(self, position: int, dx: float, dy: float) -> Scene:
        """The scene with one thing moved by a fraction of the frame; labels that follow the rule are given anew.

        Raises: WorkbenchError if there is no thing at `position`.
        """
        thing = self._thing(position)
        things = list(self.things)
        things[position] = replace(thing, x=thing.x + dx, y=thing.y + dy)
        return self._renamed(things)

    def without(self, position: int) -> Scene:
        """The scene without one thing; labels that follow the rule are given anew. Raises WorkbenchError if it is not there."""
        self._thing(position)
        return self._renamed([*self.things[:position], *self.things[position + 1 :]])

    def render(self, size: int) -> np.ndarray:
        """uint8 [size, size, 3]. Any size shows the same scene."""
        pixels = draw.paint(self.things, self.backdrop, size)
        if self.noise == 0:
            return pixels
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.grain)))
        grain = rng.standard_normal((GRAIN_CELLS, GRAIN_CELLS), dtype=np.float32) * (self.noise * GRAIN_STRENGTH)
        if size != GRAIN_CELLS:
            grain = np.asarray(Image.fromarray(grain).resize((size, size), Image.Resampling.BILINEAR))
        return np.clip(pixels + np.rint(grain)[:, :, None], 0, 255).astype(np.uint8)

    def regions(self, size: int) -> list[Region]:
        """The labelled things with what is visible of each: mask bool [size, size] and its tight box. One that is hidden has no region."""
        masks = draw.shown(self.things, size)
        regions = []
        for thing, mask in zip(self.things, masks, strict=True):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            if thing.category and len(rows):
                box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
                regions.append(Region(thing.category, box, np.ascontiguousarray(mask)))
        return regions

    def _thing(self, position: int) -> Thing:
        if not 0 <= position < len(self.things):
            raise WorkbenchError(f"Scene {self.id} has things 0 to {len(self.things) - 1}, not {position}.")
        return self.things[position]

    def _renamed(self, things: list[Thing]) -> Scene:
        named = [replace(thing, category=named_by_rule(thing, things)) if thing.ruled else thing for thing in things]
        return replace(self, things=tuple(named))
