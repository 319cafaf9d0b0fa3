"""What all data sets share: subsets, pixels in memory, names and errors."""

import subprocess
import sys

import numpy as np
import pytest

import workbench.datasets
from workbench.categories import Categories
from workbench.datasets import MultiLabelDataset, load_dataset
from workbench.errors import WorkbenchError
from workbench.regions import Region


class Ramps(MultiLabelDataset):
    """Image i is 4 x 6 pixels of value i; counts how often it is read."""

    def __init__(self, count=5):
        self.name, self.categories = "ramps", Categories(["odd", "even"])
        self.ids = [f"r{index}" for index in range(count)]
        self.targets = np.array([[index % 2, 1 - index % 2] for index in range(count)], dtype=np.int8)
        self.reads = 0

    def image(self, index):
        self.reads += 1
        return np.full((4, 6, 3), index, dtype=np.uint8)

    def regions(self, index):
        return [Region("odd", (0, 0, index, index))]


def test_pixels_are_read_once_and_cannot_be_written():
    data = Ramps()
    pixels = data.pixels(3)
    assert pixels.shape == (5, 3, 3, 3)
    assert pixels[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert data.pixels(3) is pixels
    assert data.reads == 5
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 0


def test_a_subset_reads_only_its_own_images():
    data = Ramps()
    part = data.subset([3, 1])
    assert (len(part), part.ids, part.targets.tolist()) == (2, ["r3", "r1"], [[1, 0], [1, 0]])
    assert part.image(0)[0, 0, 0] == 3
    assert part.picture(1)[0, 0, 0] == 1
    assert part.regions(0)[0].box == (0, 0, 3, 3)
    data.reads = 0
    assert part.pixels(2)[:, 0, 0, 0].tolist() == [3, 1]
    assert data.reads == 2
    assert part.subset([1]).ids == ["r1"]


def test_a_subset_takes_pixels_that_are_there():
    data = Ramps()
    data.pixels(2)
    data.reads = 0
    assert data.subset([4]).pixels(2)[0, 0, 0, 0] == 4
    assert data.reads == 0


@pytest.mark.parametrize("indices", [[5], [-1], [1, 1]])
def test_bad_subsets_are_refused(indices):
    with pytest.raises(WorkbenchError, match="ramps"):
        Ramps().subset(indices)


@pytest.mark.parametrize(
    ("name", "split", "options", "sentence"),
    [
        ("scene", "train", {}, 'There is no data set "scene". Did you mean "scenes"'),
        ("scenes", "vall", {}, 'no split "vall". Did you mean "val"'),
        ("scenes", "val", {"lookalike": 1}, 'no option "lookalike". Did you mean "look_alike"'),
        ("scenes", "val", {"root": "here"}, "leave out the root"),
        ("voc2007", "test", {"root": "nowhere"}, "There is no VOC folder at nowhere"),
        ("voc2012", "val", {}, "data/voc2012; put VOCdevkit/VOC2012 there"),
        ("coco2017", "val", {"root": "nowhere"}, "instances_val2017.json"),
    ],
)
def test_load_dataset_says_what_is_wrong(name, split, options, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkbenchError) as caught:
        load_dataset(name, split, **options)
    assert sentence in str(caught.value).replace("\\", "/")


def test_every_public_name_is_there():
    for name in workbench.datasets.__all__:
        assert getattr(workbench.datasets, name) is not None
    with pytest.raises(AttributeError):
        _ = workbench.datasets.nothing


def test_nothing_heavy_is_imported():
    code = (
        "import sys, workbench.datasets as d; d.load_dataset('scenes', 'val', count=2, cache=False).pixels(32);"
        "print([m for m in ('torch', 'pycocotools', 'sklearn') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
