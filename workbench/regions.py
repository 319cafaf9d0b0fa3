"""Where an object is in a picture: the ground truth that maps are measured against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Region:
    """One labelled object.

    Attributes:
        category: name of its category.
        box: (x0, y0, x1, y1) in pixels of the picture, continuous coordinates: a box over the whole picture is (0, 0, W, H).
        mask: bool [H, W] over the whole picture, or None where the data set has boxes only.
        crowd: a group that was outlined as one (COCO ``iscrowd``).
        difficult: marked as hard to recognise (VOC ``difficult``).
    """

    category: str
    box: tuple[float, float, float, float]
    mask: np.ndarray | None = None
    crowd: bool = False
    difficult: bool = False

    def filled(self, height: int, width: int) -> np.ndarray:
        """The mask, or the filled box where there is none: bool [height, width], pixel centres inside."""
        if self.mask is not None:
            return self.mask
        x0, y0, x1, y1 = self.box
        columns = np.arange(width) + 0.5
        rows = np.arange(height) + 0.5
        return ((rows >= y0) & (rows < y1))[:, None] & ((columns >= x0) & (columns < x1))[None, :]

    def resized(self, source: tuple[int, int], frame: tuple[int, int], mask_size: tuple[int, int]) -> Region:
        """The region after its picture was squashed from `source` to `frame`, both (height, width): the box in pixels of the frame,
        the mask at `mask_size` by nearest neighbour."""
        down, across = frame[0] / source[0], frame[1] / source[1]
        x0, y0, x1, y1 = self.box
        mask = None if self.mask is None else resize_mask(self.mask, *mask_size)
        return Region(self.category, (x0 * across, y0 * down, x1 * across, y1 * down), mask, self.crowd, self.difficult)


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Nearest neighbour at pixel centres: bool [h, w] -> bool [height, width]."""
    rows = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(int)
    return mask[rows][:, columns]
