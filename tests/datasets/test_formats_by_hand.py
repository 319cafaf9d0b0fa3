"""Exports in other words than those of the program that made them: descriptions by hand, folders called otherwise, corners exchanged."""

import re

import pytest

from tests.datasets.test_formats import BOX, labelimg, picture, text, yolo
from workbench.datasets import load_dataset


@pytest.mark.parametrize(
    ("described", "names", "train"),
    [
        ("train: images/train\nnames: {\n  0: dog,\n  1: cat\n}\n", ["dog", "cat"], ["a"]),
        ("train: images/train\nnames: ['dog',\n  'cat']  # two\n", ["dog", "cat"], ["a"]),
        ('train: images/train # those\nnames:  # mine\n- dog\n- "cat # 1"\n', ["dog", "cat # 1"], ["a"]),
        ("train: images/train\nnames: ['it''s', \"\\u00e9t\\u00e9\"]\n", ["it's", "été"], ["a"]),
        ("train: images/train\nnames:\n\t0: dog\n\t1: cat\n", ["dog", "cat"], ["a"]),
        ("train: [images/train, images/val]\nnames: [dog, cat]\n", ["dog", "cat"], ["a", "b"]),
        ("train:\n  - images/train\n  - images/val\nnames: [dog, cat]\n", ["dog", "cat"], ["a", "b"]),
        ("path: /elsewhere/mine\ntrain: /elsewhere/mine/images/train\nnames: [dog, cat]\n", ["dog", "cat"], ["a"]),
    ],
)
def test_ways_to_write_data_yaml(described, names, train, tmp_path):
    yolo(tmp_path)
    text(tmp_path / "data.yaml", described)
    data = load_dataset("yolo", "train", tmp_path)
    assert list(data.categories) == names
    assert [identifier.rpartition("/")[2].rpartition(".")[0] for identifier in data.ids] == train


def test_folders_that_are_splits(tmp_path):
    for split in ("Training", "Testing"):
        for name in ("dog", "cat"):
            picture(tmp_path / "mine" / split / name / "a.png")
    data = load_dataset("imagefolder", "all", tmp_path / "mine")
    assert (list(data.categories), len(data)) == (["cat", "dog"], 4)
    picture(tmp_path / "vehicles" / "train" / "a.png")
    picture(tmp_path / "vehicles" / "plane" / "a.png")
    assert list(load_dataset("imagefolder", "all", tmp_path / "vehicles").categories) == ["plane", "train"]


def test_a_box_from_its_last_corner_to_its_first(tmp_path):
    labelimg(tmp_path)
    path = tmp_path / "a.xml"
    turned = {"xmin": "xmax", "xmax": "xmin", "ymin": "ymax", "ymax": "ymin"}
    text(path, re.sub("[xy]m(in|ax)", lambda found: turned[found[0]], path.read_text()))
    data = load_dataset("vocxml", "all", tmp_path)
    assert data.regions(data.ids.index("a.png"))[0].box == BOX
