"""Training curves without plotly: a small PNG and a table, for exported pages, untrusted notebooks and screen readers."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, MARGIN = 420, 240, 34


def still_html(figure: Any, text: str) -> str:
    """A ``<figure>`` with the curves as a PNG, their text alternative and the last values as a table."""
    picture = base64.b64encode(_png(figure)).decode()
    rows = "".join(f"<tr><td>{html.escape(str(trace.name))}</td><td>{trace.y[-1]:.4g}</td></tr>" for trace in figure.data if len(trace.y))
    table = f"<details><summary>Last values</summary><table><tbody>{rows}</tbody></table></details>"
    words = html.escape(text)
    image = f'<img src="data:image/png;base64,{picture}" alt="{words}">'
    return f'<figure class="workbench-curves" style="min-height: 20em">{image}<figcaption>{words}</figcaption>{table}</figure>'


def _png(figure: Any) -> bytes:
    """Both panels side by side, each on its own scale from zero."""
    page = Image.new("RGB", (2 * WIDTH, HEIGHT), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for column, axis in enumerate(("x", "x2")):
        traces = [trace for trace in figure.data if (trace.xaxis or "x") == axis]
        right = max((max(trace.x) for trace in traces), default=1) or 1
        top = 1.0 if axis == "x2" else max((max(trace.y) for trace in traces), default=1) or 1
        left, floor = column * WIDTH + MARGIN, HEIGHT - MARGIN
        draw.line([(left, MARGIN), (left, floor), (left + WIDTH - 2 * MARGIN, floor)], fill="#555555")
        for value in (0, top):
            draw.text((left - 4, floor - (floor - MARGIN) * value / top), f"{value:.3g}", fill="#333333", font=font, anchor="rm")
        draw.text((left, 8), figure.layout.annotations[column].text, fill="#111111", font=font)
        draw.text((left + WIDTH - 2 * MARGIN, floor + 6), f"{right:,.0f} images", fill="#333333", font=font, anchor="ra")
        for trace in traces:
            points = [
                (left + (WIDTH - 2 * MARGIN) * x / right, floor - (floor - MARGIN) * y / top) for x, y in zip(trace.x, trace.y, strict=True)
            ]
            if len(points) > 1:
                draw.line(points, fill=trace.line.color, width=2 if trace.line.dash == "solid" else 1)
            for x, y in points:
                draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=trace.line.color)
    buffer = io.BytesIO()
    page.quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
