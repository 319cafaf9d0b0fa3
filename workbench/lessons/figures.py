"""Small pictures that Pillow draws: points on a circle, matrices of categories side by side. Each says in words what it shows."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workbench.lessons.show import Figure
from workbench.widgets.style import levels, ramp

FINER = 2  # drawn so many times larger, then made smaller
INK, FAINT = "#222222", "#d0d0d0"
COLOURS = ("#0b63b0", "#b5541c", "#2d7d46", "#7a4fa3")  # blue, orange, green, violet
WORDS = ("blue", "orange", "green", "violet")
SIDE, HEAD = 230, 26  # pixels of a circle's panel, and of the line above it
CELL, NAMES = 17, 58  # pixels of a matrix cell, and of the names beside it


def circle_picture(panels: Mapping[str, np.ndarray], labels: np.ndarray, caption: str = "") -> Figure:
    """Unit vectors in the plane, one circle a panel, one colour and shape a class, with the class's mean direction as a spoke.

    Args:
        panels: by title, points [n, 2] of length one.
        labels: int [n], class of each, below 4.
    """
    page = Image.new("RGB", (FINER * SIDE * len(panels), FINER * (SIDE + HEAD)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13 * FINER)
    for place, (title, points) in enumerate(panels.items()):
        middle = np.array([(place + 0.5) * SIDE, HEAD + SIDE / 2]) * FINER
        radius = 0.40 * SIDE * FINER
        draw.text((middle[0], HEAD * FINER / 2), title, INK, font=font, anchor="mm")
        draw.ellipse([*(middle - radius), *(middle + radius)], outline=FAINT, width=FINER)
        for label in np.unique(labels):
            own = points[labels == label] * [1, -1]
            mean = own.sum(0) / max(float(np.linalg.norm(own.sum(0))), 1e-9)
            draw.line([*middle, *(middle + 0.86 * radius * mean)], COLOURS[label], 2 * FINER)
            for point in own:
                _mark(draw, middle + radius * point, int(label))
    listed = ", ".join(f"class {label} {WORDS[label]}" for label in np.unique(labels))
    alt = f"Points on a circle, {listed}; a spoke shows each class's mean direction. From left to right: {'; '.join(panels)}."
    return _figure(page, alt, caption)


def matrix_picture(matrices: Mapping[str, np.ndarray], names: Sequence[str], caption: str = "") -> Figure:
    """Matrices [C, C] of the same categories side by side, dark for low and yellow for high, the diagonal left white.

    The scale of each runs from its own lowest to its own highest number off the diagonal; both stand below it.
    """
    count = len(names)
    width, height = NAMES + CELL * count + 14, HEAD + CELL * count + NAMES + 18
    page = Image.new("RGB", (FINER * width * len(matrices), FINER * height), "white")
    draw, font, large = ImageDraw.Draw(page), ImageFont.load_default(10 * FINER), ImageFont.load_default(13 * FINER)
    said = []
    for place, (title, matrix) in enumerate(matrices.items()):
        left, cell = FINER * (place * width + NAMES), FINER * CELL
        shown = np.isfinite(matrix) & ~np.eye(count, dtype=bool)
        low, high = (float(matrix[shown].min()), float(matrix[shown].max())) if shown.any() else (0.0, 1.0)
        colours = ramp("viridis")[levels(np.nan_to_num(matrix), low, high if high > low else low + 1)]
        draw.text((left + cell * count / 2, FINER * HEAD / 2), title, INK, font=large, anchor="mm")
        for row, column in np.argwhere(shown):
            x, y = left + column * cell, FINER * HEAD + row * cell
            draw.rectangle([x, y, x + cell - 1, y + cell - 1], tuple(int(part) for part in colours[row, column]))
        for row, name in enumerate(names):
            draw.text((left - 4 * FINER, FINER * HEAD + (row + 0.5) * cell), name, INK, font=font, anchor="rm")
            _upright(page, name, font, (left + row * cell, FINER * HEAD + count * cell + 4 * FINER))
        draw.text((left + cell * count / 2, FINER * (height - 9)), f"dark {low:.2f}, yellow {high:.2f}", INK, font=large, anchor="mm")
        said.append(f"{title}, from {low:.2f} to {high:.2f}")
    return _figure(page, f"Matrices of {count} categories side by side: {'; '.join(said)}.", caption)


def _mark(draw: ImageDraw.ImageDraw, at: np.ndarray, label: int) -> None:
    x, y = (float(part) for part in at)
    size, colour = 4.5 * FINER, COLOURS[label]
    if label == 0:
        draw.ellipse([x - size, y - size, x + size, y + size], colour)
    elif label == 1:
        draw.rectangle([x - size, y - size, x + size, y + size], colour)
    else:
        tip = -size if label == 2 else size
        draw.polygon([(x - size, y - tip), (x + size, y - tip), (x, y + 1.2 * tip)], colour)


def _upright(page: Image.Image, text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, corner: tuple[float, float]) -> None:
    """Text that is read from the bottom upwards, below a matrix column."""
    strip = Image.new("RGB", (FINER * NAMES, FINER * CELL), "white")
    ImageDraw.Draw(strip).text((FINER * NAMES, FINER * CELL / 2), text, INK, font=font, anchor="rm")
    page.paste(strip.rotate(90, expand=True), (round(corner[0]), round(corner[1])))


def _figure(page: Image.Image, alt: str, caption: str) -> Figure:
    small = page.resize((page.width // FINER, page.height // FINER), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=92)
    return Figure(buffer.getvalue(), alt, caption, small.width)
