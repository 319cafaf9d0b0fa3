"""The one door for pictures: every file, upload and stored picture becomes uint8 RGB, upright, here; what cannot is named in one sentence.

Only the formats named here are decoded, whatever a file is called: other decoders of Pillow start programs (Ghostscript for EPS) or are
little tested against damaged files. Pixels are counted before they are made.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from workbench.errors import WorkbenchError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", *(["AVIF"] if features.check("avif") else []))
"""What is decoded. AVIF where this Pillow can."""
ENDINGS = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Endings of picture files, in small letters."""
LARGEST_SIDE = 16384
"""Pixels of a side of what we write and read ourselves: four times what any model here sees."""
MOST_PIXELS = 64_000_000
"""A larger picture is refused before it is decoded: a file of a few kilobytes may claim any size. $WORKBENCH_MOST_PIXELS changes it."""
DAMAGED = "it may be damaged or truncated, get it again or leave it out"
PAPER = (255, 255, 255)  # what shows through transparent pixels
_OTHERS = {  # told by their first bytes, for the advice only
    b"%!PS": "an EPS file", b"\xc5\xd0\xd3\xc6": "an EPS file", b"%PDF": "a PDF file", b"DDS ": "a DDS file", b"8BPS": "a Photoshop file",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 file", b"P5": "a PGM file", b"P6": "a PPM file", b"DICM": "a DICOM file", b"<svg": "an SVG drawing",
}  # fmt: skip
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
Source = str | Path | bytes | IO[bytes]


def open_rgb(source: Source, name: str | None = None, bits: int | None = None) -> np.ndarray:
    """Read a picture file, or its bytes, as uint8 [H, W, 3].

    Grey, palette, CMYK and other colour modes are converted; 16 bits a channel are scaled to 8; transparent pixels are laid on white;
    the EXIF orientation is applied (a damaged EXIF block counts as upright); of an animation the first frame is taken.

    Args:
        source: a path, the content of a file, or an open binary file.
        name: what to call it in an error; the path unless given.
        bits: how many bits of a 16-bit picture are used, such as 12 for many scanners and cameras; all 16 unless given. It is never
            taken from the picture itself, because two pictures of one set would then not be comparable.

    Raises:
        WorkbenchError: missing, empty, truncated, not a picture, of a format that is not in `FORMATS`, too large, or of a kind without
            a natural 8-bit range.
    """
    name = name or ("the image data" if not isinstance(source, str | Path) else str(source))
    with opened(source, name) as image:
        return rgb_of(image, name, bits)


def rgb_of(image: Image.Image, name: str, bits: int | None = None) -> np.ndarray:
    """An open picture as uint8 [H, W, 3], see `open_rgb`. Raises WorkbenchError."""
    try:
        if image.width * image.height > most_pixels():
            raise Image.DecompressionBombError
        image.load()
        return np.asarray(_rgb(_upright(image), name, bits)).copy()
    except Exception as error:  # whatever a damaged file, palette or profile makes Pillow stumble over
        raise _sentence(error, name, DAMAGED) from None


@contextmanager
def opened(
    source: Source, name: str, *, formats: tuple[str, ...] = FORMATS, size: tuple[int, int] | None = None, advice: str = DAMAGED
) -> Iterator[Image.Image]:
    """A picture whose header was read and whose pixels are not decoded yet; they are by whatever asks for them inside.

    Args:
        formats: those of `FORMATS` that may be there.
        size: (height, width) that it has to have.
        advice: the end of an error's sentence.

    Raises: WorkbenchError, beginning with `name`, whatever is wrong, inside too.
    """
    most = most_pixels()
    if isinstance(source, str | Path):
        _require_file(Path(source), name)
    try:
        with _open(source, name, formats, advice) as image:
            if size is not None and (image.height, image.width) != size:
                raise WorkbenchError(f"{name} is {image.height} x {image.width} pixels, not {size[0]} x {size[1]}; {advice}.")
            if image.width * image.height > most:
                raise Image.DecompressionBombError
            yield image
    except Exception as error:
        raise _sentence(error, name, advice) from None


def _open(source: Source, name: str, formats: tuple[str, ...], advice: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=formats)
    except UnidentifiedImageError:
        heif = _heif(source) if formats == FORMATS else None
        if heif is not None:
            return heif
        raise WorkbenchError(f"{name} is not an image that can be read{_told(source)}; {advice}.") from None


