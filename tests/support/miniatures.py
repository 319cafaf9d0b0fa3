"""Every data set in its official layout, small and drawn: a few dozen pictures of coloured shapes, the same on every call.

    root = make_miniature("coco2014", tmp_path)
    data = load_dataset("coco2014", "train", root)

Splits are the official ones; a label is a colour and a shape at a random place, so that a small model can learn something from them.
"""

from __future__ import annotations

import colorsys
import json
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image, ImageDraw

from workbench.datasets.official import official_categories

TRAIN, HELD_OUT = 16, 12
MINIATURES = ("coco2014", "coco2017", "voc2007", "voc2012", "nuswide", "nuswide-table", "wider", "apparel", "table")
SPLITS = {
    "coco2014": ("train", "val"),
    "coco2017": ("train", "val"),
    "voc2007": ("trainval", "test"),
    "voc2012": ("train", "val"),
    "nuswide": ("train", "test"),
    "nuswide-table": ("train", "val"),
    "wider": ("train", "test"),
    "apparel": ("train", "test"),
    "table": ("train", "val"),
}
"""The two splits that one trains on and evaluates on."""

Box = tuple[int, int, int, int]


def make_miniature(name: str, folder: str | Path) -> Path:
    """Draw the miniature of a data set into `folder` and return the root to load it from. "nuswide-table" is NUS-WIDE with the CSV."""
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    makers = {"coco": _coco, "voc2": _voc, "nusw": _nuswide, "wide": _wider, "appa": _apparel, "tabl": _table}
    makers[name[:4]](name, root, np.random.default_rng(2024))
    return root


def _draw(rng: np.random.Generator, labels: Sequence[int], path: Path, size: tuple[int, int] = (80, 64)) -> list[Box]:
    """Write a picture with one shape for each label (a number) and return their boxes (x0, y0, x1, y1), all ends inside the picture."""
    image = Image.new("RGB", size, tuple(int(value) for value in rng.integers(150, 200, 3)))
    pen = ImageDraw.Draw(image)
    boxes = []
    for label in labels:
        wide, tall = (int(value) for value in rng.integers(14, 28, 2))
        x, y = int(rng.integers(0, size[0] - wide)), int(rng.integers(0, size[1] - tall))
        colour = tuple(int(255 * part) for part in colorsys.hsv_to_rgb(label * 0.381966 % 1, 0.9, 0.5 + 0.4 * (label % 2)))
        (pen.ellipse if label % 3 else pen.rectangle)((x, y, x + wide - 1, y + tall - 1), fill=colour)
        boxes.append((x, y, x + wide, y + tall))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=90)
    return boxes


def _some(rng: np.random.Generator, of: int, most: int = 3) -> list[int]:
    return sorted(int(label) for label in rng.choice(of, size=int(rng.integers(1, most + 1)), replace=False))


def _coco(name: str, root: Path, rng: np.random.Generator) -> None:
    """Six of the 80 categories occur; one picture of each split has no annotation, one a crowd stored as run lengths."""
    rows = json.loads(_official().read_text(encoding="utf-8"))["coco"]
    categories = [{"id": row[0], "name": row[1], "supercategory": row[2]} for row in rows]
    used = [categories[column] for column in (0, 1, 2, 15, 16, 56)]
    year = name[-4:]
    for split, count in (("train", TRAIN), ("val", HELD_OUT)):
        images, annotations = [], []
        for number in range(count):
            identifier = 1000 + 7 * number
            file_name = f"COCO_{split}2014_{identifier:012d}.jpg" if year == "2014" else f"{identifier:012d}.jpg"
            labels = [] if number == 3 else _some(rng, len(used))
            boxes = _draw(rng, labels, root / f"{split}{year}" / file_name)
            images.append({"id": identifier, "file_name": file_name, "width": 80, "height": 64})
            for label, (x0, y0, x1, y1) in zip(labels, boxes, strict=True):
                crowd = number == 5
                outline = {"size": [64, 80], "counts": _runs((x0, y0, x1, y1))} if crowd else [[x0, y0, x1, y0, x1, y1, x0, y1]]
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": identifier,
                        "category_id": used[label]["id"],
                        "bbox": [x0, y0, x1 - x0, y1 - y0],
                        "area": (x1 - x0) * (y1 - y0),
                        "iscrowd": int(crowd),
                        "segmentation": outline,
                    }
                )
        content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
        _write(root / "annotations" / f"instances_{split}{year}.json", json.dumps(content))


