"""A table of your own: a CSV beside its pictures, or a folder of pictures without any labels.

The CSV is UTF-8 with a header. One column names the picture; one may name the split; labels stand either in one column, with a separator
between them ("dog;cat"), or a row each ("long"), or in a column for each category ("one-hot"). What is unknown is marked: a label with the
mark in front ("dog;?cat"), a one-hot cell that holds the mark. In one-hot cells 1 is present and 0 absent; other values have to be
explained with `values`, because -1 means unknown in some tables (this library's targets) and absent in others (VOC's lists).

Whatever is understood beyond that, or looks odd, is said at opening, quoting line and cell (`notes`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.cells import Labels, OneHot, composed
from workbench.datasets.depth import odd_depths
from workbench.datasets.finding import PictureFolder
from workbench.datasets.rows import delimiter_of, read_rows
from workbench.errors import WorkbenchError, did_you_mean
from workbench.pictures import ENDINGS, open_rgb

IMAGE_COLUMNS = (
    "image", "filepath", "file", "filename", "file_name", "path", "image_path", "img_path", "image_name", "img", "photo", "picture",
    "imageid", "image_id", "id",
)  # fmt: skip
LABEL_COLUMNS = ("labels", "label", "tags", "classes", "class", "labelname", "categories", "category")
SPLIT_COLUMNS = ("split", "split_name")
VALUE_COLUMNS = ("value", "present", "is_present", "confidence")
"""In a table with a row for each label: 1 present, 0 absent."""
_MISSING = "name the CSV, or its folder, as the root."
Row = tuple[int, dict[str, str], dict[str, int]]  # line, cells, labels


class TableDataset(MultiLabelDataset):
    """One split of a table.

    Args:
        root: a CSV file, a folder with exactly one, or a folder of pictures (then `categories` says what could be in them, every target
            is unknown, and `split` is a folder in it, or "all").
        split: value of the split column; "all" takes every row.
        image_column, labels_column, split_column: names of columns; unless given, the first of the usual names that is there
            ("image", "labels", "split" ...). Without a labels column, all columns that are nothing else are one-hot. Names of pictures are
            relative to the folder; absolute ones, names without an ending and the like are looked for in it.
        separator: what stands between labels in the labels column; unless given ";", or "|" or "," where the cells show it.
        delimiter: what stands between cells; from the header unless given.
        unknown: the mark of an unknown label.
        values: what one-hot cells say, ``{"1": 1, "0": 0, "": -1}``; "1", "0", "true", "false" and the mark are understood without it.
        categories: the columns of the targets, in order. Unless given: all labels of the table in alphabetical order, whatever the
            split; or the one-hot columns in theirs.
        images: folder of the pictures, if it is not the CSV's.
        bits: depth of 16-bit pictures, see `open_rgb`.

    Raises:
        WorkbenchError: naming file and line, where something is missing, malformed or contradicts itself.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "all",
        image_column: str | None = None,
        labels_column: str | None = None,
        split_column: str | None = None,
        separator: str | None = None,
        delimiter: str | None = None,
        unknown: str = "?",
        values: Mapping[str, int] | None = None,
        categories: Sequence[str] | None = None,
        images: str | Path | None = None,
        bits: int | None = None,
    ) -> None:
        self._folder: Path
        self.split = split
        self._bits = bits
        root = Path(root)
        table = _table_of(root)
        self.name = f"{root.stem}-{split}"
        if table is None:
            self._read_folder(root, categories)
            self._say(odd_depths([self._folder / identifier for identifier in self.ids], bits))
            return
        if separator == "" or not unknown:
            raise WorkbenchError('The separator and the mark of unknown labels cannot be empty; give texts such as ";" and "?".')
        pictures = PictureFolder(Path(images) if images else table.parent)
        self._folder = pictures.folder
        usual = [image_column.lower()] if image_column else [*IMAGE_COLUMNS, *LABEL_COLUMNS]
        rows = list(read_rows(table, (), _MISSING, delimiter or delimiter_of(table, _MISSING, usual)))
        if not rows:
            raise WorkbenchError(f"{table} has no row below its header.")
        header = list(rows[0][1])
        image_column = _column(table, header, image_column, IMAGE_COLUMNS) or _none(table, "pictures", IMAGE_COLUMNS, header)
        labels_column = _column(table, header, labels_column, LABEL_COLUMNS)
        split_column = _column(table, header, split_column, SPLIT_COLUMNS)
        chosen = None if categories is None else [composed(str(name)) for name in categories]
        notes: list[str] = []
        quiet: list[str] = []
        if labels_column:
            value_column = _column(table, header, None, VALUE_COLUMNS)
            labels = Labels(table, labels_column, separator, unknown, value_column, rows)
            labelled = [(line, row, labels.of(line, row)) for line, row in rows]
            notes, quiet = labels.notes, labels.quiet
            names = chosen if chosen is not None else sorted({label for _, _, found in labelled for label in found})
        else:
            one_hot = OneHot(table, [name for name in header if name not in (image_column, split_column)], unknown, values, rows, chosen)
            labelled = [(line, row, one_hot.of(line, row)) for line, row in rows]
            notes, quiet = one_hot.notes, one_hot.quiet
            names = chosen if chosen is not None else one_hot.columns
        try:
            self.categories = Categories(names)
        except WorkbenchError as error:
            raise WorkbenchError(f"{table}: {error}") from None
        kept = self._take(table, labelled, image_column, split_column, pictures, bool(labels_column), quiet)
        notes += look_alikes(table, kept, self.categories) + pictures.gone()
        missing = set(pictures.missing)
        notes += odd_depths([self._folder / name for name in self.ids if name not in missing], bits)
        self._say(notes, [*quiet, *pictures.told()])

    def _take(
        self,
        table: Path,
        labelled: list[Row],
        image_column: str,
        split_column: str | None,
        pictures: PictureFolder,
        joins: bool,
        notes: list[str],
    ) -> list[Row]:
        """Keep the rows of this split; several rows of one picture are joined where a row holds labels."""
        if split_column is None and self.split != "all":
            raise WorkbenchError(f'{table} has no split column, so there is no split "{self.split}"; ask for "all" or name the column.')
        self.ids, targets = [], []
        seen: dict[str, tuple[int, str, np.ndarray]] = {}
        joined = 0
        for line, row, found in labelled:
            where = f"{table}, line {line}"
            name = pictures.find(row[image_column], where)
            part = row[split_column].strip() if split_column else ""
            target = np.zeros(len(self.categories), dtype=np.int8)
            for label, value in found.items():
                if label not in self.categories:
                    raise WorkbenchError(f'{where}: "{label:.60}" is not one of the categories.{did_you_mean(label, self.categories)}')
                target[self.categories.index(label)] = value
            if name in seen:
                first, other, held = seen[name]
                if part != other:
                    raise WorkbenchError(
                        f'{where}: {name:.80} is of the split "{part:.40}", and in line {first} of "{other:.40}"; correct one of them.'
                    )
                if not joins:
                    raise WorkbenchError(f"{where}: {name:.80} is in line {first} already; remove one of them.")
                if not joined:
                    notes.append(f"{where}: {name:.80} is in line {first} too; the labels of all its rows are joined.")
                joined += 1
                held[:] = np.where(held == 0, target, np.where(target == 1, 1, held))
                continue
            seen[name] = (line, part, target)
            if split_column is None or self.split in ("all", part):
                self.ids.append(name)
                targets.append(target)
        if not self.ids:
            known = sorted({row[split_column].strip() for _, row, _ in labelled}) if split_column else []
            raise WorkbenchError(f'{table} has no row of the split "{self.split}".{did_you_mean(self.split, known)}')
        self.targets = np.stack(targets)
        return labelled

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

    def file(self, index: int) -> Path:
        return self._folder / self.ids[index]

    def image(self, index: int) -> np.ndarray:
        return open_rgb(self.file(index), bits=self._bits)


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
        lower = {name.lower(): name for name in reversed(header)}
        return next((lower[name] for name in usual if name in lower), None)
    if given not in header:
        raise WorkbenchError(f'{table} has no column "{given}".{did_you_mean(given, [name[:60] for name in header])}')
    return given


