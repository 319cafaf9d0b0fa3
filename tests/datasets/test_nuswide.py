"""NUS-WIDE: the official lists, the common CSV, and each way in which they can be wrong."""

import shutil

import numpy as np
import pytest

from tests.support.miniatures import make_miniature
from workbench.datasets import load_dataset
from workbench.errors import WorkbenchError


def labels_of(data, row):
    return {data.categories[column] for column in np.flatnonzero(data.targets[row] == 1)}


@pytest.fixture
def lists(tmp_path):
    return make_miniature("nuswide", tmp_path)


def test_a_hand_written_split_of_three(tmp_path):
    for path, text in {
        "ImageList/TrainImagelist.txt": "sea\\1_a.jpg\r\nsea\\2_b.jpg\r\nman\\3_c.jpg\r\n",
        "Concepts81.txt": "fish\nperson\n",
        "GroundTruth/TrainTestLabels/Labels_fish_Train.txt": "1\n0\n0\n",
        "GroundTruth/TrainTestLabels/Labels_person_Train.txt": "0\n0\n1\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text.encode())
    data = load_dataset("nuswide", "train", tmp_path)
    assert data.ids == ["sea/1_a", "sea/2_b", "man/3_c"]
    assert list(data.categories) == ["fish", "person"]
    assert data.targets.tolist() == [[1, 0], [0, 0], [0, 1]]
    labelled = load_dataset("nuswide", "train", tmp_path, only_labelled=True)
    assert labelled.ids == ["sea/1_a", "man/3_c"]
    assert labelled.name == "nuswide-train-labelled"


@pytest.mark.parametrize("split", ["train", "test"])
def test_labels_of_all_pictures_say_the_same_as_those_of_the_split(lists, split):
    """AllLabels follows Imagelist.txt, which is in another order than the split's list."""
    by_split = load_dataset("nuswide", split, lists)
    shutil.rmtree(lists / "Groundtruth" / "TrainTestLabels")
    by_all = load_dataset("nuswide", split, lists)
    assert by_all.ids == by_split.ids
    np.testing.assert_array_equal(by_all.targets, by_split.targets)
    assert by_all.targets.sum() > 10


def test_the_csv_says_the_same_as_the_lists(lists, tmp_path_factory):
    table = make_miniature("nuswide-table", tmp_path_factory.mktemp("table"))
    for split, of_lists in (("train", "train"), ("val", "test")):
        ours, official = load_dataset("nuswide", split, table), load_dataset("nuswide", of_lists, lists)
        np.testing.assert_array_equal(ours.targets, official.targets)
        assert list(ours.categories) == list(official.categories)
        np.testing.assert_array_equal(ours.image(0), official.image(0))


def test_pictures_may_lie_flat(lists):
    data = load_dataset("nuswide", "train", lists)
    before = data.image(1)
    (lists / "images").mkdir()
    for path in (lists / "Flickr").rglob("*.jpg"):
        path.rename(lists / "images" / path.name)
    np.testing.assert_array_equal(data.image(1), before)
    (lists / "images" / f"{data.ids[1].split('/')[1]}.jpg").unlink()
    with pytest.raises(WorkbenchError, match="There is no image at"):
        data.image(1)


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("Groundtruth/TrainTestLabels/Labels_sky_Train.txt", "1\n0\n", "2 lines for the 16 pictures"),
        ("Groundtruth/TrainTestLabels/Labels_sky_Train.txt", "\n1\n2\n", 'line 3: "2" is neither 0 nor 1'),
        ("Groundtruth/TrainTestLabels/Labels_sky_Train.txt", None, "There is no file .*Labels_sky_Train.txt"),
        ("ConceptsList/Concepts81.txt", "sky\nsky\n", '"sky" is listed twice'),
        ("ConceptsList/Concepts81.txt", "", "category list is empty"),
        ("ConceptsList/Concepts81.txt", "../../x\n", "leads out of"),
        ("ConceptsList/Concepts81.txt", None, "There is no ConceptsList/Concepts81.txt"),
        ("ImageList/TrainImagelist.txt", "a\\1.jpg\na\\1.jpg\n", "lists a/1.jpg twice"),
        ("ImageList/TrainImagelist.txt", "a\\1.jpg\n\n..\\..\\1.jpg\n", "line 3 has the file name"),
        ("ImageList/TrainImagelist.txt", b"\xff\xfe", "not a text file"),
    ],
)
def test_wrong_lists_are_one_sentence(lists, file, text, sentence):
    path = lists / file
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WorkbenchError, match=sentence):
        load_dataset("nuswide", "train", lists)


def test_unknown_split_of_the_lists(lists):
    with pytest.raises(WorkbenchError, match=r'no split "val". Known names: train, test'):
        load_dataset("nuswide", "val", lists)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("filepath,label\na.jpg,['sky']\n", 'no column "split_name"'),
        ("filepath;label;split_name\n", "delimiter=';'"),
        ("filepath,label,split_name\na.jpg,['sky'],train\na.jpg,['sky'],train\n", "line 3: a.jpg is in line 2 already"),
        ("filepath,label,split_name\na.jpg,sky,train\n", "line 2: the label 'sky' is not a list"),
        (
            "filepath,label,split_name\na.jpg,\"['sky', 'cloud']\",train\n",
            'line 2: "cloud" is not one of the 81 concepts. Did you mean "clouds"',
        ),
        ("filepath,label,split_name\na.jpg,['sky', 'sun'],train\n", "line 2: 4 cells for 3 columns"),
        ("filepath,label,split_name\n/etc/passwd,['sky'],train\n", "leads out of"),
        ("filepath,label,split_name\na.jpg,['sky'],val\n", 'no row of the split "train".'),
        ("", "no header"),
        (None, "There is no file"),
    ],
)
def test_a_wrong_csv_is_one_sentence(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "nus_wid_data.csv").write_text(text)
    with pytest.raises(WorkbenchError, match=sentence):
        load_dataset("nuswide", "train", tmp_path)
