"""The co-occurrence matrix as a still picture with its numbers, for snapshots, exported pages and screen readers."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workbench.widgets.cooccurrence import SIGNED, VALUES, Together
from workbench.widgets.style import STYLE, levels, ramp

if TYPE_CHECKING:
    from workbench.widgets.labels import LabelExplorer

NAMED = 40  # up to so many labels have their names at the matrix
MARGIN = 110  # pixels for names
SIDE = 460  # pixels of the matrix at most
ROWS = 12  # pairs in the table
INK = "#222222"


def matrix_png(relations: Together, kind: str, sort: str, pair: tuple[int, int] | None = None) -> bytes:
    """The matrix of one kind of values, with names, a colour bar, and a frame around the cell of `pair`. A PNG file."""
    order = relations.order(sort)
    values = relations.values(kind)[np.ix_(order, order)]
    count = len(order)
    cell = max(2, min(34, SIDE // count))
    named = count <= NAMED
    edge = MARGIN if named else 8
    top = largest(relations, kind)
    low, palette = (-top, STYLE["signed_palette"]) if kind in SIGNED else (0, "viridis")
    colours = ramp(palette)[levels(values, low, top)]
    colours[np.arange(count), np.arange(count)] = 128
    page = Image.new("RGB", (max(300, edge + count * cell + 10), edge + count * cell + 40), "white")
    page.paste(Image.fromarray(colours).resize((count * cell, count * cell), Image.Resampling.NEAREST), (edge, edge))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for place, label in enumerate(order if named else ()):
        name = short(relations.names[label])
        draw.text((edge - 5, edge + cell * (place + 0.5)), name, fill=INK, font=font, anchor="rm")
        strip = Image.new("RGB", (MARGIN - 8, 14), "white")
        ImageDraw.Draw(strip).text((0, 7), name, fill=INK, font=font, anchor="lm")
        page.paste(strip.rotate(90, expand=True), (int(edge + cell * (place + 0.5) - 7), 0))
    if pair:
        y, x = (edge + cell * order.index(label) for label in pair)
        draw.rectangle((x - 1, y - 1, x + cell, y + cell), outline=STYLE["cursor"]["halo"], width=3)
        draw.rectangle((x, y, x + cell - 1, y + cell - 1), outline=STYLE["cursor"]["line"])
    bar = Image.fromarray(ramp(palette)[None, :, :]).resize((160, 8))
    bottom = edge + count * cell + 10
    page.paste(bar, (edge, bottom))
    draw.text((edge, bottom + 11), f"{low:g}", fill=INK, font=font)
    draw.text((edge + 160, bottom + 11), f"{top:g}", fill=INK, font=font, anchor="ra")
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def largest(relations: Together, kind: str) -> float:
    """The upper end of the scale: the largest count or leakage of a pair, or 1."""
    if kind not in ("counts", "leakage"):
        return 1.0
    values = relations.values(kind)
    top = float((values - np.diag(np.diag(values))).max())
    return max(top, 1.0) if kind == "counts" else top or 1.0


def short(name: str, most: int = 16) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def pair_words(relations: Together, row: int, column: int) -> str:
    """A pair of labels in a sentence."""
    a, b = relations.names[row], relations.names[column]
    of_a, of_b = (100 * relations.conditional[first, second] for first, second in ((row, column), (column, row)))
    return (
        f"“{a}” and “{b}” are together in {relations.counts[row, column]:g} images, {of_a:.0f} % of those with “{a}” and "
        f"{of_b:.0f} % of those with “{b}”"
        + ("" if relations.leakage is None else f"; without its object “{a}” moves “{b}” by {relations.leakage[row, column]:.3f}")
    )


def matrix_words(relations: Together, kind: str) -> str:
    """The matrix in words: what it shows, where from, and its strongest pair."""
    pairs = np.triu(relations.counts, 1)
    row, column = divmod(int(pairs.argmax()), len(pairs))
    what = f"{VALUES[kind][0]}, {len(relations.names)} labels. {VALUES[kind][1]} {relations.source}"
    return f"{what} Most often {pair_words(relations, row, column)}."


def figure_html(relations: Together, kind: str, sort: str, words: str, note: str = "", pair: tuple[int, int] | None = None) -> str:
    """A ``<figure>`` with the matrix, its words and a table of the pairs: of the chosen label, or the most frequent ones."""
    picture = base64.b64encode(matrix_png(relations, kind, sort, pair)).decode()
    text = html.escape(words)
    names = relations.names
    places = [(row, column) for row in range(len(names)) for column in range(row + 1, len(names))]
    if pair:
        places = [(pair[0], column) for column in range(len(names)) if column != pair[0]]
    places.sort(key=lambda place: -relations.counts[place])
    columns: tuple[str, ...]
    if kind in SIGNED:
        columns, strength = ("correlation, true", "predicted"), np.abs(relations.values(kind))
        places.sort(key=lambda place: -strength[place])
        numbers = {(a, b): [f"{relations.correlation[a, b]:.2f}", f"{relations.predicted[a, b]:.2f}"] for a, b in places[:ROWS]}
    else:
        columns, shares = ("images with both", "P(B | A)", "P(A | B)"), relations.conditional
        numbers = {(a, b): [f"{relations.counts[a, b]:g}", f"{shares[a, b]:.2f}", f"{shares[b, a]:.2f}"] for a, b in places[:ROWS]}
    rows = "".join(
        f"<tr><th>{html.escape(names[a])}</th><th>{html.escape(names[b])}</th>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"
        for (a, b), texts in numbers.items()
    )
    heads = "".join(f"<th>{head}</th>" for head in ("A", "B", *columns))
    table = f"<details><summary>The numbers</summary><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></details>"
    image = f'<img src="data:image/png;base64,{picture}" alt="{text}">'
    return f'<figure class="workbench-snapshot">{image}<figcaption>{text}{note}</figcaption>{table}</figure>'


def describe_view(explorer: LabelExplorer) -> str:
    """What a label explorer shows, in words."""
    relations, view = explorer.together, explorer.view_state
    row, column = _pair(explorer)
    return f"{VALUES[view['values']][0]}, {len(relations.names)} labels. {pair_words(relations, row, column)}. {relations.source}"


def labels_html(explorer: LabelExplorer) -> str:
    """The still figure of a label explorer: the matrix, whichever picture is in view, with the chosen pair marked."""
    view = explorer.view_state
    note = " <em>Still picture: run the cell to explore.</em>"
    return figure_html(explorer.together, view["values"], view["sort"], describe_view(explorer), note, _pair(explorer))


def _pair(explorer: LabelExplorer) -> tuple[int, int]:
    row, column = (explorer.together.names.index(explorer.view_state[key]) for key in ("label", "other"))
    return row, column
