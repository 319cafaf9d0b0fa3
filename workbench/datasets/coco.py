"""COCO instances: one JSON for a split beside a folder of its pictures.

    ROOT/annotations/instances_val2017.json
    ROOT/val2017/000000000139.jpg

Columns are the categories in category-id order, their groups the supercategories. An image without annotations is all-negative.
A crowd counts as present, as in the usual label tables. Masks are decoded by pycocotools when regions are asked for.
"""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.pictures import open_rgb
from workbench.errors import WorkbenchError
from workbench.regions import Region


class CocoDataset(MultiLabelDataset):
    """One split in COCO instances format.

    Args:
        root: folder with ``annotations/instances_<split>.json`` and the pictures in ``<split>/``.
        split: "train2017", "val2017", or whatever the files are named after.
        annotations, images: the JSON file and the folder of pictures, where they lie elsewhere.

    Raises:
        WorkbenchError: the JSON is missing, truncated or contradicts itself; a picture is missing or of another size than it says.
    """

    def __init__(self, root: str | Path, split: str, annotations: str | Path | None = None, images: str | Path | None = None) -> None:
        root = Path(root)
        self.split = split
        self.name = split if split.startswith("coco") else f"coco-{split}"
        self._json = Path(annotations) if annotations else root / "annotations" / f"instances_{split}.json"
        self._folder = Path(images) if images else root / split
        content = _read(self._json)
        self.categories, column_of = _categories(content, self._json)
        self._images = _images(content, self._json)
        self._annotations: list[list[dict[str, Any]]] = [[] for _ in self._images]
        self._column_of = column_of
        row_of = {image["id"]: row for row, image in enumerate(self._images)}
        self.targets = np.zeros((len(self._images), len(self.categories)), dtype=np.int8)
        for annotation in _entries(content, "annotations", self._json):
            for key, known in (("image_id", row_of), ("category_id", column_of)):
                value = annotation.get(key)
                if not isinstance(value, int | str) or value not in known:
                    raise WorkbenchError(
                        f"{self._json}: annotation {annotation.get('id')} has the {key} {value!r:.40}, which is not listed; "
                        f"list it or remove the annotation."
                    )
            row, column = row_of[annotation["image_id"]], column_of[annotation["category_id"]]
            self._annotations[row].append(annotation)
            if not annotation.get("difficult"):
                self.targets[row, column] = 1
            elif self.targets[row, column] == 0:
                self.targets[row, column] = -1
        stems = [PurePosixPath(image["file_name"]).stem for image in self._images]
        self.ids = stems if len(set(stems)) == len(stems) else [str(image["id"]) for image in self._images]

    def image(self, index: int) -> np.ndarray:
        entry = self._images[index]
        path = self._folder / entry["file_name"]
        picture = open_rgb(path)
        if picture.shape[:2] != (entry["height"], entry["width"]):
            raise WorkbenchError(
                f"{path} is {picture.shape[1]} x {picture.shape[0]} pixels, {self._json.name} says {entry['width']} x {entry['height']}; "
                "use the pictures that the annotations were made for, stored upright."
            )
        return picture

    def regions(self, index: int) -> list[Region]:
        height, width = self._images[index]["height"], self._images[index]["width"]
        return [self._region(annotation, height, width) for annotation in self._annotations[index]]

    def _region(self, annotation: Mapping[str, Any], height: int, width: int) -> Region:
        mask = None
        if annotation.get("segmentation"):
            mask = _decoded(annotation["segmentation"], height, width, f"{self._json}: annotation {annotation.get('id')}")
        if annotation.get("bbox") is not None:
            try:
                x, y, wide, tall = map(float, annotation["bbox"])
            except (TypeError, ValueError):
                raise WorkbenchError(f"{self._json}: annotation {annotation.get('id')} has a bbox that is not four numbers.") from None
            box = (x, y, x + wide, y + tall)
        elif mask is not None and mask.any():
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
        else:
            raise WorkbenchError(f"{self._json}: annotation {annotation.get('id')} has neither a bbox nor a mask; add one or remove it.")
        name = self.categories[self._column_of[annotation["category_id"]]]
        return Region(name, box, mask, crowd=bool(annotation.get("iscrowd")), difficult=bool(annotation.get("difficult")))


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise WorkbenchError(
            f"There is no annotation file at {path}; put the data set there (annotations/ beside the picture folders) or name the folder "
            "that holds both as its root."
        )
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise WorkbenchError(f"{path} is not whole JSON ({error}); it may be truncated, get it again.") from None
    if not isinstance(content, dict):
        raise WorkbenchError(f"{path} is not in COCO instances format: it holds a {type(content).__name__} where an object belongs.")
    return content


