"""Damaged annotation files and tables: each is read, or refused in one sentence of our own; nothing else comes out."""

import copy
import json
import random
import tempfile
import warnings
from functools import partial, update_wrapper
from pathlib import Path

import pytest

from tests.soak.registry import proof
from tests.support.damage import Watch
from tests.support.miniatures import SPLITS, make_miniature
from workbench.datasets import load_dataset
from workbench.errors import DataWarning, WorkbenchError

STRANGE = [
    None, True, 0, -1, 1.5, 10**30, -(2**63), 1e308, float("nan"), float("inf"), "", " ", "0", "../../x", "/etc/passwd", "a\x00b", "\ud800",
    "x" * 5000, "\\\\host\\share", [], [[]], [None], {}, {"size": [1, 1], "counts": "0"}, [[0, 0, 1, 1, 1e9, 1e9]], {"a": {"b": []}},
]  # fmt: skip
PIECES = [
    b"", b"\x00", b"\xff\xfe", b'"', b"'", b",", b";", b"\n", b"\r", b"\t", b"{", b"]", b"[[[[", b"<", b"</object>", b"&x;",
    b"-1", b"1e999", b"9" * 400, b"NaN", b"null", b"../", b"?", b"\xf0\x9f\x90\x88", b"\xe2\x80\xae", b"x" * 3000, b"<!DOCTYPE a []>",
]  # fmt: skip
FILES = {
    "coco2014": ["annotations/instances_train2014.json"],
    "voc2007": [
        "VOCdevkit/VOC2007/ImageSets/Main/trainval.txt",
        "VOCdevkit/VOC2007/ImageSets/Main/dog_trainval.txt",
        "VOCdevkit/VOC2007/Annotations/000005.xml",
    ],
    "nuswide": [
        "ImageList/TrainImagelist.txt",
        "ConceptsList/Concepts81.txt",
        "Groundtruth/TrainTestLabels/Labels_sky_Train.txt",
    ],
    "nuswide-table": ["nus_wid_data.csv"],
    "wider": ["Annotations/wider_attribute_trainval.json"],
    "table": ["table.csv"],
    "one-hot": ["table.csv"],
}


def places(node, path=()):
    """Every place in a JSON value, as (container, key)."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from places(value, (*path, key))


def structurally(rng, content):
    """A JSON file in which one to three places hold something else, are gone, or are there twice."""
    changed = copy.deepcopy(json.loads(content))
    for _ in range(rng.randint(1, 3)):
        found = list(places(changed))
        if not found:
            break
        # Long lists are most of a file: choose among the kinds of places first, so that all of them are met.
        kinds = sorted({str(key) if isinstance(key, str) else "item" for _, key in found})
        kind = rng.choice(kinds)
        container, key = rng.choice([place for place in found if (place[1] if isinstance(place[1], str) else "item") == kind])
        action = rng.random()
        if action < 0.7:
            container[key] = copy.deepcopy(rng.choice(STRANGE))
        elif action < 0.85:
            del container[key]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        else:
            container[rng.choice(["id", "extra", "bbox", "0"])] = copy.deepcopy(container[key])
    return json.dumps(changed).encode("utf-8", "surrogatepass")


def bytewise(rng, content):
    """A file that was cut, or has pieces put in, left out, or said twice."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(changed) + 1)
        end = min(len(changed), start + rng.choice([0, 1, 2, 5, 20, 100]))
        action = rng.random()
        if action < 0.6:
            changed[start:end] = rng.choice(PIECES)
        elif action < 0.8:
            changed[start:start] = changed[start:end]
        else:
            del changed[start:]
    return bytes(changed)


def read(name, root):
    """Everything that a reader does with annotation files."""
    known = name.removesuffix("-table") if name != "one-hot" else "table"
    options = {"split": "all"} if known == "table" else {"split": SPLITS[name][0]}
    data = load_dataset(known, root=root, **options)
    assert data.targets.shape == (len(data), len(data.categories))
    assert set(data.targets.ravel().tolist()) <= {-1, 0, 1}
    assert len(set(data.ids)) == len(data)
    for index in range(min(len(data), 3)):
        data.regions(index)
    if len(data):
        data.image(0)


def damaged_annotations(name, seed, count):
    """Damaged annotations are read, or refused in one sentence of our own."""
    with Watch() as watch, tempfile.TemporaryDirectory() as folder:
        return {"refused": try_files(name, Path(folder), watch, seed, count)}


def try_files(name, folder, watch, seed, count):
    """Case n damages the file n, in turn. How many were refused."""
    root = make_miniature("table" if name == "one-hot" else name, folder)
    if name == "one-hot":
        rows = [f"pictures/{number:03d}.png,{number % 2},?,0" for number in range(8)]
        (root / "table.csv").write_text("\n".join(["image,dog,cat,emu", *rows]) + "\n")
    if name == "voc2007":
        (root / FILES[name][0]).with_name("plain.txt").write_text("000005\n")
    refused = []
    whole = [(root / relative).read_bytes() for relative in FILES[name]]
    rng = random.Random(f"{name} {seed}")
    for case in range(count):
        turn, number = divmod(case, len(whole))
        path, content = root / FILES[name][number], whole[number]
        changed = structurally(rng, content) if path.suffix == ".json" and turn % 4 else bytewise(rng, content)
        path.write_bytes(changed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)
                watch.read(read, name, root)
        except WorkbenchError as error:
            refused.append(str(error))
        except Exception as error:
            pytest.fail(f"{FILES[name][number]}, case {case}: {type(error).__name__}: {str(error)[:300]} from {changed[:300]!r}")
        path.write_bytes(content)
    read(name, root)
    assert len(refused) > count // 5
    assert [error[:200] for error in refused if "\n" in error or len(error) > 1000] == []
    return len(refused)


for dataset, files in FILES.items():
    register = proof(whole=1000 * len(files), sample=40 * len(files), piece=200 * len(files), name=f"damaged_annotations.{dataset}")
    register(update_wrapper(partial(damaged_annotations, dataset), damaged_annotations))
