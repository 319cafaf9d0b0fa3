"""The training monitor as a still picture with its numbers, for snapshots, untrusted notebooks and screen readers."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workbench.errors import WorkbenchError
from workbench.following import Following, Probe, epoch_words, progress_words, series
from workbench.inspection import MapKind
from workbench.pictures import opened
from workbench.widgets.picture import overlay
from workbench.widgets.style import STYLE, value_range

if TYPE_CHECKING:
    from workbench.widgets.monitor import TrainingMonitor

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 420, 210, 44, 24, 30  # pixels of one chart and around it
SIDE, GAP = 100, 6  # pixels of a picture of the probe
LARGEST = 2048  # pixels of a side: ours are far smaller
INK, FAINT = "#222222", "#dddddd"
ROWS = 80  # labels in the table


def describe_training(monitor: TrainingMonitor) -> str:
    """What the monitor shows, in words."""
    facts, rows = monitor.facts, monitor.history
    parts = [f"Training of {facts['name']}: {facts['problem'] or progress_words(facts)}."]
    if rows:
        names = monitor.series["categories"]
        lines = epoch_words(rows[-1], rows[-2] if len(rows) > 1 else None, names, facts["epochs"])
        parts.append(" ".join(f"Last {line.strip()}." if place == 0 else f"{line.strip()}." for place, line in enumerate(lines)))
    if monitor.label and rows:
        parts.append(f"Below: the probe's pictures with the map of “{monitor.label}”.")
    return " ".join(parts).replace("..", ".").replace("   ", ", ").replace("  ", " ")


def training_html(monitor: TrainingMonitor) -> str:
    """A ``<figure>`` with the curves and the probe's maps as a PNG, the words, and the average precisions as a table."""
    text = html.escape(describe_training(monitor))
    picture = base64.b64encode(training_png(monitor)).decode()
    return (
        f'<figure class="workbench-snapshot"><img src="data:image/png;base64,{picture}" alt="{text}">'
        f"<figcaption>{text} <em>Still picture: run the cell to see how it goes.</em></figcaption>{_table(monitor)}</figure>"
    )


def training_png(monitor: TrainingMonitor) -> bytes:
    """Loss and mAP over the epochs, and below them the probe's maps of the label in view. A PNG file."""
    columns = series(monitor.history)
    strip = _strip(monitor)
    page = Image.new("RGB", (2 * WIDTH, HEIGHT + (strip.height + GAP if strip else 0)), "white")
    loss = columns.get("loss", np.zeros(0))
    _chart(page, 0, "loss", loss, float(np.nanmax(loss, initial=0)) or 1.0)
    _chart(page, WIDTH, "validation mAP, %", 100 * columns.get("validation.map", np.zeros(0)), 100.0)
    if strip:
        page.paste(strip, (GAP, HEIGHT))
    buffer = io.BytesIO()
    page.quantize(255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _chart(page: Image.Image, x0: int, title: str, values: np.ndarray, top: float) -> None:
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    width, height, count = WIDTH - LEFT - 16, HEIGHT - TOP - BOTTOM, max(1, len(values))

    def at(epoch: float, share: float) -> tuple[float, float]:
        return x0 + LEFT + width * epoch / count, HEIGHT - BOTTOM - height * share

    draw.text((x0 + 6, 4), title, fill=INK, font=font)
    for share in (0, 0.5, 1):
        draw.line((at(0, share), at(count, share)), fill=FAINT)
        draw.text((x0 + LEFT - 6, at(0, share)[1]), f"{share * top:.3g}", fill=INK, font=font, anchor="rm")
    for epoch in sorted({0, len(values)}):
        draw.text((at(epoch, 0)[0], HEIGHT - BOTTOM + 5), str(epoch), fill=INK, font=font, anchor="ma")
    draw.text((x0 + LEFT + width / 2, HEIGHT - BOTTOM + 5), "epoch", fill=INK, font=font, anchor="ma")
    points = [at(epoch, float(value) / top) for epoch, value in enumerate(values, start=1) if np.isfinite(value)]
    if len(points) > 1:
        draw.line(points, fill=STYLE["models"][0], width=2)
    for x, y in points:
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=STYLE["models"][0])


def _strip(monitor: TrainingMonitor) -> Image.Image | None:
    """The probe's pictures with the map in view over them, in one row; None where there is nothing of it yet."""
    training, view, probed = Following(monitor.folder), monitor.view_state, monitor.series["probed"]
    if not probed or not view["label"]:
        return None
    try:
        epoch = view["epoch"] if view["epoch"] in probed else probed[-1]
        probe, strongest = training.probe(epoch, view["label"]), training.strongest(view["label"])
        kinds, pictures = training.header(epoch)["kinds"], training.pictures()
    except WorkbenchError:
        return None
    kind = kinds.get(view["map"]) or next(iter(kinds.values()), None)
    if kind is None:
        return None
    count = len(probe.targets)
    strip = Image.new("RGB", (count * (SIDE + GAP) - GAP, SIDE), "white")
    for place in range(count):
        jpeg = pictures[place] if place < len(pictures) else None
        strip.paste(_painted(jpeg, probe, kind, place, strongest.get(kind.name, 0.0)), (place * (SIDE + GAP), 0))
    return strip


def _painted(jpeg: bytes | None, probe: Probe, kind: MapKind, place: int, strongest: float) -> Image.Image:
    photo = _picture(jpeg) or Image.new("RGB", (SIDE, SIDE), "#808080")
    look = {"grid": False, "overlay": "heat", "palette": "viridis", "alpha": 0.8}
    return overlay(photo, np.nan_to_num(probe.maps[kind.name][place]), kind, value_range(kind, strongest), look)


def _picture(jpeg: bytes | None) -> Image.Image | None:
    """A picture of the probe, or None where there is none that can be shown."""
    try:
        with opened(jpeg or b"", "A picture of the probe") as picture:
            return picture.convert("RGB").resize((SIDE, SIDE)) if max(picture.size) <= LARGEST else None
    except WorkbenchError:
        return None


def _table(monitor: TrainingMonitor) -> str:
    """Average precision by label: now, and its change since the epoch before."""
    names, ap = monitor.series["categories"], series(monitor.history)["ap"]
    if not len(ap) or ap.shape[1] != len(names):
        return ""
    before = ap[-2] if len(ap) > 1 else np.full(len(names), np.nan)
    rows = [
        f"<tr><th>{html.escape(name)}</th><td>{_percent(now)}</td><td>{_percent(now - old, '+.1f')}</td></tr>"
        for name, now, old in zip(names[:ROWS], ap[-1], before, strict=False)
    ]
    left = f"<p>{len(names) - ROWS} more labels.</p>" if len(names) > ROWS else ""
    head = "<thead><tr><th>label</th><th>AP, %</th><th>change</th></tr></thead>"
    return f"<details><summary>The numbers</summary><table>{head}<tbody>{''.join(rows)}</tbody></table>{left}</details>"


def _percent(value: float, form: str = ".1f") -> str:
    return f"{100 * value:{form}}" if np.isfinite(value) else "–"
