"""What the embedding explorer shows at a moment: one JSON dict, its defaults and its checks.

``category`` is the one that stands out in colour; ``image`` and ``label`` name the point that is chosen; ``sort`` is
"stored", a number for lowest first, or "-" and a number for highest first; ``zoom`` is [x, y, scale], the place in 0..1 that is in the
middle of the plot and how much larger it is drawn, or None for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError, did_you_mean
from workbench.widgets.points import Points

CHOICES: dict[str, tuple[str, ...]] = {
    "colour": ("category", "state", "number"),
    "tool": ("point", "lasso", "rectangle"),
    "combine": ("replace", "add", "remove", "keep"),
    "panel": ("table", "images", "form", "epochs"),
}
LARGEST = 64.0  # times


def opening_points(points: Points, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The first view: the last epoch, and the category whose points are closest to another one's centre."""
    labels = points.pairs[:, 1]
    sizes = np.bincount(labels, minlength=len(points.matched.categories))
    margin = np.nan_to_num(points.models[-1].numbers()["margin"])
    mean = np.bincount(labels, margin, minlength=len(sizes)) / np.maximum(sizes, 1)
    category = int(np.argmin(np.where(sizes > 0, mean, np.inf)))
    image, label = points.pair(int(np.flatnonzero(labels == category)[0]))
    view = {
        "projection": next(iter(points.projections)), "epoch": points.epochs - 1, "colour": "category", "category": label,
        "number": next(iter(points.numbers)), "model": len(points.models) - 1, "image": image, "label": label, "tool": "lasso",
        "combine": "replace", "panel": "table", "sort": _first_order(points), "zoom": None,
    }  # fmt: skip
    chosen = {"category": changes["label"]} if "label" in changes and "category" not in changes else {}
    return checked_points(points, view, {**changes, **chosen})


def checked_points(points: Points, view: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`view` with `changes`, or WorkbenchError that says which value cannot be."""
    result = {**view, **changes}
    matched = points.matched
    for key in changes:
        if key not in view:
            raise WorkbenchError(f'A view has no "{key}".{did_you_mean(key, view)}')
    numbers = tuple(points.numbers)
    orders = ("stored", *numbers, *(f"-{name}" for name in numbers))
    choices = {**CHOICES, "projection": tuple(points.projections), "number": numbers, "sort": orders}
    for key, allowed in choices.items():
        if result[key] not in allowed:
            raise WorkbenchError(f'"{key}" cannot be {result[key]!r}.{did_you_mean(str(result[key]), allowed)}')
    matched.categories.index(result["category"])
    for key, count, what in (("model", len(points.models), "a model in view"), ("epoch", points.epochs, "a stored epoch")):
        if not (isinstance(result[key], int) and not isinstance(result[key], bool) and 0 <= result[key] < count):
            raise WorkbenchError(f'"{key}" is the place of {what}, 0 to {count - 1}, not {result[key]!r}.')
    if isinstance(result["image"], int):
        result["image"] = matched.ids[matched.position(result["image"])]
    result |= dict(zip(("image", "label"), _point(points, result, changes), strict=True))
    result["zoom"] = _zoom(result["zoom"])
    return result


def _first_order(points: Points) -> str:
    """The most misplaced points first, where there is another category to be misplaced in."""
    return "margin" if "margin" in points.numbers else "probability"


def _point(points: Points, view: Mapping[str, Any], changes: Mapping[str, Any]) -> tuple[str, str]:
    """The chosen point; where only its image or only its category was named, a point that has it."""
    image, label = view["image"], view["label"]
    place, column = points.matched.position(image), points.matched.categories.index(label)
    if "image" in changes and "label" not in changes:
        found = np.flatnonzero(points.pairs[:, 0] == place)
        if len(found) and not (points.pairs[found, 1] == column).any():
            return points.pair(int(found[0]))
    elif "label" in changes and "image" not in changes:
        found = np.flatnonzero(points.pairs[:, 1] == column)
        if len(found) and not (points.pairs[found, 0] == place).any():
            return points.pair(int(found[0]))
    return points.pair(points.place(image, label))


def _zoom(value: Any) -> list[float] | None:
    if value is None:
        return None
    numbers = isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(each, int | float) for each in value)
    if not numbers or not all(0 <= each <= 1 for each in value[:2]) or not 1 <= value[2] <= LARGEST:
        raise WorkbenchError(f'"zoom" is [x, y, scale] with x and y in 0..1 and a scale of 1 to {LARGEST:g}, or None, not {value!r}.')
    return [float(each) for each in value]