def most_pixels() -> int:
    """The limit in force. Raises WorkbenchError where $WORKBENCH_MOST_PIXELS is no whole number above 0."""
    chosen = os.environ.get("WORKBENCH_MOST_PIXELS", "").replace("_", "")
    if not chosen:
        return MOST_PIXELS
    if not chosen.isdecimal() or not 0 < int(chosen) < 2**40:
        raise WorkbenchError(f"WORKBENCH_MOST_PIXELS is {chosen!r:.40}; give a number of pixels, such as {2 * MOST_PIXELS}.")
    if Image.MAX_IMAGE_PIXELS is not None and int(chosen) > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = int(chosen)  # Pillow has a limit of its own, which would still stand in the way
    return int(chosen)


def squash(image: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """The whole image resized to a square, or to (height, width), its aspect not kept: bilinear with antialiasing.

    Args:
        image: uint8 [H, W, 3].

    Returns: uint8 [height, width, 3].
    """
    height, width = (size, size) if isinstance(size, int) else size
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def scaled_to_bytes(values: np.ndarray, bits: int | None, name: str) -> np.ndarray:
    """Whole numbers of up to 16 bits as uint8, black at 0 and white at 2**bits - 1. Raises WorkbenchError for values outside."""
    bits = 16 if bits is None else bits
    if not 1 <= bits <= 16:
        raise WorkbenchError(f"bits={bits} is no depth of a picture; give 1 to 16, such as 12.")
    values = values.astype(np.int64)
    white = 2**bits - 1
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > 65535:
        raise WorkbenchError(f"{name} has 32 bits a pixel; save it with 8 or 16 bits a channel.")
    if high > white:
        raise WorkbenchError(f"{name} holds {high}, more than {bits} bits can ({white}); give the depth of the whole data set: bits=16.")
    return (values * 255 // white).astype(np.uint8)


def _require_file(path: Path, name: str) -> None:
    """Also keeps a pipe from being waited for without end."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        raise WorkbenchError(f"There is no image at {name}; check the path, or get the data set again.") from None
    if stat.S_ISDIR(mode):
        raise WorkbenchError(f"{name} is a folder where an image file was expected; name the file in it.")
    if not stat.S_ISREG(mode):
        raise WorkbenchError(f"{name} is a pipe, socket or device, not an image file; leave it out.")


def _sentence(error: Exception, name: str, advice: str) -> WorkbenchError:
    if isinstance(error, WorkbenchError):
        return error
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning | MemoryError):
        return WorkbenchError(
            f"{name} has more pixels than are read (over {most_pixels() / 10**6:g} million); make it smaller, leave it out, or set "
            "WORKBENCH_MOST_PIXELS."
        )
    return WorkbenchError(f"{name} cannot be read ({' '.join(str(error).split()):.120}); {advice}.")


def _head(source: Source) -> bytes:
    try:
        if isinstance(source, bytes):
            return source[:160]
        if isinstance(source, str | Path):
            with open(source, "rb") as file:
                return file.read(160)
        source.seek(0)
        return source.read(160)
    except (OSError, ValueError):
        return b""


def _told(source: Source) -> str:
    head = _head(source)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return ' (it is HEIC, which pillow-heif reads: pip install "pillow-heif")'
    found = next((words for begin, words in _OTHERS.items() if head.startswith(begin)), None)
    found = "a DICOM file" if head[128:132] == b"DICM" else found
    if found:
        return f" (it is {found}; {', '.join(FORMATS)} are read: convert it)"
    return ""


def _heif(source: Source) -> Image.Image | None:
    """The picture of an HEIC file, where the package that reads it is installed; else None."""
    head = _head(source)
    if head[4:8] != b"ftyp" or head[8:12] not in _HEIF_BRANDS:
        return None
    try:
        import pillow_heif
    except ImportError:
        return None
    pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=("HEIF",))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # whatever a damaged EXIF block leads to
        return image


def _rgb(image: Image.Image, name: str, bits: int | None) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow before 11.3 opens a 16-bit PNG in mode "I"; a true 32-bit picture has no range that says what white is.
        return Image.fromarray(scaled_to_bytes(np.asarray(image), bits, name)).convert("RGB")
    if image.mode == "F":
        raise WorkbenchError(f"{name} holds floating-point pixels; save it with 8 or 16 bits a channel.")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, (*PAPER, 255))
        return Image.alpha_composite(paper, opaque).convert("RGB")
    return image.convert("RGB")
