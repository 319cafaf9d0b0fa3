"""What the embedding explorer shows, as a still figure that stays in the notebook when the kernel is gone."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from workbench.widgets.points import ModelPoints, Points
from workbench.widgets.style import STYLE, levels, ramp

WIDTH, HEIGHT, MARGIN = 520, 400, 16  # pixels of one plot
FINER = 2  # drawn so many times larger, then made smaller
ACCENT, REST, FRAME = "#0b63b0", "#a4a8ae", "#dcdfe4"
STATES = ("TP", "FP", "FN", "TN", "unknown")
ON_TOP = ("TN", "unknown", "TP", "FN", "FP")  # drawn last lies on top
SIDES = {"TP": "disc", "FP": "triangle", "FN": "diamond", "TN": "disc", "unknown": "square"}


def points_html(points: Points, view: Mapping[str, Any], picked: np.ndarray) -> str:
    """A ``<figure>`` with the plots as a PNG, their text alternative, a caption and a table of the numbers."""
    text = html.escape(describe_points(points, view, picked))
    picture = base64.b64encode(plots_png(points, view, picked)).decode()
    return (
        f'<figure class="workbench-snapshot"><img src="data:image/png;base64,{picture}" alt="{text}">'
        f"<figcaption>{text} <em>Still picture: run the cell to explore.</em></figcaption>"
        f"<details><summary>The numbers</summary>{_table(points, view, picked)}</details></figure>"
    )


def describe_points(points: Points, view: Mapping[str, Any], picked: np.ndarray) -> str:
    """The picture in words."""
    title = points.projections[view["projection"]][0]
    epochs = points.models[view["model"]].embeddings.epochs
    at = epochs[min(view["epoch"], len(epochs) - 1)].get("title", view["epoch"])
    models = " (left) and ".join(model.member.name for model in points.models) + (" (right)" if len(points.models) > 1 else "")
    coloured = {
        "category": f"“{view['category']}” in blue, all other categories in grey",
        "state": f"coloured by the decision about “{view['category']}” in the point's image: "
        + ", ".join(f"{STYLE['states'][name]['word']} {colour}" for name, colour in _COLOUR_WORDS.items()),
        "number": f"coloured by {points.numbers[view['number']]['title']}, dark for low and yellow for high",
    }[view["colour"]]
    sample = f" (a random sample of {points.stored:,})" if points.stored > len(points) else ""
    selected = f" {len(picked):,} points are selected." if len(picked) else ""
    return f"{title} of {len(points):,} points{sample} of {models} at {at}; {coloured}.{selected}"


_COLOUR_WORDS = {"TP": "green", "FP": "orange", "FN": "blue", "TN": "grey"}


def plots_png(points: Points, view: Mapping[str, Any], picked: np.ndarray) -> bytes:
    """The plots of all models side by side. A PNG file."""
    page = Image.new("RGB", (len(points.models) * (WIDTH + MARGIN) - MARGIN, HEIGHT), "white")
    for place, model in enumerate(points.models):
        page.paste(_plot(points, model, view, picked), (place * (WIDTH + MARGIN), 0))
    buffer = io.BytesIO()
    page.quantize(255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _plot(points: Points, model: ModelPoints, view: Mapping[str, Any], picked: np.ndarray) -> Image.Image:
    width, height, margin = WIDTH * FINER, HEIGHT * FINER, MARGIN * FINER
    x0, y0, x1, y1 = model.extent(view["projection"])
    zoom = view["zoom"] or [0.5, 0.5, 1]
    unit = min((width - 2 * margin) / (x1 - x0), (height - 2 * margin) / (y1 - y0)) * zoom[2]
    middle = np.array([x0 + zoom[0] * (x1 - x0), y0 + zoom[1] * (y1 - y0)])
    values = (model.coordinates(view["projection"], view["epoch"]) - middle) * [unit, -unit] + [width / 2, height / 2]
    radius = FINER * min(4.0, max(1.0, 0.8 + 0.18 * np.sqrt(WIDTH * HEIGHT / len(points))))
    plot = np.full((height, width, 3), 255, dtype=np.uint8)
    chosen = np.zeros(len(points), dtype=bool)
    chosen[picked] = True
    for selected in (False, True) if len(picked) else (True,):
        for rows, colours, side in _marks(points, model, view):
            shown = rows[chosen[rows] == selected] if len(picked) else rows
            drawn = colours if np.ndim(colours) == 1 else colours[np.isin(rows, shown)]
            _stamp(plot, values[shown], _faded(drawn) if not selected else drawn, side, radius)
    image = Image.fromarray(plot).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    frame = ImageColor.getrgb(FRAME)
    edge = Image.new("RGB", (WIDTH, HEIGHT), frame)
    edge.paste(image.crop((1, 1, WIDTH - 1, HEIGHT - 1)), (1, 1))
    return edge


def _marks(points: Points, model: ModelPoints, view: Mapping[str, Any]) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """(points, colour or colours, shape) in the order of drawing."""
    label = points.matched.categories.index(view["category"])
    if view["colour"] == "category":
        own = points.pairs[:, 1] == label
        return [(np.flatnonzero(~own), _rgb(REST), "disc"), (np.flatnonzero(own), _rgb(ACCENT), "diamond")]
    if view["colour"] == "state":
        states = model.states[points.pairs[:, 0], label]
        return [(np.flatnonzero(states == STATES.index(name)), _rgb(STYLE["states"][name]["colour"]), SIDES[name]) for name in ON_TOP]
    number = points.numbers[view["number"]]
    if number["kind"] == "point":
        values = model.numbers()[view["number"]]
    else:
        values = model.by_category(view["number"].removeprefix("by category: "), view["epoch"])[points.pairs[:, 1]]
    known = np.flatnonzero(np.isfinite(values))
    low, high = number["range"]
    colours = ramp("viridis")[levels(values[known], low, high if high > low else low + 1)]
    return [(np.flatnonzero(~np.isfinite(values)), _rgb(REST), "square"), (known, colours, "disc")]


def _stamp(plot: np.ndarray, values: np.ndarray, colours: np.ndarray, side: str, radius: float) -> None:
    """Draw marks of one shape in place."""
    reach = int(np.ceil(radius))
    ys, xs = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = {
        "disc": xs**2 + ys**2 <= radius**2,
        "diamond": np.abs(xs) + np.abs(ys) <= 1.35 * radius,
        "square": np.maximum(np.abs(xs), np.abs(ys)) <= 0.8 * radius,
        "triangle": (ys <= 0.7 * radius) & (np.abs(xs) <= (ys + radius) * 0.62),
    }[side]
    columns, rows = np.round(values).astype(np.int64).T
    height, width = plot.shape[:2]
    for y, x in zip(ys[inside], xs[inside], strict=True):
        shown = (rows + y >= 0) & (rows + y < height) & (columns + x >= 0) & (columns + x < width)
        plot[rows[shown] + y, columns[shown] + x] = colours if colours.ndim == 1 else colours[shown]


def _rgb(code: str) -> np.ndarray:
    return np.array(ImageColor.getrgb(code), dtype=np.uint8)


def _faded(colours: np.ndarray) -> np.ndarray:
    return (255 - (255 - colours.astype(np.int64)) * 0.3).astype(np.uint8)


def _table(points: Points, view: Mapping[str, Any], picked: np.ndarray) -> str:
    """Distances of all points, of the chosen category's and of the selected ones, for each model."""
    label = points.matched.categories.index(view["category"])
    sets = [("all points", np.arange(len(points))), (f"“{view['category']}”", np.flatnonzero(points.pairs[:, 1] == label))]
    if len(picked):
        sets.append(("selection", picked))
    body = []
    for title, rows in sets:
        for model in points.models:
            own, others, nearest = (values[rows] for values in (model.centres.own, model.centres.others, model.centres.nearest))
            cells = [title, model.member.name, f"{len(rows):,}"]
            if len(rows):
                right = f"{100 * np.mean(own < nearest):.0f} %"
                cells += [f"{own.mean():.3f}", f"{others.mean():.3f}", f"{others.mean() / max(own.mean(), 1e-12):.2f}", right]
            body.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    heads = ("points", "model", "number", "to the own centre", "to the other centres", "ratio", "nearest to its own")
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in heads) + "</tr>"
    caption = "Mean cosine distances in the full space of the features"
    return f"<table><caption>{caption}</caption><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
