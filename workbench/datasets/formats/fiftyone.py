"""FiftyOne exports: its own (samples.json, data/), classification or detection (labels.json {"classes", "labels"}, data/), and COCO
(labels.json with images and annotations, data/). Boxes are [x, y, width, height] in shares of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.coco import CocoDataset
from workbench.datasets.files import read_json
from workbench.datasets.formats.listed import Listed, ListedDataset
from workbench.errors import WorkbenchError

_MISSING = "name the folder that was exported (labels.json or samples.json beside data/)."


def fiftyone(
    root: str | Path, split: str = "all", categories: Sequence[str] | None = None, field: str | None = None, bits: int | None = None
) -> MultiLabelDataset:
    """One export.

    Args:
        split: a tag of the samples in samples.json, or a folder of ROOT with an export of its own; "all".
        field: which field of the samples holds the labels; unless given, "ground_truth", or the only one that holds some.
    """
    root = Path(root)
    if split != "all" and (root / split).is_dir():
        return fiftyone(root / split, "all", categories, field, bits)
    if (root / "samples.json").is_file():
        listed = _samples(root, split, field)
        return ListedDataset(root.name or "fiftyone", root, listed, split, categories, bits=bits)
    content = read_json(root / "labels.json", _MISSING)
    if "images" in content and "annotations" in content:
        return CocoDataset(root, split, root / "labels.json", root / "data", name=f"{root.name or 'fiftyone'}-{split}")
    if split != "all":
        raise WorkbenchError(f'{root} has no split "{split}"; ask for "all", or export each split into a folder of its own.')
    classes, labels = content.get("classes"), content.get("labels")
    if not isinstance(labels, dict):
        raise WorkbenchError(f'{root / "labels.json"} has no "labels" by picture; {_MISSING}')
    listed = []
    for name, held in labels.items():
        one = Listed(name, f"{root / 'labels.json'}, {name:.60}", relative=True, unlabelled=held is None)
        for item in held if isinstance(held, list) else [held]:
            if item is not None:
                _add(one, item.get("label") if isinstance(item, dict) else item, item, classes)
        listed.append(one)
    return ListedDataset(root.name or "fiftyone", root / "data", listed, split, categories or classes, bits=bits)


def _add(one: Listed, label: Any, item: Any, classes: Any) -> None:
    if isinstance(label, int) and not isinstance(label, bool) and isinstance(classes, list) and 0 <= label < len(classes):
        label = classes[label]
    if not isinstance(label, str):
        raise WorkbenchError(f"{one.where} has the label {label!r:.40}, which is no name and no number of a class; correct it.")
    one.labels[label] = 1
    box = item.get("bounding_box") if isinstance(item, dict) else None
    if isinstance(box, list) and len(box) == 4 and all(isinstance(edge, int | float) for edge in box):
        x, y, wide, high = map(float, box)
        one.boxes.append((label, (x, y, x + wide, y + high)))


def _samples(root: Path, split: str, field: str | None) -> list[Listed]:
    samples = read_json(root / "samples.json", _MISSING).get("samples")
    if not isinstance(samples, list) or not all(isinstance(sample, dict) for sample in samples):
        raise WorkbenchError(f'{root / "samples.json"} has no list "samples"; {_MISSING}')
    fields = sorted({key for sample in samples for key, value in sample.items() if _labels_of(value) is not None})
    if field is None:
        field = "ground_truth" if "ground_truth" in fields else fields[0] if len(fields) == 1 else None
    if field is None:
        raise WorkbenchError(f"{root / 'samples.json'} has labels in {', '.join(fields) or 'no field'}; name one with field=.")
    listed = []
    for number, sample in enumerate(samples):
        if split != "all" and split not in (sample.get("tags") or []):
            continue
        items = _labels_of(sample.get(field))
        one = Listed(
            str(sample.get("filepath") or ""), f"{root / 'samples.json'}, sample {number}", relative=True, unlabelled=items is None
        )
        for item in items or []:
            _add(one, item.get("label"), item, None)
        listed.append(one)
    return listed


def _labels_of(value: Any) -> list[dict[str, Any]] | None:
    if not isinstance(value, dict):
        return None
    items = next((value[key] for key in ("detections", "classifications", "polylines") if isinstance(value.get(key), list)), None)
    if items is None and isinstance(value.get("label"), str):
        items = [value]
    return None if items is None else [item for item in items if isinstance(item, dict)]
