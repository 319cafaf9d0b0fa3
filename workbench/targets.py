"""The one gate for targets: whatever takes them lets them through here, so that a foreign code never counts as "absent" without a word.

Targets are 1 (present), 0 (absent) and -1 (unknown). Other sources mark what is unknown with -100, 255, 2 or NaN, hold probabilities,
counts or text; which of these is meant cannot be told from the numbers, so it is refused by value and column, with what to pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError

TRANSLATE = "workbench.datasets.checked_targets"


def checked_targets(
    targets: Any,
    categories: Sequence[str] | None = None,
    *,
    images: int | None = None,
    unknown: float | str | Iterable[float | str] | None = None,
    what: str = "The targets",
) -> np.ndarray:
    """Targets as int8 [N, C] (or [N], for one category), 1 present, 0 absent, -1 unknown.

    Args:
        targets: an array, tensor, list of rows, or a table with named columns (pandas), which are then matched by name. Numbers, or
            True and False throughout. Anything that is one of 1, 0, -1 passes, also as 1.0.
        categories: names of the columns, in order; checked against the width, and named in errors.
        images: how many rows there have to be.
        unknown: further values that mean "unknown", such as -100, 255 or ``float("nan")``.
        what: how an error names them.

    Raises: WorkbenchError for another shape, other names or another value, naming row, column and value.
    """
    array, names = _array(targets, what)
    if names is not None and categories is not None:
        array = array[:, Categories(categories).columns_of(Categories(names))]
    _require_shape(array, categories, images, what)
    if array.dtype == np.bool_ or (array.dtype == object and all(isinstance(value, bool | np.bool_) for value in array.flat)):
        return array.astype(np.int8)
    if array.dtype == np.int8 and unknown is None and array.min(initial=0) >= -1 and array.max(initial=0) <= 1:
        return np.ascontiguousarray(array)  # the usual case, millions of entries at a time
    codes = [unknown] if isinstance(unknown, int | float | str) else list(unknown or ())
    if array.dtype.kind in "OUS":
        array = _numbers(array, categories or names, codes, what)
    if array.dtype.kind not in "iuf":
        raise WorkbenchError(f"{what} are of type {array.dtype}; give 1 for present, 0 for absent and -1 for unknown.")
    marked = np.zeros(array.shape, dtype=bool)
    for code in codes:
        if not isinstance(code, str) and array.dtype.kind == "f":
            marked |= np.isnan(array) if math.isnan(code) else array == array.dtype.type(code)
        elif not isinstance(code, str):
            marked |= array == code
    wrong = ~marked & _outside(array)
    if wrong.any():
        first = tuple(int(place) for place in np.argwhere(wrong)[0])
        _refuse(array[first].item(), first, categories or names, what, int(wrong.sum()))
    clean = np.where(marked, -1, array) if codes else array
    return np.ascontiguousarray(clean, dtype=np.int8)


def _outside(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "u":
        return array > 1
    if array.dtype.kind == "i":
        return (array > 1) | (array < -1)
    return ~((array == 0) | (array == 1) | (array == -1))


def _array(targets: Any, what: str) -> tuple[np.ndarray, list[str] | None]:
    """As numpy, with the names of the columns where it has them. Tensors are told by what they can do, not by importing torch."""
    names = None
    if hasattr(targets, "columns") and hasattr(targets, "to_numpy"):
        names, targets = [str(name) for name in targets.columns], targets.to_numpy()
    elif hasattr(targets, "detach") and hasattr(targets, "cpu"):
        targets = targets.detach().cpu()
        targets = targets if "strided" in str(targets.layout) else targets.to_dense()
        targets = (targets.float() if "bfloat16" in str(targets.dtype) else targets).numpy()
    elif hasattr(targets, "toarray"):  # scipy's sparse matrices
        targets = targets.toarray()
    if isinstance(targets, np.ma.MaskedArray):  # what is masked is not known
        targets = np.where(np.ma.getmaskarray(targets), -1, targets.data.astype(np.float64 if targets.dtype.kind == "f" else np.int64))
    try:
        array = np.asarray(targets)
    except ValueError:
        raise WorkbenchError(f"{what} have rows of different lengths; give one value for each image and category, [N, C].") from None
    return array, names


def _require_shape(array: np.ndarray, categories: Sequence[str] | None, images: int | None, what: str) -> None:
    wanted = f"[{'N' if images is None else images}, {'C' if categories is None else len(categories)}]"
    width = array.shape[1] if array.ndim == 2 else None
    fits = array.ndim in (1, 2) and (images is None or len(array) == images)
    if not fits or (categories is not None and width != len(categories)):
        hint = " One column for each category, 1 where it is present, is needed." if array.ndim == 1 else ""
        raise WorkbenchError(f"{what} have shape {list(array.shape)}, expected {wanted}: images, categories.{hint}")


def _numbers(array: np.ndarray, names: Sequence[str] | None, codes: list[Any], what: str) -> np.ndarray:
    """Mixed or text entries as float64, where they are numbers. A text is no number, whatever it spells."""
    found = np.empty(array.shape, dtype=np.float64)
    for place in np.ndindex(array.shape):
        value = array[place]
        if any(isinstance(code, str) and isinstance(value, str) and value == code for code in codes):
            found[place] = -1
        elif value is None or type(value).__name__ == "NAType":  # pandas' NA
            if not any(isinstance(code, float) and math.isnan(code) for code in codes):
                _refuse(value, place, names, what, 1)
            found[place] = math.nan
        elif isinstance(value, str | bytes | bool | np.bool_) or not isinstance(value, int | float | np.number):
            _refuse(value.item() if isinstance(value, np.generic) else value, place, names, what, 1)
        else:
            found[place] = value
    return found


def _refuse(value: Any, place: tuple[int, ...], names: Sequence[str] | None, what: str, count: int) -> None:
    if isinstance(value, float):
        value = float(f"{value:.6g}")  # of 0.9 in float32
    column = "" if len(place) < 2 else f', column "{names[place[1]]:.60}"' if names is not None else f", column {place[1]}"
    more = f" and {count - 1} more" if count > 1 else ""
    advice = f"if {value!r:.30} marks unknown labels, pass unknown={_literal(value)}"
    if value is None or type(value).__name__ == "NAType":
        advice = 'if it marks unknown labels, pass unknown=float("nan")'
    elif isinstance(value, str | bytes):
        advice = f'text is no number: convert them with .astype(int), or, if it marks unknown labels, pass unknown="{value!s:.30}"'
    elif isinstance(value, bool):
        advice = "it stands among numbers or text: give True and False throughout, or convert them with .astype(int)"
    elif isinstance(value, float) and 0 < value < 1:
        advice = (
            f"a probability says neither: decide with a threshold (targets >= 0.5), or, if it marks unknown labels, pass unknown={value}"
        )
    elif value == 2:
        advice += "; if it counts objects, give targets > 0"
    raise WorkbenchError(
        f"{what} hold {value!r:.30} in row {place[0]}{column}{more}; they are 1 present, 0 absent, -1 unknown. "
        f"{advice[0].upper()}{advice[1:]} (to {TRANSLATE}, or to what you called)."
    )


def _literal(value: Any) -> str:
    return 'float("nan")' if isinstance(value, float) and math.isnan(value) else repr(value)
