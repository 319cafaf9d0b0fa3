"""Apparel pictures: labels from folder names, and a split that is stated and stays."""

import hashlib

import pytest

from tests.support.miniatures import make_miniature
from workbench.datasets import load_dataset
from workbench.errors import WorkbenchError


@pytest.fixture
def root(tmp_path):
    return make_miniature("apparel", tmp_path)


def test_every_picture_has_its_colour_and_its_garment(root):
    data = load_dataset("apparel", "all", root)
    assert list(data.categories) == ["black", "blue", "brown", "green", "red", "white", "dress", "pants", "shirt", "shoes", "shorts"]
    assert len(data) == 35
    for row, identifier in enumerate(data.ids):
        words = {data.categories[column] for column in data.targets[row].nonzero()[0]}
        assert words == set(identifier.split("/")[0].split("_"))
    assert data.image(0).shape == (80, 60, 3)


def test_the_split_is_the_one_that_is_stated(root):
    everything = load_dataset("apparel", "all", root).ids
    train, test = load_dataset("apparel", "train", root).ids, load_dataset("apparel", "test", root).ids
    assert sorted(train + test) == sorted(everything)
    assert train
    assert test
    for identifier in everything:
        digest = hashlib.sha256(f"0/{identifier}".encode()).digest()
        assert (identifier in train) == (int.from_bytes(digest[:8], "big") < 0.8 * 2**64)
    (root / train[0]).unlink()
    assert load_dataset("apparel", "train", root).ids == train[1:]
    assert load_dataset("apparel", "test", root, seed=1).ids != test
    assert len(load_dataset("apparel", "train", root, share=0.3)) < len(train) - 5


def test_the_archive_may_have_a_folder_of_its_own(root, tmp_path_factory):
    outer = tmp_path_factory.mktemp("outer")
    root.rename(outer / "dataset")
    assert len(load_dataset("apparel", "all", outer)) == 35


@pytest.mark.parametrize(
    ("options", "sentence"), [({"share": 1.0}, "share of 1.0"), ({"split": "val"}, 'no split "val"'), ({"speed": 3}, 'no option "speed"')]
)
def test_wrong_options_are_one_sentence(root, options, sentence):
    with pytest.raises(WorkbenchError, match=sentence):
        load_dataset("apparel", **{"split": "train", "root": root, **options})


def test_wrong_folders_are_one_sentence(root, tmp_path_factory):
    (root / "blak_dress").mkdir()
    with pytest.raises(WorkbenchError, match=r'blak_dress is not named .* Did you mean "black_dress"'):
        load_dataset("apparel", "train", root)
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(WorkbenchError, match="no folders such as black_dress"):
        load_dataset("apparel", "train", empty)
    (empty / "red_dress").mkdir()
    with pytest.raises(WorkbenchError, match="has no picture"):
        load_dataset("apparel", "train", empty)
    with pytest.raises(WorkbenchError, match="There is no folder"):
        load_dataset("apparel", "train", empty / "nowhere")
