"""The one shape every data set has here: images, int8 targets over named categories, and regions where they are known."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.errors import DataWarning, WorkbenchError
from workbench.pictures import squash
from workbench.regions import Region

MOST_WARNINGS = 5


class MultiLabelDataset(ABC):
    """Images with any number of labels each.

    Attributes:
        name: what it is, as in reports ("scenes-train", "voc2007-study_val").
        categories: names of the columns of `targets`, with groups where the source has them.
        ids: one unique text for each image.
        targets: int8 [N, C]: 1 present, 0 absent, -1 unknown or difficult.
        notes: what looked odd when it was opened, a sentence each, quoting where; `workbench data check` prints all of them.
    """

    name: str
    categories: Categories
    ids: list[str]
    targets: np.ndarray
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @abstractmethod
    def image(self, index: int) -> np.ndarray:
        """uint8 [H, W, 3], RGB, upright, in source pixels. Raises WorkbenchError naming the file if it cannot be read."""

    def regions(self, index: int) -> list[Region]:
        """Objects with boxes and masks in the pixels of `image(index)`; empty where the source has none."""
        return []

    def file(self, index: int) -> Path | None:
        """The file that the image is in, by which it is known again; None where it is drawn or only in memory."""
        return None

    @property
    def parameters(self) -> dict[str, Any]:
        """What drawn images are drawn from, as JSON; empty for others."""
        return {}

    def picture(self, index: int) -> np.ndarray:
        """uint8 [H', W', 3]: the same frame for display, finer than `image` where the source can draw it finer."""
        return self.image(index)

    def pixels(self, size: int | tuple[int, int]) -> np.ndarray:
        """uint8 [N, H, W, 3]: every image squashed to a square of side `size`, or to (height, width), kept in memory for the next call.

        The result is shared between callers and therefore read-only.
        """
        if isinstance(size, tuple) and size[0] == size[1]:
            size = size[0]
        cache = self._pixel_cache
        if size not in cache:
            stacked = self._stack(range(len(self)), size)
            stacked.flags.writeable = False
            cache[size] = stacked
        return cache[size]

    def subset(self, indices: Iterable[int]) -> MultiLabelDataset:
        """The images at `indices`, in that order, as a data set of their own. Raises WorkbenchError for an index out of range."""
        return Subset(self, indices)

    def _say(self, notes: Sequence[str], quiet: Sequence[str] = ()) -> None:
        """Keep both, and warn of `notes`, of the first ones if there are many. `quiet` tells what was read as it was surely meant."""
        self.notes = [*notes, *quiet]
        for note in notes[:MOST_WARNINGS]:
            warnings.warn(f"{self.name}: {note}", DataWarning, stacklevel=4)
        if len(notes) > MOST_WARNINGS:
            more = len(notes) - MOST_WARNINGS
            warnings.warn(f"{self.name}: {more} more remarks; see `workbench data check`, or .notes.", DataWarning, stacklevel=4)

    @property
    def _pixel_cache(self) -> dict[int | tuple[int, int], np.ndarray]:
        return self.__dict__.setdefault("_pixels_by_size", {})

    def _stack(self, indices: Sequence[int], size: int | tuple[int, int]) -> np.ndarray:
        """uint8 [len(indices), H, W, 3], drawn or read anew."""
        stacked = np.empty((len(indices), *((size, size) if isinstance(size, int) else size), 3), dtype=np.uint8)
        for row, index in enumerate(indices):
            stacked[row] = squash(self.image(index), size)
        return stacked

    def __repr__(self) -> str:
        return f"{self.name}: {len(self)} images, {len(self.categories)} categories"


class Subset(MultiLabelDataset):
    """Some images of another data set, read through it."""

    def __init__(self, source: MultiLabelDataset, indices: Iterable[int], name: str | None = None) -> None:
        self.source = source
        self.indices = [int(index) for index in indices]
        for index in self.indices:
            if not 0 <= index < len(source):
                raise WorkbenchError(f"Image {index} was asked of {source.name}, which has images 0 to {len(source) - 1}.")
        if len(set(self.indices)) < len(self.indices):
            raise WorkbenchError(f"The subset of {source.name} names an image twice; list each index once.")
        self.name = name or f"{source.name}-{len(self.indices)}"
        self.categories = source.categories
        self.ids = [source.ids[index] for index in self.indices]
        self.targets = source.targets[self.indices]

    def image(self, index: int) -> np.ndarray:
        return self.source.image(self.indices[index])

    def regions(self, index: int) -> list[Region]:
        return self.source.regions(self.indices[index])

    def file(self, index: int) -> Path | None:
        return self.source.file(self.indices[index])

    @property
    def parameters(self) -> dict[str, Any]:
        return self.source.parameters

    def picture(self, index: int) -> np.ndarray:
        return self.source.picture(self.indices[index])

    def _stack(self, indices: Sequence[int], size: int | tuple[int, int]) -> np.ndarray:
        chosen = [self.indices[index] for index in indices]
        whole = self.source._pixel_cache.get(size)
        return self.source._stack(chosen, size) if whole is None else whole[chosen]
