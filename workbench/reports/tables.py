"""Tables of a page: every text is escaped, unless it is `Markup` that was drawn here."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Any

NONE = "–"


class Markup(str):
    """HTML made by this package from numbers and escaped names; it goes into a cell as it is."""


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    caption: str,
    *,
    numeric: Collection[int] = (),
    bold_best: bool = False,
    bold_from: int = 0,
    muted_from: int | None = None,
    sortable: bool = False,
) -> str:
    """An HTML table.

    Args:
        numeric: columns that are aligned right.
        bold_best: the highest number of each row is bold, looked for from column `bold_from` on.
        muted_from: rows from here on are grey.
        sortable: the page's script lets a reader sort by any column.
    """
    kind = ' class="sortable"' if sortable else ""
    parts = [f"<table{kind}><caption>{escape(caption)}</caption><thead><tr>"]
    parts += [f'<th scope="col"{_aligned(column in numeric)}>{escape(name)}</th>' for column, name in enumerate(head)]
    parts.append("</tr></thead><tbody>")
    for position, row in enumerate(rows):
        values = [value if isinstance(value, Markup) else escape(str(value)) for value in row]
        rivals = {column for column in numeric if column >= bold_from} if bold_best else set()
        best = max((values[column] for column in rivals if _as_number(values[column]) > float("-inf")), key=_as_number, default=None)
        muted = ' class="muted"' if muted_from is not None and position >= muted_from else ""
        cells = [
            f"<td{_aligned(column in numeric)}>{f'<strong>{value}</strong>' if column in rivals and value == best else value}</td>"
            for column, value in enumerate(values)
        ]
        parts.append(f"<tr{muted}>{''.join(cells)}</tr>")
    parts.append("</tbody></table>")
    return "".join(parts)


def percent(value: float | None) -> str:
    """0.625 as 62.5; a dash for a figure that does not exist."""
    return NONE if value is None or math.isnan(value) else f"{100 * value:.1f}"


def number(value: float | None) -> str:
    """Three decimals, or a dash."""
    return NONE if value is None or math.isnan(value) else f"{value:.3f}"


def _aligned(right: bool) -> str:
    return ' class="number"' if right else ""


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("-inf")
