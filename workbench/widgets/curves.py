"""Training curves: loss and mAP against the images that went through the network, live in a notebook or afterwards.

A history is a list of rows as in a run's ``history.jsonl``: "stage", "epoch", "images" (in all, up to its end), "loss", "loss.<name>",
"validation.map" and "validation.map.<name>".
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from IPython.display import display
from plotly.subplots import make_subplots

from workbench.errors import WorkbenchError
from workbench.widgets.curves_still import still_html
from workbench.widgets.style import STYLE

History = Sequence[Mapping[str, Any]]
CONFIG = {"showSendToCloud": False, "plotlyServerURL": "", "displaylogo": False, "responsive": True}  # data stays on this machine
PLOTLY = "application/vnd.plotly.v1+json"
MAP = "validation.map"
NEUTRAL = "#8a8a8a"
CLEAR, INK, FAINT = "rgba(0,0,0,0)", "#777777", "rgba(128,128,128,0.3)"  # to be read on a light page and on a dark one


class CurveFigure(go.Figure):
    """A `go.Figure` that shows itself without a sharing button, and as a still picture with a table where plotly cannot draw."""

    def _ipython_display_(self) -> None:
        display(self.bundle(), raw=True)

    def bundle(self) -> dict[str, Any]:
        """The figure for JupyterLab, and a still figure for exported pages, untrusted notebooks and screen readers."""
        text = self.layout.meta["text"]
        plot = {**json.loads(self.to_json()), "config": CONFIG}
        return {PLOTLY: plot, "text/html": still_html(self, text), "text/plain": text}


def on_any_theme(figure: go.Figure) -> None:
    """No ground of its own, and letters and lines that stand out from a light and from a dark one: a figure does not know its page."""
    axis = {"gridcolor": FAINT, "zerolinecolor": FAINT, "linecolor": FAINT, "tickcolor": FAINT}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    figure.update_layout(
        template="plotly_white", paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, font={"color": INK}, modebar={"color": INK, "bgcolor": CLEAR}
    )


def training_curves(history: History | Mapping[str, History], title: str = "") -> CurveFigure:
    """Loss and mAP of one run, with its terms and stages, or of several runs by name.

    Raises:
        WorkbenchError: rows that are no history.
    """
    runs: dict[str, History] = {str(name): rows for name, rows in history.items()} if isinstance(history, Mapping) else {"": history}
    for name, rows in runs.items():
        _check(rows, name)
    figure = CurveFigure(make_subplots(1, 2, subplot_titles=("loss", "mAP on the validation images")))
    for place, (name, rows) in enumerate(runs.items()):
        colour = STYLE["models"][place % len(STYLE["models"])]
        _add(figure, rows, "loss", 1, colour, name or "loss", True)
        _add(figure, rows, MAP, 2, colour, name or "mAP", True)
        if len(runs) == 1:
            _add_parts(figure, rows)
            _mark_stages(figure, rows)
    figure.update_xaxes(title_text="images through the network", rangemode="tozero")
    figure.update_yaxes(range=[0, 1], col=2)
    figure.update_yaxes(rangemode="tozero", col=1)
    on_any_theme(figure)
    figure.update_layout(title=title or None, height=320, margin={"l": 50, "r": 20, "t": 60 if title else 40, "b": 45})
    figure.update_layout(legend={"orientation": "h", "y": -0.25}, meta={"text": describe_curves(runs)})
    return figure


def describe_curves(runs: Mapping[str, History]) -> str:
    """The curves in words."""
    parts = []
    for name, rows in runs.items():
        found = [row[MAP] for row in rows if row.get(MAP) is not None]
        if not rows:
            parts.append(f"{name or 'Training'}: no epoch yet")
            continue
        loss = [row["loss"] for row in rows if row.get("loss") is not None]
        fall = f", loss {loss[0]:.3g} to {loss[-1]:.3g}" if loss else ""
        best = f", mAP {found[-1]:.3f}, best {max(found):.3f}" if found else ""
        parts.append(f"{name or 'Training'}: {len(rows)} epochs{fall}{best}")
    return f"Training curves. {'; '.join(parts)}."


class LiveCurves:
    """One display that is refreshed as training goes on: pass `update` the history after each epoch."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self.figure = training_curves([], title)
        self._handle: Any = None

    def update(self, history: History | Mapping[str, History]) -> None:
        """Show the history as it is now, in the place of what was shown before."""
        self.figure = training_curves(history, self.title)
        bundle = self.figure.bundle()
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
            return
        # plotly's renderer in JupyterLab draws an output once and leaves everything later out, so it has to be made anew: JupyterLab does
        # that when the kind of an output changes. The still picture in between shows the same curves.
        self._handle.update({kind: value for kind, value in bundle.items() if kind != PLOTLY}, raw=True)
        self._handle.update(bundle, raw=True)

    def __repr__(self) -> str:
        return self.figure.layout.meta["text"]


