"""Write any data set with regions as COCO instances: a JSON that pycocotools reads, beside the pictures as PNG files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench.datasets.base import MultiLabelDataset
from workbench.errors import WorkbenchError, unwritable
from workbench.files import atomic_folder, json_text, sweep, write_text
from workbench.regions import Region


def export_coco(dataset: MultiLabelDataset, folder: str | Path, split: str | None = None) -> Path:
    """Write ``folder/annotations/instances_<split>.json`` and the pictures, losslessly, into ``folder/<split>/``.

    Masks become compressed run lengths and are kept exactly; a region without a mask has its box only. Objects marked difficult carry
    ``"difficult": 1``, which other readers pass over. Whatever ends it, nothing half-written stays.

    Args:
        split: what to name the files after; the data set's own split unless given.

    Returns: path of the JSON.

    Raises:
        WorkbenchError: something of that name is there already, or a label has no region to stand for it.
    """
    try:
        from pycocotools import mask as codec
    except ImportError:
        raise WorkbenchError('Writing COCO masks needs pycocotools; install it with pip install "multilabel-workbench[train]".') from None
    folder = Path(folder)
    split = split or getattr(dataset, "split", None) or getattr(getattr(dataset, "source", None), "split", None) or dataset.name
    if not re.fullmatch(r"[\w.-]+", split) or split.startswith("."):
        raise WorkbenchError(f'"{split}" cannot name a file; give the split a name of letters, digits, "-" and "_".')
    pictures, target = folder / split, folder / "annotations" / f"instances_{split}.json"
    for path in (pictures, target):
        if path.exists():
            raise WorkbenchError(f"{path} exists already; remove it or export into another folder.")
    content: dict[str, Any] = {
        "info": {"description": dataset.name},
        "images": [],
        "annotations": [],
        "categories": [
            {"id": column + 1, "name": name, "supercategory": dataset.categories.groups.get(name, "")}
            for column, name in enumerate(dataset.categories)
        ],
    }
    plain = all(re.fullmatch(r"\w[\w.-]*", identifier) and len(identifier) < 100 for identifier in dataset.ids)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        with atomic_folder(pictures) as staging:
            for index, identifier in enumerate(dataset.ids):
                picture, regions = dataset.image(index), dataset.regions(index)
                _require_regions(dataset, index, regions)
                file_name = f"{identifier if plain else f'{index + 1:012d}'}.png"
                Image.fromarray(picture).save(staging / file_name)
                height, width = picture.shape[:2]
                content["images"].append({"id": index + 1, "file_name": file_name, "height": height, "width": width})
                for annotation in _annotations(dataset, regions, codec):
                    content["annotations"].append({"id": len(content["annotations"]) + 1, "image_id": index + 1, **annotation})
            write_text(target, json_text(content))
    except BaseException as error:
        if not pictures.exists():  # half of it would stand in the way of the next try
            target.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise unwritable(target, error) from None
        raise
    return target


def _annotations(dataset: MultiLabelDataset, regions: list[Region], codec: Any) -> Iterator[dict[str, Any]]:
    for region in regions:
        x0, y0, x1, y1 = region.box
        annotation: dict[str, Any] = {
            "category_id": dataset.categories.index(region.category) + 1,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": (x1 - x0) * (y1 - y0),
            "iscrowd": int(region.crowd),
        }
        if region.difficult:
            annotation["difficult"] = 1
        if region.mask is not None:
            runs = codec.encode(np.asfortranarray(region.mask, dtype=np.uint8))
            annotation["segmentation"] = {"size": list(region.mask.shape), "counts": runs["counts"].decode("ascii")}
            annotation["area"] = int(region.mask.sum())
        yield annotation


def _require_regions(dataset: MultiLabelDataset, index: int, regions: list[Region]) -> None:
    """A label without a region would be lost without a word."""
    shown = {region.category for region in regions}
    for column in np.flatnonzero(dataset.targets[index]):
        name = dataset.categories[int(column)]
        if name not in shown:
            raise WorkbenchError(
                f'Image {dataset.ids[index]} of {dataset.name} has the label "{name}" but no region, which COCO instances cannot say; '
                "export a data set with boxes or masks."
            )
