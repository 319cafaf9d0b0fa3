"""Targets and regions that a caller gives beside images: numbers, names, one class each, or a mapping by id, as rows of one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.regions import Region
from workbench.targets import checked_targets


def target_rows(
    given: Any, ids: Sequence[str], categories: Categories, names: Sequence[str] | None = None, unknown: Any = None
) -> np.ndarray:
    """Targets int8 [N, C] in the order of `categories`.

    Args:
        given: numbers [N, C], rows of names, one class name or class number each, ``{id: row}``, a table with named columns, or None:
            everything is unknown.
        names: names of the columns or class numbers of `given`, where the source has them; `categories` unless given. Categories that
            they do not name are unknown.
        unknown: values that mean unknown.

    Raises: WorkbenchError naming image and value.
    """
    if given is None:
        return np.full((len(ids), len(categories)), -1, dtype=np.int8)
    if isinstance(given, Mapping):
        given = _by_id(given, ids)
    if hasattr(given, "columns") and hasattr(given, "to_numpy"):
        names, given = [str(name) for name in given.columns], given.to_numpy()
    own = Categories(names) if names is not None else categories
    extra = [name for name in own if name not in categories]
    if extra:
        raise WorkbenchError(
            f'The labels of the images name "{extra[0]:.60}", which is none of the categories.{did_you_mean(extra[0], categories)}'
        )
    rows = _plain(given)
    if len(rows) != len(ids):
        raise WorkbenchError(f"There are {len(rows)} rows of targets for {len(ids)} images; give one for each, in the same order.")
    if len(own) == 1 and isinstance(rows, np.ndarray) and rows.ndim == 1 and rows.dtype.kind in "iuf":
        rows = rows[:, None]
    if _are_names(rows):
        found = _from_names(rows, ids, own)
    elif _are_classes(rows):
        found = _from_classes(rows, ids, own)
    else:
        found = checked_targets(rows, own, images=len(ids), unknown=unknown)
    targets = np.full((len(ids), len(categories)), -1, dtype=np.int8)
    targets[:, [categories.index(name) for name in own]] = found
    return targets


def regions_of(given: Any, ids: Sequence[str], categories: Categories) -> list[list[Region]] | None:
    """Regions of each image, from `Region` or (category, box). Raises WorkbenchError naming image and category."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        given = _by_id(given, ids)
    given = list(given)
    if len(given) != len(ids):
        raise WorkbenchError(
            f"There are regions for {len(given)} images, but {len(ids)} images; give one list for each, in the same order."
        )
    return [[_region(one, identifier, categories) for one in part or ()] for part, identifier in zip(given, ids, strict=True)]


def _region(one: Any, identifier: str, categories: Categories) -> Region:
    where = f"A region of {identifier:.60}"
    if not isinstance(one, Region):
        try:
            category, box = (one["category"], one["box"]) if isinstance(one, Mapping) else one
            x0, y0, x1, y1 = (float(edge) for edge in box)
            one = Region(category, (x0, y0, x1, y1))
        except (TypeError, ValueError, KeyError):
            raise WorkbenchError(f"{where} is {one!r:.60}; give a Region, or (category, (x0, y0, x1, y1)) in pixels.") from None
    if one.category not in categories:
        raise WorkbenchError(f'{where} is of "{one.category!s:.60}".{did_you_mean(str(one.category), categories)}')
    if not np.isfinite(one.box).all() or one.box[2] < one.box[0] or one.box[3] < one.box[1]:
        raise WorkbenchError(f"{where} has the impossible box {one.box}; give (x0, y0, x1, y1), left and top first.")
    return one


def _by_id(given: Mapping[Any, Any], ids: Sequence[str]) -> list[Any]:
    """Rows in the order of the images; an image may be named by its file or the name without its ending."""
    plain = {str(key): value for key, value in given.items()}
    rows = []
    for identifier in ids:
        key = next((key for key in (identifier, PurePath(identifier).name, PurePath(identifier).stem) if key in plain), None)
        if key is None:
            raise WorkbenchError(f'Nothing is given for image "{identifier:.60}".{did_you_mean(identifier, plain)}')
        rows.append(plain[key])
    return rows


def _plain(given: Any) -> Any:
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        return (given.float() if given.is_floating_point() else given).numpy()
    if hasattr(given, "tolist") and not isinstance(given, np.ndarray):
        return given.tolist()
    if isinstance(given, np.ndarray):
        return given
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise WorkbenchError(f"Targets are given as {given!r:.60}; give one row for each image.")
    return [_plain(row) if hasattr(row, "detach") else row for row in given]


def _are_names(rows: Any) -> bool:
    if isinstance(rows, np.ndarray):
        return rows.ndim == 1 and rows.dtype.kind in "OU" and any(isinstance(row, str) for row in rows)
    return any(
        (isinstance(row, str) and row) or (isinstance(row, list | tuple | set | frozenset) and any(isinstance(name, str) for name in row))
        for row in rows
    ) or all(isinstance(row, list | tuple | set | frozenset) and not row for row in rows)


def _from_names(rows: Any, ids: Sequence[str], own: Categories) -> np.ndarray:
    targets = np.zeros((len(ids), len(own)), dtype=np.int8)
    for row, (labels, identifier) in enumerate(zip(rows, ids, strict=True)):
        if labels is None:
            targets[row] = -1
            continue
        for name in [labels] if isinstance(labels, str) else labels:
            if name not in own:
                raise WorkbenchError(f"Image {identifier:.60} has the label {name!r:.60}.{did_you_mean(str(name), own)}")
            targets[row, own.index(name)] = 1
    return targets


def _are_classes(rows: Any) -> bool:
    """One class number an image, or lists of them of different lengths."""
    if isinstance(rows, np.ndarray):
        return rows.ndim == 1
    if all(isinstance(row, int | np.integer) or getattr(row, "ndim", None) == 0 for row in rows):
        return True
    lengths = {len(row) for row in rows if hasattr(row, "__len__")}
    return len(lengths) > 1 and all(isinstance(row, list | tuple) and all(isinstance(value, int) for value in row) for row in rows)


def _from_classes(rows: Any, ids: Sequence[str], own: Categories) -> np.ndarray:
    targets = np.zeros((len(ids), len(own)), dtype=np.int8)
    for row, (value, identifier) in enumerate(zip(rows, ids, strict=True)):
        for number in value if isinstance(value, list | tuple) else [value]:
            if isinstance(number, float | np.floating) and not float(number).is_integer():
                raise WorkbenchError(f"Image {identifier:.60} has the class {number!r:.40}; a class is a whole number from 0.")
            if int(number) == -1:  # Hugging Face: a row without a label
                targets[row] = -1
                continue
            if not 0 <= int(number) < len(own):
                raise WorkbenchError(
                    f"Image {identifier:.60} has the class {int(number)}, but there are classes 0 to {len(own) - 1}; give targets=."
                )
            targets[row, int(number)] = 1
    return targets
