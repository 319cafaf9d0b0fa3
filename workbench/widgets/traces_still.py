"""Neurons as a still picture with their numbers, for snapshots, untrusted notebooks and screen readers."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workbench.pictures import opened
from workbench.widgets.style import STYLE, levels, ramp
from workbench.widgets.traces import slant_of

if TYPE_CHECKING:
    from workbench.widgets.traces import TemplateExplorer

CARD, GAP, LINE = 116, 12, 15  # pixels of a template, between two, of a line of text
INK = "#222222"
CLEAR = 0.3  # correlation with a direction from which it is named
NAMED = 3


def template_picture(template: np.ndarray, side: int) -> Image.Image:
    """A template in colours, blue below 0 and red above, cells as squares."""
    top = float(np.abs(template).max()) or 1.0
    colours = ramp(STYLE["signed_palette"])[levels(template, -top, top)]
    return Image.fromarray(colours).resize((side, side), Image.Resampling.NEAREST)


def direction_words(template: np.ndarray, inflow: float) -> str:
    """Where the label that is read must be for the neuron to fire more."""
    right, down = slant_of(template)
    right, down = (value * (1 if inflow >= 0 else -1) for value in (right, down))
    if max(abs(right), abs(down)) < CLEAR:
        return "has no clear direction"
    if abs(down) >= abs(right):
        return f"fires more the {'lower' if down > 0 else 'higher'} it is"
    return f"fires more the further {'right' if right > 0 else 'left'} it is"


def describe_neuron(explorer: TemplateExplorer) -> str:
    """The pair and its neuron, in words."""
    view, neuron, templates = explorer.view_state, explorer.neuron, explorer.templates
    moved, read = (templates.categories.index(view[key]) for key in ("label", "other"))
    inflow, outflow = float(templates.inflow[neuron, read]), float(templates.outflow[neuron, moved])
    lifts = "raises" if outflow > 0 else "lowers"
    return (
        f"From “{view['other']}” to “{view['label']}”: neuron {neuron} of {len(templates.template)} reads “{view['other']}” with weight "
        f"{inflow:+.3f} and {direction_words(templates.template[neuron], inflow)}; that {lifts} “{view['label']}” ({outflow:+.3f}). "
        "Read from the weights alone: a candidate."
    )


def traces_png(explorer: TemplateExplorer) -> bytes:
    """Templates of the pair's neurons, the one in view first, and the images that it fires on. A PNG file."""
    templates, view = explorer.templates, explorer.view_state
    moved, read = (templates.categories.index(view[key]) for key in ("label", "other"))
    neurons = [explorer.neuron, *(each for each in explorer.neurons if each != explorer.neuron)][:5]
    images = explorer.images()
    height = CARD + 3 * LINE + GAP + (CARD + LINE if images else 0)
    page = Image.new("RGB", (5 * (CARD + GAP), height), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for place, neuron in enumerate(neurons):
        x = place * (CARD + GAP)
        page.paste(template_picture(templates.template[neuron], CARD), (x, 0))
        words = (
            f"neuron {neuron}",
            f"in {templates.inflow[neuron, read]:+.3f}",
            f"out {templates.outflow[neuron, moved]:+.3f}",
        )
        for line, text in enumerate(words):
            draw.text((x, CARD + 3 + LINE * line), text, fill=INK, font=font)
    if images:
        top = CARD + 3 * LINE + GAP
        draw.text((0, top), f"fires most on (neuron {neurons[0]})", fill=INK, font=font)
        side = (5 * (CARD + GAP)) // 8 - 4
        for place, image in enumerate(images):
            with opened(explorer.thumbnail(image), "A thumbnail") as picture:
                small = picture.resize((side, side), Image.Resampling.BILINEAR)
            page.paste(small, (place * (side + 4), top + LINE + 2))
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def strongest(row: np.ndarray, names: list[str]) -> str:
    """The labels with the largest weights, in words."""
    order = np.argsort(-np.abs(row), kind="stable")[:NAMED]
    return ", ".join(f"{names[label]} {row[label]:+.3f}" for label in order)


def traces_html(explorer: TemplateExplorer) -> str:
    """A ``<figure>`` with the templates, the words, and a table of the pair's neurons."""
    text, templates = html.escape(describe_neuron(explorer)), explorer.templates
    names = list(templates.categories)
    picture = base64.b64encode(traces_png(explorer)).decode()
    rows = []
    for neuron in explorer.neurons:
        reads, moves = (html.escape(strongest(each[neuron], names)) for each in (templates.inflow, templates.outflow))
        right, down = slant_of(templates.template[neuron])
        rows.append(f"<tr><th>{neuron}</th><td>{reads}</td><td>{moves}</td><td>{right:+.2f}</td><td>{down:+.2f}</td></tr>")
    heads = "".join(f"<th>{head}</th>" for head in ("neuron", "reads most", "moves most", "grows right", "grows down"))
    return (
        f'<figure class="workbench-snapshot"><img src="data:image/png;base64,{picture}" alt="{text}">'
        f"<figcaption>{text} <em>Still picture: run the cell to explore.</em></figcaption><details><summary>The numbers</summary>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></details></figure>"
    )