def _runs(box: Box) -> list[int]:
    """The box in a picture of 80 x 64 as run lengths down the columns."""
    x0, y0, x1, y1 = box
    mask = np.zeros((64, 80), dtype=np.int8)
    mask[y0:y1, x0:x1] = 1
    changes = np.flatnonzero(np.diff(np.concatenate([[0], mask.T.ravel()])))
    return [int(length) for length in np.diff(np.concatenate([[0], changes, [mask.size]]))]


def _voc(name: str, root: Path, rng: np.random.Generator) -> None:
    """Five of the 20 classes occur; in every fourth picture the first object is difficult."""
    year = name[-4:]
    base = root / "VOCdevkit" / f"VOC{year}"
    classes = official_categories("voc")
    used = ["bicycle", "car", "cat", "dog", "person"]
    half, rest = ("trainval", "test") if year == "2007" else ("train", "val")
    said: dict[str, dict[str, int]] = {}
    lists: dict[str, list[str]] = {half: [], rest: []}
    for number in range(TRAIN + HELD_OUT):
        identifier = f"{number + 5:06d}" if year == "2007" else f"2008_{number + 5:06d}"
        labels = _some(rng, len(used))
        boxes = _draw(rng, labels, base / "JPEGImages" / f"{identifier}.jpg")
        lists[half if number < TRAIN else rest].append(identifier)
        said[identifier] = {used[label]: 0 if number % 4 == 3 and place == 0 else 1 for place, label in enumerate(labels)}
        items = "".join(
            f"<object><name>{used[label]}</name><pose>Unspecified</pose><truncated>0</truncated>"
            f"<difficult>{1 - said[identifier][used[label]]}</difficult><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin>"
            f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            for label, (x0, y0, x1, y1) in zip(labels, boxes, strict=True)
        )
        size = "<size><width>80</width><height>64</height><depth>3</depth></size>"
        text = f"<annotation><folder>VOC{year}</folder><filename>{escape(identifier)}.jpg</filename>{size}{items}</annotation>"
        _write(base / "Annotations" / f"{identifier}.xml", text)
    if year == "2012":
        lists["trainval"] = lists["train"] + lists["val"]
    for split, identifiers in lists.items():
        _write(base / "ImageSets" / "Main" / f"{split}.txt", "".join(f"{identifier}\n" for identifier in identifiers))
        for category in classes:
            lines = [f"{identifier} {said[identifier].get(category, -1):2d}\n" for identifier in identifiers]
            _write(base / "ImageSets" / "Main" / f"{category}_{split}.txt", "".join(lines))


