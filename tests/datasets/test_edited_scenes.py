"""Edited scenes as a data set: what is gone is gone from pixels, labels and regions, and nothing else moved."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.datasets.edited_scenes import EditedScenes, without_label
from workbench.datasets.scenes import Scenes
from workbench.errors import WorkbenchError


@pytest.fixture(scope="module")
def scene():
    scenes = Scenes("val", count=40, cooccurrence=1.0, cache=False)
    index = next(index for index in range(40) if {"pond", "duck", "reed"} <= set(scenes.scene(index).labels))
    return scenes.scene(index)


def test_a_label_is_taken_out_whole(scene):
    bare = without_label(scene, "duck")
    assert set(scene.labels) - set(bare.labels) == {"duck"}
    assert [thing for thing in scene.things if thing.category != "duck"] == list(bare.things)
    changed = (scene.render(64) != bare.render(64)).any(axis=2)
    where = np.zeros((64, 64), dtype=bool)
    for region in scene.regions(64):
        if region.category == "duck":
            x0, y0, x1, y1 = (int(edge) for edge in region.box)
            where[max(0, y0 - 3) : y1 + 3, max(0, x0 - 3) : x1 + 3] = True  # a shadow falls beside it
    assert changed.any()
    assert not (changed & ~where).any()


def test_as_a_data_set(scene):
    data = EditedScenes({"as drawn": scene, "no pond": without_label(scene, "pond")}, size=64)
    assert (len(data), data.ids) == (2, ["as drawn", "no pond"])
    pond = data.categories.index("pond")
    assert data.targets[:, pond].tolist() == [1, 0]
    np.testing.assert_array_equal(np.delete(data.targets[0], pond), np.delete(data.targets[1], pond))
    np.testing.assert_array_equal(data.pixels(64)[0], scene.render(64))
    np.testing.assert_array_equal(data.image(1), data.pixels(64)[1])
    assert data.picture(0).shape == (256, 256, 3)
    assert "pond" in {region.category for region in data.regions(0)}
    assert "pond" not in {region.category for region in data.regions(1)}


def test_what_cannot_be_taken_out_is_said(scene):
    absent = next(name for name in ("cat", "dog", "bear", "rabbit", "tree") if name not in scene.labels)
    with pytest.raises(WorkbenchError, match=f'no "{absent}" in scene {scene.id}'):
        without_label(scene, absent)
    with pytest.raises(WorkbenchError, match="house"):
        without_label(scene, "house")
    with pytest.raises(WorkbenchError, match="no scene"):
        EditedScenes({})
