"""Is an archive what it says? Its description and the types of its tensors are compared with what a reader relies on, before any is read.

Files come from anywhere, so a wrong type has to be found here and not as a crash, or an endless picture, in an explorer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from workbench.categories import LONGEST_NAME
from workbench.errors import WorkbenchError
from workbench.pictures import LARGEST_SIDE, opened

STORED = ("JPEG", "PNG")
"""Formats of the pictures and masks in an archive."""
AGAIN = "make the archive again"
_KIND = {"name": str, "title": str, "meaning?": str}
_NUMBER = (int, float, type(None))
_MEASURED = {
    "overall?": _NUMBER, "per_label?": {"*": _NUMBER}, "by_size?": {"*": {"overall?": _NUMBER}}, "ceiling?": str, "verdict?": str,
}  # fmt: skip
_TABLE = {"rows": [str], "columns": [str], "title": str, "meaning": str}
DESCRIPTION: dict[str, Any] = {
    "schema": int,
    "categories": {"names": [str], "groups?": {"*": str}},
    "ids": [(str, int)],
    "frame": [int],
    "picture": [int],
    "map_kinds": [{**_KIND, "scale?": str, "transform?": str, "sums_to?": str, "logit?": str, "layer?": str}],
    "logit_kinds": [_KIND],
    "scored": str,
    "threshold?": float,
    "relations?": {"*": str},
    "parts?": [{**_KIND, "maps?": str}],
    "decomposes?": str,
    "tables?": {"*": _TABLE},
    "channels?": {"layers": [str], "steering?": str},
    "embeddings?": {"epochs": [{"by_category?": {"*": [object]}, "separation?": {"*": object}, "title?": str}], "titles": {"*": [str]}},
    "measurements?": {"*": object},
    "provenance?": {"*": object},
}
TYPES = {
    "images.bytes": "U8", "images.offsets": "I64", "images.sizes": "I32", "targets": "I8", "logits": "F32", "maps": "F16", "scales": "F64",
    "labels": "I16",
    "features.pairs": "I32", "regions.pairs": "I32", "regions.boxes": "F32", "regions.flags": "U8",
    "regions.bytes": "U8", "regions.offsets": "I64", "parts": "F32", "tables": "F32", "channels.images": "I32",
    "embeddings": "F32",
}  # fmt: skip
_FLOATS = {"relations": ("F16", "F32"), "features": ("F16", "F32"), "channels": ("F16", "F32")}  # as their range needs it


def require_description(value: Any) -> Mapping[str, Any]:
    """The description of an archive, if it has the form that readers rely on. Raises WorkbenchError naming the first place that has not."""
    _require(value, DESCRIPTION, "the description")
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:  # half of a pair of surrogates can be neither printed nor put into a page
        text = error.object[max(0, error.start - 20) : error.end + 20]
        raise WorkbenchError(f"The description holds {text!a:.90}, which is no valid Unicode; make the archive again.") from None
    for key in ("frame", "picture"):
        sides = value[key]
        if len(sides) != 2 or not all(1 <= side <= LARGEST_SIDE for side in sides):
            raise WorkbenchError(f'"{key}" is {sides!r:.60}; it must be a height and a width from 1 to {LARGEST_SIDE}.')
    for measure, entries in (value.get("measurements") or {}).items():
        if measure in ("pointing", "energy", "relevance_rank") or measure.startswith("iou@"):  # by kind of map, which explorers add to
            _require(entries, {"*": {"*": object}}, f"the description.measurements.{measure:.40}")
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict):
                _require(entry, _MEASURED, f"the description.measurements.{measure:.40}.{name:.40}")
    for key in ("map_kinds", "logit_kinds", "parts"):
        names = [kind["name"] for kind in value.get(key) or []]
        if len(set(names)) < len(names):
            raise WorkbenchError(f'"{key}" declares a name twice; make the archive again.')
    if not value["ids"]:
        raise WorkbenchError("It holds no image, so there is nothing to show; make it again with some.")
    if not value["logit_kinds"] or value["scored"] not in [kind["name"] for kind in value["logit_kinds"]]:
        raise WorkbenchError(f'The scored logits "{value["scored"]:.60}" are not declared; make the archive again.')
    if not 0 < value.get("threshold", 0.5) < 1:
        raise WorkbenchError(f"The threshold {value['threshold']!r:.30} is no probability between 0 and 1; make the archive again.")
    if len({str(identifier) for identifier in value["ids"]}) < len(value["ids"]):
        raise WorkbenchError("An image is listed twice; make the archive again.")
    for epoch in (value.get("embeddings") or {}).get("epochs") or []:
        for name, numbers in (epoch.get("by_category") or {}).items():
            known = all(number is None or (isinstance(number, int | float) and abs(number) < 1e300) for number in numbers)
            if not known or len(numbers) != len(value["categories"]["names"]):
                raise WorkbenchError(f'The numbers "{name:.60}" of an epoch are not one for each category; make the archive again.')
    for name, pair in ((value.get("embeddings") or {}).get("titles") or {}).items():
        if len(pair) != 2:
            raise WorkbenchError(f'The projection "{name:.60}" needs a title and a meaning; make the archive again.')
    return value


def require_types(types: Mapping[str, str]) -> None:
    """Raises WorkbenchError for a tensor, by name, whose type is not that of its family."""
    for name, found in types.items():
        family = name.split(".", 1)[0]
        wanted = TYPES.get(name, TYPES.get(family))
        allowed = (wanted,) if wanted else _FLOATS.get(family, (found,))
        if found not in allowed:
            raise WorkbenchError(
                f'"{name:.60}" in the archive is of type {found}, expected {" or ".join(allowed)}; make the archive again.'
            )


def stored_picture(data: bytes, size: tuple[int, int], mode: str, where: str) -> Image.Image:
    """Decode a picture that the archive holds, of `size` (height, width) and no other: its pixels are counted before they are made.

    Raises: WorkbenchError, beginning with `where`, if it is damaged or of another size.
    """
    with opened(data, where, formats=STORED, size=size, advice=AGAIN) as picture:
        return picture.convert(mode)


def require_picture(data: bytes, size: tuple[int, int], where: str) -> bytes:
    """`data`, if its header is that of a picture of `size`: whoever decodes it gets no more pixels than that. Raises WorkbenchError."""
    with opened(data, where, formats=STORED, size=size, advice=AGAIN):
        return data


def slice_of(offsets: Any, index: int, total: int, where: str) -> tuple[int, int]:
    """Where a stored file begins and ends. Raises WorkbenchError if that lies outside of what is stored."""
    if not 0 <= index < len(offsets) - 1:
        raise WorkbenchError(f"{where}: there is no number {index}, there are {max(0, len(offsets) - 1)}.")
    begin, end = int(offsets[index]), int(offsets[index + 1])
    if not 0 <= begin <= end <= total:
        raise WorkbenchError(f"{where} {index} is said to lie at {begin} to {end} of {total} bytes; make the archive again.")
    return begin, end


def _require(value: Any, form: Any, where: str) -> None:
    if form is object:
        return
    if isinstance(form, dict):
        if not isinstance(value, dict):
            raise WorkbenchError(f"{where} is {_shown(value)} where an object belongs; make the archive again.")
        if "*" in form:
            for key, item in value.items():
                _name(key, where)
                _require(item, form["*"], f"{where}.{key:.40}")
            return
        for key, inner in form.items():
            name, optional = key.rstrip("?"), key.endswith("?")
            if value.get(name) is None:
                if not optional:
                    raise WorkbenchError(f'{where} lacks "{name}"; make the archive again.')
                continue
            _require(value[name], inner, f"{where}.{name}")
    elif isinstance(form, list):
        if not isinstance(value, list):
            raise WorkbenchError(f"{where} is {_shown(value)} where a list belongs; make the archive again.")
        for item in value:
            _require(item, form[0], where)
    else:
        kinds = form if isinstance(form, tuple) else (int, float) if form is float else (form,)
        if not isinstance(value, kinds) or isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            raise WorkbenchError(f"{where} is {_shown(value)}, which is no {' or '.join(kind.__name__ for kind in kinds)}; make it again.")
        if isinstance(value, str) and not where.endswith(("meaning", "title", "titles")):
            _name(value, where)


def _name(text: str, where: str) -> None:
    if len(text) > LONGEST_NAME:
        raise WorkbenchError(f'{where} has a name of {len(text)} letters, "{text[:40]}..."; shorten it to {LONGEST_NAME} at most.')


def require_values(tensor: Callable[[str], np.ndarray | None], images: int, categories: int, kinds: Mapping[str, tuple[int, int]]) -> None:
    """Raises WorkbenchError where a small tensor holds what no explorer could show: positions that are not there, boxes that are none.

    Args:
        tensor: the whole of a tensor by name, or None. kinds: the grid (h, w) of each kind of map.
    """
    for name, grid in kinds.items():
        if min(grid) < 1:
            raise WorkbenchError(f'The maps "{name:.60}" have a grid of {grid[0]} x {grid[1]} cells; make the archive again.')
        _require_range(f'"labels.{name:.60}"', tensor(f"labels.{name}"), -1, categories)
    _require_range('"images.sizes"', tensor("images.sizes"), 1, 2**31)
    _require_range('"targets"', tensor("targets"), -1, 2)
    _require_range('"channels.images"', tensor("channels.images"), 0, images)
    for name in ("regions.pairs", "features.pairs"):
        pairs = tensor(name)
        if pairs is not None and len(pairs):
            _require_range(f'The images of "{name}"', pairs[:, 0], 0, images)
            _require_range(f'The categories of "{name}"', pairs[:, 1], 0, categories)
    pairs = tensor("regions.pairs")
    if pairs is not None and (np.diff(pairs[:, 0]) < 0).any():
        raise WorkbenchError("The regions are not in the order of their images; make the archive again.")
    boxes = tensor("regions.boxes")
    if boxes is not None and not np.isfinite(boxes).all():
        raise WorkbenchError("A region has a box with NaN or infinite edges; make the archive again.")
    if boxes is not None and (boxes[:, 2:] < boxes[:, :2]).any():
        raise WorkbenchError("A region has a box whose right or lower edge comes before the other; make the archive again.")


def _require_range(what: str, values: np.ndarray | None, low: int, end: int) -> None:
    if values is not None and values.size and not low <= int(values.min()) <= int(values.max()) < end:
        found = int(values.min()) if values.min() < low else int(values.max())
        raise WorkbenchError(f"{what} in the archive hold {found}, expected {low} to {end - 1}; make the archive again.")


def _shown(value: Any) -> str:
    return f"{value!r:.60}"
