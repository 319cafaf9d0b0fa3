"""Whatever people hold pictures in, as a data set: the one adapter for everything that takes images.

Understood are data sets of ours; a folder, one path, a list of paths; bytes and open files; PIL images; arrays and tensors, one or a
batch, grey or in colour, channels first or last; torch data sets and loaders; rows of Hugging Face ``datasets``; generators. Nothing is
imported for that: torch and the others are told by what they can do. Labels that come along (a torch item ``(image, target)``, a row
with a "label") are taken, unless targets are given.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.datasets.arrays import Pixels, is_array, is_batch, is_picture
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.labels_given import regions_of, target_rows
from workbench.errors import WorkbenchError
from workbench.pictures import ENDINGS
from workbench.regions import Region
from workbench.targets import checked_targets

IMAGE_KEYS = ("image", "images", "pixel_values", "img", "picture", "photo", "jpg", "jpeg", "png", "webp", "path", "file", "file_name")
LABEL_KEYS = ("labels", "label", "targets", "target", "categories", "classes", "tags", "cls")
MOST_STREAMED = 10_000
"""Images that are taken from a generator without a `limit`: one may never end."""


def as_dataset(
    images: Any,
    categories: Sequence[str] | None = None,
    *,
    targets: Any = None,
    regions: Any = None,
    unknown: Any = None,
    limit: int | None = None,
    bits: int | None = None,
    normalised: tuple[Sequence[float], Sequence[float]] | None = None,
) -> MultiLabelDataset:
    """Images of any kind as a data set.

    Args:
        images: see the module's docstring.
        categories: names of the columns: the model's. Where the images bring names of their own (a Hugging Face ``ClassLabel``,
            ``classes`` of a torchvision folder, columns of a table) these are matched by name; a category that they do not name is unknown.
        targets: one row for each image: numbers [N, C], names (``[["dog"], ["cat", "dog"]]``), ``{id: names}``, or a table with columns
            named after categories. Unless given, those that come with the images; False passes over them. What nothing says is unknown.
        regions: for each image a list of `Region`, or of (category, (x0, y0, x1, y1)) in its pixels.
        unknown: values in `targets` that mean unknown, such as -100.
        limit: only the first `limit` images.
        bits: depth of 16-bit pictures, see `open_rgb`.
        normalised: (mean, standard deviation) of each channel, to be undone: for float images that went through a Normalize.

    Raises: WorkbenchError for what cannot be understood, naming the image, and what to give instead.
    """
    along, targets = targets is None, None if targets is False else targets
    if isinstance(images, MultiLabelDataset):
        if len(images):
            checked_targets(images.targets, images.categories, images=len(images), what=f"The targets of {images.name}")
        data = images if limit is None or limit >= len(images) else images.subset(range(limit))
        if not len(data):
            raise WorkbenchError(f"{images.name} holds no images; there is nothing to look at.")
        if targets is None and regions is None:
            return data
        found = _Found([_reader(data, index) for index in range(len(data))], list(data.ids), data.name)
        found.names = list(data.categories)
        found.labels = data.targets if targets is None else None
        categories = data.categories if categories is None else categories
        regions = [data.regions(index) for index in range(len(data))] if regions is None else regions
    else:
        pixels = Pixels(bits, normalised)
        found = _found(images, pixels, limit, labels=along)
    if not found.pictures:
        raise WorkbenchError("There are no images to look at: what was given is empty.")
    return AnyImages(found, categories, targets, regions, unknown)


class AnyImages(MultiLabelDataset):
    """Images and labels that `as_dataset` found."""

    def __init__(self, found: _Found, categories: Sequence[str] | None, targets: Any, regions: Any, unknown: Any) -> None:
        self.name = found.name
        self._pictures = found.pictures
        self._files = found.files or [None] * len(found.pictures)
        self.ids = _unique(found.ids)
        given = targets if targets is not None else found.labels
        if categories is None and found.names is None:
            raise WorkbenchError("A list of images does not say what the labels are; give categories=[...].")
        self.categories = categories if isinstance(categories, Categories) else Categories(categories or found.names or ())
        names = found.names if targets is None else None
        self.targets = target_rows(given, self.ids, self.categories, names, unknown)
        self._regions = regions_of(regions, self.ids, self.categories)

    def file(self, index: int) -> Path | None:
        return self._files[index]

    def image(self, index: int) -> np.ndarray:
        return self._pictures[index]()

    def regions(self, index: int) -> list[Region]:
        return self._regions[index] if self._regions else []


class _Found:
    """Pictures as functions that read them, with what came along."""

    def __init__(self, pictures: list[Callable[[], np.ndarray]], ids: list[str], name: str = "images") -> None:
        self.pictures, self.ids, self.name = pictures, ids, name
        self.labels: Any = None
        self.names: list[str] | None = None
        self.files: list[Path | None] = []


def _found(images: Any, pixels: Pixels, limit: int | None, labels: bool) -> _Found:
    if isinstance(images, str | os.PathLike):
        return _of_path(Path(images), pixels, limit)
    if hasattr(images, "iloc"):  # pandas: __getitem__ of a column goes by its index, not by position
        images = _of_table(images)
    if isinstance(images, Mapping):
        images = _rows_of(images)
    if is_array(images):
        if is_batch(images):
            return _of_items(list(images[:limit]), pixels, None, "images")
        if not is_picture(images):
            images = images.tolist()
    if is_picture(images) or _is_file(images):
        return _of_items([images], pixels, None, "images")
    if _is_pair_of_batches(images):
        return _of_batches([images], pixels, limit, labels)
    if hasattr(images, "batch_size") and hasattr(images, "dataset") and hasattr(images, "__iter__"):
        return _named(_of_batches(images, pixels, limit, labels), images.dataset)
    if isinstance(images, list | tuple):
        return _of_items(list(images[:limit]), pixels, None, "images", labels)
    if hasattr(images, "__len__") and hasattr(images, "__getitem__"):
        return _of_map_style(images, pixels, limit, labels)
    if hasattr(images, "__iter__"):
        return _of_stream(images, pixels, limit, labels)
    raise WorkbenchError(
        f"A {type(images).__name__} is not understood as images; give paths, a folder, PIL images, arrays, tensors, or a data set with a "
        "length whose items are images."
    )


def _of_path(path: Path, pixels: Pixels, limit: int | None) -> _Found:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDINGS and not file.name.startswith("."))
        if not files:
            raise WorkbenchError(f"There is no image in {path}; known endings: {', '.join(ENDINGS)}.")
        files = files[:limit]
        found = _of_items(files, pixels, None, path.name or "images")
        found.ids = [file.relative_to(path).as_posix() for file in files]
        return found
    if "://" in str(path) or str(path).startswith(("http:/", "https:/")):
        raise WorkbenchError(f"{path} is an address, and nothing is fetched from the network here; download the image and give its path.")
    if path.suffix.lower() in (".csv", ".json", ".tar", ".xml", ".yaml", ".zip"):
        raise WorkbenchError(f'{path} is not an image; open it as a data set: load_dataset("auto", "all", root="{path}").')
    return _of_items([path], pixels, None, "images")


def _of_map_style(images: Any, pixels: Pixels, limit: int | None, labels: bool) -> _Found:
    """A data set by length and index. Iterating it instead would never end where its __getitem__ knows no end."""
    count = len(images) if limit is None else min(limit, len(images))
    if not count:
        return _Found([], [])
    first = _item(images, 0)
    whole = first is not None and not isinstance(first, Mapping) and not isinstance(first, tuple | list)
    known = getattr(images, "targets", getattr(images, "labels", None))
    if labels and not whole and isinstance(known, list | np.ndarray) and len(known) == len(images) and np.ndim(known) in (1, 2):
        stored: Any = [known[index] for index in range(count)]  # torchvision keeps them: no image has to be read for them
    elif labels and not whole:
        stored = [_split(first if index == 0 else _item(images, index), f"item {index}")[1] for index in range(count)]
    else:
        stored = None
    pictures = [_later(images, index, pixels) for index in range(count)]
    found = _Found(pictures, [f"image {index}" for index in range(count)], type(images).__name__.lower())
    found.labels = _understood(stored)
    return _named(found, images)


def _later(images: Any, index: int, pixels: Pixels) -> Callable[[], np.ndarray]:
    return lambda: pixels.of(_split(_item(images, index), f"item {index}")[0], f"image {index}")


def _item(images: Any, index: int) -> Any:
    try:
        return images[index]
    except WorkbenchError:
        raise
    except Exception as error:
        raise WorkbenchError(
            f"Item {index} of {type(images).__name__} cannot be read ({type(error).__name__}: {error!s:.120}); try images[{index}]."
        ) from error


def _of_stream(images: Iterable[Any], pixels: Pixels, limit: int | None, labels: bool) -> _Found:
    items = list(itertools.islice(images, (MOST_STREAMED + 1) if limit is None else limit))
    if len(items) > MOST_STREAMED and limit is None:
        raise WorkbenchError(f"More than {MOST_STREAMED:,} images came from a {type(images).__name__} without a length; give a limit=.")
    if items and (_is_pair_of_batches(items[0]) or is_batch(items[0])):
        return _of_batches(items, pixels, limit, labels)
    return _named(_of_items(items, pixels, limit, "images", labels), images)


def _of_batches(batches: Iterable[Any], pixels: Pixels, limit: int | None, labels: bool) -> _Found:
    pictures: list[Callable[[], np.ndarray]] = []
    stored: list[Any] = []
    for batch in batches:
        content, label = _split(batch, "a batch")
        if not hasattr(content, "__len__") or is_picture(content):
            raise WorkbenchError(f"A batch of images is a {type(content).__name__}, not images [B, 3, H, W]; look at the collate function.")
        for row in range(len(content)):
            value = pixels.of(content[row], f"image {len(pictures)}")
            pictures.append(lambda value=value: value)  # type: ignore[misc]
            stored.append(None if label is None else label[row])
            if limit is not None and len(pictures) >= limit:
                break
        if limit is not None and len(pictures) >= limit:
            break
        if limit is None and len(pictures) > MOST_STREAMED:
            raise WorkbenchError(f"More than {MOST_STREAMED:,} images came in batches, which are kept in memory; give a limit=.")
    found = _Found(pictures, [f"image {index}" for index in range(len(pictures))])
    found.labels = _understood(stored) if labels else None
    return found


def _of_items(items: list[Any], pixels: Pixels, limit: int | None, name: str, labels: bool = True) -> _Found:
    items = items[:limit]
    parts = [_split(item, f"image {position}") for position, item in enumerate(items)]
    ids = [_id_of(content, position) for position, (content, _) in enumerate(parts)]
    pixels.look(content for content, _ in parts)
    pictures = [
        (lambda content=content, identifier=identifier: pixels.of(content, identifier))
        for (content, _), identifier in zip(parts, ids, strict=True)
    ]
    found = _Found(pictures, ids, name)  # type: ignore[arg-type]
    found.files = [Path(content) if isinstance(content, str | os.PathLike) else None for content, _ in parts]
    found.labels = _understood([label for _, label in parts]) if labels else None
    return found


def _split(item: Any, where: str) -> tuple[Any, Any]:
    """(what is the image, what came with it or None)"""
    if isinstance(item, Mapping):
        key = next((key for key in IMAGE_KEYS if item.get(key) is not None), None)
        if key is None:
            raise WorkbenchError(f'{where[0].upper()}{where[1:]} is a row without an image ({", ".join(map(str, item))}); name it "image".')
        image = item[key]
        if isinstance(image, Mapping):  # Hugging Face, not decoded: {"bytes": ..., "path": ...}
            image = image.get("bytes") or image.get("path")
        return image, next((item[key] for key in LABEL_KEYS if item.get(key) is not None), None)
    if isinstance(item, tuple | list) and item and not _is_nested_numbers(item):
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def _understood(labels: list[Any] | None) -> list[Any] | None:
    """The labels that came along, or None, said so, where they are of a kind that says nothing about categories."""
    if labels is None or all(label is None for label in labels):
        return None
    odd = next((label for label in labels if isinstance(label[0] if isinstance(label, list) and label else label, Mapping)), None)
    if odd is not None:
        warnings.warn(
            f"The labels that came with the images are of a kind that is not understood ({odd!r:.80}) and count as unknown; give targets=.",
            stacklevel=4,
        )
        return None
    return labels


def _named(found: _Found, source: Any) -> _Found:
    """Names of the labels from a torchvision data set (``classes``) or a Hugging Face one (``features``)."""
    if found.labels is None:
        return found
    names = getattr(source, "classes", None)
    features = getattr(source, "features", None)
    if isinstance(features, Mapping):
        feature = next((features[key] for key in LABEL_KEYS if key in features), None)
        names, listed = getattr(feature, "names", None), getattr(getattr(feature, "feature", None), "names", None)
        if listed:  # a list of class numbers for each image
            found.labels = [None if row is None else [listed[number] for number in row] for row in found.labels]
            names = listed
    if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
        found.names = list(names)
    return found


def _of_table(table: Any) -> Any:
    if not hasattr(table, "columns"):
        return table.tolist()
    raise WorkbenchError(
        'Give the column of paths, and the labels beside it: images=table["image"], targets=table[["dog", "cat"]]; or the CSV itself: '
        'load_dataset("table", "all", root="labels.csv").'
    )


def _rows_of(columns: Mapping[str, Any]) -> Any:
    """A mapping: one row, or columns of rows as Hugging Face slices give them."""
    image, label = _split(columns, "what was given")
    if not isinstance(image, list | tuple) and not is_batch(image):
        return [columns]
    if label is None:
        return list(image)
    return [(one, value) for one, value in zip(image, label, strict=True)]


def _is_pair_of_batches(value: Any) -> bool:
    """What a loader yields: (images [B, ...], labels [B, ...]), or a mapping of such."""
    if isinstance(value, Mapping):
        return any(is_batch(value.get(key)) for key in IMAGE_KEYS)
    return isinstance(value, tuple | list) and len(value) >= 2 and is_batch(value[0]) and not is_batch(value[1])


def _is_nested_numbers(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and (isinstance(value[0], int | float) or _is_nested_numbers(value[0]))


def _is_file(value: Any) -> bool:
    return isinstance(value, bytes | bytearray | memoryview) or hasattr(value, "read")


def _id_of(content: Any, position: int) -> str:
    if isinstance(content, str | os.PathLike):
        return Path(content).name
    name = getattr(content, "filename", None) or getattr(content, "name", None)
    return Path(name).name if isinstance(name, str) and name else f"image {position}"


def _unique(ids: list[str]) -> list[str]:
    return ids if len(set(ids)) == len(ids) else [f"{position}: {identifier}" for position, identifier in enumerate(ids)]


def _reader(data: MultiLabelDataset, index: int) -> Callable[[], np.ndarray]:
    return lambda: data.image(index)
