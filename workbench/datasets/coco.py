"""COCO instances: one JSON for a split beside a folder of its pictures, as the official archives of 2014 and 2017 unpack.

    ROOT/annotations/instances_val2017.json   ROOT/annotations/instances_train2014.json
    ROOT/val2017/000000000139.jpg             ROOT/train2014/COCO_train2014_000000000009.jpg

Columns are the categories in category-id order, their groups the supercategories. An image without annotations is all-negative.
A crowd counts as present, as in the usual label tables. Labels come from the annotation cache where they have been read before; the JSON
is opened again, once, when regions are asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.datasets.annotation_cache import Parsed, parsed_once
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.coco_masks import NotInstalled, decode_segmentation
from workbench.datasets.depth import odd_depths
from workbench.datasets.files import box_of, objects, read_json
from workbench.datasets.finding import PictureFolder
from workbench.datasets.upright import LEFT_OUT, placed, stored_frame
from workbench.errors import WorkbenchError
from workbench.pictures import open_rgb
from workbench.regions import Region

_MISSING = "put the data set there (annotations/ beside the picture folders) or name the folder that holds both as its root."


class CocoDataset(MultiLabelDataset):
    """One split in COCO instances format.

    Args:
        root: folder with ``annotations/instances_<split>.json`` and the pictures in ``<split>/``.
        split: "train2017", "val2014", or whatever the files are named after.
        annotations, images: the JSON file and the folder of pictures, where they lie elsewhere.
        only_labelled: leave out images without any annotation. COCO 2014 then has 82,081 + 40,137 images, as in most papers, and
            82,783 + 40,504 with them.

    Raises:
        WorkbenchError: the JSON is missing, truncated or contradicts itself; a picture cannot be read.

    Labels need neither sizes nor boxes: without them, or where they do not fit the picture, only `regions` are left out, which is said.
    """

    def __init__(
        self,
        root: str | Path,
        split: str,
        annotations: str | Path | None = None,
        images: str | Path | None = None,
        only_labelled: bool = False,
        bits: int | None = None,
        name: str | None = None,
    ) -> None:
        root = Path(root)
        self.split, self._bits = split, bits
        self.name = name or (split if split.startswith("coco") else f"coco-{split}") + ("-labelled" if only_labelled else "")
        self._json = Path(annotations) if annotations else root / "annotations" / f"instances_{split}.json"
        self._folder = Path(images) if images else root / split
        parsed = parsed_once("coco", [self._json], lambda: _parsed(self._json))
        kept = parsed.tensors["annotated"] if only_labelled else np.ones(len(parsed.tensors["targets"]), dtype=bool)
        self.categories = Categories.from_json(parsed.texts["categories"])
        self.targets = parsed.tensors["targets"][kept]
        self._sizes = parsed.tensors["sizes"][kept]
        rows = np.flatnonzero(kept)
        pictures = PictureFolder(self._folder)
        self._files: list[str] = [pictures.find(parsed.texts["files"][row], f"{self._json.name}: an image") for row in rows]
        self._image_ids: list[int | str] = [parsed.texts["ids"][row] for row in rows]
        self._known = dict.fromkeys(parsed.texts["ids"], 0)
        self._column_of = {identifier: column for column, identifier in enumerate(parsed.texts["category_ids"])}
        stems = [_stem(name) for name in self._files]
        self.ids = stems if len(set(stems)) == len(stems) else [str(identifier) for identifier in self._image_ids]
        if len(set(self.ids)) < len(self.ids):
            raise WorkbenchError(f"{self._json}: two images have ids that read alike; make every image id a number.")
        self._left_out = False
        missing = set(pictures.missing)
        odd = odd_depths([self._folder / file for file in self._files if file not in missing], bits)
        self._say([*parsed.texts.get("notes", ()), *pictures.gone(), *odd], pictures.told())

    def file(self, index: int) -> Path | None:
        return self._folder / self._files[index]

    def image(self, index: int) -> np.ndarray:
        return open_rgb(self._folder / self._files[index], bits=self._bits)

    def regions(self, index: int) -> list[Region]:
        """Objects in pixels of the upright image: turned with it, or left out, and said once, where nothing tells how they lie in it."""
        annotations = self._annotations.get(self._image_ids[index], [])
        if not annotations:
            return []
        height, width = map(int, self._sizes[index])
        path = self._folder / self._files[index]
        stated = (height, width) if height and width else None
        if stated is None:
            frame = stored_frame(path)
            height, width = frame[:2] if frame else (0, 0)
        found, problems = [], []
        for annotation in annotations:
            try:
                region = self._region(annotation, height, width)
            except NotInstalled:
                raise
            except WorkbenchError as error:
                problems.append(f"{error} Its region is left out; its label is used.")
            else:
                found += [] if region is None else [region]
        regions = placed(path, found, stated)
        if regions is None:
            problems.append(f"{self._files[index]}: {LEFT_OUT}")
        if problems and not self._left_out:
            self._left_out = True
            self._say(problems[:1], self.notes)
        return regions or []

    @cached_property
    def _annotations(self) -> dict[int | str, list[dict[str, Any]]]:
        """The objects of each image id, from the JSON."""
        found: dict[int | str, list[dict[str, Any]]] = {}
        for annotation in _placed(read_json(self._json, _MISSING), self._known, self._column_of, self._json):
            found.setdefault(annotation["image_id"], []).append(annotation)
        return found

    def _region(self, annotation: Mapping[str, Any], height: int, width: int) -> Region | None:
        """None where there is neither a box nor a mask: a label about the whole image."""
        where, mask = f"{self._json}: annotation {annotation.get('id')!r:.40}", None
        if annotation.get("segmentation") and height and width:
            mask = decode_segmentation(annotation["segmentation"], height, width, where)
        if annotation.get("bbox"):
            box = box_of(annotation["bbox"], where)
        elif mask is not None and mask.any():
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
        else:
            return None
        name = self.categories[self._column_of[annotation["category_id"]]]
        return Region(name, box, mask, crowd=bool(annotation.get("iscrowd")), difficult=bool(annotation.get("difficult")))


def _stem(name: str) -> str:
    """As pathlib's, which takes seconds for the names of COCO."""
    last = name.rsplit("/", 1)[-1]
    return last.rpartition(".")[0] or last


