"""``workbench data``: list, get, check and export data sets; check what script a notebook brings along."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.commands.numbers import whole
from workbench.commands.train import parse_settings
from workbench.datasets.formats import FORMATS
from workbench.errors import DataWarning, WorkbenchError, did_you_mean
from workbench.files import json_text

if TYPE_CHECKING:
    from workbench.datasets import MultiLabelDataset

DEFAULT_SPLITS = {
    "coco": "val2017",
    "voc2007": "test",
    "nuswide": "test",
    "wider": "test",
    "apparel": "test",
    "table": "all",
    "auto": "all",
    **dict.fromkeys(FORMATS, "all"),
}
"""What is checked or exported unless a split is named; "val" for the others."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="data sets, their splits and whether they are here")
    get = actions.add_parser("get", help="fetch a data set from its official address, or say what to fetch by hand")
    get.add_argument("name")
    get.add_argument("--root", type=Path, help="folder to put it in; data/NAME by default")
    get.add_argument("--keep", action="store_true", help="keep the archives after unpacking them")
    for action, summary in (
        ("check", "count, find missing and broken pictures and a wrong order of categories, list label frequencies"),
        ("export", "write as COCO instances JSON"),
    ):
        child = actions.add_parser(action, help=summary)
        child.add_argument("name", help="a data set, or the path of a notebook" if action == "check" else "a data set")
        child.add_argument("--split", help="split as the source names it")
        child.add_argument("--root", type=Path, help="folder of the data set, or a CSV; data/NAME by default")
        child.add_argument("--count", type=whole(1), help="number of scenes, or of images to look at")
        child.add_argument(
            "--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="an option of the reader: separator=|"
        )
        if action == "check":
            child.add_argument("--scores", type=Path, help="a model's scores [images, categories], to find columns in a wrong order")
            child.add_argument("--strip", action="store_true", help="of a notebook: take out widget state that brings script")
            child.add_argument("--json", action="store_true", help="print JSON")
        else:
            child.add_argument("-o", "--out", type=Path, required=True, help="folder to write")


