"""Rows of CSV files, read with care: every problem is told with the line it is in."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.datasets.files import read_text
from workbench.errors import WorkbenchError, did_you_mean

MOST_COLUMNS = 20_000
"""Columns of a table; the largest vocabulary of labels in use, Open Images', is as wide."""
DELIMITERS = ",;\t|"


def delimiter_of(path: Path, missing: str, wanted: Sequence[str] = ()) -> str:
    """What stands between the cells, from the header: the first of `DELIMITERS` that gives a column in `wanted`, or else two columns."""
    header = next(iter(read_text(path, missing).splitlines()), "")
    told = re.fullmatch(r'"?sep=(.)"?', header.strip(), re.IGNORECASE)  # a first line for Excel
    if told:
        return told[1]
    split = {mark: [name.strip().strip('"').lower() for name in header.split(mark)] for mark in DELIMITERS}
    fitting = [mark for mark, names in split.items() if len(names) > 1]
    named = [mark for mark in fitting if any(name in wanted for name in split[mark])]
    return (named or fitting or [","])[0]


def read_rows(path: Path, needed: Sequence[str], missing: str, delimiter: str = ",") -> Iterator[tuple[int, dict[str, str]]]:
    """Each row as (number of its line, ``{column: cell}``).

    Empty lines are passed over, spaces around column names removed, line breaks within a cell read as spaces.

    Args:
        needed: columns that have to be there.
        missing: what to do where there is no such file.
        delimiter: the character between cells.

    Raises:
        WorkbenchError: no text in UTF-8, no header, a column that is missing or named twice, a row with too few or too many cells.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise WorkbenchError(f"The delimiter {delimiter!r} cannot stand between cells; give one character, such as a comma.")
    reader = csv.reader(io.StringIO(read_text(path, missing), newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if header and re.fullmatch(r"sep=.?", header[0], re.IGNORECASE):
            header = [name.strip() for name in next(reader, [])]
        if not any(header):
            raise WorkbenchError(f"{path} has no header line; its first line names the columns.")
        if len(header) > MOST_COLUMNS:
            raise WorkbenchError(
                f"{path} has {len(header):,} columns, more than the {MOST_COLUMNS:,} that are read; give labels in one column."
            )
        named = Counter(header)
        for name in header:
            if named[name] > 1 and name:
                raise WorkbenchError(f'{path} has two columns "{name:.60}"; rename one of them.')
        for name in needed:
            if name not in header:
                hint = did_you_mean(name, [column[:60] for column in header])
                split = [other for other in ",;\t|" if other != delimiter and other in header[0]] if len(header) == 1 else []
                hint = f" Are its cells separated by {split[0]!r}? Say so: delimiter={split[0]!r}." if split else hint
                raise WorkbenchError(f'{path} has no column "{name}".{hint}')
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise WorkbenchError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells for {len(header)} columns; put cells that contain "
                    f"{delimiter!r} in quotes."
                )
            flat = [cell.replace("\r", " ").replace("\n", " ") for cell in cells]
            yield reader.line_num, dict(zip(header, flat, strict=True))
    except csv.Error as error:
        raise WorkbenchError(f"{path}, line {reader.line_num}: not a row of a CSV file ({error}); correct its quotes.") from None