def _parsed(path: Path) -> Parsed:
    """Labels, names and sizes: what is needed to train, and small beside the outlines."""
    content = read_json(path, _MISSING)
    categories, column_of, notes = _categories(content, path)
    images = _images(content, path)
    row_of = {image["id"]: row for row, image in enumerate(images)}
    targets = np.zeros((len(images), len(categories)), dtype=np.int8)
    annotated = np.zeros(len(images), dtype=bool)
    for annotation in _placed(content, row_of, column_of, path):
        row, column = row_of[annotation["image_id"]], column_of[annotation["category_id"]]
        annotated[row] = True
        if not annotation.get("difficult"):
            targets[row, column] = 1
        elif targets[row, column] == 0:
            targets[row, column] = -1
    sizes = np.array([(_side(image.get("height")), _side(image.get("width"))) for image in images], dtype=np.int64).reshape(-1, 2)
    texts = {
        "files": [image["file_name"] for image in images],
        "ids": list(row_of),
        "categories": categories.to_json(),
        "category_ids": list(column_of),
        "notes": notes,
    }
    return Parsed({"targets": targets, "annotated": annotated, "sizes": sizes}, texts)


def _placed(content: dict[str, Any], images: Mapping[Any, int], categories: Mapping[Any, int], path: Path) -> Iterator[dict[str, Any]]:
    """The annotations, each of an image and a category that are listed."""
    for annotation in objects(content, "annotations", path):
        for key, known in (("image_id", images), ("category_id", categories)):
            value = annotation[key] = _known_id(annotation.get(key), known)
            if not isinstance(value, int | str) or value not in known:
                raise WorkbenchError(
                    f"{path}: annotation {annotation.get('id')!r:.40} has the {key} {value!r:.40}, which is not listed; "
                    f"list it or remove the annotation."
                )
        yield annotation


