"""``workbench data``: list, get, check and export data sets."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError, did_you_mean

if TYPE_CHECKING:
    from workbench.datasets import MultiLabelDataset

DEFAULT_SPLITS = {
    "coco": "val2017",
    "voc2007": "test",
    "nuswide": "test",
    "wider": "test",
    "apparel": "test",
    "table": "all",
}
"""What is checked or exported unless a split is named; "val" for the others."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="data sets and where they belong")
    get = actions.add_parser("get", help="fetch a data set, or say what to fetch by hand")
    get.add_argument("name")
    for action, summary in (("check", "count, find broken pictures, list label frequencies"), ("export", "write as COCO instances JSON")):
        child = actions.add_parser(action, help=summary)
        child.add_argument("name")
        child.add_argument("--split", help="split as the source names it")
        child.add_argument("--root", type=Path, help="folder of the data set; data/NAME by default")
        child.add_argument("--count", type=int, help="number of scenes, or of images to look at")
        if action == "check":
            child.add_argument("--json", action="store_true", help="print JSON")
        else:
            child.add_argument("-o", "--out", type=Path, required=True, help="folder to write")


def run(arguments: argparse.Namespace) -> int:
    actions = {"list": _list, "get": _get, "check": _check, "export": _export}
    return actions[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    from workbench.datasets import DATASETS

    width = max(map(len, DATASETS))
    for name, summary in DATASETS.items():
        print(f"{name:<{width}}  {summary}")
    return 0


def _get(arguments: argparse.Namespace) -> int:
    from workbench.datasets import DATASETS

    if arguments.name not in DATASETS:
        raise WorkbenchError(f'There is no data set "{arguments.name}".{did_you_mean(arguments.name, DATASETS)}')
    if arguments.name == "scenes":
        print("Scenes are drawn on your machine when they are needed; there is nothing to fetch.")
    else:
        print(f"Fetch {arguments.name} from its official page and unpack it into data/{arguments.name}: {DATASETS[arguments.name]}.")
        print(f"Then: workbench data check {arguments.name} --split {DEFAULT_SPLITS.get(arguments.name, 'val')}")
    return 0


def _open(arguments: argparse.Namespace) -> MultiLabelDataset:
    from workbench.datasets import load_dataset

    options: dict[str, Any] = {}
    if arguments.count is not None:
        if arguments.count < 1:
            raise WorkbenchError(f"--count {arguments.count} asks for no image; give 1 or more.")
        if arguments.name == "scenes":
            options["count"] = arguments.count
    data = load_dataset(arguments.name, arguments.split or DEFAULT_SPLITS.get(arguments.name, "val"), arguments.root, **options)
    if arguments.count is not None and arguments.count < len(data):
        data = data.subset(range(arguments.count))
    return data


def _check(arguments: argparse.Namespace) -> int:
    data = _open(arguments)
    broken = []
    for index, identifier in enumerate(data.ids):
        try:
            data.image(index)
        except WorkbenchError as error:
            broken.append({"id": identifier, "problem": str(error)})
    present, unknown = (data.targets == 1).sum(axis=0), (data.targets == -1).sum(axis=0)
    result: dict[str, Any] = {
        "name": data.name,
        "images": len(data),
        "categories": len(data.categories),
        "labels_per_image": round(float(present.sum()) / max(len(data), 1), 3),
        "without_label": int(((data.targets == 1).sum(axis=1) == 0).sum()),
        "broken": broken,
        "frequencies": {name: int(count) for name, count in zip(data.categories, present, strict=True)},
        "unknown": {name: int(count) for name, count in zip(data.categories, unknown, strict=True) if count},
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            f"{result['name']}: {result['images']} images, {result['categories']} categories, {result['labels_per_image']} labels an image,"
        )
        print(f"{result['without_label']} images without a label, {len(broken)} broken")
        for problem in broken[:20]:
            print(f"  {problem['problem']}")
        width = max(map(len, data.categories))
        for name, count in sorted(result["frequencies"].items(), key=lambda item: -item[1]):
            extra = f"  ({result['unknown'][name]} unknown)" if name in result["unknown"] else ""
            print(f"  {name:<{width}} {count:>6}  {100 * count / max(len(data), 1):5.1f} %{extra}")
    if broken:
        raise WorkbenchError(f"{len(broken)} of {len(data)} pictures of {data.name} cannot be read; fetch them again.")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from workbench.datasets import export_coco

    data = _open(arguments)
    path = export_coco(data, arguments.out)
    print(f"Wrote {len(data)} images and {path}")
    return 0
