"""Is an archive what it says? Its description and the types of its tensors are compared with what a reader relies on, before any is read.

Files come from anywhere, so a wrong type has to be found here and not as a crash, or an endless picture, in an explorer.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

from PIL import Image

from workbench.categories import LONGEST_NAME
from workbench.errors import WorkbenchError
from workbench.pictures import LARGEST_SIDE

_KIND = {"name": str, "title": str, "meaning?": str}
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
    "embeddings?": {"epochs": [{"*": object}], "titles": {"*": [str]}},
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
    for key in ("frame", "picture"):
        sides = value[key]
        if len(sides) != 2 or not all(1 <= side <= LARGEST_SIDE for side in sides):
            raise WorkbenchError(f'"{key}" is {sides!r:.60}; it must be a height and a width from 1 to {LARGEST_SIDE}.')
    for key in ("map_kinds", "logit_kinds", "parts"):
        names = [kind["name"] for kind in value.get(key) or []]
        if len(set(names)) < len(names):
            raise WorkbenchError(f'"{key}" declares a name twice; make the archive again.')
    if len({str(identifier) for identifier in value["ids"]}) < len(value["ids"]):
        raise WorkbenchError("An image is listed twice; make the archive again.")
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
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as opened:
            if (opened.height, opened.width) != size:
                raise WorkbenchError(
                    f"{where} is {opened.height} x {opened.width} pixels, not {size[0]} x {size[1]}; make the archive again."
                )
            return opened.convert(mode)
    except WorkbenchError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them stumble over
        raise WorkbenchError(f"{where} cannot be decoded ({type(error).__name__}: {error!s:.80}); make the archive again.") from None


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


def _shown(value: Any) -> str:
    return f"{value!r:.60}"