def live_curves(title: str = "") -> LiveCurves:
    """Curves for a training that runs now: ``curves = live_curves(); train(..., on_epoch=...)`` with `curves.update(history)`."""
    return LiveCurves(title)


def _check(rows: Any, name: str) -> None:
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(row, Mapping) for row in rows):
        where = f' of "{name}"' if name else ""
        raise WorkbenchError(f"The history{where} is not a list of rows; pass run.history, or a dict of such lists by name.")


def _seen(rows: History) -> list[float]:
    """Images through the network at the end of each row, all stages together; epochs where they were not counted."""
    if all(row.get("images") is not None for row in rows):
        return [row["images"] for row in rows]
    return [float(number) for number in range(1, len(rows) + 1)]


def _add(figure: go.Figure, rows: History, key: str, column: int, colour: str, name: str, main: bool) -> None:
    points = [
        (x, row[key], f"{row.get('stage', '')} {row.get('epoch', '')}")
        for x, row in zip(_seen(rows), rows, strict=True)
        if row.get(key) is not None
    ]
    if not points:
        return
    x, y, where = zip(*points, strict=True)
    line = {"color": colour, "width": 2.5 if main else 1.2, "dash": "solid" if main else "dot"}
    hover = "%{text}<br>%{y:.3f}<extra>" + html.escape(name) + "</extra>"
    trace = go.Scatter(
        x=x, y=y, text=where, name=html.escape(name), legendgroup=name, mode="lines+markers", marker={"size": 5 if main else 3}, line=line,
        hovertemplate=hover, showlegend=column == 2 or not main or name == "loss",
    )  # fmt: skip
    figure.add_trace(trace, row=1, col=column)


def _add_parts(figure: go.Figure, rows: History) -> None:
    """The terms of the loss and the mAP of each set of logits, thin and dotted, where there are several."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    colours = [*STYLE["models"][1:], NEUTRAL]
    for prefix, column in (("loss.", 1), (f"{MAP}.", 2)):
        parts = [key for key in keys if key.startswith(prefix)]
        if len(parts) > 1:
            for place, key in enumerate(parts):
                _add(figure, rows, key, column, colours[place % len(colours)], key.removeprefix("validation."), False)


def _mark_stages(figure: go.Figure, rows: History) -> None:
    seen = [0.0, *_seen(rows)]
    for place, row in enumerate(rows):
        stage = row.get("stage")
        if stage and (place == 0 or rows[place - 1].get("stage") != stage):
            for column in (1, 2):
                figure.add_vline(x=seen[place], line={"color": NEUTRAL, "width": 1, "dash": "dash"}, row=1, col=column)
            figure.add_annotation(
                x=seen[place],
                y=1,
                yref="y2 domain",
                xref="x2",
                text=html.escape(str(stage)),
                showarrow=False,
                xanchor="left",
                yanchor="top",
                font={"size": 11},
            )
