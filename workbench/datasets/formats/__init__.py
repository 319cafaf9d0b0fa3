"""What other programs export, read as data sets: a small reader for each, found by name or recognised by what lies in the folder."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.datasets.finding import PictureFolder
from workbench.errors import WorkbenchError

FORMATS = {
    "imagefolder": "a folder for each category (torchvision ImageFolder), splits are folders above them",
    "yolo": "YOLO: data.yaml or classes.txt, images/ and labels/*.txt",
    "vocxml": "one XML file a picture with your own categories: LabelImg, VOC layout",
    "openimages": "Open Images CSV: ImageID, LabelName, Confidence, or boxes",
    "webdataset": "tar shards of pictures with .cls, .txt or .json beside them",
    "roboflow": "Roboflow as unpacked: train/_annotations.coco.json",
    "labelstudio": "Label Studio JSON or JSON-MIN",
    "cvat": "CVAT for images, XML",
    "fiftyone": "FiftyOne export: samples.json, or labels.json and data/",
}
_HOMES = {
    "imagefolder": "folders",
    "yolo": "yolo",
    "vocxml": "xml_files",
    "openimages": "openimages",
    "webdataset": "webdataset",
    "roboflow": "roboflow",
    "labelstudio": "labelstudio",
    "cvat": "xml_files",
    "fiftyone": "fiftyone",
}


def reader_of(name: str) -> Callable[..., Any]:
    """The function ``(root, split, **options) -> MultiLabelDataset`` of a format."""
    reader: Callable[..., Any] = getattr(importlib.import_module(f"workbench.datasets.formats.{_HOMES[name]}"), name)
    return reader


def recognise(root: Path) -> str:
    """The name of the format, from what lies in the folder. Raises WorkbenchError, saying what is understood, where nothing fits."""
    if not root.exists():
        raise WorkbenchError(f"There is nothing at {root}; give the folder, or the file, of the data set.")
    if root.is_file():
        found = {".csv": "table", ".json": "labelstudio", ".xml": "cvat", ".tar": "webdataset", ".yaml": "yolo"}.get(root.suffix.lower())
        if found == "table" and _is_open_images(root):
            found = "openimages"
        if found:
            return found
        raise WorkbenchError(f"{root} is of no format that is read; known are {', '.join(FORMATS)}, coco, voc2007 and table.")
    checks: list[tuple[str, Callable[[], Any]]] = [
        ("roboflow", lambda: [*root.glob("_annotations.coco.json"), *root.glob("*/_annotations.coco.json")]),
        ("coco", lambda: list((root / "annotations").glob("instances_*.json"))),
        ("yolo", lambda: [*root.glob("data.y*ml"), *root.glob("dataset.y*ml")]),
        ("yolo", lambda: (root / "classes.txt").is_file() and (root / "labels").is_dir()),
        ("fiftyone", lambda: (root / "samples.json").is_file() or ((root / "labels.json").is_file() and (root / "data").is_dir())),
        ("webdataset", lambda: [*root.glob("*.tar"), *root.glob("*/*.tar")]),
        ("cvat", lambda: [path for path in root.glob("*.xml") if path.is_file() and b"<annotations" in path.read_bytes()[:300]]),
        ("vocxml", lambda: next(root.rglob("*.xml"), None)),
        ("openimages", lambda: [path for path in root.glob("*.csv") if _is_open_images(path)]),
        ("table", lambda: list(root.glob("*.csv"))),
        ("labelstudio", lambda: list(root.glob("*.json"))),
        ("imagefolder", lambda: [name for name in PictureFolder(root).files if "/" in name]),
    ]  # fmt: skip
    for name, fits in checks:
        if fits():
            return name
    raise WorkbenchError(
        f"{root} holds nothing that is recognised; known are {', '.join(FORMATS)}, coco, voc2007 and table. A folder of pictures without "
        'labels is opened with load_dataset("table", "all", root=..., categories=[...]).'
    )


def _is_open_images(path: Path) -> bool:
    if not path.is_file():  # a pipe would be waited for without end
        return False
    with open(path, "rb") as file:
        return b"ImageID" in (head := file.read(300)) and b"LabelName" in head
