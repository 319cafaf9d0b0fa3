"""A data set from a list of pictures with their labels and boxes: what every reader of an export ends in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.cells import composed
from workbench.datasets.depth import odd_depths
from workbench.datasets.finding import PictureFolder
from workbench.datasets.upright import LEFT_OUT, placed
from workbench.errors import WorkbenchError, did_you_mean
from workbench.pictures import open_rgb
from workbench.regions import Region

Box = tuple[str, tuple[float, float, float, float]]


@dataclass
class Listed:
    """One picture of an export.

    Attributes:
        picture: its file, as the export names it. where: the beginning of an error about it.
        labels: category -> 1, 0 or -1. boxes: (category, (x0, y0, x1, y1)), in pixels or, if `relative`, in shares of width and height.
        size: (height, width) that the boxes were drawn on, or None.
        unlabelled: nobody has looked at it yet: all its labels are unknown.
    """

    picture: str
    where: str
    labels: dict[str, int] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)
    relative: bool = False
    size: tuple[int, int] | None = None
    unlabelled: bool = False


class ListedDataset(MultiLabelDataset):
    """Args:
    folder: of the pictures. listed: them. categories: in order; unless given, those of the export, or its labels alphabetically.
    unlisted: what a label that is not named for a picture is: 0 absent, -1 unknown.
    content: reads a picture that is no file of its own: name -> bytes.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        listed: Sequence[Listed],
        split: str,
        categories: Sequence[str] | None = None,
        *,
        unlisted: int = 0,
        bits: int | None = None,
        notes: Sequence[str] = (),
        content: Callable[[str], bytes] | None = None,
    ) -> None:
        if not listed:
            raise WorkbenchError(f'{folder} holds no picture of the split "{split}"; ask for another, or "all".')
        self.name, self.split = f"{name}-{split}", split
        self._folder, self._bits, self._content = folder, bits, content
        pictures = PictureFolder(folder)
        found = sorted({composed(label) for one in listed for label in (*one.labels, *(box[0] for box in one.boxes))})
        try:
            self.categories = Categories([composed(str(label)) for label in categories] if categories is not None else found)
        except WorkbenchError as error:
            raise WorkbenchError(f"{folder}: {error}") from None
        held: dict[str, tuple[np.ndarray, Listed]] = {}
        for one in listed:
            file = one.picture if content else pictures.find(one.picture, one.where)
            target = np.full(len(self.categories), -1 if one.unlabelled else unlisted, dtype=np.int8)
            for label, value in {**one.labels, **{box[0]: 1 for box in one.boxes}}.items():
                target[self._column(composed(label), one.where)] = value
            if file in held:  # some exports list a picture once for each annotator
                known, first = held[file]
                known[:] = np.where((known == 1) | (target == 1), 1, np.where(known == unlisted, target, known))
                first.boxes.extend(one.boxes)
            else:
                held[file] = (target, one)
        self.ids = list(held)
        self.targets = np.stack([target for target, _ in held.values()])
        self._listed = [one for _, one in held.values()]
        self._left_out = False
        gone = set(pictures.missing)
        odd = [] if content else odd_depths([folder / file for file in self.ids if file not in gone], bits)
        self._say([*notes, *pictures.gone(), *odd], pictures.told())

    def file(self, index: int) -> Path | None:
        return None if self._content else self._folder / self.ids[index]

    def image(self, index: int) -> np.ndarray:
        if self._content:
            return open_rgb(self._content(self.ids[index]), f"{self.name}: {self.ids[index]}", self._bits)
        return open_rgb(self._folder / self.ids[index], bits=self._bits)

    def regions(self, index: int) -> list[Region]:
        """Boxes in pixels of the upright image; left out, and said once, where nothing tells how they lie in it."""
        one = self._listed[index]
        if not one.boxes:
            return []
        source = self._content(self.ids[index]) if self._content else self._folder / self.ids[index]
        regions = placed(source, [Region(composed(label), box) for label, box in one.boxes], one.size, one.relative)
        if regions is None and not self._left_out:
            self._left_out = True
            self._say([f"{self.ids[index]}: {LEFT_OUT}"], self.notes)
        return regions or []

    def _column(self, label: str, where: str) -> int:
        if label not in self.categories:
            raise WorkbenchError(f'{where} has the label "{label:.60}".{did_you_mean(label, self.categories)}')
        return self.categories.index(label)


def of_split(root: Path, split: str, folders: bool = True) -> Path:
    """The folder of a split below `root`; `root` itself for "all". Raises WorkbenchError with the nearest name."""
    if split == "all":
        return root
    for name in (split, {"val": "valid", "valid": "val", "validation": "val"}.get(split, split)):
        if (root / name).is_dir():
            return root / name
    known = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    raise WorkbenchError(f'{root} has no folder "{split}".{did_you_mean(split, ["all", *known])}')
