"""A table of your own: a CSV beside its pictures, or a folder of pictures without any labels.

The CSV is UTF-8 with a header. One column names the picture, relative to the folder; one may name the split; labels stand either in one
column, with a separator between them ("dog;cat"), or in a column for each category ("one-hot"). What is unknown is marked: a label with
the mark in front ("dog;?cat"), a one-hot cell that holds the mark. In one-hot cells 1 is present and 0 absent; other values have to be
explained with `values`, because -1 means unknown in some tables (this library's targets) and absent in others (VOC's lists).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.files import require_inside
from workbench.datasets.rows import read_rows
from workbench.errors import WorkbenchError, did_you_mean
from workbench.pictures import open_rgb

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
IMAGE_COLUMNS = ("image", "filepath", "file", "filename", "file_name", "path")
LABEL_COLUMNS = ("labels", "label")
SPLIT_COLUMNS = ("split", "split_name")
_MISSING = "name the CSV, or its folder, as the root."


class TableDataset(MultiLabelDataset):
    """One split of a table.

    Args:
        root: a CSV file, a folder with exactly one, or a folder of pictures (then `categories` says what could be in them, every target
            is unknown, and `split` is a folder in it, or "all").
        split: value of the split column; "all" takes every row.
        image_column, labels_column, split_column: names of columns; unless given, the first of the usual names that is there
            ("image", "labels", "split" ...). Without a labels column, all columns that are nothing else are one-hot.
        separator: what stands between labels in the labels column.
        delimiter: what stands between cells.
        unknown: the mark of an unknown label.
        values: what one-hot cells say, ``{"1": 1, "0": 0, "": -1}``; "1", "0" and the mark are understood without it.
        categories: the columns of the targets, in order. Unless given: all labels of the table in alphabetical order, whatever the
            split; or the one-hot columns in theirs.
        images: folder of the pictures, if it is not the CSV's.

    Raises:
        WorkbenchError: naming file and line, where something is missing, malformed or said twice.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "all",
        image_column: str | None = None,
        labels_column: str | None = None,
        split_column: str | None = None,
        separator: str = ";",
        delimiter: str = ",",
        unknown: str = "?",
        values: Mapping[str, int] | None = None,
        categories: Sequence[str] | None = None,
        images: str | Path | None = None,
    ) -> None:
        self.split = split
        root = Path(root)
        table = _table_of(root)
        self.name = f"{root.stem}-{split}"
        if table is None:
            self._read_folder(root, categories)
            return
        if not separator or not unknown:
            raise WorkbenchError('The separator and the mark of unknown labels cannot be empty; give texts such as ";" and "?".')
        self._folder = Path(images) if images else table.parent
        rows = list(read_rows(table, (), _MISSING, delimiter))
        if not rows:
            raise WorkbenchError(f"{table} has no row below its header.")
        header = list(rows[0][1])
        image_column = _column(table, header, image_column, IMAGE_COLUMNS) or _none(table, "pictures", IMAGE_COLUMNS, header)
        labels_column = _column(table, header, labels_column, LABEL_COLUMNS)
        split_column = _column(table, header, split_column, SPLIT_COLUMNS)
        others = [name for name in header if name not in (image_column, split_column)]
        cells: Callable[[dict[str, str], str], dict[str, int]]
        if labels_column:
            cells = lambda row, where: _listed(row[labels_column], separator, unknown, where)  # noqa: E731
        else:
            meaning = {"1": 1, "0": 0, unknown: -1, **_checked(values)}
            columns = list(categories) if categories is not None else others
            for name in columns:
                if name not in others:
                    raise WorkbenchError(f'{table} has no column "{name:.60}" for that category.{did_you_mean(name, others)}')
            cells = lambda row, where: _one_hot(row, columns, meaning, where)  # noqa: E731
        labelled = [(line, row, cells(row, f"{table}, line {line}")) for line, row in rows]
        if categories is None:
            categories = sorted({label for _, _, found in labelled for label in found}) if labels_column else others
        try:
            self.categories = Categories(categories)
        except WorkbenchError as error:
            raise WorkbenchError(f"{table}: {error}") from None
        self._take(table, labelled, image_column, split_column)

    def _take(
        self, table: Path, labelled: list[tuple[int, dict[str, str], dict[str, int]]], image_column: str, split_column: str | None
    ) -> None:
        """Keep the rows of this split."""
        if split_column is None and self.split != "all":
            raise WorkbenchError(f'{table} has no split column, so there is no split "{self.split}"; ask for "all" or name the column.')
        self.ids, targets = [], []
        seen: dict[str, int] = {}
        for line, row, found in labelled:
            where = f"{table}, line {line}"
            name = require_inside(row[image_column], where)
            if name in seen:
                raise WorkbenchError(f"{where}: {name:.80} is in line {seen[name]} already; remove one of them.")
            seen[name] = line
            target = np.zeros(len(self.categories), dtype=np.int8)
            for label, value in found.items():
                if label not in self.categories:
                    raise WorkbenchError(f'{where}: "{label:.60}" is not one of the categories.{did_you_mean(label, self.categories)}')
                target[self.categories.index(label)] = value
            if split_column is None or self.split in ("all", row[split_column].strip()):
                self.ids.append(name)
                targets.append(target)
        if not self.ids:
            known = sorted({row[split_column].strip() for _, row, _ in labelled}) if split_column else []
            raise WorkbenchError(f'{table} has no row of the split "{self.split}".{did_you_mean(self.split, known)}')
        self.targets = np.stack(targets)

    def _read_folder(self, root: Path, categories: Sequence[str] | None) -> None:
        if categories is None:
            raise WorkbenchError(f"{root} has no CSV, so nothing says what is in its pictures; add one, or give categories=[...].")
        self.categories = Categories(categories)
        self._folder = root if self.split == "all" else root / self.split
        if not self._folder.is_dir():
            known = ["all", *sorted(path.name for path in root.iterdir() if path.is_dir())]
            raise WorkbenchError(f"There is no folder {self._folder}.{did_you_mean(self.split, known)}")
        files = sorted(path for path in self._folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
        if not files:
            raise WorkbenchError(f"There is no picture in {self._folder}; known endings: {', '.join(ENDINGS)}.")
        self.ids = [path.relative_to(self._folder).as_posix() for path in files]
        self.targets = np.full((len(files), len(self.categories)), -1, dtype=np.int8)

    def image(self, index: int) -> np.ndarray:
        return open_rgb(self._folder / self.ids[index])


def _table_of(root: Path) -> Path | None:
    """The CSV that `root` is or holds; None for a folder without one."""
    if root.is_file():
        return root
    if not root.is_dir():
        raise WorkbenchError(f"There is no table at {root}; {_MISSING}")
    tables = sorted(root.glob("*.csv"))
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables[:5])
        raise WorkbenchError(f"{root} holds {len(tables)} CSV files ({names}); name the one to read as the root.")
    return tables[0] if tables else None


