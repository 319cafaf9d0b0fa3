"""Scenes that somebody edited, as a data set: the same picture with and without a thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.scenes.rules import CATEGORIES, REFERENCE
from workbench.datasets.scenes.scene import Scene
from workbench.errors import WorkbenchError
from workbench.regions import Region


class EditedScenes(MultiLabelDataset):
    """Scenes by id, drawn when asked for; labels are those that the rules give to what is there now.

    Args:
        scenes: what is in each picture, in the order of the data set. size: side of the images in pixels.

    Raises: WorkbenchError where there is none.
    """

    def __init__(self, scenes: Mapping[str, Scene], size: int = 64, name: str = "scenes-edited") -> None:
        if not scenes:
            raise WorkbenchError("There is no scene to draw; give at least one.")
        self.name, self.size, self.categories = name, size, CATEGORIES
        self.ids, self._scenes = list(scenes), list(scenes.values())
        self.targets = np.stack([scene.target for scene in self._scenes])

    def image(self, index: int) -> np.ndarray:
        return self._scenes[index].render(self.size)

    def regions(self, index: int) -> list[Region]:
        return self._scenes[index].regions(self.size)

    def picture(self, index: int) -> np.ndarray:
        """The same scene drawn four times finer, at most 512 pixels a side."""
        return self._scenes[index].render(max(self.size, min(4 * self.size, 512)))

    def _stack(self, indices: Sequence[int], size: int | tuple[int, int]) -> np.ndarray:
        if isinstance(size, tuple):
            return super()._stack(indices, size)
        return np.stack([self._scenes[index].render(size) for index in indices])


def without_label(scene: Scene, label: str) -> Scene:
    """The scene without all things of a label; what they covered comes to light, nothing else moves.

    Raises: WorkbenchError where there is none, and for houses, which other labels hang on.
    """
    if label == REFERENCE:
        raise WorkbenchError(f'Without its "{REFERENCE}" a scene has other labels too; take something else away.')
    places = [place for place, thing in enumerate(scene.things) if thing.category == label]
    if not places:
        raise WorkbenchError(f'There is no "{label}" in scene {scene.id}; it holds {", ".join(scene.labels) or "nothing with a label"}.')
    for place in reversed(places):
        scene = scene.without(place)
    return scene
