"""What the cells of a table say: a list of labels, or one value a category. Everything that is taken in a way its author may not have meant
becomes a note that quotes line and cell."""

from __future__ import annotations

import ast
import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.errors import WorkbenchError, did_you_mean

Rows = Sequence[tuple[int, dict[str, str]]]
NOTHING = ("nan", "none", "null", "n/a", "na", "<na>", "nat")
"""What programs write for an empty cell, in small letters."""
METADATA = (
    "width", "height", "fold", "index", "url", "md5", "size", "source", "date", "license", "caption", "area", "id", "depth", "dataset",
    "is_valid", "valid", "author", "rotation", "is_train", "is_test",
)  # fmt: skip
"""Columns that say something about the picture and are no categories."""
_TRUTH = {"true": "1", "false": "0", "1.0": "1", "0.0": "0"}


class Labels:
    """Cells that list labels.

    Args:
        separator: what stands between labels, or None to find out. unknown: the mark in front of an unknown one.
        value_column: in a table with a row for each label, whether it is present.
    """

    def __init__(self, table: Path, column: str, separator: str | None, unknown: str, value_column: str | None, rows: Rows) -> None:
        self._table, self._column, self._unknown, self._value_column = table, column, unknown, value_column
        self.notes: list[str] = []
        self.quiet: list[str] = []
        self._said: Counter[str] = Counter()
        self._separator = separator or self._found(rows)
        if value_column:
            odd = next(((line, row[value_column]) for line, row in rows if _truth(row[value_column]) not in ("0", "1")), None)
            if odd is None:
                self._say(rows[0][0], f'the column "{value_column}" says whether the label is present (1) or absent (0).', "value")
            else:
                words = "holds numbers other than 0 and 1 and is not used: each label listed counts as present"
                self._say(odd[0], f'the column "{value_column}" ({odd[1]!r:.40}) {words}; leave out the rows that should not.', "value")
                self._value_column = None

    def of(self, line: int, row: Mapping[str, str]) -> dict[str, int]:
        """ "dog;?cat" -> {"dog": 1, "cat": -1}"""
        cell = composed(row[self._column]).strip()
        if cell != row[self._column].strip():
            self._say(line, f'"{cell:.60}" is written with combining letters, and read as the same name without.', "form")
        if cell.lower() in NOTHING:
            self._say(line, f'"{cell}" is read as an empty cell: no label.', "nothing")
            return {}
        found: dict[str, int] = {}
        for part in self._parts(cell, line):
            label, value = part.strip(), 1
            if label.startswith(self._unknown):
                label, value = label.removeprefix(self._unknown).strip(), -1
            if not label:
                raise WorkbenchError(
                    f'{self._table}, line {line}: "{cell:.60}" names an empty label; remove the extra "{self._separator}" or mark.'
                )
            if found.get(label, value) != value:
                raise WorkbenchError(
                    f'{self._table}, line {line}: the label "{label:.60}" is there twice, present and unknown; remove one of them.'
                )
            if label.lower() in NOTHING:
                self._say(line, f'"{label}" in "{cell:.60}" is read as a label of that name.', "nothing within")
            if label in found:
                self._say(line, f'"{label:.60}" is there twice in "{cell:.60}", and counted once.', "twice")
            found[label] = value
        if self._value_column and found and _truth(row[self._value_column]) == "0":
            return dict.fromkeys(found, 0)
        return found

    def _parts(self, cell: str, line: int) -> list[str]:
        if not cell:
            return []
        if cell[0] + cell[-1] in ("[]", "()", "{}"):
            listed = _literal(cell)
            shown = [part.strip() for part in listed or ()]
            if set(shown) <= {"0", "1"} and len(set(shown)) < len(shown):
                raise WorkbenchError(
                    f'{self._table}, line {line}: "{cell:.60}" says 0 or 1 for each category, but not which; list their names, or give a '
                    "column for each."
                )
            if listed is not None:
                self._say(line, f'"{cell:.60}" is read as a list of labels.', "list")
                return listed
        if '"' in cell:
            return next(csv.reader([cell], delimiter=self._separator, skipinitialspace=True)) if len(self._separator) == 1 else [cell]
        parts = cell.split(self._separator)
        return parts[:-1] if len(parts) > 1 and not parts[-1].strip() else parts

    def _found(self, rows: Rows) -> str:
        """The separator that the cells show: one whose parts stand in other cells too, alone or otherwise combined."""
        cells: dict[str, int] = {}
        for line, row in rows:
            cell = row[self._column].strip()
            if cell and cell[0] + cell[-1] not in ("[]", "()", "{}"):
                cells.setdefault(cell, line)
        if any(";" in cell for cell in cells):
            return ";"
        for mark in ("|", ",", " "):
            holding = {cell: line for cell, line in cells.items() if mark in cell}
            if not holding:
                continue
            cell, line = next(iter(holding.items()))
            others = Counter(part.strip() for other in cells for part in set(other.split(mark)))
            shared = sum(any(others[part.strip()] > 1 for part in cell.split(mark)) for cell in holding)
            if mark != " " and (mark == "|" or shared > len(holding) / 2):
                count = cell.count(mark) + 1
                self._say(line, f'"{cell:.60}" is read as {count} labels with "{mark}" between them (separator="{mark}").', "by")
                return mark
            if mark == " " and not any(part in cells for other in holding for part in other.split()):
                continue
            word = "a space" if mark == " " else f'"{mark}"'
            self._say(line, f'"{cell:.60}" is read as one label; if {word} stands between labels, say so: separator="{mark}".', "one")
        return ";"

    def _say(self, line: int, words: str, kind: str) -> None:
        self._said[kind] += 1
        if self._said[kind] == 1:
            (self.quiet if kind in ("form", "list", "twice") else self.notes).append(f"{self._table}, line {line}: {words}")