def _column(table: Path, header: list[str], given: str | None, usual: tuple[str, ...]) -> str | None:
    if given is None:
        return next((name for name in usual if name in header), None)
    if given not in header:
        raise WorkbenchError(f'{table} has no column "{given}".{did_you_mean(given, [name[:60] for name in header])}')
    return given


def _none(table: Path, what: str, usual: tuple[str, ...], header: list[str]) -> str:
    shown = ", ".join(name[:30] for name in header[:10])
    raise WorkbenchError(f"{table} has no column for the {what} ({', '.join(usual)}); say which of these it is: {shown}.")


def _checked(values: Mapping[str, int] | None) -> dict[str, int]:
    if values is None:
        return {}
    if not isinstance(values, Mapping) or not all(value in (1, 0, -1) for value in values.values()):
        raise WorkbenchError('values says what a cell means, 1 present, 0 absent, -1 unknown: {"yes": 1, "no": 0, "": -1}.')
    return {str(cell).strip(): int(value) for cell, value in values.items()}


def _listed(cell: str, separator: str, unknown: str, where: str) -> dict[str, int]:
    """ "dog;?cat" -> {"dog": 1, "cat": -1}"""
    found: dict[str, int] = {}
    if not cell.strip():
        return found
    for part in cell.split(separator):
        label = part.strip()
        value = 1
        if label.startswith(unknown):
            label, value = label.removeprefix(unknown).strip(), -1
        if not label:
            raise WorkbenchError(f'{where}: "{cell:.60}" names an empty label; remove the extra "{separator}" or mark.')
        if label in found:
            raise WorkbenchError(f'{where}: the label "{label:.60}" is there twice; remove one of them.')
        found[label] = value
    return found


def _one_hot(row: dict[str, str], columns: list[str], meaning: dict[str, int], where: str) -> dict[str, int]:
    found = {}
    for name in columns:
        cell = row[name].strip()
        if cell not in meaning:
            known = ", ".join(repr(text) for text in meaning)
            raise WorkbenchError(
                f'{where}: the cell {cell!r:.40} of "{name:.60}" is none of {known:.100}; say what it means with values={{...}}.'
            )
        found[name] = meaning[cell]
    return found
