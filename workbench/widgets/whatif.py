"""The counterfactual bench: what the models in view say of a picture that was edited. It asks functions and knows no framework.

The browser keeps the edits and sends all of them with each question; here nothing is remembered but pictures, so that to undo is to ask
with one edit less.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection.scaling import ScaledMaps, scaled
from workbench.pictures import open_rgb
from workbench.widgets.asked import Question
from workbench.widgets.edits import Edit, checked_list, covered, split
from workbench.widgets.matching import Matched, Member
from workbench.widgets.payload import map_arrays, pack, packed_regions

Predict = Callable[[np.ndarray], tuple[np.ndarray, Mapping[str, np.ndarray]]]
"""uint8 [B, H, W, 3] -> logits [B, C] and raw maps {kind: [B, C, h, w]}, those of the archive's kinds that it has.

Its ``categories``, if any, name the columns; else they are the archive's."""

KEPT = 8  # uploads, and pictures to be covered
QUALITY = 92  # of the JPEG that is shown
SAME = 10.0  # grey levels on 16 x 16 cells, up to which a scene drawn anew is the stored picture


class DrawnScene(Protocol):
    """A scene as it is after some edits.

    ``labels`` are the names of what is in it, ``things`` its objects from back to front: {"thing": number, "name": text, "box": box}.
    """

    labels: Sequence[str]

    def render(self, size: int) -> np.ndarray: ...

    def things(self) -> list[dict[str, Any]]: ...


Compose = Callable[[str, Sequence[Edit]], DrawnScene]
"""(image id, edits that move or delete things) -> the scene; raises WorkbenchError for an image that it does not know."""


@dataclass(frozen=True)
class _Base:
    """A picture before it is covered.

    Attributes:
        key: names it among others. shown: uint8 [H, W, 3] to be looked at; seen: by (height, width), what models get.
        scene: as drawn, or None; own: whether the user brought it.
    """

    key: str
    shown: np.ndarray
    seen: dict[tuple[int, int], np.ndarray]
    scene: DrawnScene | None = None
    own: bool = False

    def sized(self, frame: tuple[int, int]) -> np.ndarray:
        if frame not in self.seen:
            if self.scene is not None and frame[0] == frame[1]:
                self.seen[frame] = self.scene.render(frame[0])
            else:
                picture = Image.fromarray(self.shown).resize((frame[1], frame[0]), Image.Resampling.BILINEAR)
                self.seen[frame] = np.asarray(picture)
        return self.seen[frame]


