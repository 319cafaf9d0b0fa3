"""A folder for each category: ROOT/dog/1.jpg, or ROOT/train/dog/1.jpg, as torchvision's ImageFolder has them. One label an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.datasets.finding import PictureFolder
from workbench.datasets.formats.listed import Listed, ListedDataset, of_split
from workbench.errors import WorkbenchError

SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval")


def imagefolder(root: str | Path, split: str = "all", categories: Sequence[str] | None = None, bits: int | None = None) -> ListedDataset:
    """One split; the categories are those of every split, so that splits agree.

    Args:
        split: a folder of ROOT that holds the folders of the categories; "all": ROOT does, or all its splits.
        categories: the columns, in order; the names of the folders alphabetically unless given.
    """
    root = Path(root)
    splits = [folder for folder in sorted(root.iterdir()) if _is_split(folder)] if root.is_dir() else []
    folder = of_split(root, split)
    depth = 1 if split == "all" and splits else 0
    listed = []
    for file in PictureFolder(folder).files:
        parts = file.split("/")
        if len(parts) > depth + 1:
            listed.append(Listed(file, f"{folder}", {parts[depth]: 1}))
    if not listed:
        raise WorkbenchError(f"{folder} holds no folders of pictures; put each category's pictures into a folder of its name.")
    if categories is None:
        homes = splits or [folder]
        categories = sorted({path.name for home in homes for path in home.iterdir() if path.is_dir() and not path.name.startswith(".")})
    return ListedDataset(root.name or "imagefolder", folder, listed, split, categories, bits=bits)


def _is_split(folder: Path) -> bool:
    """A folder of that name that holds folders: pictures of trains lie in a folder "train" too."""
    return (
        folder.name.lower() in SPLITS and folder.is_dir() and any(inside.is_dir() and inside.name[0] != "." for inside in folder.iterdir())
    )
