"""Charts over studies: means with their intervals, side by side, each with a still picture and a table for where plotly cannot draw."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from IPython.display import display
from plotly.subplots import make_subplots

from workbench.errors import WorkbenchError
from workbench.widgets.cooccurrence import SIGNED, VALUES, together
from workbench.widgets.curves import CONFIG, PLOTLY, on_any_theme
from workbench.widgets.labels_still import figure_html, largest, matrix_words
from workbench.widgets.matching import Source, match
from workbench.widgets.plots_still import interval_still
from workbench.widgets.style import STYLE

SYMBOLS = ("circle", "square", "diamond", "triangle-up")
NEEDED = ("panel", "row", "series", "mean", "half_width")


class IntervalChart(go.Figure):
    """A `go.Figure` that shows itself without a sharing button, and as a still figure where plotly cannot draw."""

    def _ipython_display_(self) -> None:
        display(self.bundle(), raw=True)

    def bundle(self) -> dict[str, Any]:
        """The figure for JupyterLab; picture, text alternative and table for exported pages, untrusted notebooks and screen readers."""
        meta = self.layout.meta
        still = interval_still(meta["points"], meta["axis"], meta["text"])
        return {
            PLOTLY: {**self.to_plotly_json(), "config": CONFIG},
            "text/html": still,
            "text/plain": meta["text"],
        }


def interval_chart(points: Sequence[Mapping[str, Any]], axis: str, title: str = "") -> IntervalChart:
    """Means as dots with their intervals: a panel for each "panel", a line for each "row", a colour and shape for each "series".

    Args:
        points: each with "panel", "row", "series" (texts), "mean", "half_width" (of the interval; None where there is none) and perhaps
            "values", the single values behind the mean, drawn faintly.
        axis: what is measured, with its unit.

    Raises:
        WorkbenchError: no points, a point that lacks something, or more than four series.
    """
    _check(points)
    panels, rows, series = (list(dict.fromkeys(str(point[key]) for point in points)) for key in ("panel", "row", "series"))
    if len(series) > len(SYMBOLS):
        raise WorkbenchError(f"An interval chart shows at most {len(SYMBOLS)} series, not {len(series)}; choose which to compare.")
    titles = [html.escape(panel) for panel in panels]
    figure = IntervalChart(make_subplots(1, len(panels), shared_xaxes=True, shared_yaxes=True, subplot_titles=titles))
    for column, panel in enumerate(panels, start=1):
        for place, name in enumerate(series):
            chosen = [point for point in points if (str(point["panel"]), str(point["series"])) == (panel, name)]
            _add(figure, chosen, rows, name, place, len(series), column)
    low, high = _range(points)
    figure.update_xaxes(range=[low, high])
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(rows))), ticktext=[html.escape(row).replace(", ", ",<br>") for row in rows],
        range=[len(rows) - 0.5, -0.5], zeroline=False,
    )  # fmt: skip
    text = _describe(points, axis, title)
    label = {
        "text": html.escape(axis),
        "x": 0.5,
        "y": 0,
        "yshift": -44,
        "xref": "paper",
        "yref": "paper",
        "showarrow": False,
        "font": {"size": 13},
    }
    figure.add_annotation(label)
    on_any_theme(figure)
    figure.update_layout(
        title=html.escape(title) or None, height=150 + 85 * len(rows),
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0, "yref": "container", "yanchor": "bottom"},
        margin={"l": 150, "r": 20, "t": 70 if title else 40, "b": 95},
        meta={"text": text, "axis": axis, "points": [{key: point.get(key) for key in NEEDED} for point in points]},
    )  # fmt: skip
    return figure


def _add(figure: go.Figure, points: Sequence[Mapping[str, Any]], rows: list[str], name: str, place: int, count: int, column: int) -> None:
    if not points:
        return
    colour = STYLE["models"][place % len(STYLE["models"])]
    offset = 0.6 * (place - (count - 1) / 2) / max(count, 1)
    heights = [rows.index(str(point["row"])) + offset for point in points]
    singles = [(value, y) for point, y in zip(points, heights, strict=True) for value in point.get("values") or ()]
    if singles:
        x, y = zip(*singles, strict=True)
        faint = {"color": colour, "size": 4, "opacity": 0.45}
        figure.add_trace(go.Scatter(x=x, y=y, mode="markers", marker=faint, showlegend=False, hoverinfo="skip"), row=1, col=column)
    trace = go.Scatter(
        x=[point["mean"] for point in points], y=heights, mode="markers", name=html.escape(name), legendgroup=name, showlegend=column == 1,
        marker={"color": colour, "size": 10, "symbol": SYMBOLS[place]},
        error_x={"type": "data", "array": [point["half_width"] or 0 for point in points], "color": colour, "thickness": 2, "width": 5},
        text=[html.escape(f"{name}, {point['row']}: {_figure(point)}") for point in points], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    figure.add_trace(trace, row=1, col=column)


def _check(points: Sequence[Mapping[str, Any]]) -> None:
    if not points:
        raise WorkbenchError("There is nothing to draw: the chart was given no points.")
    for point in points:
        for key in NEEDED:
            if key not in point:
                raise WorkbenchError(f'A point of the chart lacks "{key}"; give {", ".join(NEEDED)}.')


def _range(points: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    low = min(point["mean"] - (point["half_width"] or 0) for point in points)
    high = max(point["mean"] + (point["half_width"] or 0) for point in points)
    pad = 0.05 * ((high - low) or 1.0)
    return low - pad, high + pad


def _figure(point: Mapping[str, Any]) -> str:
    half = point["half_width"]
    return f"{point['mean']:.3f}" + (f" ± {half:.3f}" if half is not None else " (one value, no interval)")


def _describe(points: Sequence[Mapping[str, Any]], axis: str, title: str) -> str:
    """The chart in words: for each panel and row the series from the highest mean to the lowest."""
    parts = []
    for panel, row in dict.fromkeys((str(point["panel"]), str(point["row"])) for point in points):
        here = sorted((p for p in points if (str(p["panel"]), str(p["row"])) == (panel, row)), key=lambda point: -point["mean"])
        named = ", ".join(f"{point['series']} {_figure(point)}" for point in here)
        parts.append(f"{panel}, {row}: {named}")
    return f"{title or 'Means with intervals'}; {axis}. {'. '.join(parts)}."


class MatrixChart(go.Figure):
    """A heat map that shows itself without a sharing button, and as a still figure where plotly cannot draw."""

    def _ipython_display_(self) -> None:
        display(self.bundle(), raw=True)

    def bundle(self) -> dict[str, Any]:
        """The figure for JupyterLab; picture, text alternative and table for exported pages, untrusted notebooks and screen readers."""
        meta = self.layout.meta
        plot = {**json.loads(self.to_json()), "config": CONFIG}
        return {PLOTLY: plot, "text/html": meta["still"], "text/plain": meta["text"]}


def cooccurrence_chart(inspection: Source, values: str = "counts", sort: str = "frequency") -> MatrixChart:
    """Which labels go together: training counts that the archive holds, else those of its own images.

    Args:
        values: "counts", "conditional" (P(column | row)), "neighbours" where the archive knows them, "correlation" (true), "predicted", or
            "error", their difference.
        sort: "stored", "name", "frequency", or "group" where there are groups.

    Raises:
        WorkbenchError: values or an order that this archive does not have.
    """
    relations = together(match(inspection))
    order = relations.order(sort)
    shown = relations.values(values)[np.ix_(order, order)]
    np.fill_diagonal(shown, np.nan)  # a label with itself would outshine all pairs
    names = [html.escape(relations.names[label]) for label in order]
    text = matrix_words(relations, values)
    high, palette = largest(relations, values), STYLE["signed_palette"] if values in SIGNED else "viridis"
    low = -high if values in SIGNED else 0
    heat = go.Heatmap(
        z=shown, x=names, y=names, zmin=low, zmax=high, colorscale=STYLE["palettes"][palette],
        hovertemplate="row %{y}<br>column %{x}<br>%{z}<extra></extra>", colorbar={"title": html.escape(VALUES[values][0])},
    )  # fmt: skip
    figure = MatrixChart(heat)
    figure.update_xaxes(type="category", side="top", tickangle=-60)
    figure.update_yaxes(type="category", autorange="reversed", scaleanchor="x")
    side = max(420, min(900, 140 + 22 * len(names)))
    on_any_theme(figure)
    figure.update_layout(
        height=side, width=side + 140, margin={"l": 110, "r": 20, "t": 110, "b": 20},
        meta={"text": text, "still": figure_html(relations, values, sort, text)},
    )  # fmt: skip
    return figure
