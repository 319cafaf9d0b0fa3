"""Apparel images (Kaggle, trolukovich/apparel-images-dataset): 11,385 pictures, each of one colour and one garment.

    ROOT/black_dress/0a1b2c.jpg    24 folders named COLOUR_GARMENT, 6 colours and 5 garments

Both words of a folder's name are labels, so every picture has two of the 11. There is no official split: a picture is in "train" where
the first 8 bytes of sha256("SEED/FOLDER/FILE"), read as a fraction of their range, are below `share`, else in "test". So a picture stays
where it is when others come or go. Which split MSRN's Apparel numbers were computed on is not known to us.

Folder names, their number and the count of pictures were checked against public code and notes that use the data set, and against the
label order and counts in MSRN's files; the pictures are not ours to download.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.official import official_categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.pictures import open_rgb

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
SPLITS = ("train", "test", "all")


class ApparelDataset(MultiLabelDataset):
    """One split of the apparel pictures.

    Args:
        root: the folder of folders, or one that holds nothing but it.
        split: "train", "test", or "all".
        seed: part of what is hashed; another seed gives another split.
        share: of the pictures that are for training, between 0 and 1.

    Raises:
        WorkbenchError: no such folder, or one whose name is not a known colour and garment.
    """

    def __init__(self, root: str | Path, split: str, seed: int = 0, share: float = 0.8) -> None:
        if split not in SPLITS:
            raise WorkbenchError(f'The apparel pictures have no split "{split}".{did_you_mean(split, SPLITS)}')
        if not 0 < share < 1:
            raise WorkbenchError(f"A share of {share} leaves a split without pictures; give a number between 0 and 1, such as 0.8.")
        self.split, self.name = split, f"apparel-{split}"
        categories = official_categories("apparel")
        assert categories is not None
        self.categories = categories
        self._files: list[Path] = []
        self.ids = []
        rows = []
        for folder in _folders(Path(root)):
            colour, _, garment = folder.name.partition("_")
            if categories.groups.get(colour) != "colour" or categories.groups.get(garment) != "garment":
                known = [f"{first}_{second}" for first in categories for second in categories if _pair(categories.groups, first, second)]
                raise WorkbenchError(
                    f"The folder {folder} is not named after a colour and a garment of this data set; rename or move it, or read the "
                    f'pictures as a "table".{did_you_mean(folder.name, known)}'
                )
            columns = [categories.index(colour), categories.index(garment)]
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() not in ENDINGS or path.name.startswith("."):
                    continue
                key = f"{folder.name}/{path.name}"
                if split == "all" or (_fraction(f"{seed}/{key}") < share) == (split == "train"):
                    self._files.append(path)
                    self.ids.append(key)
                    rows.append(columns)
        self.targets = np.zeros((len(rows), len(categories)), dtype=np.int8)
        for row, columns in enumerate(rows):
            self.targets[row, columns] = 1
        if not rows:
            raise WorkbenchError(f'The split "{split}" of {root} has no picture; check the folder, or choose another share.')

    def file(self, index: int) -> Path | None:
        return self._files[index]

    def image(self, index: int) -> np.ndarray:
        return open_rgb(self._files[index])


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise WorkbenchError(f"There is no folder {root}; see `workbench data get apparel`.")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    if len(folders) == 1 and "_" not in folders[0].name:
        return _folders(folders[0])
    if not folders:
        raise WorkbenchError(f"{root} has no folders such as black_dress; see `workbench data get apparel`.")
    return folders


def _pair(groups: dict[str, str], first: str, second: str) -> bool:
    return groups[first] == "colour" and groups[second] == "garment"


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:8], "big") / 2**64
