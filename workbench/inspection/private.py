"""How an archive keeps its pictures: whole, without loss, blurred, or not at all.

Every picture is coded anew from its pixels, so that nothing of the source file's metadata (camera, place, time, thumbnail) comes along.
Ids, masks and maps stay: name images by numbers where their file names are private, and leave regions away where a mask would tell.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from PIL import Image, ImageFilter

from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection.schema import SCHEMA_VERSION
from workbench.pictures import LARGEST_SIDE

if TYPE_CHECKING:
    from workbench.inspection.archive import Inspection

Keeping = Literal["jpeg", "lossless", "blurred", "none"]
"""Small JPEG files, PNG files that lose nothing, pictures blurred beyond recognition, or grey areas of the same size."""
BLOBS = 12
"""Of a blurred picture's longer side about so many spots can be told apart: enough to see what is light and dark, not who it is."""
GREY = (160, 160, 160)


def encoded(pixels: np.ndarray, size: tuple[int, int], kept: Keeping = "jpeg", quality: int = 85) -> bytes:
    """A uint8 [H, W, 3] picture resized to `size` = (height, width), as a JPEG file, or as PNG where nothing may be lost.

    Raises: WorkbenchError for a way to keep it that does not exist.
    """
    if kept not in get_args(Keeping):
        raise WorkbenchError(f'Pictures cannot be kept "{kept}".{did_you_mean(str(kept), get_args(Keeping))}')
    height, width = size
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise WorkbenchError(f"Pictures of {height} x {width} pixels cannot be kept; give sides from 1 to {LARGEST_SIDE}.")
    buffer = io.BytesIO()
    if kept == "none":
        Image.new("RGB", (width, height), GREY).save(buffer, "JPEG", quality=30)
        return buffer.getvalue()
    picture = Image.fromarray(pixels)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    if kept == "blurred":
        picture = _blurred(picture)
    if kept == "lossless":
        picture.save(buffer, "PNG", optimize=True)
    else:
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def with_pictures(inspection: Inspection, kept: Keeping) -> Inspection:
    """The same inspection in memory with its pictures "blurred" or "none", for an archive or a page that leaves the house.

    Raises: WorkbenchError for any other way: what an archive does not hold cannot be brought back.
    """
    from workbench.inspection.archive import Inspection

    if kept not in ("blurred", "none"):
        raise WorkbenchError(f'An archive\'s pictures can be made "blurred" or "none", not "{kept}"; inspect the images again for more.')
    files = [encoded(np.asarray(inspection.image(image)), inspection.picture, kept) for image in range(len(inspection))]
    lengths = np.array([0, *map(len, files)], dtype=np.int64)
    tensors = dict(inspection._tensors.items())
    tensors["images.bytes"] = np.frombuffer(b"".join(files), dtype=np.uint8)
    tensors["images.offsets"] = np.cumsum(lengths)
    provenance = {**inspection.provenance, "pictures": kept}
    metadata = {**inspection._metadata, "schema": SCHEMA_VERSION, "provenance": provenance}
    return Inspection(tensors, json.loads(json.dumps(metadata)), name=inspection.name)


def leaving(count: int, kept: str | None = None) -> str:
    """The sentence that an export says about the pictures in it."""
    how = {"blurred": ", blurred", "none": " as grey areas only"}.get(kept or "", "")
    return f"{count:,} {'picture leaves' if count == 1 else 'pictures leave'} with it{how}." if count else "No picture leaves with it."


def _blurred(picture: Image.Image) -> Image.Image:
    """Averaged over large squares first, so that sharpening brings nothing back, then smoothed."""
    longer = max(picture.size)
    small = picture.resize(
        (max(1, round(picture.width * BLOBS / longer)), max(1, round(picture.height * BLOBS / longer))), Image.Resampling.BOX
    )
    return small.resize(picture.size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(longer / BLOBS / 4))
