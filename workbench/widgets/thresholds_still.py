"""The threshold lab as a still picture with its numbers, for snapshots, untrusted notebooks and screen readers."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workbench.metrics.conventions import get_preset
from workbench.metrics.ranking import precision_recall_curve
from workbench.widgets.operating import measure
from workbench.widgets.style import STYLE
from workbench.widgets.thresholds import percent

if TYPE_CHECKING:
    from workbench.widgets.thresholds import ThresholdLab

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 420, 300, 46, 40, 28  # pixels; the axis is named above its topmost number
INK, FAINT = "#222222", "#dddddd"
ROWS = 80  # labels in the table


def curve_png(lab: ThresholdLab) -> bytes:
    """Precision over recall of the chosen label, with the threshold in view filled and the one before hollow. A PNG file."""
    images, view = lab.setting.measured, lab.view_state
    column, convention = images.categories.index(view["label"]), get_preset(view["convention"])
    recall, precision, _ = precision_recall_curve(images.logits[:, column], images.targets[:, column], convention.unknown_in_f1)
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + x * (WIDTH - LEFT - 14), HEIGHT - BOTTOM - y * (HEIGHT - BOTTOM - TOP)

    for tick in (0, 0.25, 0.5, 0.75, 1):
        draw.line((at(tick, 0), at(tick, 1)), fill=FAINT)
        draw.line((at(0, tick), at(1, tick)), fill=FAINT)
        draw.text((at(tick, 0)[0], HEIGHT - BOTTOM + 6), f"{100 * tick:.0f}", fill=INK, font=font, anchor="ma")
        draw.text((LEFT - 6, at(0, tick)[1]), f"{100 * tick:.0f}", fill=INK, font=font, anchor="rm")
    draw.text((WIDTH / 2, HEIGHT - 6), "recall, %", fill=INK, font=font, anchor="ms")
    draw.text((4, 2), "precision, %", fill=INK, font=font)
    points = [at(float(x), float(y)) for x, y in zip(recall, precision, strict=True) if not np.isnan(x)]
    if len(points) > 1:
        draw.line(points, fill=STYLE["models"][0], width=2)
    before = measure(images, np.array(lab.compared), convention)
    for numbers, fill in ((before, "white"), (lab.numbers, STYLE["models"][1])):
        x, y = numbers["R"][column], numbers["P"][column]
        if not np.isnan(x) and not np.isnan(y):
            (cx, cy) = at(float(x), float(y))
            draw.ellipse((cx - 5, cy - 5, cx + 5, cy + 5), fill=fill, outline=STYLE["models"][1], width=2)
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def describe_thresholds(lab: ThresholdLab) -> str:
    """What the lab shows, in words."""
    view, numbers = lab.view_state, lab.numbers
    column = lab.setting.measured.categories.index(view["label"])
    p, r, f1 = (percent(numbers[key][column]) for key in ("P", "R", "F1"))
    overall = ", ".join(f"{name} {percent(value)}" for name, value in numbers["all"].items())
    sentence = f"{lab.setting.words}{f' Beware: {lab.setting.warning}.' if lab.setting.warning else ''}"
    return (
        f"“{view['label']}” from a probability of {view['thresholds'][column]:.3f}: precision {p}, recall {r}, F1 {f1}. "
        f"All labels: {overall} (convention {view['convention']}). Thresholds: {lab.thresholds.criterion}. {sentence}"
    )


def thresholds_html(lab: ThresholdLab) -> str:
    """A ``<figure>`` with the curve of the chosen label, the words, and a table of all labels."""
    text = html.escape(describe_thresholds(lab))
    picture = base64.b64encode(curve_png(lab)).decode()
    numbers, names, values = lab.numbers, lab.setting.measured.categories, lab.view_state["thresholds"]
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{values[c]:.3f}</td>"
        + "".join(f"<td>{percent(numbers[key][c])}</td>" for key in ("P", "R", "F1"))
        + "".join(f"<td>{numbers[key][c]:.0f}</td>" for key in ("TP", "FP", "FN"))
        + "</tr>"
        for c, name in enumerate(names[:ROWS])
    )
    heads = "".join(f"<th>{head}</th>" for head in ("label", "threshold", "precision", "recall", "F1", "TP", "FP", "FN"))
    left = f"<p>{len(names) - ROWS} more labels.</p>" if len(names) > ROWS else ""
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{left}"
    return (
        f'<figure class="workbench-snapshot"><img src="data:image/png;base64,{picture}" alt="{text}">'
        f"<figcaption>{text} <em>Still picture: run the cell to explore.</em></figcaption>"
        f"<details><summary>The numbers</summary>{table}</details></figure>"
    )
