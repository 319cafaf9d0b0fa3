"""Scenes of a data set by image id, to be changed and drawn again: objects move, go, and are called what the rules then call them.

An edit is JSON: ``{"do": "move", "thing": number, "by": [dx, dy]}`` in fractions of the frame, or ``{"do": "delete", "thing": number}``.
A thing keeps the number that it has in the scene as composed, whatever goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.datasets.base import MultiLabelDataset, Subset
from workbench.datasets.scenes import REFERENCE, Scene, Scenes, draw
from workbench.errors import WorkbenchError

SCENERY = "street"  # what nobody would take for an object
GRID = 128  # cells along a side on which objects are looked for


@dataclass(frozen=True)
class EditedScene:
    """A scene after some edits.

    Attributes:
        numbers: for each thing that is left, its number in the scene as composed.
    """

    scene: Scene
    numbers: tuple[int, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what is in it, those that follow from relations given anew."""
        return self.scene.labels

    def render(self, size: int) -> np.ndarray:
        """uint8 [size, size, 3]."""
        return self.scene.render(size)

    def things(self) -> list[dict[str, Any]]:
        """The objects of which something is visible, back to front: {"thing": number, "name": text, "box": [x0, y0, x1, y1]} in 0..1."""
        found = []
        for number, thing, mask in zip(self.numbers, self.scene.things, draw.shown(self.scene.things, GRID), strict=True):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            if thing.shape == SCENERY or not len(rows):
                continue
            edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            found.append({"thing": number, "name": thing.category or thing.shape, "box": [float(edge) / GRID for edge in edges]})
        return found

    def kinds(self) -> dict[str, tuple[int, ...]]:
        """What can be moved as one: by name the numbers of all things that are called so. The streets go with the houses."""
        found: dict[str, tuple[int, ...]] = {}
        for number, thing in zip(self.numbers, self.scene.things, strict=True):
            name = REFERENCE if thing.shape == SCENERY else thing.category or thing.shape
            found[name] = (*found.get(name, ()), number)
        return found


class SceneEditor:
    """``editor(image id, edits) -> EditedScene`` for the images of drawn scenes, or of a part of them.

    Raises: WorkbenchError where the data set is none of scenes.
    """

    def __init__(self, dataset: MultiLabelDataset) -> None:
        scenes = _scenes_of(dataset)
        if scenes is None:
            raise WorkbenchError(f"{dataset.name} is no data set of drawn scenes: its objects cannot be moved.")
        self._scenes = scenes
        self._places = {identifier: place for place, identifier in enumerate(scenes.ids)}

    @property
    def ids(self) -> tuple[str, ...]:
        """The images that it knows, as the data set orders them."""
        return tuple(self._places)

    @classmethod
    def from_origin(cls, origin: Mapping[str, Any]) -> SceneEditor:
        """From what `origin_of` wrote into an archive's provenance. Raises WorkbenchError if it does not say how to draw scenes."""
        try:
            settings = dict(origin["scenes"])
            return cls(Scenes(settings["split"], settings["count"], settings["size"], settings["seed"], **settings["knobs"], cache=False))
        except (KeyError, TypeError, ValueError) as error:
            raise WorkbenchError(f"The archive does not say how its scenes were drawn ({error!r}); give the data set itself.") from None

    def __call__(self, identifier: str, edits: Sequence[Mapping[str, Any]] = ()) -> EditedScene:
        """The scene of an image after `edits`. Raises WorkbenchError for an unknown image, or a thing that is not there."""
        if identifier not in self._places:
            raise WorkbenchError(f'{self._scenes.name} has no image "{identifier}"; give the data set that the archive was made from.')
        scene = self._scenes.scene(self._places[identifier])
        numbers = list(range(len(scene.things)))
        for edit in edits:
            if edit["thing"] not in numbers:
                raise WorkbenchError(f"Scene {identifier} has no thing {edit['thing']} (any more); undo the edit.")
            position = numbers.index(edit["thing"])
            if edit["do"] == "move":
                scene = scene.moved(position, *edit["by"])
            else:
                scene = scene.without(position)
                del numbers[position]
        return EditedScene(scene, tuple(numbers))


def origin_of(dataset: MultiLabelDataset) -> dict[str, Any]:
    """What an archive has to remember so that its scenes can be drawn again, as JSON: {"scenes": ...}, or {} for other data."""
    scenes = _scenes_of(dataset)
    if scenes is None:
        return {}
    settings = {"split": scenes.split, "count": len(scenes), "size": scenes.size, "seed": scenes.seed, "knobs": asdict(scenes.knobs)}
    return {"scenes": settings}


def _scenes_of(dataset: MultiLabelDataset) -> Scenes | None:
    while isinstance(dataset, Subset):
        dataset = dataset.source
    return dataset if isinstance(dataset, Scenes) else None
