"""The move lab as a still picture with its numbers, for snapshots, untrusted notebooks and screen readers."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workbench.pictures import opened
from workbench.widgets.moving import Sweep
from workbench.widgets.style import STYLE

if TYPE_CHECKING:
    from workbench.widgets.moves import MoveLab

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 460, 250, 44, 50, 22  # pixels of the curve
SHOWN = 3  # pictures beside the curve: at both ends and where the object was
SMALL = 120
INK, FAINT, TRUE = "#222222", "#dddddd", STYLE["states"]["TP"]["colour"]


def values_of(lab: MoveLab, sweep: Sweep) -> np.ndarray:
    """Scores of the chosen label on the chosen scale: float64 [models, O]."""
    label = lab.categories.index(lab.view_state["label"])
    if lab.view_state["scale"] == "logit":
        return sweep.logits[:, :, label].astype(np.float64)
    return np.stack([sweep.probabilities(model)[:, label] for model in range(len(lab.models))])


def limits(values: np.ndarray, scale: str) -> tuple[float, float]:
    """Both ends of the upright axis."""
    if scale == "probability":
        return 0.0, 1.0
    low, high = float(min(values.min(), 0)), float(max(values.max(), 0))
    pad = 0.05 * (high - low or 1)
    return low - pad, high + pad


def moves_png(lab: MoveLab) -> bytes:
    """Pictures at both ends and at the start, and the curve of the chosen label. A PNG file."""
    sweep, view = lab.sweep(), lab.view_state
    values = values_of(lab, sweep)
    low, high = limits(values, view["scale"])
    page = Image.new("RGB", (WIDTH + SMALL + 12, max(HEIGHT + 18 * len(lab.models), SHOWN * (SMALL + 6))), "white")
    for place, number in enumerate(sorted({0, sweep.start, len(sweep.places) - 1})):
        with opened(sweep.pictures[number], "A drawn scene") as picture:
            small = picture.resize((SMALL, SMALL), Image.Resampling.BILINEAR)
        page.paste(small, (0, place * (SMALL + 6)))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    edge = SMALL + 12

    def at(place: float, value: float) -> tuple[float, float]:
        right, floor = WIDTH - LEFT - 14, HEIGHT - BOTTOM
        return edge + LEFT + place * right, floor - (value - low) / (high - low) * (floor - TOP)

    for tick in np.linspace(low, high, 5):
        draw.line((at(0, tick), at(1, tick)), fill=FAINT)
        draw.text((at(0, tick)[0] - 6, at(0, tick)[1]), f"{tick:.3g}", fill=INK, font=font, anchor="rm")
    for tick in (0, 0.25, 0.5, 0.75, 1):
        draw.text((at(tick, low)[0], HEIGHT - BOTTOM + 16), f"{100 * tick:.0f}", fill=INK, font=font, anchor="ma")
    draw.text((edge + 4, 4), f"{view['scale']} of {view['label']}", fill=INK, font=font)
    way = "top to bottom" if view["axis"] == "down" else "left to right"
    draw.text((edge + WIDTH / 2, HEIGHT - 8), f"middle of {view['thing']}, % of the frame, {way}", fill=INK, font=font, anchor="ms")
    _truth(draw, at, low, sweep, lab.categories.index(view["label"]))
    for model, row in enumerate(values):
        colour = STYLE["models"][model]
        points = [at(float(place), float(value)) for place, value in zip(sweep.places, row, strict=True)]
        draw.line(points, fill=colour, width=2)
        x, y = points[sweep.start]
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill="white", outline=colour, width=2)
        draw.line(((edge + LEFT, HEIGHT + 18 * model + 7), (edge + LEFT + 14, HEIGHT + 18 * model + 7)), fill=colour, width=4)
        draw.text((edge + LEFT + 20, HEIGHT + 18 * model), lab.models[model], fill=INK, font=font)
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _truth(draw: ImageDraw.ImageDraw, at: Callable[[float, float], tuple[float, float]], low: float, sweep: Sweep, label: int) -> None:
    """A band below the curve where the label is true."""
    edges = [0.0, *((sweep.places[1:] + sweep.places[:-1]) / 2).tolist(), 1.0]
    for place, true in enumerate(sweep.targets[:, label]):
        (x0, y), (x1, _) = at(edges[place], low), at(edges[place + 1], low)
        draw.rectangle((x0, y + 4, x1, y + 10), fill=TRUE if true else FAINT)


def true_words(sweep: Sweep, label: int) -> str:
    """Where a label is true, in words."""
    true = sweep.targets[:, label] == 1
    if true.all() or not true.any():
        return "is true at every place" if true.all() else "is true nowhere"
    parts, begin = [], None
    for place, now in enumerate([*true.tolist(), False]):
        if now and begin is None:
            begin = place
        if not now and begin is not None:
            parts.append(f"{100 * sweep.places[begin]:.0f} to {100 * sweep.places[place - 1]:.0f} %")
            begin = None
    return f"is true from {' and '.join(parts)}"


def describe_moves(lab: MoveLab) -> str:
    """What the lab shows, in words."""
    sweep, view = lab.sweep(), lab.view_state
    label = lab.categories.index(view["label"])
    way = "from top to bottom" if view["axis"] == "down" else "from left to right"
    parts = []
    for model, row in enumerate(values_of(lab, sweep)):
        low, high = int(np.argmin(row)), int(np.argmax(row))
        parts.append(
            f"{lab.models[model]} {row[sweep.start]:.2f} where it was, {row[low]:.2f} at least (at {100 * sweep.places[low]:.0f} %), "
            f"{row[high]:.2f} at most (at {100 * sweep.places[high]:.0f} %)"
        )
    true = true_words(sweep, label)
    return (
        f"Image {view['image']}: “{view['thing']}” is moved {way}, all else stays; “{view['label']}” {true}. "
        f"{view['scale'].capitalize()} of “{view['label']}”: {'; '.join(parts)}."
    )


def moves_html(lab: MoveLab) -> str:
    """A ``<figure>`` with pictures and curve, the words, and a table of all places."""
    text, sweep = html.escape(describe_moves(lab)), lab.sweep()
    label, values = lab.categories.index(lab.view_state["label"]), values_of(lab, sweep)
    picture = base64.b64encode(moves_png(lab)).decode()
    rows = []
    for number, place in enumerate(sweep.places):
        head = f"{100 * place:.0f} %{' (was here)' if number == sweep.start else ''}"
        cells = ["yes" if sweep.targets[number, label] else "no", *(f"{value:.3f}" for value in values[:, number])]
        rows.append(f"<tr><th>{head}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    heads = "".join(f"<th>{html.escape(head)}</th>" for head in ("place", "true", *lab.models))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return (
        f'<figure class="workbench-snapshot"><img src="data:image/png;base64,{picture}" alt="{text}">'
        f"<figcaption>{text} <em>Still picture: run the cell to explore.</em></figcaption>"
        f"<details><summary>The numbers</summary>{table}</details></figure>"
    )