def _entries(content: Mapping[str, Any], section: str, path: Path) -> list[dict[str, Any]]:
    entries = content.get(section)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise WorkbenchError(f'{path} has no list "{section}"; it is not in COCO instances format or only part of one.')
    return entries


def _categories(content: Mapping[str, Any], path: Path) -> tuple[Categories, dict[int, int]]:
    """The names in id order, and the column of each id."""
    if not content.get("categories"):
        raise WorkbenchError(f"{path} lists no categories; add the list, or use an instances file (captions and keypoints have none).")
    entries = _entries(content, "categories", path)
    for entry in entries:
        if not isinstance(entry.get("id"), int) or not isinstance(entry.get("name"), str):
            raise WorkbenchError(f"{path}: a category lacks a whole-number id or a name ({entry!r:.80}); correct it.")
    entries = sorted(entries, key=lambda entry: entry["id"])
    column_of = {entry["id"]: column for column, entry in enumerate(entries)}
    if len(column_of) < len(entries):
        twice = next(a["id"] for a, b in itertools.pairwise(entries) if a["id"] == b["id"])
        raise WorkbenchError(f"{path}: category id {twice} is listed twice; remove one of them.")
    groups = {entry["name"]: entry["supercategory"] for entry in entries if isinstance(entry.get("supercategory"), str)}
    try:
        return Categories([entry["name"] for entry in entries], groups), column_of
    except WorkbenchError as error:
        raise WorkbenchError(f"{path}: {error}") from None


def _images(content: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    images = _entries(content, "images", path)
    seen = set()
    for image in images:
        name = image.get("file_name")
        if not isinstance(image.get("id"), int | str) or not isinstance(name, str) or not name:
            raise WorkbenchError(f"{path}: an image lacks an id or a file name ({image!r:.80}); correct it.")
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise WorkbenchError(
                f'{path}: image {image["id"]} has the file name "{name}", which leads out of the picture folder; correct it.'
            )
        if not all(isinstance(image.get(side), int) and image[side] > 0 for side in ("height", "width")):
            raise WorkbenchError(f"{path}: image {image['id']} lacks a height and width in pixels; add them.")
        if image["id"] in seen:
            raise WorkbenchError(f"{path}: image id {image['id']} is listed twice; remove one of them.")
        seen.add(image["id"])
    return images


def _decoded(segmentation: Any, height: int, width: int, where: str) -> np.ndarray:
    """Polygons, run lengths or compressed run lengths as bool [height, width]."""
    try:
        from pycocotools import mask as codec
    except ImportError:
        raise WorkbenchError('Reading COCO masks needs pycocotools; install it with pip install "workbench[train]".') from None
    try:
        if isinstance(segmentation, list):
            runs = codec.merge(codec.frPyObjects(segmentation, height, width))
        elif isinstance(segmentation["counts"], list):
            runs = codec.frPyObjects(segmentation, *segmentation["size"])
        else:
            runs = segmentation
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools 2.0.11 has not caught up with numpy 2's __array__
            mask = codec.decode(runs).astype(bool)
    except Exception as error:  # pycocotools raises bare Exception
        raise WorkbenchError(f"{where} has a segmentation that cannot be decoded ({error}); correct or remove it.") from None
    if mask.shape != (height, width):
        raise WorkbenchError(
            f"{where} has a mask of {mask.shape[1]} x {mask.shape[0]} pixels in an image of {width} x {height}; correct it."
        )
    return mask
