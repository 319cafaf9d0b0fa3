"""YOLO: data.yaml (names, train, val), pictures in images/ and beside it labels/NAME.txt with a line "class cx cy width height" for each
object, in shares of the picture; or a polygon in place of the box. Without data.yaml, classes.txt names the classes. A picture without a
file of labels has no objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
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
    pictures = files = PictureFolder(folder).files
    if split != "all":
        places = splits.get(split) or splits.get({"val": "valid", "valid": "val"}.get(split, "")) or [split]
        chosen = {file for place in places for file in _in(place, files, folder)}
        pictures = [file for file in files if file in chosen]
    if not pictures:
        raise WorkbenchError(f'{folder} has no pictures of the split "{split}".{_instead(split, splits, described)}')
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


def _in(place: str, files: Sequence[str], folder: Path) -> list[str]:
    """The pictures in what data.yaml says of a split: a list of files, or a folder, whatever leads to it on the machine that wrote it."""
    plain = re.sub(r"^(\.\.?/)+", "", place.replace("\\", "/")).strip("/")
    if plain.endswith(".txt"):
        listed = Path(place) if Path(place).is_absolute() and Path(place).is_file() else folder / plain
        named = {line.replace("\\", "/").rpartition("/")[2] for line in _lines(listed)}
        return [file for file in files if file.rpartition("/")[2] in named]
    parts = plain.split("/")
    for start in range(len(parts)):
        found = [file for file in files if f"/{'/'.join(parts[start:])}/" in f"/{file}"]
        if found:
            return found
    return []


def _instead(split: str, splits: Mapping[str, list[str]], described: Path | None) -> str:
    if split in splits:
        return f" {described} says that they are in {', '.join(splits[split])[:120]}; correct it, or move them there."
    return did_you_mean(split, ["all", *splits])


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


def _described(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Names in the order of the classes, and where each split lies. Only what such files hold is read of YAML."""
    named: dict[int, str] = {}
    splits: dict[str, list[str]] = {}
    key = ""
    for text in _whole_lines(read_text(path, _MISSING)):
        items = [text]
        if text[0] not in " \t-":
            key, _, value = (part.strip() for part in text.partition(":"))
            listed = value[:1] in ("[", "{")
            items = (
                re.split(r",(?=(?:[^'\"]*['\"][^'\"]*['\"])*[^'\"]*$)", value.strip("[]{}"))
                if listed
                else [value]
                if key != "names"
                else []
            )
        for item in filter(None, (re.sub(r"^\s*-\s+", "", item).strip() for item in items)):
            told = re.match(r"(\d+)\s*:\s*(.+)", item)
            if key == "names":
                named[int(told[1]) if told else len(named)] = _unquoted(told[2] if told else item)
            elif key in ("train", "val", "test"):
                splits.setdefault(key, []).append(_unquoted(item))
    if sorted(named) != list(range(len(named))):
        raise WorkbenchError(f"{path} numbers its names {sorted(named)[:5]}, not from 0 on without gaps; correct it.")
    return [named[number] for number in range(len(named))], splits


def _whole_lines(text: str) -> Iterator[str]:
    """Lines without comments; a list in brackets that goes over several lines is one."""
    held = ""
    for line in text.splitlines():
        bare = (re.match(r"""(?:"[^"]*"|'[^']*'|(?<=\S)#|[^#])*""", line) or [""])[0].rstrip()
        held = f"{held} {bare.strip()}" if held else bare
        if held and not (re.match(r"\w+\s*:\s*[\[{]", held) and held[-1] not in "]}"):
            yield held
            held = ""
    if held:
        yield held


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        return text
    try:
        return str(json.loads(text)) if text[0] == '"' else text[1:-1].replace("''", "'")
    except ValueError:
        return text[1:-1]
