"""Picture files of any kind become uint8 RGB arrays, upright; one that cannot be read is named in one sentence."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from workbench.errors import WorkbenchError

MOST_PIXELS = 64_000_000
"""A larger picture is refused before it is decoded: a file of a few kilobytes may claim any size."""
PAPER = (255, 255, 255)  # what shows through transparent pixels


def open_rgb(source: str | Path | bytes, name: str | None = None) -> np.ndarray:
    """Read a picture file, or its bytes, as uint8 [H, W, 3].

    Grey, palette, CMYK and other colour modes are converted; 16 bits a channel are scaled to 8; transparent pixels are laid on white;
    the EXIF orientation is applied (a damaged EXIF block counts as upright); of an animation the first frame is taken.

    Args:
        source: a path, or the content of a file.
        name: what to call it in an error; the path unless given.

    Raises:
        WorkbenchError: missing, empty, truncated, not a picture, or of a kind without a natural 8-bit range.
    """
    name = name or ("the image data" if isinstance(source, bytes) else str(source))
    if not isinstance(source, bytes):
        path = Path(source)
        if path.is_dir():
            raise WorkbenchError(f"{name} is a folder where an image file was expected; name the file in it.")
        if not path.exists():
            raise WorkbenchError(f"There is no image at {name}; check the path, or get the data set again.")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            opened.load()
            return np.asarray(_rgb(_upright(opened), name)).copy()
    except UnidentifiedImageError:
        raise WorkbenchError(
            f"{name} is not an image that can be read; it may be empty or damaged, get it again or leave it out."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise WorkbenchError(
            f"{name} has more pixels than can be trusted (over {MOST_PIXELS // 10**6} million); make it smaller or leave it out."
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise WorkbenchError(f"{name} cannot be read ({error}); it may be truncated, get it again or leave it out.") from None


def squash(image: np.ndarray, size: int) -> np.ndarray:
    """The whole image resized to a square, its aspect not kept: bilinear with antialiasing.

    Args:
        image: uint8 [H, W, 3].

    Returns: uint8 [size, size, 3].
    """
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):
        return image


def _rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow before 11.3 opens a 16-bit PNG in mode "I"; a true 32-bit picture has no range that says what white is.
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise WorkbenchError(f"{name} has 32 bits a pixel; save it with 8 or 16 bits a channel.")
        return Image.fromarray((values // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise WorkbenchError(f"{name} holds floating-point pixels; save it with 8 or 16 bits a channel.")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, (*PAPER, 255))
        return Image.alpha_composite(paper, opaque).convert("RGB")
    return image.convert("RGB")
