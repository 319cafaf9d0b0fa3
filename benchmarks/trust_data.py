"""Photos with objects marked, under VOC's names: the other half of the study split, and COCO pictures with one of the twenty classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.datasets import load_dataset
from workbench.datasets.base import MultiLabelDataset
from workbench.regions import Region

COCO_NAMES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}


class Renamed(MultiLabelDataset):
    """Those images of another data set that hold one of `names`, its categories; `other` says what the source calls some of them."""

    def __init__(self, source: MultiLabelDataset, names: Sequence[str], other: dict[str, str]) -> None:
        self.source, self.name, self.categories = source, f"{source.name}-renamed", Categories(names)
        there = {other.get(name, name): name for name in names}
        self._names = {theirs: ours for theirs, ours in there.items() if theirs in source.categories}
        targets = np.zeros((len(source), len(names)), dtype=np.int8)
        for theirs, ours in self._names.items():
            targets[:, self.categories.index(ours)] = source.targets[:, source.categories.index(theirs)]
        self._rows = np.flatnonzero((targets == 1).any(axis=1))
        self.targets = targets[self._rows]
        self.ids = [source.ids[row] for row in self._rows]

    def image(self, index: int) -> np.ndarray:
        return self.source.image(int(self._rows[index]))

    def regions(self, index: int) -> list[Region]:
        found = self.source.regions(int(self._rows[index]))
        return [replace(region, category=self._names[region.category]) for region in found if region.category in self._names]


def photos(data: str, root: Path, trained: Any) -> MultiLabelDataset:
    """Pictures that the recipe with this `DataSpec` did not train on."""
    voc = load_dataset("voc2007", trained.validation, root / "voc2007")
    if data == "voc":
        return voc
    return Renamed(load_dataset("coco2017", "val2017", root / "coco"), voc.categories.names, COCO_NAMES)
