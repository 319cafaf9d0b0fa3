"""What can be moved in a drawn scene, models as functions of pictures, and the numbers of one movement. Shapes: O places, C labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.widgets.payload import pack
from workbench.widgets.style import STYLE

MOST = len(STYLE["models"])


class Movable(Protocol):
    """A scene as it is after some edits, see `workbench.datasets.scene_editor.EditedScene`."""

    @property
    def labels(self) -> Sequence[str]: ...

    def render(self, size: int) -> np.ndarray: ...

    def things(self) -> list[dict[str, Any]]: ...

    def kinds(self) -> Mapping[str, Sequence[int]]: ...


Compose = Callable[[str, Sequence[Mapping[str, Any]]], Movable]


@dataclass(frozen=True)
class Sweep:
    """One object at every place of a line.

    Attributes:
        places: float [O], of its middle along the axis, 0 to 1; start: which of them it had; box: its corners there, 0 to 1.
        logits: float32 [models, O, C]; targets: int8 [O, C], what is true with the object there.
        pictures: JPEGs, one a place.
    """

    places: np.ndarray
    start: int
    box: tuple[float, float, float, float]
    logits: np.ndarray
    targets: np.ndarray
    pictures: tuple[bytes, ...]

    def probabilities(self, model: int = 0) -> np.ndarray:
        """float64 [O, C]."""
        return 1 / (1 + np.exp(-self.logits[model].astype(np.float64)))


@dataclass(frozen=True)
class Judge:
    """A model as a function of pictures, its columns in the common order."""

    name: str
    predict: Callable[[np.ndarray], Any]
    categories: Categories
    columns: np.ndarray
    size: int
    scenes: Compose | None

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        answer = self.predict(pixels)
        logits = np.asarray(answer[0] if isinstance(answer, tuple) else answer, dtype=np.float32)
        if logits.shape != (len(pixels), len(self.columns)):
            shapes = f"{list(logits.shape)} for {len(pixels)} pictures, not [{len(pixels)}, {len(self.columns)}]"
            raise WorkbenchError(f"{self.name} gave logits {shapes}; predict takes uint8 [B, H, W, 3] and gives a logit for each label.")
        return logits[:, self.columns]


def judges(predict: Any, categories: Categories | Sequence[str] | None, size: int | None) -> dict[str, Judge]:
    """One function, or several by name, with a common order of columns: that of the first. Raises WorkbenchError if they do not fit."""
    named: dict[str, Any] = dict(predict) if isinstance(predict, Mapping) else {"the model": predict}
    if not 1 <= len(named) <= MOST or not all(callable(each) for each in named.values()):
        raise WorkbenchError(f"predict is a function of pictures, or a dict of one to {MOST} of them by name; see workbench.predictor.")
    found: dict[str, Judge] = {}
    common: Categories | None = None
    for name, function in named.items():
        own = categories if categories is not None else getattr(function, "categories", None)
        side = size or getattr(function, "size", None)
        if own is None or side is None:
            raise WorkbenchError(f"{name} says neither which labels it scores nor how large its pictures are; give categories= and size=.")
        own = own if isinstance(own, Categories) else Categories(own)
        common = common or own
        common.require_same_names(own, name)
        found[str(name)] = Judge(str(name), function, own, common.columns_of(own), int(side), getattr(function, "scenes", None))
    return found


def movable(scene: Movable) -> list[dict[str, Any]]:
    """What can be moved in a scene, front to back: {"title", "name", "things" (numbers), "box"}; first all things of one name together.

    Of several things of one name each has a number; houses and their streets move together as "every house".
    """
    things, kinds = scene.things()[::-1], scene.kinds()
    names = [each["name"] for each in things]
    singles, together = [], []
    for name in dict.fromkeys(names):
        here = [each for each in things if each["name"] == name]
        for number, each in enumerate(here, start=1):
            title = name if len(here) == 1 else f"{name} {number}"
            singles.append({"title": title, "name": name, "things": [each["thing"]], "box": list(each["box"])})
        if len(kinds.get(name, ())) > 1:
            corners = np.array([each["box"] for each in here])
            box = [*corners[:, :2].min(0).tolist(), *corners[:, 2:].max(0).tolist()]
            together.append({"title": f"every {name}", "name": name, "things": list(kinds[name]), "box": box})
    return together + singles


def sweep_packet(sweep: Sweep, view: Mapping[str, Any]) -> dict[str, Any]:
    """A sweep for the browser, as one packet that names what was moved."""
    arrays = {"places": sweep.places.astype(np.float32), "logits": sweep.logits, "targets": sweep.targets}
    arrays |= {f"picture.{place}": np.frombuffer(picture, dtype=np.uint8) for place, picture in enumerate(sweep.pictures)}
    named = {key: view[key] for key in ("image", "thing", "axis")}
    return {**named, "start": sweep.start, "box": list(sweep.box), **pack(arrays)}
