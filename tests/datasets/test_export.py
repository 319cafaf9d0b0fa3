"""What is written as COCO instances is read back unchanged, by pycocotools and by our own reader."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from tests.support.shared_data import shared
from workbench.categories import Categories
from workbench.datasets import MultiLabelDataset, Scenes, export_coco, load_dataset
from workbench.errors import WorkbenchError
from workbench.regions import Region


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools 2.0.11 with numpy 2.4
def test_scenes_come_back_through_pycocotools(tmp_path):
    data = Scenes("val", count=25, cache=False)
    path = export_coco(data, tmp_path)
    assert path == tmp_path / "annotations" / "instances_val.json"
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
    assert [entry["name"] for entry in coco.loadCats(coco.getCatIds())] == list(data.categories)
    for index, image_id in enumerate(coco.getImgIds()):
        regions = data.regions(index)
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=image_id))
        assert len(regions) == len(annotations)
        for region, annotation in zip(regions, annotations, strict=True):
            np.testing.assert_array_equal(coco.annToMask(annotation).astype(bool), region.mask)
            assert annotation["area"] == region.mask.sum()


def test_scenes_come_back_through_our_reader(tmp_path):
    data = Scenes("val", count=25, cache=False)
    export_coco(data, tmp_path)
    again = load_dataset("coco", "val", tmp_path)
    assert (again.ids, again.categories, again.categories.groups) == (data.ids, data.categories, data.categories.groups)
    np.testing.assert_array_equal(again.targets, data.targets)
    for index in range(len(data)):
        np.testing.assert_array_equal(again.image(index), data.image(index))
        for one, other in zip(data.regions(index), again.regions(index), strict=True):
            assert (one.category, one.box) == (other.category, other.box)
            np.testing.assert_array_equal(one.mask, other.mask)


def test_a_subset_of_real_photos_keeps_difficult_ones_and_boxes(tmp_path):
    data = load_dataset("voc2007", "study_val", shared("data", "voc2007"))
    data = data.subset(np.flatnonzero((data.targets == -1).any(axis=1))[:6])
    path = export_coco(data, tmp_path)
    assert path.name == "instances_study_val.json"
    again = load_dataset("coco", "study_val", tmp_path)
    np.testing.assert_array_equal(again.targets, data.targets)
    assert [region.box for region in again.regions(0)] == [region.box for region in data.regions(0)]


class Odd(MultiLabelDataset):
    """One image whose id and category no file could be named after."""

    name, split, ids = "odd", "val", ["../a b"]
    categories = Categories(["<img src=x onerror=alert(1)>"])

    def __init__(self, with_region=True):
        self.targets, self._with_region = np.ones((1, 1), dtype=np.int8), with_region

    def image(self, index):
        return np.zeros((4, 5, 3), dtype=np.uint8)

    def regions(self, index):
        return [Region(self.categories[0], (0.5, 0, 5, 4), crowd=True)] if self._with_region else []


def test_odd_names_are_data_not_paths(tmp_path):
    content = json.loads(export_coco(Odd(), tmp_path / "out").read_text())
    assert content["images"][0]["file_name"] == "000000000001.png"
    assert content["categories"][0]["name"] == "<img src=x onerror=alert(1)>"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert load_dataset("coco", "val", tmp_path / "out").regions(0)[0].crowd


def test_a_label_without_a_region_is_refused_and_nothing_left(tmp_path):
    with pytest.raises(WorkbenchError, match="no region"):
        export_coco(Odd(with_region=False), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not (tmp_path / "val").exists()


def test_nothing_is_overwritten(tmp_path):
    export_coco(Odd(), tmp_path)
    with pytest.raises(WorkbenchError, match="exists already"):
        export_coco(Odd(), tmp_path)
    with pytest.raises(WorkbenchError, match="cannot name a file"):
        export_coco(Odd(), tmp_path, split="../val")
