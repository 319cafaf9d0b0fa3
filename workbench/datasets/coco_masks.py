"""COCO segmentations as masks. Run lengths are decoded here; polygons are drawn by pycocotools, whose C code trusts what it is given, so
everything is checked first: it reads uninitialised memory for run lengths that are too short, and dies on far-off coordinates.
"""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError

MOST_PIXELS = 178_956_970  # where Pillow too stops to trust a picture


class NotInstalled(WorkbenchError):
    """What reads masks is missing: not a fault of the data."""


def decode_segmentation(segmentation: Any, height: int, width: int, where: str) -> np.ndarray:
    """Polygons, run lengths or compressed run lengths as bool [height, width]. Raises WorkbenchError, beginning with `where`."""
    if height * width > MOST_PIXELS:
        raise WorkbenchError(f"{where} has a mask in an image said to be {width} x {height} pixels; correct the image's size.")
    try:
        if isinstance(segmentation, list):
            return _drawn(segmentation, height, width)
        size = [int(side) for side in segmentation["size"]]
        counts = segmentation["counts"]
        runs = _decompressed(counts) if isinstance(counts, str) else [_whole(count) for count in counts]
    except ImportError:
        raise NotInstalled('Drawing COCO polygons needs pycocotools; install it with pip install "multilabel-workbench[train]".') from None
    except Exception as error:  # pycocotools raises bare Exception
        reason = f"{type(error).__name__}: {error}"
        raise WorkbenchError(f"{where} has a segmentation that cannot be decoded ({reason:.80}); correct or remove it.") from None
    if size != [height, width]:
        shape = " x ".join(str(side) for side in size[::-1])
        raise WorkbenchError(f"{where} has a mask of {shape:.40} pixels in an image of {width} x {height}; correct it.")
    if sum(runs) != height * width or min(runs) < 0:
        raise WorkbenchError(f"{where} has run lengths that do not add up to its {height * width} pixels; correct or remove it.")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T  # runs go down the columns


def _drawn(polygons: list[Any], height: int, width: int) -> np.ndarray:
    from pycocotools import mask as codec

    reach = 2 * max(height, width)
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"a polygon of {len(polygon)} numbers")
        if not all(math.isfinite(value) and -reach <= value <= 2 * reach for value in polygon):
            raise ValueError("a polygon that leaves the image by far")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools 2.0.11 has not caught up with numpy 2's __array__
        return codec.decode(codec.merge(codec.frPyObjects(polygons, height, width))).astype(bool)


def _whole(count: Any) -> int:
    if not isinstance(count, int) or count >= 2**32:
        raise ValueError(f"a run of {count!r:.20}")
    return count


def _decompressed(text: str) -> list[int]:
    """COCO's text form: six bits a character from "0" on, five of them a digit to the base 32 (lowest first, the last one signed), the
    sixth says that more follow; from the fourth number on, what is stored is the difference to the last but one."""
    runs: list[int] = []
    characters = iter(text)
    for first in characters:
        value = 0
        for place, character in enumerate(itertools.chain((first,), characters)):
            digit = ord(character) - 48
            if not 0 <= digit < 64 or place > 6:
                raise ValueError("text that is not run lengths")
            value |= (digit & 31) << 5 * place
            if not digit & 32:
                value -= (digit & 16) << 5 * place + 1
                break
        else:
            raise ValueError("run lengths that end in the middle")
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs
