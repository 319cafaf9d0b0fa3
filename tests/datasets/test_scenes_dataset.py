"""Scenes as a data set: the same everywhere, cached, and editable."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.datasets import load_dataset
from workbench.datasets.scenes import RELATIONS, SPLITS, Knobs, Scenes, cache
from workbench.datasets.scenes.compose import compose
from workbench.errors import WorkbenchError

DIGEST = """
import hashlib, json, sys
from workbench.datasets.scenes import Scenes
data = Scenes("val", count=12, seed=5, relation=0.5, cache=False)
order = json.loads(sys.argv[1])
print(json.dumps({i: hashlib.sha256(data.image(i).tobytes() + data.targets[i].tobytes()).hexdigest() for i in order}))
"""


def test_images_depend_on_seed_split_and_index_alone():
    """Not on the process, its hash seed, the number of images or the order in which they are asked for."""
    data = Scenes("val", count=40, seed=5, relation=0.5, cache=False)
    here = {str(i): hashlib.sha256(data.image(i).tobytes() + data.targets[i].tobytes()).hexdigest() for i in (11, 0, 7)}
    for hash_seed, order in (("1", [7, 0, 11]), ("2", [11, 7, 0])):
        environment = {"PYTHONHASHSEED": hash_seed, "PATH": ""}
        result = subprocess.run(
            [sys.executable, "-c", DIGEST, json.dumps(order)], capture_output=True, text=True, check=True, env=environment
        )
        assert json.loads(result.stdout) == here


def test_splits_and_seeds_have_no_image_in_common():
    seen = set()
    for seed in (0, 1):
        for split in SPLITS:
            data = Scenes(split, count=150, seed=seed, cache=False)
            images = {data.image(index).tobytes() for index in range(len(data))}
            assert len(images) == 150
            assert not images & seen
            seen |= images


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**40), index=st.integers(0, 10**6), knobs=st.builds(Knobs, *[st.floats(0, 1) for _ in range(8)]))
def test_any_knobs_give_a_scene_with_a_region_for_each_label(seed, index, knobs):
    scene = compose(seed, "train", index, knobs)
    assert scene == compose(seed, "train", index, knobs)
    assert {region.category for region in scene.regions(64)} == set(scene.labels)
    assert scene.render(48).shape == (48, 48, 3)


def test_shapes_and_types():
    data = load_dataset("scenes", "val", count=6, size=80, cache=False)
    assert data.name == "scenes-val"
    assert data.targets.dtype == np.int8
    assert data.targets.shape == (6, len(data.categories))
    assert set(np.unique(data.targets)) <= {0, 1}
    assert data.image(2).shape == (80, 80, 3)
    assert data.picture(2).shape == (320, 320, 3)
    assert data.pixels(80).shape == (6, 80, 80, 3)
    assert data.pixels(40).shape == (6, 40, 40, 3)
    np.testing.assert_array_equal(data.pixels(80)[2], data.image(2))
    assert len(set(data.ids)) == 6
    assert Scenes("val", count={"train": 3, "val": 4}, cache=False).targets.shape[0] == 4


def test_pixels_come_back_from_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.datasets.scenes.dataset.WORTH_STORING", 5)
    first = Scenes("train", count=8, cache=tmp_path)
    pixels = first.pixels(64)
    (file,) = tmp_path.iterdir()
    assert file.suffix == ".npz"
    monkeypatch.setattr("workbench.datasets.scenes.dataset.compose", None)  # nothing may be drawn any more
    again = Scenes("train", count=8, cache=tmp_path)
    np.testing.assert_array_equal(again.pixels(64), pixels)
    np.testing.assert_array_equal(again.targets, first.targets)
    np.testing.assert_array_equal(again.image(3), first.image(3))


def test_a_damaged_or_foreign_cache_is_drawn_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.datasets.scenes.dataset.WORTH_STORING", 5)
    pixels = Scenes("train", count=8, cache=tmp_path).pixels(64)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"PK nonsense"):
        file.write_bytes(content)
        np.testing.assert_array_equal(Scenes("train", count=8, cache=tmp_path).pixels(64), pixels)
    assert file.read_bytes()[:2] == b"PK"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]  # no temporary files left


def test_every_knob_has_a_cache_of_its_own(tmp_path):
    files = {Scenes("val", count=3, cache=tmp_path)._file}
    for change in ({"seed": 1}, {"size": 32}, {"count": 4}, *({name: 0.123} for name in Knobs.__dataclass_fields__)):
        files.add(Scenes("val", **({"count": 3} | change), cache=tmp_path)._file)
    assert len(files) == 4 + len(Knobs.__dataclass_fields__)


def test_the_cache_folder_follows_xdg_and_may_be_unwritable(tmp_path, monkeypatch):
    monkeypatch.delenv("WORKBENCH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default_folder() == tmp_path / "workbench" / "scenes"
    monkeypatch.setattr("workbench.datasets.scenes.dataset.WORTH_STORING", 1)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert Scenes("val", count=2, cache=blocked / "below").pixels(64).shape == (2, 64, 64, 3)


def test_old_files_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LIMIT", 40_000)
    pixels, targets = np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 2), np.int8)
    for number in range(6):
        cache.write(tmp_path / f"{number}.npz", pixels, targets)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert "5.npz" in left
    assert len(left) == 3


@pytest.mark.parametrize("bad", [{"count": 0}, {"size": 8}, {"seed": -1}, {"count": 2.5}, {"count": {"vall": 3}}])
def test_bad_numbers_are_refused(bad):
    with pytest.raises(WorkbenchError):
        Scenes("train", cache=False, **bad)
    with pytest.raises(WorkbenchError, match="images 0 to 1"):
        Scenes("train", count=2, cache=False).scene(2)


def find(shape, data):
    for index in range(len(data)):
        scene = data.scene(index)
        for position, thing in enumerate(scene.things):
            if thing.shape == shape:
                return scene, position
    raise AssertionError(shape)


def test_a_sun_moved_below_the_street_is_a_ball():
    data = Scenes("train", count=200, cache=False, tilt=0.0)
    for shape, names in RELATIONS.items():
        scene, position = find(shape, data)
        thing = scene.things[position]
        street = next(other for other in scene.things if other.shape == "house")
        up = scene.moved(position, 0, street.y - 0.25 - thing.y)
        down = scene.moved(position, 0, street.y + 0.25 - thing.y)
        between = scene.moved(position, 0, street.y - thing.y)
        assert (up.things[position].category, down.things[position].category) == names
        assert between.things[position].category == ""
        assert scene.things[position] == thing  # the first scene is as it was
        assert not (up.render(64) == down.render(64)).all()


def test_without_houses_nothing_is_above_or_below():
    scene, position = find("disc", Scenes("train", count=200, cache=False))
    name = scene.things[position].category
    gone = scene.without(position)
    assert name not in gone.labels
    assert len(gone.things) == len(scene.things) - 1
    while any(thing.shape == "house" for thing in scene.things):
        scene = scene.without(next(k for k, thing in enumerate(scene.things) if thing.shape == "house"))
    assert name not in scene.labels
    assert "house" not in scene.labels


def test_a_name_given_by_a_coin_stays_when_the_thing_is_moved():
    scene, position = find("disc", Scenes("train", count=200, cache=False, relation=0.0))
    name = scene.things[position].category
    assert {scene.moved(position, 0, dy).things[position].category for dy in (-0.5, -0.2, 0.2, 0.5)} == {name}


def test_editing_what_is_not_there():
    scene = Scenes("train", count=1, cache=False).scene(0)
    for edit in (lambda: scene.moved(99, 0, 0), lambda: scene.without(-1)):
        with pytest.raises(WorkbenchError, match="has things 0 to"):
            edit()