def _none(table: Path, what: str, usual: tuple[str, ...], header: list[str]) -> str:
    shown = ", ".join(name[:30] for name in header[:10])
    if any(name.lower().endswith(ENDINGS) for name in header):
        raise WorkbenchError(f"{table} begins with a row ({shown:.80}), not with names of columns; put a line above it: image,labels.")
    raise WorkbenchError(f"{table} has no column for the {what} ({', '.join(usual)}); say which of these it is: {shown}.")


def look_alikes(table: Path, rows: Sequence[Row], categories: Categories) -> list[str]:
    """Categories that differ in capitals, spaces or signs that nobody sees, and such as seem to be several, quoting where they stand."""
    first: dict[str, str] = {}
    notes = []
    written = {name for _, _, found in rows for name in found}  # a list of categories given beside the table may hold both
    for name in categories:
        key = "".join(letter for letter in name.casefold() if not letter.isspace() and unicodedata.category(letter) not in ("Cf", "Cc"))
        parts = [part.strip() for part in re.split(r"[,|/+&\uff0c\uff1b\u3001]", name)]
        inner = next((part for part in parts if part != name and part in written), None)
        place = (
            f"{table}, line {next(line for line, _, found in rows if name in found)}" if name in written and (inner or key in first) else ""
        )
        if key in first and {name, first[key]} <= written:
            shown = name if name.isprintable() else ascii(name)[1:-1]
            notes.append(f'{place}: "{shown:.60}" and "{first[key]:.60}" are two categories; write them alike if they are one.')
        elif inner and place:
            words = "is a category of its own; if it lists several, write the same separator everywhere."
            notes.append(f'{place}: "{name:.60}", beside "{inner:.60}", {words}')
        first.setdefault(key, name)
    return notes