class Bench:
    """Edited pictures for the models in view.

    Args:
        predict: one function for one model; for several a list in their order, or a dict by their names.
        compose: draws scenes anew; by default the ``scenes`` of a function in `predict`, where it has any.

    Raises: WorkbenchError where a model in view has no function, or its function other labels.
    """

    def __init__(self, matched: Matched, predict: Any, compose: Compose | None = None) -> None:
        self._matched = matched
        self._predictors = _by_member(matched, predict)
        self._columns = [_columns(matched, member, each) for member, each in zip(matched.members, self._predictors, strict=True)]
        found = (getattr(each, "scenes", None) for each in self._predictors)
        self._compose = compose or next((scenes for scenes in found if scenes is not None), None)
        self._uploads: dict[str, np.ndarray] = {}
        self._bases: dict[str, _Base] = {}
        self._before: dict[tuple[int, str], np.ndarray] = {}
        self._composes: dict[int, bool] = {}

    def describe(self) -> dict[str, Any]:
        """What the browser needs to know, as JSON."""
        return {"scenes": self._compose is not None}

    def upload(self, question: Question) -> dict[str, Any]:
        """Keep a picture that the user brought; the last few are kept."""
        try:
            data = base64.b64decode(question["data"], validate=True)
        except (ValueError, TypeError, binascii.Error) as error:
            raise WorkbenchError(f"The picture did not arrive whole ({error}); bring it again.") from None
        self._uploads[question.text("key")] = open_rgb(data, "The picture")
        _drop_first(self._uploads)
        return {"key": question["key"], **pack({})}

    def packet(self, question: Question) -> dict[str, Any]:
        """The edited picture, its maps, and the logits of every model before and after, as one packet laid out as an image's."""
        image = self._matched.position(question.number("image"))
        edits = checked_list(question["edits"])
        own, changes, covers = split(edits)
        if own and changes:
            raise WorkbenchError("A picture of your own has no objects that can be moved; undo that, or reset.")
        base = self._base(image, own, changes)
        first = base if not changes else self._base(image, None, [])
        arrays = {"picture": np.frombuffer(_jpeg(covered(base.shown, covers)), dtype=np.uint8)}
        for place, member in enumerate(self._matched.members):
            frame = member.inspection.frame
            logits, maps = self._ask(place, covered(base.sized(frame), covers))
            if (place, first.key) not in self._before:
                plain = covers or base is not first
                self._before[place, first.key] = self._ask(place, first.sized(frame))[0] if plain else logits
                _drop_first(self._before, 64)
            arrays[f"logits.{place}"] = logits
            arrays[f"before.{place}"] = self._before[place, first.key]
            for kind, found in maps.items():
                given = np.flatnonzero(~np.isnan(found.halves).all(axis=(1, 2)))  # of the other labels none was made
                arrays |= map_arrays(f"{place}.{kind}", given, found.halves[given], found.scales[given])
        regions: list[dict[str, Any]] = []
        things = None
        if base.scene is not None:
            names = self._matched.categories.names
            arrays["targets"] = np.array([name in set(base.scene.labels) for name in names], dtype=np.int8)
            things = base.scene.things()
        if changes and things is not None:
            known = {name: label for label, name in enumerate(self._matched.categories.names)}
            regions = [{"label": known[each["name"]], "box": each["box"], "flags": 0} for each in things if each["name"] in known]
        elif not own:
            regions = packed_regions(self._matched, image, arrays)
        return {"image": image, "serial": question.get("serial"), "regions": regions, "things": things, **pack(arrays)}

    def _base(self, image: int, own: Edit | None, changes: list[Edit]) -> _Base:
        """The picture below the covers."""
        key = json.dumps([own["key"]] if own else [image, changes])
        if key not in self._bases:
            self._bases[key] = self._uploaded(key, own) if own else self._stored(key, image, changes)
            _drop_first(self._bases)
        return self._bases[key]

    def _uploaded(self, key: str, own: Edit) -> _Base:
        if own["key"] not in self._uploads:
            raise WorkbenchError(f'The picture "{own["name"]}" is not in this session; bring it again, or reset.')
        return _Base(key, self._uploads[own["key"]], {}, own=True)

    def _stored(self, key: str, image: int, changes: list[Edit]) -> _Base:
        shown = np.asarray(self._matched.first.photo(image))
        scene = self._scene(image, changes, shown)
        if scene is not None:
            return _Base(key, scene.render(max(shown.shape[:2])), {}, scene)
        if changes:
            raise WorkbenchError(f"The scene of image {self._matched.ids[image]} cannot be drawn again: its objects cannot be moved.")
        return _Base(key, shown, {})

    def _scene(self, image: int, changes: list[Edit], shown: np.ndarray) -> DrawnScene | None:
        """The scene, if it can be drawn again and then is what is stored."""
        if self._compose is None or shown.shape[0] != shown.shape[1]:
            return None
        identifier = self._matched.ids[image]
        if image not in self._composes:
            try:
                drawn = self._compose(identifier, []).render(shown.shape[0])
            except WorkbenchError:
                self._composes[image] = False
            else:
                self._composes[image] = float(np.abs(_cells(drawn) - _cells(shown)).mean()) <= SAME
        return self._compose(identifier, changes) if self._composes[image] else None

    def _ask(self, place: int, pixels: np.ndarray) -> tuple[np.ndarray, dict[str, ScaledMaps]]:
        """(logits float32 [C], maps float16 [C, h, w] and their scales [C] by kind) of one picture, columns in the common order."""
        member, columns = self._matched.members[place], self._columns[place]
        logits, maps = self._predictors[place](pixels[None])
        logits = np.asarray(logits, dtype=np.float32)
        if logits.shape != (1, len(columns)):
            raise WorkbenchError(f"predict gave logits {list(logits.shape)} for one picture of {member.name}, not [1, {len(columns)}].")
        found = {}
        for kind in member.inspection.map_kinds:
            if kind not in maps:  # such as an attribution that takes seconds: its pane says that it is not there
                found[kind] = ScaledMaps(np.zeros((0, *member.inspection.grid(kind)), dtype=np.float16), np.ones(0))
                continue
            values = np.asarray(maps[kind], dtype=np.float32)
            if values.ndim != 4 or values.shape[:2] != logits.shape:
                raise WorkbenchError(f'predict gave the map "{kind}" with shape {list(values.shape)}, not [1, {len(columns)}, h, w].')
            found[kind] = scaled(values[0][columns])
        return logits[0][columns], found


def _by_member(matched: Matched, predict: Any) -> list[Predict]:
    """The function of each model in view."""
    names = [member.name for member in matched.members]
    found: list[Any]
    if isinstance(predict, Mapping):
        missing = [name for name in names if name not in predict]
        found = [predict.get(name) for name in names]
    else:
        found = [predict] if callable(predict) else list(predict)
        missing = names[len(found) :]
    if missing or len(found) != len(names) or not all(callable(each) for each in found):
        told = f", none for {missing[0]}" if missing else ""
        raise WorkbenchError(
            f"predict takes one function for each of the {len(names)} models in view{told}; make one with workbench.predictor."
        )
    return found


def _columns(matched: Matched, member: Member, predict: Predict) -> np.ndarray:
    """For each common category its column in what `predict` returns."""
    names = getattr(predict, "categories", None)
    if names is None:
        return member.columns
    own = names if isinstance(names, Categories) else Categories(names)
    matched.categories.require_same_names(own, f"the function that predicts for {member.name}")
    return matched.categories.columns_of(own)


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def _cells(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((16, 16), Image.Resampling.BOX), dtype=np.float32)


def _drop_first(kept: dict[Any, Any], most: int = KEPT) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
