"""Data sets by name. Nothing but numpy and Pillow is imported here; each reader is loaded when it is asked for."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError, did_you_mean

if TYPE_CHECKING:
    from workbench.datasets.base import MultiLabelDataset

DATASETS = {
    "scenes": "drawn street scenes with known rules and masks; nothing to download",
    "coco": "COCO instances: ROOT/annotations/instances_SPLIT.json and ROOT/SPLIT/*.jpg",
    "voc2007": "PASCAL VOC 2007 folder (VOCdevkit/VOC2007)",
    "voc2012": "PASCAL VOC 2012 folder (VOCdevkit/VOC2012)",
}
_HOMES = {
    "MultiLabelDataset": "workbench.datasets.base",
    "Subset": "workbench.datasets.base",
    "CocoDataset": "workbench.datasets.coco",
    "Scenes": "workbench.datasets.scenes",
    "VocDataset": "workbench.datasets.voc",
    "export_coco": "workbench.datasets.export",
    "open_rgb": "workbench.datasets.pictures",
    "squash": "workbench.datasets.pictures",
}
__all__ = ["DATASETS", "load_dataset", *_HOMES]


def load_dataset(name: str, split: str, root: str | Path | None = None, **options: Any) -> MultiLabelDataset:
    """Open one split of a data set.

    Args:
        name: a key of `DATASETS`; "coco2017" is "coco" with the year added to the split ("val" -> "val2017").
        split: as the source names it: "train", "val2017", "study_val" ...
        root: folder that holds it; ``data/<name>`` under the current folder unless given.
        options: passed to the reader; for scenes the knobs and the number of images.

    Raises:
        WorkbenchError: an unknown name, split or option, or data that is not there or damaged.
    """
    if name == "scenes":
        if root is not None:
            raise WorkbenchError("Scenes are drawn, not read: leave out the root folder.")
        from workbench.datasets.scenes import Scenes

        return Scenes(split=split, **_known(options, Scenes, name))
    if name in ("coco", "coco2014", "coco2017"):
        from workbench.datasets.coco import CocoDataset

        year = name.removeprefix("coco")
        split = split if split.endswith(year) else split + year
        return CocoDataset(root or Path("data", "coco"), split, **_known(options, CocoDataset, name))
    if name in ("voc2007", "voc2012"):
        from workbench.datasets.voc import VocDataset

        return VocDataset(root or Path("data", name), split, year=int(name[-4:]), **_known(options, VocDataset, name))
    raise WorkbenchError(f'There is no data set "{name}".{did_you_mean(name, DATASETS)}')


def _known(options: dict[str, Any], reader: type, name: str) -> dict[str, Any]:
    known = [option for option in inspect.signature(reader).parameters if option not in ("split", "root", "year")]
    for option in options:
        if option not in known:
            raise WorkbenchError(
                f'Data set "{name}" has no option "{option}".{did_you_mean(option, known) if known else " It takes none."}'
            )
    return options


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench.datasets' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
