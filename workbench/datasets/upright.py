"""Boxes and masks of pictures that a phone stored lying on their side: turned with the picture, or left out, never put in a wrong place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.errors import WorkbenchError
from workbench.pictures import opened
from workbench.regions import Region

LEFT_OUT = (
    "its boxes are left out: they were drawn on a picture of another size, or on one that is stored turned and nothing says which way; "
    "labels and image can be used. Store the pictures upright, in the size that was annotated, to have them."
)
_ORIENTATION = 0x0112


def stored_frame(source: str | Path | bytes) -> tuple[int, int, int] | None:
    """(height, width, EXIF orientation 1 to 8) of a picture as it is stored, from its header; None where it cannot be read."""
    try:
        with opened(source, "the picture") as image:
            try:
                orientation = image.getexif().get(_ORIENTATION, 1)
            except Exception:  # a damaged EXIF block counts as upright
                orientation = 1
            return image.height, image.width, orientation if orientation in range(1, 9) else 1
    except WorkbenchError:
        return None


def placed(
    source: str | Path | bytes, regions: Sequence[Region], size: tuple[int, int] | None, relative: bool = False
) -> list[Region] | None:
    """Regions in pixels of the upright picture, or None where nothing tells how they lie in it.

    Args:
        regions: in pixels of a picture of `size` (height, width), or of the file as it is stored where that is None; `relative`: in shares.
    """
    frame = stored_frame(source)
    if frame is None:  # no picture, nothing to be wrong about, and nothing to scale shares by
        return None if relative and size is None else [_scaled(region, size, size, relative) for region in regions]
    height, width, orientation = frame
    upright = (width, height) if orientation >= 5 else (height, width)
    if orientation == 1:
        drawn_on = size or upright
        return [_scaled(region, drawn_on, upright, relative) for region in regions] if relative or drawn_on == upright else None
    if size is None or relative or height == width or orientation < 5:
        return None
    if size == upright:
        return list(regions)
    return [_turned(region, orientation, height, width) for region in regions] if size == (height, width) else None


def _scaled(region: Region, size: tuple[int, int] | None, upright: tuple[int, int] | None, relative: bool) -> Region:
    if not relative or upright is None:
        return region
    (height, width), (x0, y0, x1, y1) = upright, region.box
    return replace(region, box=(x0 * width, y0 * height, x1 * width, y1 * height))


def _turned(region: Region, orientation: int, height: int, width: int) -> Region:
    """By what turns the stored picture [height, width] upright."""
    x0, y0, x1, y1 = region.box
    boxes = {
        5: (y0, x0, y1, x1),
        6: (height - y1, x0, height - y0, x1),
        7: (height - y1, width - x1, height - y0, width - x0),
        8: (y0, width - x1, y1, width - x0),
    }
    mask = region.mask
    if mask is not None:
        turns = {5: mask.T, 6: np.rot90(mask, -1), 7: np.rot90(mask, 2).T, 8: np.rot90(mask, 1)}
        mask = np.ascontiguousarray(turns[orientation])
    return replace(region, box=boxes[orientation], mask=mask)
