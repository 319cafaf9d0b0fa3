"""One picture in memory, of whatever type, as uint8 RGB: arrays, tensors, PIL images, bytes and files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench.errors import WorkbenchError
from workbench.pictures import open_rgb, rgb_of, scaled_to_bytes

_TOLERANCE = 0.02
"""By how much floats may leave 0..1: bicubic resizing overshoots."""


_FIRST, _LAST = (1, 3, 4), (1, 2, 3, 4)
"""Sizes of an axis that are taken for channels."""


class Pixels:
    """Turns pictures of one set into uint8 [H, W, 3], all by the same rule.

    Args:
        bits: depth of 16-bit pictures. normalised: (mean, standard deviation) of each channel, to be undone.
    """

    def __init__(self, bits: int | None = None, normalised: tuple[Sequence[float], Sequence[float]] | None = None) -> None:
        self.bits = bits
        self._normalised = None if normalised is None else tuple(np.asarray(part, dtype=np.float64) for part in normalised)

    def look(self, contents: Iterable[Any]) -> None:
        """Refuse at once what no picture can be made of, instead of in the middle of the work."""
        for position, content in enumerate(contents):
            if isinstance(content, str | os.PathLike):
                path = Path(content)
                if not path.exists():
                    raise WorkbenchError(f"There is no image at {path}; check the path.")
            elif not (is_picture(content) or isinstance(content, bytes | bytearray | memoryview) or hasattr(content, "read")):
                raise WorkbenchError(
                    f"Image {position} is {_described(content)}, which is not understood as an image; give a path, a PIL image, an array "
                    "[H, W, 3] or a tensor [3, H, W]."
                )

    def of(self, content: Any, name: str) -> np.ndarray:
        """Raises WorkbenchError, naming the picture."""
        if isinstance(content, str | os.PathLike):
            return open_rgb(Path(content), bits=self.bits)
        if isinstance(content, bytes | bytearray | memoryview):
            return open_rgb(bytes(content), name, self.bits)
        if isinstance(content, Image.Image):
            return rgb_of(content, name, self.bits)
        if hasattr(content, "read"):
            if hasattr(content, "seek"):
                content.seek(0)
            held = content.read()
            if not isinstance(held, bytes):
                raise WorkbenchError(f'{name} is a file opened as text; open it with open(path, "rb").')
            return open_rgb(io.BytesIO(held), name, self.bits)
        values = _numpy(content)
        if values is None or not is_picture(values):
            raise WorkbenchError(f"{name} is {_described(content)}, which is not understood as an image; give [H, W, 3] or [3, H, W].")
        return self._bytes(_channels_last(values, first=_is_tensor(content)), name)

    def _bytes(self, values: np.ndarray, name: str) -> np.ndarray:
        if not values.size:
            raise WorkbenchError(f"{name} has the shape {list(values.shape)}: no pixel; leave it out.")
        if values.dtype == np.bool_:
            values = values.astype(np.uint8) * 255
        elif values.dtype.kind == "f":
            values = self._floats(values.astype(np.float64), name)
        elif values.dtype == np.uint16 or (self.bits is not None and values.dtype != np.uint8):
            values = scaled_to_bytes(values, self.bits, name)
        elif values.dtype.kind in "iu":
            if values.min() < 0 or values.max() > 255:
                raise WorkbenchError(
                    f"{name} holds whole numbers from {values.min()} to {values.max()}; give uint8 (0 to 255), or say how deep "
                    "the pictures of the set are with bits=, such as 12 or 16."
                )
            values = values.astype(np.uint8)
        else:
            raise WorkbenchError(f"{name} is of type {values.dtype}; give uint8, or floats from 0 to 1.")
        if values.shape[2] == 4:
            return rgb_of(Image.fromarray(np.ascontiguousarray(values)), name)
        if values.shape[2] == 2:
            return rgb_of(Image.fromarray(np.ascontiguousarray(values), "LA"), name)
        return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:2], 3)))

    def _floats(self, values: np.ndarray, name: str) -> np.ndarray:
        if not np.isfinite(values).all():
            raise WorkbenchError(f"{name} holds NaN or infinite pixels; look at what made it.")
        if self._normalised is not None:
            mean, spread = self._normalised
            values = values * spread + mean
        low, high = values.min(), values.max()
        if low < -_TOLERANCE or high > 1 + _TOLERANCE:
            likely = "divide it by 255" if low >= -_TOLERANCE and high > 8 else (
                "it looks normalised: leave Normalize out of its transforms, or say what to undo with normalised=(mean, std)"
            )  # fmt: skip
            raise WorkbenchError(f"{name} holds floats from {low:.3g} to {high:.3g}, expected 0 to 1; {likely}.")
        return np.round(values.clip(0, 1) * 255).astype(np.uint8)


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or _is_tensor(value)


def is_picture(value: Any) -> bool:
    """A PIL image, or an array of one picture: [H, W], [H, W, 1 to 4], or [1, 3 or 4, H, W].

    Three grey pictures [3, H, W] are therefore one in colour: give them as [3, 1, H, W] or as a list.
    """
    if isinstance(value, Image.Image):
        return True
    if not is_array(value) or _is_text(value):
        return False
    return value.ndim == 2 or (value.ndim == 3 and (value.shape[2] in _LAST or value.shape[0] in _FIRST))


def is_batch(value: Any) -> bool:
    """An array of pictures: [N, H, W, channels], [N, channels, H, W], or grey ones [N, H, W]."""
    return is_array(value) and not _is_text(value) and (value.ndim == 4 or (value.ndim == 3 and not is_picture(value)))


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "detach") and hasattr(value, "ndim") and hasattr(value, "dtype")


def _is_text(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "OUS"


def _numpy(content: Any) -> np.ndarray | None:
    if _is_tensor(content):
        content = content.detach().cpu()
        return (content.float() if content.is_floating_point() else content).numpy()
    return content if isinstance(content, np.ndarray) else None


def _channels_last(values: np.ndarray, first: bool) -> np.ndarray:
    """[H, W, channels]. Where both ends could be channels, a tensor has them first, an array last, as their libraries do."""
    if values.ndim == 2:
        return values[..., None]
    could_be_first, could_be_last = values.shape[0] in _FIRST, values.shape[2] in _LAST
    if could_be_first and (first or not could_be_last):
        return values.transpose(1, 2, 0)
    return values


def _described(content: Any) -> str:
    shape = f" {list(content.shape)}" if is_array(content) else ""
    return f"a {type(content).__name__}{shape}"
