"""VOC folders: lists, boxes, difficult objects, and XML that cannot be trusted."""

import numpy as np
import pytest
from PIL import Image

from tests.support.shared_data import shared
from workbench.datasets import load_dataset
from workbench.datasets.voc import CATEGORIES
from workbench.errors import WorkbenchError


def xml_of(*objects):
    items = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult>"
        f"<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox>"
        "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part></object>"
        for name, difficult, box in objects
    )
    return f"<annotation><size><width>10</width><height>8</height></size>{items}</annotation>"


@pytest.fixture
def folder(tmp_path):
    """Two pictures: a train and a difficult dog, and only a difficult train. Lists of a split called "study_train" beside "train"."""
    base = tmp_path / "VOCdevkit" / "VOC2007"
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (base / name).mkdir(parents=True)
    objects = {
        "001": [("train", 0, (1, 1, 10, 8)), ("dog", 1, (2, 3, 4, 5)), ("dog", 1, (3, 3, 3, 3))],
        "002": [("train", 1, (1.5, 1, 2, 2))],
    }
    for name, found in objects.items():
        Image.new("RGB", (10, 8), (9, 9, 9)).save(base / "JPEGImages" / f"{name}.jpg")
        (base / "Annotations" / f"{name}.xml").write_text(xml_of(*found))
    listed = {"train": {"001": 1, "002": 0}, "dog": {"001": 0, "002": -1}}
    for split in ("study_train", "train"):
        (base / "ImageSets/Main" / f"{split}.txt").write_text("001\n002\n")
        for category in CATEGORIES:
            lines = [f"{name} {listed.get(category, {}).get(name, -1):2d}\n" for name in ("001", "002")]
            (base / "ImageSets/Main" / f"{category}_{split}.txt").write_text("".join(lines))
    return tmp_path


def main_of(folder):
    return folder / "VOCdevkit/VOC2007/ImageSets/Main"


@pytest.mark.parametrize("split", ["train", "study_train"])
@pytest.mark.parametrize("below", ["", "VOCdevkit", "VOCdevkit/VOC2007"])
def test_reads_lists_and_boxes(folder, split, below):
    data = load_dataset("voc2007", split, folder / below)
    assert data.name == f"voc2007-{split}"
    assert list(data.categories) == sorted(data.categories)
    assert len(data.categories) == 20
    assert data.ids == ["001", "002"]
    found = {
        (data.ids[row], data.categories[column]): int(data.targets[row, column])
        for row, column in zip(*np.nonzero(data.targets), strict=True)
    }
    assert found == {("001", "train"): 1, ("001", "dog"): -1, ("002", "train"): -1}
    train, dog, point = data.regions(0)
    assert (train.category, train.box, train.difficult, train.mask) == ("train", (0.0, 0.0, 10.0, 8.0), False, None)
    assert train.filled(8, 10).all()  # both ends inside: the whole picture
    assert (dog.box, dog.difficult) == ((1.0, 2.0, 4.0, 5.0), True)
    assert point.filled(8, 10).sum() == 1
    assert data.image(1).shape == (8, 10, 3)


def test_without_class_lists_the_xml_says_the_same(folder):
    by_lists = load_dataset("voc2007", "train", folder).targets
    (main_of(folder) / "plain.txt").write_text("001\n002\n")
    np.testing.assert_array_equal(load_dataset("voc2007", "plain", folder).targets, by_lists)


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("dog_train.txt", "001 2\n002 1\n", "dog_train.txt, line 1: .* correct it"),
        ("dog_train.txt", "001\n002 1\n", "line 1"),
        ("dog_train.txt", "001 1\n003 1\n", "line 2: image 003 is not in train.txt"),
        ("dog_train.txt", "001 1\n", "1 lines for the 2 images"),
        ("train.txt", "001\n001\n", "lists image 001 twice"),
        ("dog_train.txt", None, "dog_train.txt is missing"),
        ("train.txt", None, 'There is no list .*train.txt. Did you mean "study_train"'),
    ],
)
def test_wrong_lists_are_one_sentence(folder, file, text, sentence):
    path = main_of(folder) / file
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(WorkbenchError, match=sentence):
        load_dataset("voc2007", "train", folder)


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><annotation><object><name>&y;</name></object></annotation>'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (BOMB.encode(), "declares a document type"),
        (BOMB.encode("utf-16"), "declares a document type"),
        (xml_of(("dog", 0, (1, 1, 2, 2))).encode()[:60], "cannot be read as an annotation file"),
        (b"", "cannot be read as an annotation file"),
        (xml_of(("dgo", 0, (1, 1, 2, 2))).encode(), 'an object "dgo". Did you mean "dog"'),
        (xml_of(("dog", 0, ("", 1, 2, 2))).encode(), "without a whole bndbox"),
        (None, "There is no annotation file"),
    ],
)
def test_wrong_xml_is_one_sentence(folder, content, sentence):
    path = folder / "VOCdevkit/VOC2007/Annotations/001.xml"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(WorkbenchError, match=sentence) as caught:
        load_dataset("voc2007", "train", folder).regions(0)
    assert "001.xml" in str(caught.value)


def test_missing_photo(folder):
    (folder / "VOCdevkit/VOC2007/JPEGImages/002.jpg").unlink()
    with pytest.raises(WorkbenchError, match=r"There is no image at .*002\.jpg"):
        load_dataset("voc2007", "train", folder).image(1)


@pytest.mark.parametrize(("split", "images", "difficult"), [("test", 4952, 619), ("study_train", 2476, 314), ("study_val", 2476, 305)])
def test_real_lists(split, images, difficult):
    data = load_dataset("voc2007", split, shared("data", "voc2007"))
    assert len(data) == images
    assert (data.targets == -1).sum() == difficult
    people = {"test": 2007, "study_train": 1003, "study_val": 1004}
    assert (data.targets[:, data.categories.index("person")] == 1).sum() == people[split]


def test_real_boxes_agree_with_the_lists():
    data = load_dataset("voc2007", "study_val", shared("data", "voc2007"))
    for index in range(0, len(data), 8):
        regions = data.regions(index)
        height, width = data.image(index).shape[:2]
        plain = {region.category for region in regions if not region.difficult}
        only_difficult = {region.category for region in regions} - plain
        expected = [1 if name in plain else -1 if name in only_difficult else 0 for name in data.categories]
        assert data.targets[index].tolist() == expected
        for region in regions:
            x0, y0, x1, y1 = region.box
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
