"""WIDER-Attribute (Li et al. 2016): 57,524 people in 13,789 pictures, 14 attributes, each yes, no or unspecified.

    ROOT/wider_attribute_trainval.json, wider_attribute_test.json    also in ROOT/Annotations/ or ROOT/wider_attribute_annotation/
    ROOT/Image/train/0--Parade/0_Parade_marchingband_1_5.jpg

An image of this data set is one person: the picture cropped to the person's box. The JSON says 1 yes, -1 no, 0 unspecified; targets say
1, 0 and -1 for the same. (Published numbers treat unspecified as no in training and leave it out of evaluation; a recipe says so with
``unknown_in_loss`` and ``unknown_in_ap``.) Attribute names are spelled as in the file.

The pictures are not ours to download. The layout was checked against the authors' readme as quoted in MultiAttrCNN, and against CSRA's
``prepare_wider.py``, not against the files.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.files import box_of, objects, read_json, require_inside
from workbench.errors import WorkbenchError, did_you_mean
from workbench.pictures import open_rgb

FILE_OF = {"train": "trainval", "val": "trainval", "trainval": "trainval", "test": "test"}
_MISSING = "WIDER-Attribute is fetched from its project page, see `workbench data get wider`."
_TARGET_OF = {1: 1, -1: 0, 0: -1}


class WiderDataset(MultiLabelDataset):
    """The people of one split.

    Args:
        root: folder with the two JSON files and Image/.
        split: "train", "val", both as "trainval", or "test".
        images: folder of the pictures, where they lie elsewhere.

    Raises:
        WorkbenchError: a file is missing, truncated, or says something impossible; a box that lies outside its picture.
    """

    def __init__(self, root: str | Path, split: str, images: str | Path | None = None) -> None:
        if split not in FILE_OF:
            raise WorkbenchError(f'WIDER-Attribute has no split "{split}".{did_you_mean(split, FILE_OF)}')
        self.split, self.name = split, f"wider-{split}"
        root = Path(root)
        self._folder = Path(images) if images else root / "Image"
        file_name = f"wider_attribute_{FILE_OF[split]}.json"
        places = [root / inner / file_name for inner in ("", "Annotations", "Anno", "wider_attribute_annotation")]
        path = next((place for place in places if place.is_file()), places[0])
        content = read_json(path, _MISSING)
        self.categories = _attributes(content, path)
        self.ids = []
        self._people: list[tuple[str, tuple[float, float, float, float]]] = []
        rows: list[list[int]] = []
        seen: set[str] = set()
        for image in objects(content, "images", path):
            name = require_inside(image.get("file_name"), f"{path}: an image")
            if name in seen:
                raise WorkbenchError(f"{path} lists {name:.80} twice; remove one of them.")
            seen.add(name)
            if split in ("train", "val") and not name.startswith(f"{split}/"):
                continue
            for number, person in enumerate(objects(image, "targets", path)):
                where = f"{path}: person {number} of {name:.80}"
                rows.append(_values(person.get("attribute"), len(self.categories), where))
                self._people.append((name, box_of(person.get("bbox"), where)))
                self.ids.append(f"{name.rsplit('.', 1)[0]}#{number}")
        if len(set(self.ids)) < len(self.ids):
            raise WorkbenchError(f"{path} has two pictures whose names differ in their ending only; rename one of them.")
        self.targets = np.array(rows, dtype=np.int8).reshape(-1, len(self.categories))

    def file(self, index: int) -> Path | None:
        return self._folder / self._people[index][0]

    def image(self, index: int) -> np.ndarray:
        name, (x0, y0, x1, y1) = self._people[index]
        picture = open_rgb(self._folder / name)
        height, width = picture.shape[:2]
        left, top, right, bottom = max(0, math.floor(x0)), max(0, math.floor(y0)), min(width, math.ceil(x1)), min(height, math.ceil(y1))
        if left >= right or top >= bottom:
            raise WorkbenchError(
                f"The box of {self.ids[index]} lies outside its picture of {width} x {height} pixels; use the pictures that the "
                "annotations were made for."
            )
        return picture[top:bottom, left:right].copy()


def _attributes(content: dict[str, Any], path: Path) -> Categories:
    names = content.get("attribute_id_map")
    if not isinstance(names, dict) or set(names) != {str(column) for column in range(len(names))}:
        raise WorkbenchError(f"{path} has no attribute_id_map that numbers the attributes from 0; get the file again.")
    try:
        return Categories(names[str(column)] for column in range(len(names)))
    except WorkbenchError as error:
        raise WorkbenchError(f"{path}: {error}") from None


def _values(given: Any, count: int, where: str) -> list[int]:
    if not isinstance(given, list) or len(given) != count:
        raise WorkbenchError(f"{where} does not have {count} attribute values; correct it or get the file again.")
    try:
        return [_TARGET_OF[value] for value in given]
    except (KeyError, TypeError):
        raise WorkbenchError(f"{where} has an attribute value that is not one of 1, 0 and -1; correct it.") from None
