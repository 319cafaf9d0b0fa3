"""Pictures of your own, without labels: every target is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.pictures import open_rgb


class PictureList(MultiLabelDataset):
    """Files or arrays as a data set.

    Args:
        pictures: paths of image files, or uint8 arrays [H, W, 3].
        categories: names of the labels that a model will be asked about.
    """

    name = "pictures"

    def __init__(self, pictures: Sequence[str | Path | np.ndarray], categories: Sequence[str]) -> None:
        self._pictures = list(pictures)
        self.categories = Categories(categories)
        self.ids = [
            f"picture {position}" if isinstance(picture, np.ndarray) else Path(picture).name
            for position, picture in enumerate(self._pictures)
        ]
        if len(set(self.ids)) < len(self.ids):
            self.ids = [f"{position}: {identifier}" for position, identifier in enumerate(self.ids)]
        self.targets = np.full((len(self.ids), len(self.categories)), -1, dtype=np.int8)

    def file(self, index: int) -> Path | None:
        picture = self._pictures[index]
        return None if isinstance(picture, np.ndarray) else Path(picture)

    def image(self, index: int) -> np.ndarray:
        picture = self._pictures[index]
        return picture if isinstance(picture, np.ndarray) else open_rgb(picture)
