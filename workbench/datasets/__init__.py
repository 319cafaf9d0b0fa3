"""Data sets by name. Nothing but numpy and Pillow is imported here; each reader is loaded when it is asked for."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.datasets.formats import FORMATS, reader_of, recognise
from workbench.errors import WorkbenchError, did_you_mean

if TYPE_CHECKING:
    from workbench.datasets.adapter import as_dataset as as_dataset
    from workbench.datasets.apparel import ApparelDataset as ApparelDataset
    from workbench.datasets.base import MultiLabelDataset as MultiLabelDataset
    from workbench.datasets.base import Subset as Subset
    from workbench.datasets.coco import CocoDataset as CocoDataset
    from workbench.datasets.export import export_coco as export_coco
    from workbench.datasets.nuswide import NusWideDataset as NusWideDataset
    from workbench.datasets.scenes import Scenes as Scenes
    from workbench.datasets.table import TableDataset as TableDataset
    from workbench.datasets.voc import VocDataset as VocDataset
    from workbench.datasets.wider import WiderDataset as WiderDataset
    from workbench.pictures import open_rgb as open_rgb
    from workbench.pictures import squash as squash
    from workbench.targets import checked_targets as checked_targets

DATASETS = {
    "scenes": "drawn street scenes with known rules and masks; nothing to download",
    "coco": "COCO instances of any year: ROOT/annotations/instances_SPLIT.json and ROOT/SPLIT/*.jpg",
    "coco2014": "COCO 2014, splits train and val, the one that papers report; in the folder of coco",
    "coco2017": "COCO 2017, splits train and val, the same pictures divided otherwise; in the folder of coco",
    "voc2007": "PASCAL VOC 2007 (VOCdevkit/VOC2007), splits trainval and test",
    "voc2012": "PASCAL VOC 2012 (VOCdevkit/VOC2012), splits train and val",
    "nuswide": "NUS-WIDE, 81 concepts: the official lists (train, test) or the common CSV (train, val)",
    "wider": "WIDER-Attribute: people cropped to their boxes, 14 attributes, some unspecified; splits train, val, trainval, test",
    "apparel": "apparel pictures in folders such as black_dress, a colour and a garment each; splits train and test (ours), all",
    "table": "your own CSV with a labels column or one-hot columns, or a folder of pictures; give its --root",
    **FORMATS,
    "auto": "any of these, recognised by what lies in the folder; give its --root",
}
_HOMES = {
    "ApparelDataset": "workbench.datasets.apparel",
    "MultiLabelDataset": "workbench.datasets.base",
    "NusWideDataset": "workbench.datasets.nuswide",
    "Subset": "workbench.datasets.base",
    "CocoDataset": "workbench.datasets.coco",
    "Scenes": "workbench.datasets.scenes",
    "TableDataset": "workbench.datasets.table",
    "VocDataset": "workbench.datasets.voc",
    "WiderDataset": "workbench.datasets.wider",
    "as_dataset": "workbench.datasets.adapter",
    "checked_targets": "workbench.targets",
    "export_coco": "workbench.datasets.export",
    "open_rgb": "workbench.pictures",
    "squash": "workbench.pictures",
}
_READERS = {"nuswide": "NusWideDataset", "wider": "WiderDataset", "apparel": "ApparelDataset", "table": "TableDataset"}
__all__ = ["DATASETS", "default_root", "load_dataset", *_HOMES]


def load_dataset(name: str, split: str, root: str | Path | None = None, **options: Any) -> MultiLabelDataset:
    """Open one split of a data set.

    Args:
        name: a key of `DATASETS`; "coco2017" is "coco" with the year added to the split ("val" -> "val2017").
        split: as the source names it: "train", "val2017", "study_val" ...
        root: folder that holds it; `default_root` unless given.
        options: passed to the reader; for scenes the knobs and the number of images.

    Raises:
        WorkbenchError: an unknown name, split or option, or data that is not there or damaged.
    """
    if name not in DATASETS:
        raise WorkbenchError(f'There is no data set "{name}".{did_you_mean(name, DATASETS)}')
    if name == "scenes":
        if root is not None:
            raise WorkbenchError("Scenes are drawn, not read: leave out the root folder.")
        from workbench.datasets.scenes import Scenes

        return Scenes(split=split, **_known(options, Scenes, name))
    if name in ("table", "auto", *FORMATS) and root is None:
        raise WorkbenchError(f'"{name}" has no usual place: give the folder, or the file, as the root.')
    if name == "auto":
        name = recognise(Path(root or ""))
    if name in FORMATS:
        function = reader_of(name)
        found: MultiLabelDataset = function(root, split, **_known(options, function, name))
        return found
    root = Path(root) if root is not None else default_root(name)
    if name.startswith("coco"):
        from workbench.datasets.coco import CocoDataset

        year = name.removeprefix("coco")
        return CocoDataset(root, split if split.endswith(year) else split + year, **_known(options, CocoDataset, name))
    if name.startswith("voc"):
        from workbench.datasets.voc import VocDataset

        return VocDataset(root, split, year=int(name[-4:]), **_known(options, VocDataset, name))
    reader = getattr(importlib.import_module(_HOMES[_READERS[name]]), _READERS[name])
    return reader(root, split, **_known(options, reader, name))


def default_root(name: str) -> Path:
    """Where a data set belongs: ``data/NAME`` in the project folder. COCO's years share ``data/coco``, so that pictures lie there once."""
    from workbench.shelf import home

    return home() / "data" / ("coco" if name.startswith("coco") else name)


def _known(options: dict[str, Any], reader: Callable[..., Any], name: str) -> dict[str, Any]:
    known = [option for option in inspect.signature(reader).parameters if option not in ("split", "root", "year")]
    for option in options:
        if option not in known:
            raise WorkbenchError(
                f'Data set "{name}" has no option "{option}".{did_you_mean(option, known) if known else " It takes none."}'
            )
    return options


if not TYPE_CHECKING:  # an editor and a type checker see the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'workbench.datasets' has no attribute '{name}'")
        return getattr(importlib.import_module(_HOMES[name]), name)
