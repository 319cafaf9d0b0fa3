"""The panes as a still picture, drawn by Pillow with the colours of ``style.json``: photo, maps over it and their colour bars."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from workbench.inspection import MapKind
from workbench.widgets.layers import families
from workbench.widgets.matching import Matched, Member
from workbench.widgets.style import STYLE, levels, ramp, unit_of, value_range

SIDE = 232  # pixels of the longer side of a pane
GAP = 12
BAR = 30  # height of a colour bar with its numbers
LARGEST = 200_000  # bytes; photos that take more are drawn with 255 colours


def panes_png(matched: Matched, view: Mapping[str, Any]) -> bytes:
    """One row for each model: the photo, then each map of the chosen label over it; layers have rows of their own below. A PNG file."""
    image = matched.position(view["image"])
    label = matched.categories.index(view["label"])
    photo = matched.first.photo(image).resize(_pane_size(matched, image))
    width, height = photo.size
    rows = [(member, kinds) for member in matched.members for kinds in lines_of(member)]
    columns = max(len(kinds) for _, kinds in rows)
    page = Image.new("RGB", (columns * (width + GAP) - GAP, len(rows) * (height + BAR + GAP) - GAP), "white")
    ranges = _ranges(matched, image, label, view["scale"])
    for row, (member, kinds) in enumerate(rows):
        top = row * (height + BAR + GAP)
        for column, kind in enumerate(kinds):
            corner = (column * (width + GAP), top)
            if kind is None:
                page.paste(_marked(photo, matched, view, None), corner)
                continue
            values = map_of(member, kind.name, image, label)
            if values is None:
                page.paste(photo.convert("L").convert("RGB"), corner)
                continue
            ends = ranges[member.name, kind.name]
            page.paste(_marked(overlay(photo, values, kind, ends, view), matched, view, values.shape), corner)
            if view["overlay"] != "contour":
                _draw_bar(page, (corner[0], top + height + 4), width, kind, ends, view["palette"], bool(np.isnan(values).any()))
    whole = _png(page)
    return whole if len(whole) <= LARGEST else _png(page.quantize(255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))


def lines_of(member: Member) -> list[list[MapKind | None]]:
    """What stands in each line of a model: the photo (None) and its maps, and below them the layers of each family."""
    kinds, layered = member.inspection.map_kinds, [family.kinds for family in families(member.inspection)]
    above = [kind for name, kind in kinds.items() if not any(name in names for names in layered)]
    lines: list[list[MapKind | None]] = [[None, *above]]
    for names in layered:
        lines.append([kinds[name] for name in names])
    return lines


def _png(page: Image.Image) -> bytes:
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def map_of(member: Member, kind: str, image: int, label: int) -> np.ndarray | None:
    """Values of one label's map as shown, float32 [h, w], or None where it is not stored."""
    labels, values = member.shown_maps(kind, image)
    found = np.flatnonzero(labels == label)
    return values[found[0]] if len(found) else None


def overlay(photo: Image.Image, values: np.ndarray, kind: MapKind, ends: tuple[float, float], view: Mapping[str, Any]) -> Image.Image:
    """The map over the picture: its colours, stronger where it is stronger; the line around its top share; or the map alone."""
    field = _field(values.astype(np.float32), photo.size, view["grid"])
    unknown = np.isnan(field)
    if view["overlay"] == "contour":
        return _contour(photo, field)
    place = levels(np.where(unknown, ends[0], field), *ends)
    colours = ramp(STYLE["signed_palette"] if kind.scale == "signed" else view["palette"])[place].astype(np.float32)
    if view["overlay"] == "map":
        return _striped(colours.astype(np.uint8), unknown)
    share = place / (STYLE["levels"] - 1)
    weight = np.abs(2 * share - 1) if kind.scale == "signed" else share
    opacity = (view["alpha"] * weight)[..., None]
    grey = np.asarray(photo.convert("L").convert("RGB"), dtype=np.float32)
    mixed = np.where(unknown[..., None], grey, grey * (1 - opacity) + colours * opacity + 0.5)
    return _striped(mixed.astype(np.uint8), unknown)


def _field(values: np.ndarray, size: tuple[int, int], grid: bool) -> np.ndarray:
    """The map at so many pixels (width, height): bilinear, but beside a cell without a number the nearest cell's own value."""
    image = Image.fromarray(values)
    nearest = np.asarray(image.resize(size, Image.Resampling.NEAREST))
    if grid:
        return nearest
    smooth = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    return np.where(np.isfinite(smooth), smooth, nearest)


def _striped(pixels: np.ndarray, unknown: np.ndarray) -> Image.Image:
    """Stripes where a value is not a number, as the explorer draws them."""
    rows, columns = np.nonzero(unknown)
    stripe = STYLE["nan"]["stripe"]
    marked = (rows + columns) % (2 * stripe) < stripe
    pixels[rows[marked], columns[marked]] = ImageColor.getrgb(STYLE["nan"]["colour"])
    return Image.fromarray(pixels)


