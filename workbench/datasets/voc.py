"""PASCAL VOC folders: JPEGImages, Annotations and the lists in ImageSets/Main.

The lists of a class say 1 present, 0 present but every instance is difficult, -1 absent; targets say 1, -1, 0 for the same. A split
without lists of its classes (a file of ids only) is labelled from the XML files by the same rule. Boxes in the XML are 1-based with both
ends inside; regions here have continuous coordinates, so x from (xmin - 1) to xmax.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

import numpy as np

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.files import numbered_lines, require_inside
from workbench.errors import WorkbenchError, did_you_mean
from workbench.pictures import open_rgb
from workbench.regions import Region

GROUPS = {
    "vehicle": ("aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"),
    "household": ("bottle", "chair", "diningtable", "pottedplant", "sofa", "tvmonitor"),
    "animal": ("bird", "cat", "cow", "dog", "horse", "sheep"),
    "person": ("person",),
}
_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}
CATEGORIES = Categories(sorted(_GROUP_OF), _GROUP_OF)
_TRANSLATED = {"1": 1, "0": -1, "-1": 0}


class VocDataset(MultiLabelDataset):
    """One split of a VOC folder.

    Args:
        root: the folder VOC2007 itself, or one that holds it, directly or in VOCdevkit.
        split: name of a list in ImageSets/Main: "trainval", "test", "study_train" ...
        year: 2007 or 2012.

    Raises:
        WorkbenchError: no such folder or list, a malformed line, or a picture or XML file that is missing or damaged.
    """

    def __init__(self, root: str | Path, split: str, year: int = 2007) -> None:
        self.split = split
        self.name = f"voc{year}-{split}"
        self.categories = CATEGORIES
        self._folder = _find(Path(root), year)
        lists = self._folder / "ImageSets" / "Main"
        listed = lists / f"{split}.txt"
        if not listed.is_file():
            of_a_class = tuple(f"{name}_" for name in CATEGORIES)
            known = sorted(path.stem for path in lists.glob("*.txt") if not path.stem.startswith(of_a_class))
            raise WorkbenchError(f"There is no list {listed}.{did_you_mean(split, known)}")
        self.ids = [require_inside(line.split()[0], f"{listed}, line {number}") for number, line in _lines(listed)]
        if len(set(self.ids)) < len(self.ids):
            twice = next(name for position, name in enumerate(self.ids) if name in self.ids[:position])
            raise WorkbenchError(f"{listed} lists image {twice:.60} twice; remove one of the lines.")
        self.targets = self._targets(lists)

    def file(self, index: int) -> Path:
        return self._folder / "JPEGImages" / f"{self.ids[index]}.jpg"

    def image(self, index: int) -> np.ndarray:
        return open_rgb(self.file(index))

    def regions(self, index: int) -> list[Region]:
        """Objects with boxes, difficult ones marked; VOC has no masks in these files."""
        path = self._folder / "Annotations" / f"{self.ids[index]}.xml"
        regions = []
        for item in parsed_xml(path).findall("object"):
            name = (item.findtext("name") or "").strip()
            if name not in CATEGORIES:
                raise WorkbenchError(f'{path} has an object "{name:.60}".{did_you_mean(name, CATEGORIES)}')
            try:
                corners = [float(item.findtext(f"bndbox/{side}") or "") for side in ("xmin", "ymin", "xmax", "ymax")]
            except ValueError:
                raise WorkbenchError(f"{path} has a {name} without a whole bndbox; correct it or get it again.") from None
            if not all(map(math.isfinite, corners)):
                raise WorkbenchError(f"{path} has a {name} with the impossible bndbox {corners}; correct it or get it again.")
            box = (corners[0] - 1, corners[1] - 1, corners[2], corners[3])
            regions.append(Region(name, box, difficult=(item.findtext("difficult") or "0").strip() == "1"))
        return regions

    def _targets(self, lists: Path) -> np.ndarray:
        targets = np.zeros((len(self.ids), len(CATEGORIES)), dtype=np.int8)
        paths = [lists / f"{name}_{self.split}.txt" for name in CATEGORIES]
        present = [path.is_file() for path in paths]
        if not any(present):
            return self._targets_from_xml(targets)
        if not all(present):
            raise WorkbenchError(f"{paths[present.index(False)]} is missing while other classes have their list; get the lists again.")
        row_of = {name: row for row, name in enumerate(self.ids)}
        for column, path in enumerate(paths):
            seen = 0
            for number, line in _lines(path):
                fields = line.split()
                if len(fields) != 2 or fields[1] not in _TRANSLATED:
                    raise WorkbenchError(f'{path}, line {number}: "{line:.60}" is not an image id and one of 1, 0, -1; correct it.')
                if fields[0] not in row_of:
                    raise WorkbenchError(f"{path}, line {number}: image {fields[0]:.60} is not in {self.split}.txt; make the lists agree.")
                targets[row_of[fields[0]], column] = _TRANSLATED[fields[1]]
                seen += 1
            if seen != len(self.ids):
                raise WorkbenchError(f"{path} has {seen} lines for the {len(self.ids)} images of {self.split}.txt; make the lists agree.")
        return targets

    def _targets_from_xml(self, targets: np.ndarray) -> np.ndarray:
        for row in range(len(self.ids)):
            for region in self.regions(row):
                column = CATEGORIES.index(region.category)
                if not region.difficult:
                    targets[row, column] = 1
                elif targets[row, column] == 0:
                    targets[row, column] = -1
        return targets


def _find(root: Path, year: int) -> Path:
    for folder in (root, root / f"VOC{year}", root / "VOCdevkit" / f"VOC{year}"):
        if (folder / "ImageSets" / "Main").is_dir():
            return folder
    raise WorkbenchError(f"There is no VOC folder at {root}; put VOCdevkit/VOC{year} there or name the folder that holds it as its root.")


def _lines(path: Path) -> list[tuple[int, str]]:
    return numbered_lines(path, "get the lists again.")


class _NoDoctype(ElementTree.TreeBuilder):
    """VOC files declare no document type; one that does could define entities that grow without bound."""

    def doctype(self, *_: object) -> NoReturn:
        raise ValueError("it declares a document type")


def parsed_xml(path: Path) -> ElementTree.Element:
    if not path.is_file():
        raise WorkbenchError(f"There is no annotation file at {path}; get the data set again, or use a split whose XML files are there.")
    parser = ElementTree.XMLParser(target=_NoDoctype())
    try:
        parser.feed(path.read_bytes())
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, ValueError) as error:
        raise WorkbenchError(f"{path} cannot be read as an annotation file ({error}); it may be truncated, get it again.") from None
    return root
