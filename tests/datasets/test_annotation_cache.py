"""The annotation cache: the same result as parsing, keyed by content, harmless when it is damaged or cannot be written."""

import json
import os
import time

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from tests.support.miniatures import make_miniature
from tests.support.shared_data import shared
from workbench.datasets import annotation_cache, coco, load_dataset
from workbench.datasets.official import official_categories
from workbench.files import atomic


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Every file is worth keeping, in a folder of the test's."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(annotation_cache, "LEAST_BYTES", 0)
    return tmp_path / "cache" / "annotations"


@pytest.fixture
def parses(monkeypatch):
    """Counts how often a COCO file is parsed for its labels."""
    calls = []
    real = coco._parsed
    monkeypatch.setattr(coco, "_parsed", lambda path: calls.append(path) or real(path))
    return calls


def same(one, other):
    np.testing.assert_array_equal(one.targets, other.targets)
    assert (one.ids, list(one.categories), one.categories.groups) == (other.ids, list(other.categories), other.categories.groups)


@pytest.mark.parametrize(("name", "split"), [("coco2014", "train"), ("nuswide", "train"), ("nuswide-table", "val")])
def test_from_the_cache_all_is_the_same(name, split, tmp_path, folder):
    root = make_miniature(name, tmp_path / "data")
    parsed = load_dataset(name.removesuffix("-table"), split, root)
    assert len(list(folder.iterdir())) == 1
    cached = load_dataset(name.removesuffix("-table"), split, root)
    same(cached, parsed)
    np.testing.assert_array_equal(cached.image(1), parsed.image(1))
    assert repr(cached.regions(1)) == repr(parsed.regions(1))


def test_parsed_once_and_again_when_the_content_changes(tmp_path, folder, parses):
    root = make_miniature("coco2017", tmp_path / "data")
    first = load_dataset("coco2017", "val", root)
    same(load_dataset("coco2017", "val", root), first)
    assert len(parses) == 1
    other = make_miniature("coco2017", tmp_path / "copy")
    same(load_dataset("coco2017", "val", other), first)  # a copy has the same key
    assert len(parses) == 1
    path = root / "annotations/instances_val2017.json"
    content = json.loads(path.read_text())
    content["annotations"] = content["annotations"][1:]
    path.write_text(json.dumps(content))
    assert load_dataset("coco2017", "val", root).targets.sum() < first.targets.sum()
    assert len(parses) == 2


def test_a_damaged_entry_is_parsed_again(tmp_path, folder, parses):
    root = make_miniature("coco2017", tmp_path / "data")
    first = load_dataset("coco2017", "val", root)
    (entry,) = folder.iterdir()
    whole = entry.read_bytes()
    targets = whole.index(first.targets.tobytes())
    zeroed = whole[:targets] + bytes(first.targets.nbytes) + whole[targets + first.targets.nbytes :]
    tensors = load_file(entry)
    lacking = save({name: value for name, value in tensors.items() if name != "targets"}, {"checksum": "0" * 64})
    old = save(tensors)  # as an earlier version wrote it
    for damage in (b"", whole[:40], b"\xff" * 400, zeroed, lacking, old):
        entry.write_bytes(damage)
        same(load_dataset("coco2017", "val", root), first)
    assert len(parses) == 7
    same(load_dataset("coco2017", "val", root), first)
    assert len(parses) == 7


def test_what_killed_processes_left_is_swept_and_what_living_ones_write_is_not(tmp_path, folder):
    folder.mkdir(parents=True)
    for number in range(3):
        orphan = folder / f".coco-{number}.safetensors.abc.part"
        orphan.mkdir()
        (orphan / ".lock").write_text("1")
    old = folder / ".coco-4.safetensors.x1y2z3"
    old.write_bytes(bytes(1000))
    os.utime(old, (1e9, 1e9))
    with atomic(folder / "living.safetensors") as temporary:
        load_dataset("coco2017", "val", make_miniature("coco2017", tmp_path / "data"))
        assert sorted(path.suffix for path in folder.iterdir()) == [".part", ".safetensors"]
        temporary.write_bytes(b"x")
    assert sorted(path.suffix for path in folder.iterdir()) == [".safetensors", ".safetensors"]


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path, folder, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "file"))
    assert len(load_dataset("coco2017", "val", make_miniature("coco2017", tmp_path / "data"))) == 12


def test_small_files_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    load_dataset("coco2017", "val", make_miniature("coco2017", tmp_path / "data"))
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::workbench.errors.DataWarning")  # labels only: the pictures are not there
def test_the_label_matrix_of_coco_2014(tmp_path, monkeypatch, parses):
    """82,081 images with as many annotations as they have labels: from the cache it is the same; `pytest -s` shows the times."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    with np.load(shared("data", "labels", "coco2014_labels.npz"), allow_pickle=False) as table:
        chosen = np.char.startswith(table["names"], "COCO_train2014")
        names, labels, identifiers = table["names"][chosen], table["labels"][chosen], table["category_ids"]
    assert len(names) == 82_081
    written = official_categories("coco")
    images = [{"id": row, "file_name": str(name), "width": 640, "height": 480} for row, name in enumerate(names)]
    outline = [[float(value) for value in range(100, 140)]]
    annotations = [
        {
            "id": number,
            "image_id": int(row),
            "category_id": int(identifiers[column]),
            "bbox": [1.5, 2.5, 30.25, 40.75],
            "segmentation": outline,
            "iscrowd": 0,
        }
        for number, (row, column) in enumerate(zip(*np.nonzero(labels), strict=True))
    ]
    categories = [{"id": int(identifier), "name": name} for identifier, name in zip(identifiers, written, strict=True)]
    (tmp_path / "annotations").mkdir()
    path = tmp_path / "annotations" / "instances_train2014.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        data = load_dataset("coco2014", "train", tmp_path)
        seconds.append(time.perf_counter() - start)
        np.testing.assert_array_equal(data.targets, labels)
        assert data.ids[0] == str(names[0]).removesuffix(".jpg")
    print(f"{path.stat().st_size / 1e6:.0f} MB of JSON: parsed in {seconds[0]:.2f} s, from the cache in {seconds[1]:.2f} s")
    assert len(parses) == 1
