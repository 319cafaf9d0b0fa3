"""Roboflow's "COCO" export as it is unpacked: train/_annotations.coco.json, valid/..., the pictures beside it. The category with id 0 that
it adds, named after the whole and carried by no picture, is left out and said."""

from __future__ import annotations

from pathlib import Path

from workbench.datasets.coco import CocoDataset
from workbench.datasets.formats.listed import of_split
from workbench.errors import WorkbenchError


def roboflow(root: str | Path, split: str = "train") -> CocoDataset:
    """One split: "train", "valid" (or "val"), "test"; "all" where ROOT itself holds the file."""
    root = Path(root)
    folder = root if split == "all" or (root / "_annotations.coco.json").is_file() else of_split(root, split)
    if not (folder / "_annotations.coco.json").is_file():
        known = ", ".join(sorted(path.parent.name for path in root.glob("*/_annotations.coco.json"))) or "none"
        raise WorkbenchError(f"There is no {folder / '_annotations.coco.json'}; splits that are there: {known}.")
    return CocoDataset(root, split, folder / "_annotations.coco.json", folder, name=f"{root.name or 'roboflow'}-{split}")