def run(arguments: argparse.Namespace) -> int:
    actions = {"list": _list, "get": _get, "check": _check, "export": _export}
    return actions[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    from workbench.datasets import DATASETS, default_root

    width = max(map(len, DATASETS))
    for name, summary in DATASETS.items():
        here = "  [here]" if name not in ("scenes", "table", "auto", *FORMATS) and default_root(name).is_dir() else ""
        print(f"{name:<{width}}  {summary}{here}")
    return 0


def _get(arguments: argparse.Namespace) -> int:
    from workbench.datasets import DATASETS, default_root
    from workbench.datasets.download import get, sources

    name = arguments.name
    if name not in DATASETS:
        raise WorkbenchError(f'There is no data set "{name}".{did_you_mean(name, DATASETS)}')
    if name == "scenes":
        print("Scenes are drawn on your machine when they are needed; there is nothing to fetch.")
        return 0
    if name in ("table", "auto", *FORMATS):
        print(f"This is data of your own, or what another program exported. Then: workbench data check {name} --root FOLDER")
        return 0
    if name == "coco":
        raise WorkbenchError('Say which year: "coco2014", the one that papers report, or "coco2017".')
    folder, entry = arguments.root or default_root(name), sources()[name]
    if "by_hand" in entry:
        print(f"{name} has to be fetched by hand, into {folder}. Page: {entry['page']}")
        for number, step in enumerate(entry["by_hand"], start=1):
            print(f"{number}. {step}")
    else:
        print(f"{name}, {sum(archive['bytes'] for archive in entry['archives']) / 1e9:.1f} GB, into {folder}. Terms: {entry['terms']}.")
        fetched = get(name, folder, keep=arguments.keep, progress=_Meter("MB", 1e6), say=print)
        print(f"Fetched and unpacked {fetched} archives." if fetched else "It is all there.")
    print(f"Then: workbench data check {name} --split {DEFAULT_SPLITS.get(name, 'val')} --root {folder}")
    return 0


class _Meter:
    """Prints a line for each further tenth of what is under way."""

    def __init__(self, unit: str, scale: float = 1.0) -> None:
        self._unit, self._scale = unit, scale
        self._last = ("", -1)

    def __call__(self, name: str, there: int, total: int) -> None:
        step = (name, 10 * there // total)
        if step != self._last:
            self._last = step
            print(f"  {name}: {there / self._scale:,.0f} of {total / self._scale:,.0f} {self._unit}", file=sys.stderr, flush=True)


def _open(arguments: argparse.Namespace) -> MultiLabelDataset:
    from workbench.datasets import load_dataset

    options: dict[str, Any] = {key: _value(text) for key, text in parse_settings(arguments.settings).items()}
    if arguments.count is not None and arguments.name == "scenes":
        options["count"] = arguments.count
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # `check` prints them all
        data = load_dataset(arguments.name, arguments.split or DEFAULT_SPLITS.get(arguments.name, "val"), arguments.root, **options)
    notes = list(data.notes)
    if arguments.count is not None and arguments.count < len(data):
        data = data.subset(range(arguments.count))
        data.notes = notes
    return data


def _value(text: str) -> Any:
    """A setting as JSON where it is JSON, such as 0.5 or {"yes": 1}, else as it stands."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _check_notebook(arguments: argparse.Namespace) -> int:
    """Say what script a notebook brings in its widget state; 2 if there is any, unless it was taken out."""
    from workbench.commands.guarded_contents import own_scripts
    from workbench.files import write_json
    from workbench.widget_state import read_notebook, scripts, without_scripts

    path = Path(arguments.name)
    notebook = read_notebook(path)
    found = scripts(notebook, own_scripts())
    if arguments.json:
        print(json.dumps({"notebook": str(path), "scripts": [script._asdict() for script in found]}))
    else:
        print(f"{path}: {len(found)} widget models that bring a script which is not this library's")
        for script in found[:20]:
            print(f"  {script.origin!a}: {script.bytes:,} characters, sha256 {script.digest}, model {script.model[:40]!a}")
    if not found:
        return 0
    if arguments.strip:
        write_json(path, without_scripts(notebook, own_scripts()), names=True)
        print("The widget state was taken out; cells and outputs are as they were.", file=sys.stderr)
        return 0
    raise WorkbenchError(
        f"{path} would run this script when JupyterLab opens it, trusted or not; take it out with `workbench data check {path} --strip`, "
        "or open it with `workbench lab`, which leaves it out."
    )


def _check(arguments: argparse.Namespace) -> int:
    if arguments.name.endswith(".ipynb"):
        return _check_notebook(arguments)
    if arguments.strip:
        raise WorkbenchError(f'--strip takes script out of a notebook, and "{arguments.name}" is none; give the path of an .ipynb file.')
    from workbench.datasets.check import contents, order_of_names, order_of_scores, read_scores

    scores = read_scores(arguments.scores) if arguments.scores else None
    data = _open(arguments)
    result = contents(data, _Meter("pictures") if sys.stderr.isatty() and not arguments.json else None)
    result["order"] = order_of_names(arguments.name, data.categories)
    result["scores"] = order_of_scores(data, *scores) if scores else None
    if arguments.json:
        print(json_text(result))
    else:
        _print(result)
    broken = result["broken"]
    if broken:
        raise WorkbenchError(f"{len(broken)} of {len(data)} pictures of {data.name} cannot be read; fetch them again.")
    if result["order"] not in ("official", "no official list"):
        raise WorkbenchError(f"The categories of {data.name} are in an order or under names that others do not use ({result['order']}).")
    if scores and result["scores"]["verdict"] == "wrong order":
        raise WorkbenchError(
            f"Most columns of {arguments.scores} fit other labels better than their own; put them in the order of {data.name}'s categories."
        )
    return 0


def _print(result: dict[str, Any]) -> None:
    print(f"{result['name']}: {result['images']} images, {result['categories']} categories, {result['labels_per_image']} labels an image")
    gone = sum(problem["missing"] for problem in result["broken"])
    print(f"{result['without_label']} images without a label, {gone} pictures missing, {len(result['broken']) - gone} broken")
    print(f"order of the categories: {result['order']}")
    for note in result["notes"]:
        print(f"  {note}")
    for problem in result["broken"][:20]:
        print(f"  {problem['problem']}")
    scores = result["scores"]
    if scores:
        order = f", {scores['order']}" if scores["order"] else ""
        print(f"columns of the scores: {scores['verdict']}{order}; mAP {scores['map']:.3f}, matched freely {scores['map_matched']:.3f}")
        for own, better in list(scores["misplaced"].items())[:10]:
            print(f'  the column of "{own}" fits "{better}" better')
    width = max(map(len, result["frequencies"]))
    for name, count in sorted(result["frequencies"].items(), key=lambda item: -item[1]):
        extra = f"  ({result['unknown'][name]} unknown)" if name in result["unknown"] else ""
        print(f"  {name:<{width}} {count:>6}  {100 * count / max(result['images'], 1):5.1f} %{extra}")


def _export(arguments: argparse.Namespace) -> int:
    from workbench.datasets import export_coco

    data = _open(arguments)
    path = export_coco(data, arguments.out)
    print(f"Wrote {len(data)} images and {path}")
    return 0
