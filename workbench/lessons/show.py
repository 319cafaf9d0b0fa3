"""Small things to show in a notebook: a picture with its text alternative, a table, paragraphs. Each has a plain-text form too."""

from __future__ import annotations

import base64
import html
import textwrap
from collections.abc import Sequence
from typing import Any

from workbench.inspection import Inspection

MEASURES = {"pointing": "pointing game ↑", "energy": "energy inside ↑", "deletion": "deletion ↓"}


class Figure:
    """One picture with its text alternative and a caption."""

    def __init__(self, jpeg: bytes, alt: str, caption: str, width: int) -> None:
        self.jpeg, self.alt, self.caption, self.width = jpeg, alt, caption, width

    def __repr__(self) -> str:
        return f"{self.alt} {self.caption}".strip()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.jpeg).decode()
        image = f'<img src="data:image/jpeg;base64,{data}" alt="{html.escape(self.alt)}" width="{self.width}">'
        return f"<figure>{image}<figcaption>{html.escape(self.caption)}</figcaption></figure>"


class Table:
    """A table with a caption. Cells are texts or numbers; numbers are shown with two decimals, None as a dash."""

    def __init__(self, head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "") -> None:
        self.head, self.caption = [str(cell) for cell in head], caption
        self.rows = [[_cell(cell) for cell in row] for row in rows]

    def __repr__(self) -> str:
        widths = [max(len(row[place]) for row in (self.head, *self.rows)) for place in range(len(self.head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (self.head, *self.rows)]
        return "\n".join([*filter(None, [self.caption]), *lines])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in self.head)
        body = "".join(
            f'<tr><th scope="row">{html.escape(first)}</th>{"".join(f"<td>{html.escape(cell)}</td>" for cell in rest)}</tr>'
            for first, *rest in self.rows
        )
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Paragraphs:
    """Sentences worked out from data."""

    def __init__(self, paragraphs: Sequence[str]) -> None:
        self.paragraphs = list(paragraphs)

    def __repr__(self) -> str:
        return "\n".join(textwrap.fill(paragraph, 110) for paragraph in self.paragraphs)

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in self.paragraphs)


def show_picture(inspection: Inspection, image: int, caption: str = "", width: int = 288) -> Figure:
    """One picture of an archive without any map."""
    present = [inspection.categories[label] for label in (inspection.targets[image] == 1).nonzero()[0]]
    alt = f"Picture {inspection.ids[image]}, which holds: {', '.join(present) or 'none of the labels'}."
    return Figure(inspection.image_bytes(image), alt, caption, width)


def measurements_table(inspection: Inspection) -> Table:
    """The numbers beside the picture, over all labels: one row for each kind of map and for each reference."""
    found = {measure: inspection.measurements.get(measure, {}) for measure in MEASURES}
    sanity = inspection.measurements.get("sanity", {})
    names = list(dict.fromkeys([*inspection.map_kinds, *(name for rows in found.values() for name in rows)]))
    rows = []
    for name in names:
        kind = inspection.map_kinds.get(name)
        values = [found[measure].get(name, {}).get("overall") for measure in MEASURES]
        check = sanity.get(name)
        verdict = f"{check['rank_correlation']:.2f}, chance {check['baseline']:.2f}: {check['verdict']}" if check else None
        rows.append([kind.title if kind else f"({name})", *values, verdict])
    return Table(["map", *MEASURES.values(), "likeness under random weights"], rows, f"{inspection.name}, {len(inspection)} pictures")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