class OneHot:
    """A column for each category.

    Args:
        columns: those that may be categories. chosen: those that are, where that is known.
    """

    def __init__(
        self, table: Path, columns: list[str], unknown: str, values: Mapping[str, int] | None, rows: Rows, chosen: Sequence[str] | None
    ) -> None:
        self._table = table
        self.notes: list[str] = []
        self.quiet: list[str] = []
        self._meaning = {"1": 1, "0": 0, unknown: -1, **_checked(values)}
        written = {composed(name): name for name in columns}
        if chosen is not None:
            for name in chosen:
                if name not in written:
                    raise WorkbenchError(f'{table} has no column "{name:.60}" for that category.{did_you_mean(name, columns)}')
            self._written = {name: written[name] for name in chosen}
        else:
            self._written = {name: cell for name, cell in written.items() if self._is_category(cell, rows)}
        self.columns = list(self._written)
        if not self.columns:
            raise WorkbenchError(
                f"{table} has no column of labels; name it with labels_column=, or the one-hot ones with categories=[...]."
            )

    def of(self, line: int, row: Mapping[str, str]) -> dict[str, int]:
        """Raises WorkbenchError, quoting line and cell, for one that means nothing."""
        found = {}
        for name, column in self._written.items():
            cell = row[column].strip()
            value = self._meaning.get(cell, self._meaning.get(_truth(cell)))
            if value is None:
                known = ", ".join(repr(text) for text in self._meaning)
                raise WorkbenchError(
                    f'{self._table}, line {line}: the cell {cell!r:.40} of "{name:.60}" is none of {known:.100}; say what it means with '
                    "values={...}."
                )
            found[name] = value
        return found

    def _is_category(self, column: str, rows: Rows) -> bool:
        """Numbers of rows, and what most cells show to be no mark of presence, are left out and said."""
        line, first = rows[0][0], rows[0][1][column].strip()
        cells = [row[column].strip() for _, row in rows]
        if not column or re.fullmatch(r"unnamed: ?\d+", column.lower()):
            if all(cell.isdecimal() for cell in cells):
                self.quiet.append(f'{self._table}, line 1: the column "{column}" numbers the rows, and is no category.')
                return False
            raise WorkbenchError(f"{self._table}, line 1: a column without a name holds {first!r:.40} (line {line}); name or remove it.")
        odd = sum(self._is_odd(cell) for cell in cells)
        if column.lower() not in METADATA and odd <= len(cells) / 2:
            return True
        self.notes.append(
            f'{self._table}, line {line}: the column "{column:.60}" ({first!r:.40}) is not taken as a category; name those that are: '
            "categories=[...]."
        )
        return False

    def _is_odd(self, cell: str) -> bool:
        """Longer than any code of presence. A short one is asked about instead, see `of`."""
        return (
            cell not in self._meaning and _truth(cell) not in self._meaning and not re.fullmatch(r"-?\d{0,1}|-?100|255|[A-Za-z]{0,3}", cell)
        )


def composed(name: str) -> str:
    """One Unicode form: macOS and some keyboards write "é" as two."""
    return unicodedata.normalize("NFC", name)


def _truth(cell: str) -> str:
    return _TRUTH.get(cell.strip().lower(), cell.strip())


def _literal(cell: str) -> list[str] | None:
    """The texts of a list that was written out, by Python, JSON or numpy."""
    try:
        value = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if isinstance(value, list | tuple | set) and all(isinstance(item, str) for item in value):
        quoted = re.findall(r"'([^']*)'|\"([^\"]*)\"", cell)  # numpy leaves out the commas, which Python reads as one text
        return [a or b for a, b in quoted] if len(quoted) > len(value) else list(value)
    if cell[0] == "[" and re.fullmatch(r"\[[^\[\]'\"]+\]", cell):
        return [part for part in cell[1:-1].split(",") if part.strip()]
    return None


def _checked(values: Mapping[str, int] | None) -> dict[str, int]:
    if values is None:
        return {}
    if not isinstance(values, Mapping) or not all(value in (1, 0, -1) for value in values.values()):
        raise WorkbenchError('values says what a cell means, 1 present, 0 absent, -1 unknown: {"yes": 1, "no": 0, "": -1}.')
    return {str(cell).strip(): int(value) for cell, value in values.items()}
