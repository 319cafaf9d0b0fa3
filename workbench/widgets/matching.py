"""One to four inspections of the same images, lined up by image id and category name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.inspection.checking import stored_picture

MOST = 4
Source: TypeAlias = "Inspection | str | Path"


@dataclass(frozen=True)
class Member:
    """One model's archive, read in the common order of images and categories.

    Attributes:
        rows: for each common image its place in this archive, int [N].
        columns: for each common category its column in this archive, int [C].
    """

    name: str
    inspection: Inspection
    rows: np.ndarray
    columns: np.ndarray

    @property
    def cut(self) -> float:
        """The logit from which a label counts as predicted."""
        share = min(max(self.inspection.threshold, 1e-9), 1 - 1e-9)
        return math.log(share / (1 - share))

    def logits(self, name: str | None = None) -> np.ndarray:
        """float32 [N, C], the scored ones unless named."""
        name = name or self.inspection.scored
        if name not in self._logits:
            self._logits[name] = self.inspection.logits(name)[self.rows][:, self.columns]
        return self._logits[name]

    def stored_maps(self, kind: str, image: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Maps of one image as stored: (labels [K], values float16 [K, h, w], their scales [K] or None)."""
        labels, values, scales = self.inspection.stored_maps(kind, int(self.rows[image]))
        return self._common[labels], values, scales

    def shown_maps(self, kind: str, image: int) -> tuple[np.ndarray, np.ndarray]:
        """Maps of one image as drawn: (labels [K], values float32 [K, h, w])."""
        labels, values = self.inspection.shown_maps(kind, int(self.rows[image]))
        return self._common[labels], values

    def relations(self, name: str) -> np.ndarray:
        """float32 [C, C], mean over images."""
        return self.inspection.relations(name)[self.columns][:, self.columns].astype(np.float32)

    def relations_of(self, name: str, image: int) -> np.ndarray | None:
        """float32 [C, C] of one image, or None."""
        found = self.inspection.relations_of(name, int(self.rows[image]))
        return None if found is None else found[self.columns][:, self.columns].astype(np.float32)

    def image_bytes(self, image: int) -> bytes:
        return self.inspection.image_bytes(int(self.rows[image]))

    def photo(self, image: int) -> Image.Image:
        """The picture of one image, RGB."""
        return self.inspection.image(int(self.rows[image]))

    def mask(self, png: bytes) -> Image.Image:
        """A region's mask, as `region_records` gives it, in 1 bit."""
        return stored_picture(png, self.inspection.picture, "1", "A mask")

    def region_records(self, image: int) -> list[tuple[int, tuple[float, float, float, float], int, bytes]]:
        records = self.inspection.region_records(int(self.rows[image]))
        return [(int(self._common[label]), box, flags, png) for label, box, flags, png in records]

    @cached_property
    def _logits(self) -> dict[str, np.ndarray]:
        return {}

    @cached_property
    def _common(self) -> np.ndarray:
        """For each column of this archive its common category, int [C]."""
        return np.argsort(self.columns)


@dataclass(frozen=True)
class Matched:
    """Everything in view: the common images and categories in the first archive's order, and the members."""

    ids: Sequence[str]
    categories: Categories
    members: tuple[Member, ...]

    @property
    def first(self) -> Member:
        return self.members[0]

    @cached_property
    def targets(self) -> np.ndarray:
        """int8 [N, C]."""
        return self.first.inspection.targets[self.first.rows]

    @cached_property
    def sizes(self) -> np.ndarray:
        """int32 [N, 2]: height and width of each source picture."""
        return self.first.inspection.sizes[self.first.rows]

    def position(self, image: int | str) -> int:
        """Index of an image given by id or by index. Raises WorkbenchError."""
        if isinstance(image, str):
            place = self.first.inspection.position(image)
            found = np.flatnonzero(self.first.rows == place)
            if not len(found):
                raise WorkbenchError(f'The image "{image}" is not in all of the compared archives; choose one that is.')
            return int(found[0])
        if not -len(self.ids) <= image < len(self.ids):
            raise WorkbenchError(f"There is no image {image}: there are {len(self.ids)} images, counted from 0.")
        return int(image) % len(self.ids)


def match(sources: Source | Sequence[Source] | Mapping[str, Source]) -> Matched:
    """Open and line up one archive or several of the same images.

    Args:
        sources: an `Inspection` or a path, a list of two to four, or a dict of them by the names to show.

    Raises:
        WorkbenchError: none or more than four, other category names, or no image in common.
    """
    named = _named(sources)
    if not 1 <= len(named) <= MOST:
        raise WorkbenchError(f"An explorer shows one to {MOST} inspections, not {len(named)}; choose which to compare.")
    name, first = named[0]
    ids = list(first.ids)
    for other_name, other in named[1:]:
        first.categories.require_same_names(other.categories, f'the archive "{other_name}"')
        present = set(other.ids)
        ids = [identifier for identifier in ids if identifier in present]
        if not ids:
            raise WorkbenchError(f'"{name}" and "{other_name}" have no image id in common; compare inspections of the same images.')
    members = tuple(Member(name, archive, _rows(archive, ids), first.categories.columns_of(archive.categories)) for name, archive in named)
    return Matched(ids, first.categories, members)


def _named(sources: Any) -> list[tuple[str, Inspection]]:
    if isinstance(sources, Inspection | str | Path):
        sources = [sources]
    if isinstance(sources, Mapping):
        return [(str(name), _opened(source)) for name, source in sources.items()]
    opened = [_opened(source) for source in sources]
    names = [archive.name for archive in opened]
    return [
        (name if names.count(name) == 1 else f"{name} ({place + 1})", archive)
        for place, (name, archive) in enumerate(zip(names, opened, strict=True))
    ]


def _opened(source: Any) -> Inspection:
    if isinstance(source, Inspection):
        return source
    if isinstance(source, str | Path):
        return Inspection.open(source)
    raise WorkbenchError(
        f"An explorer shows an inspection or the path of one, not a {type(source).__name__}; make one with workbench.inspect."
    )


def _rows(archive: Inspection, ids: Sequence[str]) -> np.ndarray:
    return np.array([archive.position(identifier) for identifier in ids], dtype=np.int64)
