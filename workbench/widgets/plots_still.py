"""Means with intervals without plotly: a PNG drawn by Pillow and a table, for exported pages, untrusted notebooks and screen readers."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from workbench.widgets.style import STYLE

PANEL, LINE, NAMES, TOP, BOTTOM = 330, 72, 190, 34, 62  # pixels: width of a panel, height of a row, margins
INK, FAINT = "#222222", "#d0d0d0"


def interval_still(points: Sequence[Mapping[str, Any]], axis: str, text: str) -> str:
    """A ``<figure>``: the chart as a PNG with `text` as its alternative, and its numbers as a table."""
    picture = base64.b64encode(_png(points, axis)).decode()
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(str(point[key]))}</td>" for key in ("panel", "row", "series"))
        + f"<td>{_number(point)}</td></tr>"
        for point in points
    )
    head = f"<tr><th></th><th></th><th></th><th>{html.escape(axis)}</th></tr>"
    table = f"<details><summary>The numbers</summary><table><thead>{head}</thead><tbody>{rows}</tbody></table></details>"
    image = f'<img src="data:image/png;base64,{picture}" alt="{html.escape(text)}">'
    return f'<figure class="workbench-intervals">{image}{table}</figure>'


def _number(point: Mapping[str, Any]) -> str:
    half = point["half_width"]
    return f"{point['mean']:.3f}" + ("" if half is None else f" ± {half:.3f}")


def _png(points: Sequence[Mapping[str, Any]], axis: str) -> bytes:
    panels, rows, series = (list(dict.fromkeys(str(point[key]) for point in points)) for key in ("panel", "row", "series"))
    low = min(point["mean"] - (point["half_width"] or 0) for point in points)
    high = max(point["mean"] + (point["half_width"] or 0) for point in points)
    low, high = low - 0.05 * ((high - low) or 1), high + 0.05 * ((high - low) or 1)
    size = (NAMES + PANEL * len(panels) + 20, TOP + LINE * len(rows) + BOTTOM)
    page = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    floor = TOP + LINE * len(rows)

    def across(column: int, value: float) -> float:
        return NAMES + column * PANEL + 22 + (PANEL - 44) * (value - low) / (high - low)

    for column, panel in enumerate(panels):
        draw.text((NAMES + (column + 0.5) * PANEL, 10), panel, fill=INK, font=font, anchor="ma")
        for value in (low, (low + high) / 2, high):
            x = across(column, value)
            draw.line([(x, TOP), (x, floor)], fill=FAINT)
            draw.text((x, floor + 5), f"{value:.2f}", fill=INK, font=font, anchor="ma")
    for place, row in enumerate(rows):
        words = row.split(", ")
        draw.text((6, TOP + LINE * (place + 0.5)), ",\n".join(words), fill=INK, font=font, anchor="lm")
        draw.line([(NAMES, TOP + LINE * (place + 1)), (size[0] - 10, TOP + LINE * (place + 1))], fill=FAINT)
    for point in points:
        column, place = panels.index(str(point["panel"])), series.index(str(point["series"]))
        y = TOP + LINE * rows.index(str(point["row"])) + LINE * (place + 1) / (len(series) + 1)
        colour, half = STYLE["models"][place % len(STYLE["models"])], point["half_width"] or 0
        draw.line([(across(column, point["mean"] - half), y), (across(column, point["mean"] + half), y)], fill=colour, width=2)
        _mark(draw, place, across(column, point["mean"]), y, colour)
    x = 6.0
    for place, name in enumerate(series):
        _mark(draw, place, x + 5, floor + 48, STYLE["models"][place % len(STYLE["models"])])
        draw.text((x + 15, floor + 48), name, fill=INK, font=font, anchor="lm")
        x += 34 + font.getlength(name)
    draw.text((NAMES + PANEL * len(panels) / 2, floor + 24), axis, fill=INK, font=font, anchor="ma")
    buffer = io.BytesIO()
    page.quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _mark(draw: ImageDraw.ImageDraw, place: int, x: float, y: float, colour: str) -> None:
    """The same shapes as in the live chart: circle, square, diamond, triangle."""
    r = 5
    shapes: dict[int, list[tuple[float, float]]] = {
        1: [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)],
        2: [(x, y - r - 1), (x + r + 1, y), (x, y + r + 1), (x - r - 1, y)],
        3: [(x, y - r - 1), (x + r + 1, y + r), (x - r - 1, y + r)],
    }
    if place % 4 in shapes:
        draw.polygon(shapes[place % 4], fill=colour)
    else:
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
