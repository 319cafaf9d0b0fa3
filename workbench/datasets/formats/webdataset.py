"""WebDataset tar shards: files that share a name up to the first dot are one sample: 0001.jpg with 0001.cls (a class number), 0001.txt
(names, one a line or with ";" between them) or 0001.json ({"labels": [...]}). classes.txt beside the shards names the numbers. Nothing is
unpacked: pictures are read from their place in the tar, so that any of them can be asked for.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.datasets.files import numbered_lines
from workbench.datasets.formats.listed import Listed, ListedDataset
from workbench.errors import WorkbenchError
from workbench.pictures import ENDINGS

LARGEST_LABEL = 1_000_000
KEYS = ("labels", "label", "classes", "class", "tags", "categories")


def webdataset(root: str | Path, split: str = "all", categories: Sequence[str] | None = None, bits: int | None = None) -> ListedDataset:
    """One split: the shards whose name, or whose folder's, begins with it; "all": every shard."""
    root = Path(root)
    folder = root.parent if root.is_file() else root
    shards = [root] if root.is_file() else sorted(path for path in folder.rglob("*.tar") if path.is_file())
    if split != "all":
        shards = [shard for shard in shards if shard.name.startswith(split) or split in shard.relative_to(folder).parts[:-1]]
    names = [line for _, line in numbered_lines(folder / "classes.txt", "")] if (folder / "classes.txt").is_file() else None
    places: dict[str, tuple[Path, int, int]] = {}
    listed = []
    for shard in shards:
        for sample, parts in _samples(shard).items():
            picture = next((ending for ending in parts if f".{ending}".endswith(ENDINGS)), None)
            if picture is None:
                continue
            where = f"{shard}, {sample}"
            identifier = f"{sample}.{picture}" if f"{sample}.{picture}" not in places else f"{shard.name}/{sample}.{picture}"
            places[identifier] = (shard, *parts[picture])
            labels = _labels(shard, parts, names, where)
            listed.append(Listed(identifier, where, labels or {}, unlabelled=labels is None))
    if names is None and listed and all(label.startswith("class ") for one in listed for label in one.labels) and categories is None:
        numbers = sorted({int(label[6:]) for one in listed for label in one.labels})
        categories = [f"class {number}" for number in numbers]

    def content(name: str) -> bytes:
        return _bytes(*places[name])

    return ListedDataset(folder.name or "webdataset", folder, listed, split, categories or names, bits=bits, content=content)


def _samples(shard: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """name -> {ending: (where its bytes begin, how many)}"""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        with tarfile.open(shard, "r:") as taped:
            for member in taped:
                if not member.isreg():
                    continue
                parent, _, last = member.name.rpartition("/")
                stem, _, ending = last.partition(".")
                found.setdefault(f"{parent}/{stem}" if parent else stem, {})[ending.lower()] = (member.offset_data, member.size)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise WorkbenchError(f"{shard} cannot be read as a tar without compression ({error!s:.80}); unpack or get it again.") from None
    return found


def _bytes(shard: Path, begin: int, size: int) -> bytes:
    try:
        with open(shard, "rb") as file:
            file.seek(begin)
            return file.read(size)
    except OSError as error:
        raise WorkbenchError(f"{shard} cannot be read ({error.strerror}); is it still there?") from None


def _labels(shard: Path, parts: dict[str, tuple[int, int]], names: list[str] | None, where: str) -> dict[str, int] | None:
    ending = next((ending for ending in ("cls", "json", "txt") if ending in parts), None)
    if ending is None:
        return None
    if parts[ending][1] > LARGEST_LABEL:
        raise WorkbenchError(f"{where}.{ending} is larger than labels are; it is not what it is called.")
    try:
        text = _bytes(shard, *parts[ending]).decode("utf-8").strip()
        value: Any = json.loads(text) if ending == "json" else text
    except (ValueError, RecursionError):
        raise WorkbenchError(f"{where}.{ending} is not {'JSON' if ending == 'json' else 'text'}; correct it.") from None
    if isinstance(value, dict):
        value = next((value[key] for key in KEYS if value.get(key) is not None), None)
        if value is None:
            return None
    if isinstance(value, str):
        value = [part.strip() for part in value.replace("\n", ";").split(";") if part.strip()]
    return {_name(item, names, where): 1 for item in (value if isinstance(value, list) else [value])}


def _name(item: Any, names: list[str] | None, where: str) -> str:
    if isinstance(item, str) and not item.isdecimal():
        return item
    if isinstance(item, bool) or not isinstance(item, int | str) or int(item) < 0 or (names is not None and int(item) >= len(names)):
        raise WorkbenchError(f"{where} has the class {item!r:.40}; give a name, or its number and classes.txt.")
    return names[int(item)] if names is not None else f"class {int(item)}"