def _contour(photo: Image.Image, field: np.ndarray) -> Image.Image:
    """A bright line, two pixels wide, around the strongest share of the picture."""
    known = field[~np.isnan(field)]
    inside = field >= (np.quantile(known, 1 - STYLE["contour"]["share"]) if len(known) else np.inf)
    drawn = np.array(photo)
    drawn[_edges(inside, 2)] = ImageColor.getrgb(STYLE["contour"]["halo"])
    drawn[_edges(inside, 1)] = ImageColor.getrgb(STYLE["contour"]["line"])
    return Image.fromarray(drawn)


def _marked(pane: Image.Image, matched: Matched, view: Mapping[str, Any], grid: tuple[int, ...] | None) -> Image.Image:
    """The pane with the outlines of the label's objects and the cell of the spot, as far as the view shows them."""
    pane = pane.copy()
    draw = ImageDraw.Draw(pane)
    if view["regions"]:
        label, image = matched.categories.index(view["label"]), matched.position(view["image"])
        height, width = matched.first.inspection.frame
        for category, box, _flags, png in matched.first.region_records(image):
            if category != label:
                continue
            if png:
                inside = np.asarray(matched.first.mask(png).resize(pane.size, Image.Resampling.NEAREST))
                pane.paste(STYLE["region"]["halo"], mask=Image.fromarray(_edges(inside, 2)))
                pane.paste(STYLE["region"]["line"], mask=Image.fromarray(_edges(inside, 1)))
            corners = [edge * size / of for edge, size, of in zip(box, pane.size * 2, (width, height) * 2, strict=True)]
            draw.rectangle(corners, outline=STYLE["region"]["halo"])
    if view["spot"] and grid:
        cell = [int(min(share, 0.999999) * count) for share, count in zip(view["spot"], (grid[1], grid[0]), strict=True)]
        corners = [
            (at + step) * size / count for step in (0, 1) for at, size, count in zip(cell, pane.size, (grid[1], grid[0]), strict=True)
        ]
        draw.rectangle(corners, outline=STYLE["cursor"]["halo"], width=3)
        if min(corners[2] - corners[0], corners[3] - corners[1]) > 2:  # cells of a fine grid have no inside
            draw.rectangle([corners[0] + 1, corners[1] + 1, corners[2] - 1, corners[3] - 1], outline=STYLE["cursor"]["line"])
    return pane


def _edges(inside: np.ndarray, reach: int) -> np.ndarray:
    """bool [H, W]: pixels within `reach` of the border of a mask, on both of its sides."""
    edge = np.zeros_like(inside)
    for step in range(1, reach + 1):
        across, down = inside[:, step:] != inside[:, :-step], inside[step:] != inside[:-step]
        edge[:, step:] |= across
        edge[:, :-step] |= across
        edge[step:] |= down
        edge[:-step] |= down
    return edge


def _ranges(matched: Matched, image: int, label: int, scale: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Ends of the scale of each map: shared by the maps in view that have one unit, by all labels of the image, or by nobody."""
    strongest: dict[Any, float] = {}
    keys: dict[tuple[str, str], tuple[Any, MapKind]] = {}
    for member in matched.members:
        for kind in member.inspection.map_kinds.values():
            key = (member.name, kind.name) if scale == "map" else unit_of(kind)
            keys[member.name, kind.name] = (key, kind)
            values = member.shown_maps(kind.name, image)[1] if scale == "labels" else map_of(member, kind.name, image, label)
            top = 0.0 if values is None else float(np.abs(values[np.isfinite(values)]).max(initial=0))
            strongest[key] = max(strongest.get(key, 0.0), top)
    return {name: value_range(kind, strongest[key]) for name, (key, kind) in keys.items()}


def _draw_bar(
    page: Image.Image, corner: tuple[int, int], width: int, kind: MapKind, ends: tuple[float, float], palette: str, nan: bool
) -> None:
    colours = ramp(STYLE["signed_palette"] if kind.scale == "signed" else palette)
    bar = Image.fromarray(colours[None, :, :]).resize((width, 8))
    page.paste(bar, corner)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for edge, value, anchor in ((0, ends[0], "la"), (width, ends[1], "ra")):
        draw.text((corner[0] + edge, corner[1] + 11), f"{value:.2g}", fill="#333333", font=font, anchor=anchor)
    if nan:
        draw.text((corner[0] + width // 2, corner[1] + 11), STYLE["nan"]["word"], fill=STYLE["nan"]["colour"], font=font, anchor="ma")


def _pane_size(matched: Matched, image: int) -> tuple[int, int]:
    height, width = matched.sizes[image]
    factor = SIDE / max(height, width)
    return max(1, round(width * factor)), max(1, round(height * factor))
