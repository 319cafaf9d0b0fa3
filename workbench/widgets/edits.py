"""Edits of a picture as JSON: what may stand in one, and what its covers do to the pixels.

Places are [x, y] and boxes [x0, y0, x1, y1] in 0..1 of the picture, so that one edit serves every resolution:

- ``{"do": "box", "box": box, "fill": fill}`` and ``{"do": "paint", "points": [place, ...], "radius": [rx, ry], "fill": fill}`` cover
  a part. ``fill`` is "mean" (the picture's mean colour), "blur", or "patch" with ``"shift": [dx, dy]``: what lies so far away.
- ``{"do": "move", "thing": number, "by": [dx, dy]}`` and ``{"do": "delete", "thing": number}`` change a scene that can be drawn again.
- ``{"do": "picture", "key": text, "name": text, "size": [height, width]}`` puts an uploaded picture in the place of the stored one.

Covers take their colours from the picture without covers, whatever their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from workbench.errors import WorkbenchError, did_you_mean

FILLS = ("mean", "blur", "patch")
BLUR = 1 / 12  # standard deviation of the blur, in widths of the picture
MOST = 200  # edits of one image
MOST_POINTS = 4000  # of one stroke
MOST_IN_ALL = 20_000  # points of all strokes of an image
FAR = 10.0  # pictures away: beyond it a place is as good as there
STRETCHED = 8  # times the longer side of a picture, on which a brush that is round there is drawn

Edit = dict[str, Any]


def checked_edits(edits: Any) -> dict[str, list[Edit]]:
    """Edits by image id, images without edits left out. Raises WorkbenchError that says which edit cannot be."""
    if not isinstance(edits, Mapping):
        raise WorkbenchError(f'"edits" is a dict of lists of edits by image id, not {edits!r:.60}.')
    return {str(identifier): checked for identifier, each in edits.items() if (checked := checked_list(each))}


def checked_list(edits: Any) -> list[Edit]:
    """The edits of one image. Raises WorkbenchError that says which of them cannot be."""
    if not isinstance(edits, Sequence) or isinstance(edits, str) or len(edits) > MOST:
        raise WorkbenchError(f"The edits of an image are a list of at most {MOST}; undo some.")
    checked = [_checked(edit) for edit in edits]
    if sum(len(edit.get("points", ())) for edit in checked) > MOST_IN_ALL:
        raise WorkbenchError(f"The strokes of an image have at most {MOST_IN_ALL:,} points together; undo some.")
    return checked


def _checked(edit: Any) -> Edit:
    kind = edit.get("do") if isinstance(edit, Mapping) else None
    if not isinstance(kind, str) or kind not in _CHECKS:
        raise WorkbenchError(f'An edit cannot be {edit!r:.200}: it is a dict with a known "do".{did_you_mean(str(kind), _CHECKS)}')
    try:
        return {"do": kind, **_CHECKS[kind](edit)}
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise WorkbenchError(
            f"The edit {dict(edit)!r:.200} lacks something or holds what cannot be read ({error!r:.200}); make it again."
        ) from None


def _box(edit: Mapping[str, Any]) -> Edit:
    x0, y0, x1, y1 = (min(max(value, 0.0), 1.0) for value in _numbers(edit["box"], 4))
    return {"box": [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)], **_fill(edit)}


def _paint(edit: Mapping[str, Any]) -> Edit:
    points = [_place(point) for point in edit["points"]]
    if not 1 <= len(points) <= MOST_POINTS:
        raise ValueError(f"{len(points)} points")
    return {"points": points, "radius": [min(max(value, 0.001), 0.5) for value in _numbers(edit["radius"], 2)], **_fill(edit)}


def _move(edit: Mapping[str, Any]) -> Edit:
    return {"thing": int(edit["thing"]), "by": _place(edit["by"])}


def _delete(edit: Mapping[str, Any]) -> Edit:
    return {"thing": int(edit["thing"])}


def _picture(edit: Mapping[str, Any]) -> Edit:
    height, width = (int(side) for side in _numbers(edit["size"], 2))
    if not (1 <= height <= 10_000 and 1 <= width <= 10_000):
        raise ValueError(f"size {height} x {width}")
    return {"key": str(edit["key"]), "name": str(edit["name"]), "size": [height, width]}


_CHECKS: dict[str, Callable[[Mapping[str, Any]], Edit]] = {
    "box": _box,
    "paint": _paint,
    "move": _move,
    "delete": _delete,
    "picture": _picture,
}


def _fill(edit: Mapping[str, Any]) -> Edit:
    fill = edit["fill"]
    if fill not in FILLS:
        raise ValueError(f'no fill "{fill}"')
    return {"fill": fill, "shift": _place(edit["shift"])} if fill == "patch" else {"fill": fill}


def _place(values: Any) -> list[float]:
    return [min(max(value, -FAR), FAR) for value in _numbers(values, 2)]


def _numbers(values: Any, count: int) -> list[float]:
    numbers = [float(value) for value in values]
    if len(numbers) != count or not all(math.isfinite(value) for value in numbers):
        raise ValueError(f"{values!r} is not {count} numbers")
    return numbers


def split(edits: Sequence[Edit]) -> tuple[Edit | None, list[Edit], list[Edit]]:
    """(the own picture or None, changes of the scene, covers): what came before an own picture is gone with the picture it changed."""
    places = [place for place, edit in enumerate(edits) if edit["do"] == "picture"]
    own = edits[places[-1]] if places else None
    rest = edits[places[-1] + 1 :] if places else edits
    scene = [edit for edit in rest if edit["do"] in ("move", "delete")]
    return own, scene, [edit for edit in rest if edit["do"] in ("box", "paint")]


def covered(pixels: np.ndarray, covers: Sequence[Edit]) -> np.ndarray:
    """uint8 [H, W, 3] with the boxes and strokes of `covers`; `pixels` itself stays as it is."""
    result = pixels.copy()
    fillings: dict[str, np.ndarray] = {}
    for cover in covers:
        inside = cover_mask(cover, pixels.shape[0], pixels.shape[1])
        fill = cover["fill"]
        if fill == "patch":
            result[inside] = _shifted(pixels, cover["shift"])[inside]
            continue
        if fill not in fillings:
            fillings[fill] = _mean(pixels) if fill == "mean" else _blurred(pixels)
        result[inside] = fillings[fill][inside]
    return result


def cover_mask(cover: Edit, height: int, width: int) -> np.ndarray:
    """bool [height, width]: the pixels that a box or a stroke covers, one at least."""
    if cover["do"] == "box":
        x0, y0, x1, y1 = cover["box"]
        left, top = min(round(x0 * width), width - 1), min(round(y0 * height), height - 1)
        inside = np.zeros((height, width), dtype=bool)
        inside[top : max(top + 1, round(y1 * height)), left : max(left + 1, round(x1 * width))] = True
        return inside
    rx, ry = cover["radius"]
    tall = min(max(1, round(width * rx / ry)), STRETCHED * max(width, height))  # on a sheet of this height the brush is round
    sheet = Image.new("1", (width, tall))
    draw = ImageDraw.Draw(sheet)
    radius = rx * width
    points = [(x * width - 0.5, y * tall - 0.5) for x, y in cover["points"]]
    if len(points) > 1:
        draw.line(points, fill=1, width=max(1, round(2 * radius)))
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
    return np.asarray(sheet.resize((width, height), Image.Resampling.NEAREST))


def _mean(pixels: np.ndarray) -> np.ndarray:
    mean = np.rint(pixels.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    return np.broadcast_to(mean, pixels.shape)


def _blurred(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(BLUR * pixels.shape[1])))


def _shifted(pixels: np.ndarray, shift: Sequence[float]) -> np.ndarray:
    """What lies `shift` away from each pixel; beyond the border the border goes on."""
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(height) + round(shift[1] * height), 0, height - 1)
    columns = np.clip(np.arange(width) + round(shift[0] * width), 0, width - 1)
    return pixels[rows][:, columns]
