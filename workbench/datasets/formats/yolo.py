"""YOLO: data.yaml (names, train, val), pictures in images/ and beside it labels/NAME.txt with a line "class cx cy width height" for each
object, in shares of the picture; or a polygon in place of the box. Without data.yaml, classes.txt names the classes. A picture without a
file of labels has no objects.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from workbench.datasets.files import numbered_lines, read_text
from workbench.datasets.finding import PictureFolder
from workbench.datasets.formats.listed import Box, Listed, ListedDataset
from workbench.errors import WorkbenchError, did_you_mean

_MISSING = "put data.yaml (names: [...]) or classes.txt beside the folders images and labels."


def yolo(root: str | Path, split: str = "all", categories: Sequence[str] | None = None, bits: int | None = None) -> ListedDataset:
    """One split: "train", "val" or "test" of data.yaml; "all" takes every picture that is there."""
    root = Path(root)
    described = next((path for name in ("data", "dataset") for path in sorted(root.glob(f"{name}.y*ml"))), None) if root.is_dir() else root
    folder = root if root.is_dir() else root.parent
    names, splits = _described(described) if described else (_lines(folder / "classes.txt"), {})
    if not names:
        raise WorkbenchError(f"{described or folder} names no classes; {_MISSING}")
    pictures = [
        file
        for file in PictureFolder(folder).files
        if split == "all" or _is_of(file, splits.get(split) or splits.get({"val": "valid", "valid": "val"}.get(split, "")) or split, folder)
    ]
    if not pictures:
        raise WorkbenchError(f'{folder} has no pictures of the split "{split}".{did_you_mean(split, ["all", *splits])}')
    listed = []
    for file in pictures:
        boxes = _boxes(folder / _labels_of(file), names)
        listed.append(Listed(file, str(folder / _labels_of(file)), dict.fromkeys((box[0] for box in boxes), 1), boxes, relative=True))
    if not any((folder / _labels_of(file)).is_file() for file in pictures):
        raise WorkbenchError(
            f"Not one file of labels is there for {len(pictures)} pictures of {folder}, such as {_labels_of(pictures[0])}."
        )
    return ListedDataset(folder.name or "yolo", folder, listed, split, categories or names, bits=bits)


def _labels_of(file: str) -> str:
    """images/train/a.jpg -> labels/train/a.txt, the last "images" as Ultralytics does; beside the picture where there is none."""
    parts = file.split("/")
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return "/".join(parts).rpartition(".")[0] + ".txt"


def _is_of(file: str, split: str, folder: Path) -> bool:
    """Whether a picture lies in what data.yaml says of the split: a folder, whatever leads to it, or a list of files."""
    plain = re.sub(r"^(\.\.?/)+", "", split.replace("\\", "/")).strip("/")
    if plain.endswith(".txt"):
        return file.rpartition("/")[2] in {line.replace("\\", "/").rpartition("/")[2] for line in _lines(folder / plain)}
    return f"/{plain}/" in f"/{file}"


def _boxes(path: Path, names: Sequence[str]) -> list[Box]:
    if not path.is_file():
        return []
    boxes: list[Box] = []
    for number, line in numbered_lines(path, _MISSING):
        where = f"{path}, line {number}"
        try:
            cls, *values = (float(part) for part in line.split())
            column = int(cls)
            if column != cls or len(values) < 4 or not all(-0.01 <= value <= 1.01 for value in values):
                raise ValueError
        except (ValueError, OverflowError):
            raise WorkbenchError(f'{where}: "{line:.60}" is not a class and a box in shares of the picture (0 to 1); correct it.') from None
        if not 0 <= column < len(names):
            raise WorkbenchError(f"{where}: class {column}, but {len(names)} classes have names (0 to {len(names) - 1}); name it.")
        if len(values) in (4, 5):  # a fifth number is a confidence
            x, y, wide, high = values[:4]
            boxes.append((names[column], (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)))
        else:
            boxes.append((names[column], (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))))
    return boxes


def _lines(path: Path) -> list[str]:
    return [line for _, line in numbered_lines(path, _MISSING)]


def _described(path: Path) -> tuple[list[str], dict[str, str]]:
    """Names in the order of the classes, and where each split lies. Only what such files hold is read of YAML."""
    named: dict[int, str] = {}
    splits: dict[str, str] = {}
    inside = False
    for line in read_text(path, _MISSING).splitlines():
        text = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        if not text:
            continue
        if text[0] not in " -":
            key, _, value = text.partition(":")
            inside, value = key.strip() == "names", value.strip()
            if inside and value:
                items = re.split(r",(?=(?:[^'\"]*['\"][^'\"]*['\"])*[^'\"]*$)", value.strip("[]{}"))
                for number, item in enumerate(items):
                    told = re.match(r"\s*(\d+)\s*:\s*(.+)", item) if value[0] == "{" else None
                    named[int(told[1]) if told else number] = _unquoted(told[2] if told else item)
            elif value:
                splits[key.strip()] = _unquoted(value)
        elif inside:
            told = re.match(r"\s*(\d+)\s*:\s*(.+)", text)
            item = re.match(r"\s*-\s*(.+)", text)
            if told or item:
                named[int(told[1]) if told else len(named)] = _unquoted((told[2] if told else item[1]) if told or item else "")  # type: ignore[index]
    if sorted(named) != list(range(len(named))):
        raise WorkbenchError(f"{path} numbers its names {sorted(named)[:5]}, not from 0 on without gaps; correct it.")
    return [named[number] for number in range(len(named))], {key: value for key, value in splits.items() if key in ("train", "val", "test")}


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
