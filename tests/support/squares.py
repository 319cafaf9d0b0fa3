"""A tiny data set for tests: a red, a green or a blue square on grey, with its mask; learned in seconds."""

from __future__ import annotations

import numpy as np

from workbench import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.regions import Region

COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 70, 220)}


class Squares(MultiLabelDataset):
    """`count` pictures of `size` pixels; each colour is there with probability 0.5, anywhere, later ones on top."""

    def __init__(self, count: int = 32, size: int = 32, seed: int = 0) -> None:
        self.name = f"squares-{seed}"
        self.categories = Categories(COLOURS)
        self.ids = [f"square {index}" for index in range(count)]
        rng = np.random.default_rng(seed)
        self.targets = (rng.random((count, 3)) < 0.5).astype(np.int8)
        self._corners = rng.integers(0, size * 3 // 4, (count, 3, 2))
        self._size = size

    def image(self, index: int) -> np.ndarray:
        picture = np.full((self._size, self._size, 3), 128, dtype=np.uint8)
        for label, mask in self._masks(index):
            picture[mask] = list(COLOURS.values())[label]
        return picture

    def regions(self, index: int) -> list[Region]:
        found = []
        for label, mask in self._masks(index):
            if mask.any():
                rows, columns = np.nonzero(mask)
                box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
                found.append(Region(self.categories[label], box, mask))
        return found

    def _masks(self, index: int) -> list[tuple[int, np.ndarray]]:
        """Visible parts: a later square hides what is under it."""
        side = self._size // 4
        masks: list[tuple[int, np.ndarray]] = []
        for label in np.flatnonzero(self.targets[index]):
            mask = np.zeros((self._size, self._size), dtype=bool)
            y, x = self._corners[index, label]
            mask[y : y + side, x : x + side] = True
            masks = [(earlier, old & ~mask) for earlier, old in masks]
            masks.append((int(label), mask))
        return masks
