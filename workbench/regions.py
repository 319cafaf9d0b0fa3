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

    def scaled(self, width_factor: float, height_factor: float, size: tuple[int, int]) -> Region:
        """The region after the picture was resized to `size` = (height, width). Masks are resized by nearest neighbour."""
        x0, y0, x1, y1 = self.box
        mask = self.mask
        if mask is not None:
            rows = np.minimum(((np.arange(size[0]) + 0.5) / height_factor).astype(int), mask.shape[0] - 1)
            columns = np.minimum(((np.arange(size[1]) + 0.5) / width_factor).astype(int), mask.shape[1] - 1)
            mask = mask[rows][:, columns]
        box = (x0 * width_factor, y0 * height_factor, x1 * width_factor, y1 * height_factor)
        return Region(self.category, box, mask, self.crowd, self.difficult)
