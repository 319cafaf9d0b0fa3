"""Scenes as a data set: drawn when asked for, kept in memory, and on disk for the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.scenes import cache as disk
from workbench.datasets.scenes.compose import compose
from workbench.datasets.scenes.rules import CATEGORIES, Knobs
from workbench.datasets.scenes.scene import Scene
from workbench.errors import WorkbenchError, did_you_mean
from workbench.regions import Region

SPLITS = {"train": 4000, "val": 1000, "test": 1000}  # number of images unless given
WORTH_STORING = 500  # images; fewer are drawn again faster than anyone notices


class Scenes(MultiLabelDataset):
    """Drawn, labelled, masked images whose rules are known; see `Knobs` for what each knob does.

    Image i of a split depends on (seed, split, i, knobs) alone, so a smaller `count` gives the first images of a larger one.

    Args:
        split: "train", "val" or "test"; no image is in two of them.
        count: number of images, or one for each split ({"train": 1000, "val": 500}); `SPLITS` unless given.
        size: side of the images in pixels, 16 to 1024.
        seed: which world, 0 or more.
        relation, cooccurrence, scale_spread, look_alike, noise, tilt, terraces, occlusion: 0 to 1.
        cache: folder for drawn pixels; None is the user's cache folder, False none.

    Raises:
        WorkbenchError: an unknown split, or a number out of range.
    """

    def __init__(
        self,
        split: str = "train",
        count: int | Mapping[str, int] | None = None,
        size: int = 64,
        seed: int = 0,
        relation: float = Knobs.relation,
        cooccurrence: float = Knobs.cooccurrence,
        scale_spread: float = Knobs.scale_spread,
        look_alike: float = Knobs.look_alike,
        noise: float = Knobs.noise,
        tilt: float = Knobs.tilt,
        terraces: float = Knobs.terraces,
        occlusion: float = Knobs.occlusion,
        cache: str | Path | bool | None = None,
    ) -> None:
        if split not in SPLITS:
            raise WorkbenchError(f'Scenes have no split "{split}".{did_you_mean(str(split), SPLITS)}')
        if isinstance(count, Mapping):
            for name in count:
                if name not in SPLITS:
                    raise WorkbenchError(f'Scenes have no split "{name}" to count.{did_you_mean(str(name), SPLITS)}')
            count = count.get(split)
        self.split = split
        self.size = _whole("size", size, 16, 1024)
        self.seed = _whole("seed", seed, 0, 2**63)
        self.knobs = Knobs(relation, cooccurrence, scale_spread, look_alike, noise, tilt, terraces, occlusion)
        self.name = f"scenes-{split}"
        self.categories = CATEGORIES
        number = _whole("count", SPLITS[split] if count is None else count, 1, 1_000_000)
        self.ids = [f"{split}-{index:06d}" for index in range(number)]
        self._file = self._cache_file(cache)
        stored = disk.read(self._file, number, self.size, len(CATEGORIES)) if self._file else None
        if stored is None:
            self.targets = np.stack([self.scene(index).target for index in range(number)])
        else:
            pixels, self.targets = stored
            pixels.flags.writeable = False
            self._pixel_cache[self.size] = pixels

    def scene(self, index: int) -> Scene:
        """What is in image `index`, as data that can be edited and drawn again."""
        if not 0 <= index < len(self):
            raise WorkbenchError(f"Image {index} was asked of {self.name}, which has images 0 to {len(self) - 1}.")
        return compose(self.seed, self.split, int(index), self.knobs)

    @property
    def parameters(self) -> dict[str, Any]:
        return {"seed": self.seed, "split": self.split, "size": self.size, **asdict(self.knobs)}

    def image(self, index: int) -> np.ndarray:
        drawn = self._pixel_cache.get(self.size)
        return self.scene(index).render(self.size) if drawn is None else drawn[index].copy()

    def regions(self, index: int) -> list[Region]:
        return self.scene(index).regions(self.size)

    def picture(self, index: int) -> np.ndarray:
        """The same scene drawn four times finer, at most 512 pixels a side."""
        return self.scene(index).render(max(self.size, min(4 * self.size, 512)))

    def pixels(self, size: int | tuple[int, int]) -> np.ndarray:
        if isinstance(size, tuple) and size[0] == size[1]:
            size = size[0]
        known = size in self._pixel_cache
        pixels = super().pixels(size)
        if not known and size == self.size and self._file and len(self) >= WORTH_STORING:
            disk.write(self._file, pixels, self.targets)
        return pixels

    def _cache_file(self, cache: str | Path | bool | None) -> Path | None:
        if cache is False:
            return None
        folder = disk.default_folder() if cache is None or cache is True else Path(cache)
        key = disk.fingerprint(self.seed, self.split, len(self), self.size, asdict(self.knobs))
        return folder / f"{self.name}-{len(self)}-{self.size}px-{key}.npz"

    def _stack(self, indices: Sequence[int], size: int | tuple[int, int]) -> np.ndarray:
        if size != self.size or size in self._pixel_cache:
            return super()._stack(indices, size)
        return np.stack([self.scene(index).render(self.size) for index in indices])


def _whole(what: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise WorkbenchError(f"The {what} of scenes is {value!r}; give a whole number from {low} to {high}.")
    return int(value)
