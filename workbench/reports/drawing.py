"""Curves of a page as SVG: no script, nothing to fetch, sharp when enlarged. Numbers go in, text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from workbench.reports.tables import Markup
from workbench.widgets.style import STYLE

DASHES = ("", "7 3", "2 3", "9 3 2 3")
"""Lines differ by more than their colour."""


@dataclass(frozen=True)
class Line:
    """A curve in the unit square: x and y float [T] in 0..1, left out where they are NaN."""

    name: str
    x: np.ndarray
    y: np.ndarray
    dots: bool = False


def colour(place: int) -> str:
    return STYLE["models"][place % len(STYLE["models"])]


def unit_chart(lines: Sequence[Line], across: str, up: str, text: str, diagonal: bool = False) -> str:
    """Axes from 0 to 1 with the curves and a legend.

    Args:
        across, up: titles of the axes; text: the picture in words, for those who do not see it.
        diagonal: also draw where x equals y.
    """
    left, top, side = 44, 10, 300
    parts = [f'<svg class="chart" viewBox="0 0 {left + side + 12} {top + side + 40}" role="img" aria-label="{escape(text)}">']
    for step in range(0, 11, 2):
        x, y, value = left + side * step / 10, top + side * (1 - step / 10), f"{step / 10:g}"
        parts.append(f'<path class="grid" d="M{x:g} {top}V{top + side}M{left} {y:g}H{left + side}"/>')
        parts.append(f'<text x="{x:g}" y="{top + side + 15}" text-anchor="middle">{value}</text>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:g}" text-anchor="end">{value}</text>')
    if diagonal:
        parts.append(f'<path class="diagonal" d="M{left} {top + side}L{left + side} {top}"/>')
    for place, line in enumerate(lines):
        parts.append(_path(line, place, left, top, side, side, 2))
    middle = top + side / 2
    parts.append(f'<text x="{left + side / 2}" y="{top + side + 33}" text-anchor="middle">{escape(across)}</text>')
    parts.append(f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">{escape(up)}</text></svg>')
    return "".join(parts) + _legend([line.name for line in lines])


def small_chart(lines: Sequence[Line], text: str) -> Markup:
    """The same without axes, for a cell of a table."""
    wide, high = 72, 36
    paths = "".join(_path(line, place, 1, 1, wide - 2, high - 2, 1.2) for place, line in enumerate(lines))
    frame = f'<rect class="frame" x=".5" y=".5" width="{wide - 1}" height="{high - 1}"/>'
    return Markup(f'<svg class="small" viewBox="0 0 {wide} {high}" role="img" aria-label="{escape(text)}">{frame}{paths}</svg>')


def _path(line: Line, place: int, left: float, top: float, wide: float, high: float, width: float) -> str:
    there = np.isfinite(line.x) & np.isfinite(line.y)
    points = [(left + wide * x, top + high * (1 - y)) for x, y in zip(line.x[there], line.y[there], strict=True)]
    if not points:
        return ""
    dash = DASHES[place % len(DASHES)] if width >= 2 else ""  # a small picture is too small for dashes
    drawn = "".join(f"{'L' if position else 'M'}{x:.1f} {y:.1f}" for position, (x, y) in enumerate(points))
    path = f'<path d="{drawn}" fill="none" stroke="{colour(place)}" stroke-width="{width:g}" stroke-dasharray="{dash or "none"}"/>'
    if line.dots:
        path += "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour(place)}"/>' for x, y in points)
    return path


def _legend(names: Sequence[str]) -> str:
    def key(place: int) -> str:
        dash = DASHES[place % len(DASHES)] or "none"
        line = f'<path d="M0 5H28" fill="none" stroke="{colour(place)}" stroke-width="2" stroke-dasharray="{dash}"/>'
        return f'<svg class="key" viewBox="0 0 28 10" aria-hidden="true">{line}</svg>'

    return f'<ul class="legend">{"".join(f"<li>{key(place)} {escape(name)}</li>" for place, name in enumerate(names))}</ul>'
