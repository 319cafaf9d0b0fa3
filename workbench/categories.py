"""Category names in a fixed order. Columns are always matched by these names, never by position alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import SupportsIndex, overload

import numpy as np

from workbench.errors import WorkbenchError, did_you_mean

LONGEST_NAME = 1000
"""Letters of a name in what we write and read."""


class Categories(Sequence[str]):
    """An ordered, duplicate-free list of category names, with an optional group for each.

    Args:
        names: category names in column order.
        groups: name of the group that a category belongs to (``{"sun": "sky"}``); a category without a group belongs to ``""``.

    Raises:
        WorkbenchError: the list is empty; a name is empty, not text, longer than `LONGEST_NAME` or there twice; a group names an unknown
            category.
    """

    def __init__(self, names: Iterable[str], groups: Mapping[str, str] | None = None) -> None:
        if isinstance(names, str):
            raise WorkbenchError(
                f'The categories are one text, "{names:.40}", whose letters would be the names; give a list: ["{names:.40}"].'
            )
        self.names: tuple[str, ...] = tuple(names)
        if not self.names:
            raise WorkbenchError("The category list is empty; give at least one category name.")
        self._index: dict[str, int] = {}
        for position, name in enumerate(self.names):
            if not isinstance(name, str) or not name.strip():
                raise WorkbenchError(f"Category {position} has no name ({name!r}); every category needs a non-empty text.")
            if len(name) > LONGEST_NAME:
                raise WorkbenchError(
                    f'Category {position}, "{name[:40]}...", has {len(name)} letters; shorten it to {LONGEST_NAME} at most.'
                )
            if name in self._index:
                raise WorkbenchError(
                    f'Category "{name}" is listed twice (positions {self._index[name]} and {position}); remove or rename one of them.'
                )
            self._index[name] = position
        self.groups: dict[str, str] = dict(groups or {})
        for name in self.groups:
            self.index(name)

    def index(self, name: str, *_bounds: int) -> int:
        """Column of `name`. Raises WorkbenchError with the nearest known name."""
        try:
            return self._index[name]
        except (KeyError, TypeError):  # a list or a dict is no name either
            raise WorkbenchError(f'There is no category "{name}" here.{did_you_mean(str(name), self.names)}') from None

    def columns_of(self, other: Categories) -> np.ndarray:
        """Where each of my columns stands in `other`, so that ``matrix_of_other[:, result]`` is in my order.

        Returns: int64 [C].
        Raises: WorkbenchError if the two do not hold the same names.
        """
        self.require_same_names(other, "the other table")
        return np.array([other.index(name) for name in self.names], dtype=np.int64)

    def require_same_names(self, other: Categories, where: str) -> None:
        """Raise WorkbenchError, listing what is missing and what is extra, unless `other` holds exactly my names."""
        missing = [name for name in self.names if name not in other]
        extra = [name for name in other.names if name not in self]
        if missing or extra:
            parts = []
            if missing:
                parts.append(f"lacks {_shorten(missing)}")
            if extra:
                parts.append(f"has {_shorten(extra)} instead" if missing else f"has {_shorten(extra)} in addition")
            raise WorkbenchError(
                f"The categories do not match: {where} {' and '.join(parts)}. Use data and models with the same category names."
            )

    def to_json(self) -> dict[str, object]:
        return {"names": list(self.names), "groups": self.groups}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Categories:
        return cls(value["names"], value.get("groups") or {})  # type: ignore[arg-type]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, position: SupportsIndex) -> str: ...

    @overload
    def __getitem__(self, position: slice) -> tuple[str, ...]: ...

    def __getitem__(self, position: SupportsIndex | slice) -> str | tuple[str, ...]:
        return self.names[position]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Categories) and self.names == other.names

    def __hash__(self) -> int:
        return hash(self.names)

    def __repr__(self) -> str:
        return f"Categories({len(self)}: {_shorten(self.names)})"


def _shorten(names: Sequence[str], limit: int = 5) -> str:
    quoted = ", ".join(f'"{name}"' for name in names[:limit])
    return quoted + (f" and {len(names) - limit} more" if len(names) > limit else "")
