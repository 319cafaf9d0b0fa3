"""WIDER-Attribute: people cropped to their boxes, unspecified attributes unknown."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.support.miniatures import make_miniature
from workbench.datasets import load_dataset
from workbench.datasets.wider import WiderDataset
from workbench.errors import WorkbenchError


def content():
    people = [{"attribute": [1, -1, 0], "bbox": [2, 1, 4, 3]}, {"attribute": [-1, 0, 1], "bbox": [5.5, -2, 10, 4.2]}]
    return {
        "images": [
            {"file_name": "train/0--Parade/a.jpg", "scene_id": 0, "targets": people},
            {"file_name": "val/0--Parade/a.jpg", "scene_id": 0, "targets": people[:1]},
        ],
        "attribute_id_map": {"2": "Hat", "0": "Male", "1": "longHair"},
        "scene_id_map": {"0": "Parade"},
    }


@pytest.fixture
def root(tmp_path):
    (tmp_path / "Image/train/0--Parade").mkdir(parents=True)
    ramp = np.zeros((6, 10, 3), dtype=np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(10) * 20, np.arange(6)[:, None] * 30
    Image.fromarray(ramp).save(tmp_path / "Image/train/0--Parade/a.jpg", format="PNG")
    (tmp_path / "wider_attribute_trainval.json").write_text(json.dumps(content()))
    return tmp_path


def test_values_are_translated_and_people_cropped(root):
    data = load_dataset("wider", "train", root)
    assert list(data.categories) == ["Male", "longHair", "Hat"]
    assert data.ids == ["train/0--Parade/a#0", "train/0--Parade/a#1"]
    assert data.targets.tolist() == [[1, 0, -1], [0, -1, 1]]
    first, second = data.image(0), data.image(1)
    assert first.shape == (3, 4, 3)
    assert first[0, 0].tolist() == [40, 30, 0]  # x 2, y 1
    assert second.shape == (3, 5, 3)  # x 5.5 to 15.5 in a picture of 10, y -2 to 2.2
    assert second[0, 0].tolist() == [100, 0, 0]


def test_splits(root):
    assert load_dataset("wider", "val", root).ids == ["val/0--Parade/a#0"]
    assert len(load_dataset("wider", "trainval", root)) == 3
    with pytest.raises(WorkbenchError, match=r'no split "tset". Did you mean "test"'):
        load_dataset("wider", "tset", root)
    with pytest.raises(WorkbenchError, match=r"There is no annotation file at .*wider_attribute_test.json"):
        load_dataset("wider", "test", root)


def test_the_miniature_has_unknown_attributes(tmp_path):
    data = load_dataset("wider", "train", make_miniature("wider", tmp_path))
    assert len(data.categories) == 14
    assert (data.targets == -1).sum() > 20
    assert all(data.image(index).size for index in range(len(data)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c.pop("images"), 'no list "images"'),
        (lambda c: c.pop("attribute_id_map"), "no attribute_id_map"),
        (lambda c: c["attribute_id_map"].update({"5": "Tie"}), "no attribute_id_map that numbers"),
        (lambda c: c["attribute_id_map"].update({"0": "Hat"}), '"Hat" is listed twice'),
        (lambda c: c["images"][0].pop("file_name"), "an image has no file name"),
        (lambda c: c["images"][0].update(file_name="../a.jpg"), "leads out of"),
        (lambda c: c["images"][1].update(file_name="train/0--Parade/a.jpg"), "lists train/0--Parade/a.jpg twice"),
        (lambda c: c["images"][0].update(targets=3), 'no list "targets"'),
        (lambda c: c["images"][0]["targets"][0].update(attribute=[1, 2, 0]), "person 0 of train/0--Parade/a.jpg has an attribute value"),
        (lambda c: c["images"][0]["targets"][0].update(attribute=[[], 1, 0]), "has an attribute value"),
        (lambda c: c["images"][0]["targets"][1].update(attribute=[1]), "person 1 .* does not have 3 attribute values"),
        (lambda c: c["images"][0]["targets"][1].update(bbox=[1, 2, 3]), "bbox that is not four numbers"),
        (lambda c: c["images"][0]["targets"][1].update(bbox=[1, 2, -3, 4]), "impossible bbox"),
        (lambda c: c["images"][0]["targets"][1].update(bbox=[1, 2, float("nan"), 4]), "impossible bbox"),
        (lambda c: c["images"][0]["targets"][1].update(bbox=[1, 2, 10**400, 4]), "not four numbers"),
    ],
)
def test_a_wrong_file_is_one_sentence(root, change, sentence):
    changed = content()
    change(changed)
    (root / "wider_attribute_trainval.json").write_text(json.dumps(changed))
    with pytest.raises(WorkbenchError, match=sentence) as caught:
        WiderDataset(root, "train")
    assert "wider_attribute_trainval.json" in str(caught.value)


def test_a_box_outside_the_picture(root):
    changed = content()
    changed["images"][0]["targets"][0]["bbox"] = [50, 1, 3, 3]
    (root / "wider_attribute_trainval.json").write_text(json.dumps(changed))
    with pytest.raises(WorkbenchError, match="a#0 lies outside its picture of 10 x 6"):
        WiderDataset(root, "train").image(0)
