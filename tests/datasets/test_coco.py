"""COCO instances: what is read, and each way in which a file can be wrong."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.support.shared_data import shared
from workbench.datasets import CocoDataset, load_dataset
from workbench.errors import DataWarning, WorkbenchError


def small():
    """Two pictures of 8 x 6; the categories out of order; a polygon, a crowd of run lengths, a box, a difficult one; one picture empty."""
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "height": 6, "width": 8},
            {"id": 3, "file_name": "b.png", "height": 6, "width": 8},
        ],
        "categories": [
            {"id": 9, "name": "zebra", "supercategory": "animal"},
            {"id": 2, "name": "<img src=x onerror=alert(1)>"},
            {"id": 4, "name": "cup", "supercategory": "kitchen"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 9, "bbox": [1, 1, 4, 3], "iscrowd": 0, "segmentation": [[1, 1, 5, 1, 5, 4, 1, 4]]},
            {"id": 2, "image_id": 7, "category_id": 2, "iscrowd": 1, "segmentation": {"size": [6, 8], "counts": [6, 6, 36]}},
            {"id": 3, "image_id": 7, "category_id": 4, "bbox": [0, 0, 8, 6], "difficult": 1},
        ],
    }


def written(folder, content=None):
    content = small() if content is None else content
    (folder / "annotations").mkdir()
    (folder / "mini").mkdir()
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "annotations" / "instances_mini.json").write_text(text)
    for name in ("a", "b"):
        Image.new("RGB", (8, 6), (10, 20, 30)).save(folder / "mini" / f"{name}.png")
    return folder


def test_reads_targets_and_regions(tmp_path):
    data = load_dataset("coco", "mini", written(tmp_path))
    assert list(data.categories) == ["<img src=x onerror=alert(1)>", "cup", "zebra"]
    assert data.categories.groups == {"cup": "kitchen", "zebra": "animal"}
    assert data.ids == ["a", "b"]
    assert data.targets.tolist() == [[1, -1, 1], [0, 0, 0]]
    assert data.image(0).shape == (6, 8, 3)
    zebra, crowd, cup = data.regions(0)
    assert (zebra.category, zebra.box, zebra.crowd) == ("zebra", (1.0, 1.0, 5.0, 4.0), False)
    expected = np.zeros((6, 8), dtype=bool)
    expected[1:4, 1:5] = True
    np.testing.assert_array_equal(zebra.mask, expected)
    assert crowd.crowd
    assert crowd.box == (1.0, 0.0, 2.0, 6.0)  # the second column, found from the mask
    assert (cup.mask, cup.difficult) == (None, True)
    assert data.regions(1) == []


def test_ids_fall_back_where_file_names_repeat(tmp_path):
    content = small()
    content["images"][1]["file_name"] = "other/a.png"
    assert load_dataset("coco", "mini", written(tmp_path, content)).ids == ["7", "3"]


def change(path, value):
    content = small()
    *steps, last = path
    place = content
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (json.dumps(small())[:-30], "not whole JSON"),
        ("", "not whole JSON"),
        ("[1, 2]", "holds a list where an object belongs"),
        ("[" * 100_000, "not whole JSON"),
        (change(["categories"], None), "lists no categories"),
        (change(["categories"], []), "lists no categories"),
        (change(["images"], None), 'no list "images"'),
        (change(["annotations"], {"a": 1}), 'no list "annotations"'),
        (change(["categories", 1, "name"], "zebra"), '"zebra" is listed twice'),
        (change(["categories", 1, "id"], 9), "category id 9 is listed twice"),
        (change(["categories", 1, "name"], None), "lacks an id or a name"),
        (change(["images", 1, "id"], 7), "image id 7 is listed twice"),
        (change(["images", 0, "file_name"], None), "lacks an id or a file name"),
        (change(["images", 0, "file_name"], "../../secret.png"), "leads out of .*, where no file has that name"),
        (change(["annotations", 0, "category_id"], 77), "category_id 77, which is not listed"),
        (change(["annotations", 0, "image_id"], [7]), r"image_id \[7\], which is not listed"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, content, sentence):
    with pytest.raises(WorkbenchError, match=sentence) as caught:
        CocoDataset(written(tmp_path, content), "mini")
    assert "instances_mini.json" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (change(["annotations", 0, "bbox"], [1, 2]), "bbox that is not four numbers"),
        (change(["annotations", 0, "segmentation"], [[1, 2, 3]]), "cannot be decoded"),
        (change(["annotations", 1, "segmentation"], {"size": [2, 2], "counts": [2, 2]}), "mask of 2 x 2 pixels in an image of 8 x 6"),
        (change(["annotations", 2, "bbox"], [-1, -1, -1, -1]), "impossible bbox"),
        (change(["images", 0, "width"], 9), "mask of 8 x 6 pixels in an image of 9 x 6"),
    ],
)
def test_a_wrong_region_is_left_out_and_said_and_the_labels_stay(tmp_path, content, sentence):
    data = CocoDataset(written(tmp_path, content), "mini")
    with pytest.warns(DataWarning, match=sentence):
        regions = data.regions(0)
    assert len(regions) == (0 if "9 x 6" in sentence else 2)
    assert data.targets.tolist() == [[1, -1, 1], [0, 0, 0]]
    assert len(data.regions(0)) == len(regions)  # said once


@pytest.mark.parametrize("sides", [(None, None), (-1, -1), (0, 0), ("8", "6"), (8.0, 6.0), (8.5, 6)])
def test_labels_need_no_sizes(tmp_path, sides):
    content = small()
    for image in content["images"]:
        image["width"], image["height"] = sides
    for annotation in content["annotations"]:
        annotation.pop("bbox", None)
        annotation.pop("segmentation", None)
    data = CocoDataset(written(tmp_path, content), "mini")
    assert data.targets.tolist() == [[1, -1, 1], [0, 0, 0]]
    assert data.regions(0) == []
    assert data.image(0).shape == (6, 8, 3)


def test_without_sizes_boxes_are_in_pixels_of_the_picture(tmp_path):
    content = small()
    del content["images"][0]["width"], content["images"][0]["height"]
    data = CocoDataset(written(tmp_path, content), "mini")
    assert data.regions(0)[0].box == (1.0, 1.0, 5.0, 4.0)


@pytest.mark.parametrize(
    "convert", [str, float, lambda value: f"{value}.jpg" if value in (7, 3) else str(value)], ids=["text", "float", "names"]
)
def test_ids_of_other_kinds(tmp_path, convert):
    content = small()
    for image in content["images"]:
        image["id"] = convert(image["id"])
    for category in content["categories"]:
        category["id"] = convert(category["id"])
    for annotation in content["annotations"]:
        annotation["image_id"] = convert(annotation["image_id"])
    data = CocoDataset(written(tmp_path, content), "mini")  # category_id is a number still
    assert data.targets.tolist() == [[1, -1, 1], [0, 0, 0]]
    assert len(data.regions(0)) == 3


def test_missing_pictures_are_counted_at_opening(tmp_path):
    written(tmp_path)
    (tmp_path / "mini" / "a.png").unlink()
    with pytest.warns(DataWarning, match=r"1 pictures are not in .*mini, such as a\.png; labels can be used"):
        CocoDataset(tmp_path, "mini")
    with pytest.warns(DataWarning, match="2 pictures are not in .* images="):
        CocoDataset(tmp_path, "mini", images=tmp_path / "elsewhere")


def test_missing_files_and_other_sizes(tmp_path):
    with pytest.raises(WorkbenchError, match=r"no annotation file at .*instances_mini\.json"):
        CocoDataset(tmp_path, "mini")
    data = CocoDataset(written(tmp_path), "mini")
    (tmp_path / "mini" / "a.png").unlink()
    with pytest.raises(WorkbenchError, match=r"There is no image at .*a\.png"):
        data.image(0)
    with pytest.raises(WorkbenchError, match=r"a\.png"):
        data.pixels(4)
    Image.new("RGB", (9, 6)).save(tmp_path / "mini" / "b.png")
    assert data.image(1).shape == (6, 9, 3)
    assert data.regions(1) == []


@pytest.mark.parametrize(("split", "images", "annotations", "empty_masks"), [("train2017", 367, 3106, 3), ("val2017", 182, 1654, 0)])
def test_real_photos(split, images, annotations, empty_masks):
    data = load_dataset("coco", split, shared("data", "coco"))
    assert len(data) == images
    assert len(data.categories) == 80
    assert list(data.categories[:3]) == ["person", "bicycle", "car"]
    regions = [data.regions(index) for index in range(len(data))]
    assert sum(map(len, regions)) == annotations
    assert sum(not region.mask.any() for found in regions for region in found) == empty_masks
    for index in range(0, images, 9):
        height, width = data.image(index).shape[:2]
        for region in regions[index]:
            assert region.mask.shape == (height, width)
            x0, y0, x1, y1 = region.box
            assert 0 <= x0 < x1 <= width + 0.01
            assert 0 <= y0 < y1 <= height + 0.01
            grown = region.mask[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].sum()
            assert grown >= 0.99 * region.mask.sum()
    with np.load(shared("data", "labels", "coco2014_labels.npz"), allow_pickle=False) as table:
        rows = {name.split("_")[-1].removesuffix(".jpg"): row for row, name in enumerate(table["names"])}
        known = [(index, rows[name]) for index, name in enumerate(data.ids) if name in rows]
        assert len(known) == (362 if split == "train2017" else 182)
        ours, theirs = zip(*known, strict=True)
        np.testing.assert_array_equal(data.targets[list(ours)], table["labels"][list(theirs)])
