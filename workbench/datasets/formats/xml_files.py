"""Annotations in XML: a file for each picture (LabelImg, VOC layout with your own categories), or one for all (CVAT for images 1.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from workbench.datasets.files import numbered_lines
from workbench.datasets.formats.listed import Box, Listed, ListedDataset, of_split
from workbench.datasets.voc import parsed_xml
from workbench.errors import WorkbenchError, did_you_mean


def vocxml(
    root: str | Path, split: str = "all", categories: Sequence[str] | None = None, images: str | Path | None = None, bits: int | None = None
) -> ListedDataset:
    """One split: a list in ImageSets/Main, or a folder below ROOT; "all" takes every XML file.

    Args:
        images: folder of the pictures, where they do not lie below ROOT.
    """
    root = Path(root)
    lists = root / "ImageSets" / "Main"
    wanted = None
    folder = root
    if split != "all" and lists.is_dir():
        if not (lists / f"{split}.txt").is_file():
            raise WorkbenchError(
                f"There is no list {lists / f'{split}.txt'}.{did_you_mean(split, [path.stem for path in lists.glob('*.txt')])}"
            )
        wanted = {line.split()[0] for _, line in numbered_lines(lists / f"{split}.txt", "get the lists again.")}
    elif split != "all":
        folder = of_split(root, split)
    listed = []
    for path in sorted(folder.rglob("*.xml")):
        if wanted is not None and path.stem not in wanted:
            continue
        content = parsed_xml(path)
        if content.tag == "annotation":
            listed.append(_of_picture(path, content))
    if not listed:
        raise WorkbenchError(f"{folder} holds no XML files of pictures (<annotation>); name the folder that does.")
    return ListedDataset(root.name or "vocxml", Path(images) if images else root, listed, split, categories, bits=bits)


def _of_picture(path: Path, content: ElementTree.Element) -> Listed:
    named = (content.findtext("filename") or "").strip()
    # LabelImg keeps the name that a picture had when it was annotated: the XML file's own name says which it is now.
    picture = path.stem if Path(named.replace("\\", "/")).stem != path.stem else named
    folder = "" if path.parent.name == "Annotations" else path.parent.name + "/"
    labels: dict[str, int] = {}
    boxes: list[Box] = []
    for item in content.findall("object"):
        name = (item.findtext("name") or "").strip()
        if not name:
            raise WorkbenchError(f"{path} has an object without a name; correct it.")
        difficult = (item.findtext("difficult") or "0").strip() == "1"
        labels[name] = max(labels.get(name, -1), -1 if difficult else 1)
        try:
            corners = [float(item.findtext(f"bndbox/{side}") or "") for side in ("xmin", "ymin", "xmax", "ymax")]
        except ValueError:
            continue  # the label can be used without
        if all(map(math.isfinite, corners)) and not difficult:
            across, down = sorted(corners[::2]), sorted(corners[1::2])  # some tools write the corner where the drag ended first
            boxes.append((name, (across[0] - 1, down[0] - 1, across[1], down[1])))
    return Listed(folder + picture, str(path), labels, boxes, size=_size(content.findtext("size/height"), content.findtext("size/width")))


def cvat(
    root: str | Path, split: str = "all", categories: Sequence[str] | None = None, images: str | Path | None = None, bits: int | None = None
) -> ListedDataset:
    """A task or project exported as "CVAT for images 1.1".

    Args:
        root: annotations.xml, or the folder that holds it.
        split: a subset of the export, or "all".
        images: folder of the pictures, if it is not that of the file.
    """
    root = Path(root)
    path = next(iter(sorted(root.glob("*.xml"))), root / "annotations.xml") if root.is_dir() else root
    content = parsed_xml(path)
    if content.tag != "annotations":
        raise WorkbenchError(f"{path} begins with <{content.tag}>, not <annotations>; export the task as CVAT for images 1.1.")
    names = [name.text.strip() for name in content.findall("meta//label/name") if name.text and name.text.strip()]
    listed, subsets = [], set()
    for item in content.findall("image"):
        where = f"{path}, image {item.get('id', '?')}"
        subsets.add(item.get("subset", ""))
        if split not in ("all", item.get("subset")):
            continue
        one = Listed(item.get("name") or "", where, size=_size(item.get("height"), item.get("width")))
        for shape in item:
            label = (shape.get("label") or "").strip()
            if shape.tag == "tag":
                one.labels[label] = 1
            elif label:
                one.labels[label] = 1
                box = _box(shape)
                if box is not None:
                    one.boxes.append((label, box))
        listed.append(one)
    if not listed and content.find("track") is not None:
        raise WorkbenchError(f"{path} holds tracks of a video, not images; export the task as CVAT for images 1.1.")
    if not listed:
        raise WorkbenchError(f'{path} has no image of the split "{split}".{did_you_mean(split, ["all", *sorted(filter(None, subsets))])}')
    folder = Path(images) if images else path.parent
    return ListedDataset(folder.name or "cvat", folder, listed, split, categories or list(dict.fromkeys(names)) or None, bits=bits)


def _box(shape: ElementTree.Element) -> tuple[float, float, float, float] | None:
    try:
        if shape.get("points"):
            points = [tuple(map(float, point.split(","))) for point in (shape.get("points") or "").split(";")]
            across, down = [point[0] for point in points], [point[1] for point in points]
            edges = [min(across), min(down), max(across), max(down)]
        else:
            edges = [float(shape.get(side) or "") for side in ("xtl", "ytl", "xbr", "ybr")]
    except (ValueError, IndexError):
        return None
    (left, right), (top, bottom) = sorted(edges[::2]), sorted(edges[1::2])
    return (left, top, right, bottom) if all(map(math.isfinite, edges)) else None


def _size(height: str | None, width: str | None) -> tuple[int, int] | None:
    try:
        found = int(float(height or "")), int(float(width or ""))
    except (ValueError, OverflowError):
        return None
    return found if min(found) > 0 else None