def _nuswide(name: str, root: Path, rng: np.random.Generator) -> None:
    """Six of the 81 concepts occur, one picture has none; names with backslashes, as in the official lists."""
    concepts = list(official_categories("nuswide"))
    used = [concepts.index(concept) for concept in ("animal", "clouds", "person", "sky", "street", "water")]
    parts: dict[str, list[tuple[str, list[int]]]] = {"Train": [], "Test": []}
    for number in range(TRAIN + HELD_OUT):
        file_name = f"{'actor' if number % 2 else 'beach'}/{number:04d}_{21244941 + number}.jpg"
        labels = [] if number == 2 else _some(rng, len(used))
        _draw(rng, labels, root / ("images" if name == "nuswide-table" else "Flickr") / file_name)
        parts["Train" if number < TRAIN else "Test"].append((file_name, [used[label] for label in labels]))
    if name == "nuswide-table":
        lines = ["filepath,label,split_name"]
        for split, entries in (("train", parts["Train"]), ("val", parts["Test"])):
            lines += [f'images/{file_name},"{[concepts[column] for column in labels]}",{split}' for file_name, labels in entries]
        _write(root / "nus_wid_data.csv", "\n".join(lines) + "\n")
        return
    _write(root / "ConceptsList" / "Concepts81.txt", "".join(f"{concept}\n" for concept in concepts))
    everything = parts["Test"] + parts["Train"]
    for list_name, entries in (("Train", parts["Train"]), ("Test", parts["Test"]), ("", everything)):
        lines = ["{}\r\n".format(file_name.replace("/", "\\")) for file_name, _ in entries]
        _write(root / "ImageList" / f"{list_name}Imagelist.txt", "".join(lines))
        for column, concept in enumerate(concepts):
            values = "".join(f"{int(column in labels)}\n" for _, labels in entries)
            inner = f"TrainTestLabels/Labels_{concept}_{list_name}.txt" if list_name else f"AllLabels/Labels_{concept}.txt"
            _write(root / "Groundtruth" / inner, values)


def _wider(name: str, root: Path, rng: np.random.Generator) -> None:
    """Two people a picture, some attributes unspecified, one box that reaches over the picture's edge."""
    attributes = list(official_categories("wider"))
    files: dict[str, list[dict[str, object]]] = {"trainval": [], "test": []}
    for split, count in (("train", TRAIN // 2), ("val", 3), ("test", HELD_OUT // 2)):
        for number in range(count):
            file_name = f"{split}/0--Parade/0_Parade_marchingband_1_{number}.jpg"
            people = [_some(rng, len(attributes), most=4) for _ in range(2)]
            boxes = _draw(rng, [person[0] for person in people], root / "Image" / file_name)
            targets: list[dict[str, object]] = []
            for person, (x0, y0, x1, y1) in zip(people, boxes, strict=True):
                values = [1 if column in person else 0 if (column + number) % 5 == 0 else -1 for column in range(len(attributes))]
                reach = 30.5 if number == 1 else 0
                targets.append({"attribute": values, "bbox": [x0, y0, x1 - x0 + reach, y1 - y0]})
            files["test" if split == "test" else "trainval"].append({"file_name": file_name, "scene_id": 0, "targets": targets})
    for part, images in files.items():
        content = {
            "images": images,
            "attribute_id_map": {str(column): attribute for column, attribute in enumerate(attributes)},
            "scene_id_map": {"0": "Parade"},
        }
        _write(root / "Annotations" / f"wider_attribute_{part}.json", json.dumps(content))


def _apparel(name: str, root: Path, rng: np.random.Generator) -> None:
    labels = official_categories("apparel")
    for folder in ("black_dress", "black_shoes", "blue_pants", "brown_shoes", "green_shirt", "red_dress", "white_shorts"):
        for number in range(5):
            columns = [labels.index(word) for word in folder.split("_")]
            _draw(rng, columns, root / folder / f"{number:02d}{'af09'[number % 4] * 6}.jpg", size=(60, 80))


def _table(name: str, root: Path, rng: np.random.Generator) -> None:
    """A labels column; every fifth picture has a label marked as unknown."""
    words = ["boat", "kite", "rock", "tree"]
    lines = ["image,labels,split"]
    for number in range(TRAIN + HELD_OUT):
        labels = _some(rng, len(words), most=2)
        _draw(rng, labels, root / "pictures" / f"{number:03d}.png")
        marks = ["?" if number % 5 == 4 and place == 0 else "" for place in range(len(labels))]
        cell = ";".join(mark + words[label] for mark, label in zip(marks, labels, strict=True))
        lines.append(f"pictures/{number:03d}.png,{cell},{'train' if number < TRAIN else 'val'}")
    _write(root / "table.csv", "\n".join(lines) + "\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def _official() -> Path:
    import workbench.datasets.official as module

    return Path(module.__file__).with_name("official.json")
