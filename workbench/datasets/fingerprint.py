"""Which data these are, by what is in them: names of the columns, ids, labels, and the pictures' sizes and contents. Never by path or time.

Contents are those of a sample of the images, always the same ones of the same ids, or of all where there are few of them. A picture that
cannot be read now counts as unknown and is not compared. Shapes: N images, C categories.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.datasets.base import MultiLabelDataset
from workbench.errors import WorkbenchError
from workbench.pictures import opened

SAMPLE = 512
DRAWN = 32  # of pictures that parameters decide
NAMED = 3  # examples in a sentence
_DIGEST = 16  # bytes


@dataclass
class Fingerprint:
    """What a data set is known by.

    Attributes:
        name: what the data set calls itself; it may change.
        categories: names of the columns in their order; ids: one for each image.
        targets: int8 [N, C].
        bytes: int64 [N], the size of each picture's file, -1 where there is none or it cannot be read.
        sizes: int32 [N, 2], height and width of the pictures that were looked at, else -1.
        digests: uint8 [N, 16] of the contents of those, else zeros.
        parameters: what drawn pictures are drawn from.
    """

    name: str
    categories: list[str]
    ids: list[str]
    targets: np.ndarray
    bytes: np.ndarray
    sizes: np.ndarray
    digests: np.ndarray
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, data: MultiLabelDataset, sample: int | None = None) -> Fingerprint:
        """Look at a data set.

        Args:
            sample: contents of how many images; by default `SAMPLE`, of drawn ones `DRAWN`. Of all where there are fewer.
        """
        count, parameters = len(data), json.loads(json.dumps(data.parameters))
        files = [data.file(index) for index in range(count)]
        lengths = np.array([_bytes(path) for path in files], np.int64)
        sizes, digests = np.full((count, 2), -1, np.int32), np.zeros((count, _DIGEST), np.uint8)
        for index in chosen(data.ids, sample if sample is not None else DRAWN if parameters else SAMPLE):
            looked = _looked(data, index, files[index])
            if looked:
                sizes[index], digests[index] = looked
            else:
                lengths[index] = -1
        names = list(data.categories)
        return cls(data.name, names, list(data.ids), data.targets, lengths, sizes, digests, parameters)

    @property
    def digest(self) -> str:
        """All of it in 32 hexadecimal digits, apart from the name."""
        whole = hashlib.sha256(json.dumps([self.categories, self.ids, self.parameters], sort_keys=True).encode())
        for values, kind in ((self.targets, np.int8), (self.bytes, np.int64), (self.sizes, np.int32), (self.digests, np.uint8)):
            whole.update(np.ascontiguousarray(values, kind).tobytes())
        return whole.hexdigest()[:32]

    def columns_changed(self, now: Fingerprint) -> list[str]:
        """How the columns of `now` differ, as sentences without a full stop; nobody can train on with other columns."""
        before, after = self.categories, now.categories
        if before == after:
            return []
        gone, new = [name for name in before if name not in after], [name for name in after if name not in before]
        if not gone and not new:
            first = next(place for place, (one, other) in enumerate(zip(before, after, strict=True)) if one != other)
            return [f'the categories are in another order: column {first + 1} was "{before[first]}" and is "{after[first]}"']
        told = [f"the categor{'y' if len(gone) == 1 else 'ies'} {_quoted(gone)} {_is(gone)} gone"] if gone else []
        return told + ([f"the categor{'y' if len(new) == 1 else 'ies'} {_quoted(new)} {_is(new)} new"] if new else [])

    def rows_changed(self, now: Fingerprint) -> list[str]:
        """How the images and labels of `now` differ, with examples. Only where the columns are the same."""
        return [*_parameters(self, now), *_ids(self, now), *_labels(self, now), *_pictures(self, now)]

    @property
    def looked_at(self) -> str:
        """Of how many pictures the contents are known, in words."""
        number = int(self.digests.any(axis=1).sum())
        return "all pictures" if number == len(self.ids) else f"a sample of {number} of {len(self.ids)} pictures"

    def tensors(self, role: str) -> dict[str, np.ndarray]:
        held = {"targets": self.targets, "bytes": self.bytes, "sizes": self.sizes, "digests": self.digests}
        return {f"{role}.{name}": np.ascontiguousarray(value) for name, value in held.items()}

    def header(self) -> dict[str, Any]:
        return {"name": self.name, "categories": self.categories, "ids": self.ids, "parameters": self.parameters}

    @classmethod
    def from_parts(cls, role: str, tensors: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> Fingerprint:
        """What `tensors` and `header` gave. Raises KeyError, TypeError or ValueError for something else."""
        targets, lengths, sizes, digests = (tensors[f"{role}.{name}"] for name in ("targets", "bytes", "sizes", "digests"))
        ids, names = [str(name) for name in header["ids"]], [str(name) for name in header["categories"]]
        if [part.shape for part in (targets, lengths, sizes, digests)] != [
            (len(ids), len(names)),
            (len(ids),),
            (len(ids), 2),
            (len(ids), _DIGEST),
        ]:
            raise ValueError("parts that are not of the same images")
        return cls(str(header["name"]), names, ids, targets, lengths, sizes, digests, dict(header["parameters"]))


def chosen(ids: Sequence[str], count: int) -> list[int]:
    """Positions of the images that are looked at: those of the same ids, whatever others there are."""
    if len(ids) <= count:
        return list(range(len(ids)))
    return sorted(sorted(range(len(ids)), key=lambda place: hashlib.sha1(ids[place].encode("utf-8", "replace")).digest())[:count])


def _looked(data: MultiLabelDataset, index: int, path: Path | None) -> tuple[tuple[int, int], np.ndarray] | None:
    """Height and width, and the digest of the content, or None for a picture that cannot be read."""
    try:
        if path is None:
            picture = data.image(index)
            return (picture.shape[0], picture.shape[1]), _digest(repr(picture.shape).encode() + picture.tobytes())
        with opened(path, path.name) as image:  # only its head is read
            return (image.height, image.width), _digest(path.read_bytes())
    except (WorkbenchError, OSError):
        return None


def _digest(content: bytes) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(content).digest()[:_DIGEST], np.uint8)


def _bytes(path: Path | None) -> int:
    try:
        return path.stat().st_size if path is not None else -1
    except OSError:
        return -1


def _parameters(before: Fingerprint, now: Fingerprint) -> Iterator[str]:
    for key in {**before.parameters, **now.parameters}:
        if before.parameters.get(key) != now.parameters.get(key):
            yield f"the pictures are drawn with {key} {now.parameters.get(key)} and were with {before.parameters.get(key)}"


def _ids(before: Fingerprint, now: Fingerprint) -> Iterator[str]:
    old, new = set(before.ids), set(now.ids)
    for names, words in (
        ([name for name in before.ids if name not in new], "gone"),
        ([name for name in now.ids if name not in old], "new"),
    ):
        if names:
            yield f"{_images(names)} {_is(names)} {words}"
    if [name for name in before.ids if name in new] != [name for name in now.ids if name in old]:
        place = next(place for place, (one, other) in enumerate(zip(before.ids, now.ids, strict=False)) if one != other)
        yield f"the images are in another order: number {place + 1} was {before.ids[place]} and is {now.ids[place]}"


def _common(before: Fingerprint, now: Fingerprint) -> tuple[np.ndarray, np.ndarray]:
    places = {name: place for place, name in enumerate(now.ids)}
    pairs = [(place, places[name]) for place, name in enumerate(before.ids) if name in places]
    return np.array([one for one, _ in pairs], np.int64), np.array([other for _, other in pairs], np.int64)


def _labels(before: Fingerprint, now: Fingerprint) -> Iterator[str]:
    old, new = _common(before, now)
    changed = before.targets[old] != now.targets[new]  # [common, C]
    inverted = changed.all(axis=0) & bool(len(old))
    if inverted.any():
        yield f"the labels of {_quoted([name for name, flag in zip(before.categories, inverted, strict=True) if flag])} are inverted"
    others = changed & ~inverted
    rows = np.flatnonzero(others.any(axis=1))
    if len(rows):
        first = int(rows[0])
        label = before.categories[int(np.flatnonzero(others[first])[0])]
        names = [before.ids[old[row]] for row in rows]
        yield f'the labels of {_images(names)} differ ("{label}" of {names[0]}, for one)'


def _pictures(before: Fingerprint, now: Fingerprint) -> Iterator[str]:
    old, new = _common(before, now)
    one, other = before.bytes[old], now.bytes[new]
    changed = (one >= 0) & (other >= 0) & (one != other)
    one, other = before.digests[old], now.digests[new]
    changed |= one.any(axis=1) & other.any(axis=1) & (one != other).any(axis=1)
    names = [before.ids[old[row]] for row in np.flatnonzero(changed)]
    if names:
        yield f"the pictures of {_images(names)} were replaced"


def _images(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{len(names)} image{'' if len(names) == 1 else 's'} ({', '.join(name[:60] for name in names[:NAMED])}{more})"


def _quoted(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(f'"{name[:60]}"' for name in names[:NAMED]) + more


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
