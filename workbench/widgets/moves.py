"""MoveLab: an experiment. One object of a drawn scene moves, everything else stays, and the scores of all labels are watched.

If a model has learned that a label follows from where something else is, moving that something must move the label's score, and where it
crosses over must be where the truth does. The kernel draws the scene with the object at every place of a line and asks the models once;
the browser then needs nothing more to go along it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.widgets.asked import Question
from workbench.widgets.explorer import Explorer, Snapshot
from workbench.widgets.moving import Compose, Sweep, judges, movable, sweep_packet

PLACES = np.linspace(0.05, 0.95, 19)  # of the object's middle, in the frame
NEAR = 0.02  # a place nearer than this to where the object was is left out
SIDE, QUALITY = 192, 84  # of the pictures that are looked at
IMAGES = 24
SEARCHED = 12  # images among which one is chosen that has something to show
KEPT = 200
AXES = {"across": 0, "down": 1}
SCALES = ("probability", "logit")


class MoveLab(Explorer, kind="moves"):
    """The score of any label against the place of any object, for one model or for up to four side by side.

    Args:
        predict: a model as a function, uint8 [B, H, W, 3] -> logits [B, C] or (logits, maps), as `workbench.predictor` makes one; or a dict
            of such functions by the names to show.
        images: ids of scenes; by default the first that `scenes` knows.
        scenes: composes a scene anew, (image id, edits) -> scene; by default ``predict.scenes``.
        categories, size: names of the columns and side of the pictures; by default ``predict.categories`` and ``predict.size``.
        view: entries of `view_state`: image, thing (as listed, "house 2" or "every house"), label, axis ("down", "across"), place (its
            number in the sweep; None where the object was), scale ("probability", "logit"). By default one where the truth changes.

    Attributes:
        view_state, image, label, status: see `Explorer`.

    Raises:
        WorkbenchError: no scenes to draw, functions that do not fit together, or a view that cannot be.
    """

    def __init__(
        self,
        predict: Any,
        images: Sequence[str] | None = None,
        *,
        scenes: Compose | None = None,
        categories: Categories | Sequence[str] | None = None,
        size: int | None = None,
        **view: Any,
    ) -> None:
        self._judges = judges(predict, categories, size)
        self._compose = scenes or next((each.scenes for each in self._judges.values() if each.scenes is not None), None)
        if self._compose is None:
            raise WorkbenchError("There are no scenes whose objects could be moved; give scenes=, or a predictor of drawn scenes.")
        self._categories = next(iter(self._judges.values())).categories
        known = images if images is not None else getattr(self._compose, "ids", ())[:IMAGES]
        self._objects = {str(image): movable(self._compose(str(image), [])) for image in known}
        self._objects = {image: objects for image, objects in self._objects.items() if objects}
        if not self._objects:
            raise WorkbenchError("None of the images has an object that can be moved; name others in images=.")
        self._sweeps: dict[tuple[str, str, str], Sweep] = {}
        first = next(iter(self._objects))
        self._view = {
            "image": first, "thing": self._objects[first][0]["title"], "label": self._categories[0], "axis": "down", "place": None,
            "scale": "probability",
        }  # fmt: skip
        if not {"image", "thing"} & set(view):
            self._view |= self._something_to_show(view.get("axis", "down"))
        if "label" in view:
            self._categories.index(view["label"])
        self._view = self._checked(view)
        super().__init__()

    def _opening(self) -> dict[str, Any]:
        return {"description": self.describe(), "sweep": self._sweep_packet(self._view)}

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(self._judges)

    @property
    def categories(self) -> Categories:
        """Names of the columns of a sweep."""
        return self._categories

    @property
    def objects(self) -> list[str]:
        """What can be moved in the image in view."""
        return [each["title"] for each in self._objects[self._view["image"]]]

    def sweep(self, image: str | None = None, thing: str | None = None, axis: str | None = None) -> Sweep:
        """The numbers of one experiment; by default of the one in view. Raises WorkbenchError for an unknown image, object or axis."""
        given = {"image": image, "thing": thing, "axis": axis, "place": None}
        view = self._checked({key: value for key, value in given.items() if value is not None or key == "place"})
        key = (view["image"], view["thing"], view["axis"])
        if key not in self._sweeps:
            while len(self._sweeps) >= KEPT:
                del self._sweeps[next(iter(self._sweeps))]
            self._sweeps[key] = self._measured(*key)
        return self._sweeps[key]

    def describe(self, images: Sequence[str] | None = None) -> dict[str, Any]:
        """Names for the browser, as JSON; of some of the images."""
        chosen = list(images if images is not None else self._objects)
        return {
            "ids": chosen,
            "categories": list(self._categories),
            "models": list(self._judges),
            "objects": [[{"title": each["title"], "box": each["box"]} for each in self._objects[image]] for image in chosen],
        }

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        from workbench.widgets.moves_still import describe_moves, moves_html

        return Snapshot(moves_html(self), describe_moves(self), self._names())

    def export_html(self, path: str | Path, images: Sequence[str] | None = None, cap_mb: float = 20) -> Path:
        """Write the lab as one page that works from disk without a network, with every object of some images moved both ways.

        Args:
            images: by default all, the one in view first, as far as `cap_mb` goes; the page says where it was cut.
            cap_mb: largest size of the page in megabytes.

        Raises: WorkbenchError for an unknown image, or if not even one fits under the cap.
        """
        from workbench.widgets.moves_export import export_moves

        return export_moves(self, path, images, cap_mb)

    def __repr__(self) -> str:
        from workbench.widgets.moves_still import describe_moves

        return f"MoveLab: {describe_moves(self)}"

    def _measured(self, image: str, title: str, axis: str) -> Sweep:
        moved = next(each for each in self._objects[image] if each["title"] == title)
        middle = _middle(moved, axis)
        places = np.sort(np.append(PLACES[np.abs(PLACES - middle) > NEAR], middle))
        scenes = [self._moved(image, moved, axis, float(place)) for place in places]
        drawn = {size: np.stack([scene.render(size) for scene in scenes]) for size in {judge.size for judge in self._judges.values()}}
        logits = np.stack([judge(drawn[judge.size]) for judge in self._judges.values()])
        targets = np.array([[name in set(scene.labels) for name in self._categories] for scene in scenes], dtype=np.int8)
        pictures = tuple(_jpeg(scene.render(SIDE)) for scene in scenes)
        return Sweep(places, int(np.argmin(np.abs(places - middle))), tuple(moved["box"]), logits, targets, pictures)

    def _something_to_show(self, axis: str) -> dict[str, Any]:
        """The first image, object and label where moving the object changes whether another label is true; else its own; else the first."""
        otherwise: dict[str, Any] = {}
        for image, objects in list(self._objects.items())[:SEARCHED]:
            before = set(self._moved(image, objects[0], axis, _middle(objects[0], axis)).labels)
            for moved in objects:
                for place in PLACES[[2, -3]]:
                    lost = before - set(self._moved(image, moved, axis, float(place)).labels)
                    names = sorted(lost, key=lambda name: (name == moved["name"], self._categories.index(name)))
                    shown = {"image": image, "thing": moved["title"], "label": names[0]} if names else {}
                    if names and names[0] != moved["name"]:
                        return shown
                    otherwise = otherwise or shown
        return otherwise

    def _moved(self, image: str, moved: Mapping[str, Any], axis: str, place: float) -> Any:
        """The scene with the middle of an object at a place of the axis."""
        assert self._compose is not None
        by = [0.0, 0.0]
        by[AXES[axis]] = place - _middle(moved, axis)
        return self._compose(image, [{"do": "move", "thing": number, "by": by} for number in moved["things"]])

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        result = {**self._view, **changes}
        for key in changes:
            if key not in self._view:
                raise WorkbenchError(f'A view has no "{key}".{did_you_mean(key, self._view)}')
        if isinstance(result["image"], int) and 0 <= result["image"] < len(self._objects):
            result["image"] = list(self._objects)[result["image"]]
        if result["image"] not in self._objects:
            near = did_you_mean(str(result["image"]), self._objects)
            raise WorkbenchError(f'There is no scene "{result["image"]}" with an object that can be moved here.{near}')
        titles = [each["title"] for each in self._objects[result["image"]]]
        if result["thing"] not in titles:
            if "thing" in changes:
                raise WorkbenchError(f'Scene {result["image"]} has no "{result["thing"]}"; it has {", ".join(titles)}.')
            result["thing"] = titles[0]
        self._categories.index(result["label"])
        for key, known in (("axis", tuple(AXES)), ("scale", SCALES)):
            if result[key] not in known:
                raise WorkbenchError(f'"{key}" cannot be {result[key]!r}; use one of {", ".join(known)}.')
        if "place" not in changes and any(result[key] != self._view[key] for key in ("image", "thing", "axis")):
            result["place"] = None
        place = result["place"]
        if place is not None and (isinstance(place, bool) or not isinstance(place, int) or not 0 <= place <= len(PLACES)):
            raise WorkbenchError(f'"place" is the number of a place, 0 to {len(PLACES)}, or None where the object was, not {place!r}.')
        return result

    def _packet(self, question: Question) -> dict[str, Any] | None:
        if question["ask"] != "sweep":
            return None
        return self._sweep_packet({key: question.text(key) for key in ("image", "thing", "axis")})

    def _sweep_packet(self, view: Mapping[str, Any]) -> dict[str, Any]:
        return sweep_packet(self.sweep(view["image"], view["thing"], view["axis"]), view)


def _middle(moved: Mapping[str, Any], axis: str) -> float:
    return (moved["box"][AXES[axis]] + moved["box"][AXES[axis] + 2]) / 2


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