def _known_id(value: Any, known: Mapping[Any, int]) -> Any:
    """An id as the list has it: some writers make texts or floats of the numbers in one place and not in the other."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int | str) or value in known:
        return value
    other = str(value) if isinstance(value, int) else int(value) if value.lstrip("-").isdecimal() and len(value) < 20 else value
    return other if other in known else value


def _side(value: Any) -> int:
    """A height or width in pixels; 0 where the file does not say: labels need none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**31 or value != int(value):
        return 0
    return int(value)


def _categories(content: dict[str, Any], path: Path) -> tuple[Categories, dict[int | str, int], list[str]]:
    """The names in id order, the column of each id, and what was left out, in words."""
    if not content.get("categories"):
        raise WorkbenchError(f"{path} lists no categories; add the list, or use an instances file (captions and keypoints have none).")
    entries = objects(content, "categories", path)
    for entry in entries:
        if isinstance(entry.get("id"), float) and entry["id"].is_integer():
            entry["id"] = int(entry["id"])
        if not isinstance(entry.get("id"), int | str) or isinstance(entry["id"], bool) or not isinstance(entry.get("name"), str):
            raise WorkbenchError(f"{path}: a category lacks an id or a name ({entry!r:.80}); correct it.")
    entries, notes = _without_root(entries, content, path)
    entries = sorted(entries, key=lambda entry: _in_order(entry["id"]))
    column_of = {entry["id"]: column for column, entry in enumerate(entries)}
    if len(column_of) < len(entries):
        twice = next(a["id"] for a, b in itertools.pairwise(entries) if a["id"] == b["id"])
        raise WorkbenchError(f"{path}: category id {twice!r:.40} is listed twice; remove one of them.")
    groups = {entry["name"]: entry["supercategory"] for entry in entries if isinstance(entry.get("supercategory"), str)}
    try:
        return Categories([entry["name"] for entry in entries], groups), column_of, notes
    except WorkbenchError as error:
        raise WorkbenchError(f"{path}: {error}") from None


def _in_order(identifier: int | str) -> tuple[bool, int, str]:
    """Numbers first, also those that are written as text."""
    number = isinstance(identifier, int) or (identifier.lstrip("-").isdecimal() and len(identifier) < 20)
    return (False, int(identifier), "") if number else (True, 0, str(identifier))


def _without_root(entries: list[dict[str, Any]], content: dict[str, Any], path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Roboflow adds a category of its own, which all others have as their supercategory and no picture carries."""
    roots = [entry for entry in entries if entry["id"] in (0, "0") and entry.get("supercategory") == "none"]
    others = [entry for entry in entries if entry not in roots]
    if len(roots) != 1 or not others or not all(entry.get("supercategory") == roots[0]["name"] for entry in others):
        return entries, []
    annotations = content.get("annotations")
    if isinstance(annotations, list) and any(isinstance(one, dict) and one.get("category_id") in (0, "0") for one in annotations):
        return entries, []
    return others, [f'{path.name}: the category "{roots[0]["name"]:.60}" stands for all others and no image has it; it is left out.']


def _images(content: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    images = objects(content, "images", path)
    seen = set()
    for image in images:
        name = image.get("file_name")
        if isinstance(image.get("id"), float) and image["id"].is_integer():
            image["id"] = int(image["id"])
        if not isinstance(image.get("id"), int | str) or not isinstance(name, str) or not name:
            raise WorkbenchError(f"{path}: an image lacks an id or a file name ({image!r:.80}); correct it.")
        if image["id"] in seen:
            raise WorkbenchError(f"{path}: image id {image['id']!r:.40} is listed twice; remove one of them.")
        seen.add(image["id"])
    return images
