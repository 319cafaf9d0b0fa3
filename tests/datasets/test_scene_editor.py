"""Objects of a scene by their numbers: moved, deleted, and named by the rules of the scenes."""

import json

import numpy as np
import pytest

from tests.support.squares import Squares
from workbench.datasets.scene_editor import SceneEditor, origin_of
from workbench.datasets.scenes import RELATION_LABELS, Scenes
from workbench.errors import WorkbenchError


@pytest.fixture(scope="module")
def scenes():
    return Scenes("val", count=20, size=32, seed=3, terraces=0.0, cache=False)


def test_without_edits_it_is_the_image(scenes):
    edited = SceneEditor(scenes)(scenes.ids[7])
    np.testing.assert_array_equal(edited.render(32), scenes.image(7))
    assert edited.labels == scenes.scene(7).labels


def test_things_lie_where_their_regions_lie(scenes):
    editor = SceneEditor(scenes)
    for identifier, index in ((scenes.ids[index], index) for index in range(20)):
        things = editor(identifier).things()
        named = [thing for thing in things if thing["name"] in scenes.categories]
        regions = scenes.scene(index).regions(128)
        assert [thing["name"] for thing in named] == [region.category for region in regions]
        for thing, region in zip(named, regions, strict=True):
            np.testing.assert_allclose(np.array(thing["box"]) * 128, region.box)


def test_a_thing_keeps_its_number(scenes):
    editor = SceneEditor(scenes)
    identifier = scenes.ids[next(index for index in range(20) if len(editor(scenes.ids[index]).things()) > 3)]
    numbers = [thing["thing"] for thing in editor(identifier).things()]
    first, last = numbers[0], numbers[-1]
    after = editor(identifier, [{"do": "delete", "thing": first}, {"do": "move", "thing": last, "by": [0.0, 0.0]}])
    left = [thing["thing"] for thing in after.things()]
    assert first not in left
    assert last in left
    with pytest.raises(WorkbenchError, match="any more"):
        editor(identifier, [{"do": "delete", "thing": first}] * 2)


def test_what_follows_from_a_place_follows_it(scenes):
    editor = SceneEditor(scenes)
    seen = set()
    for identifier in scenes.ids:
        for thing in editor(identifier).things():
            if thing["name"] not in RELATION_LABELS:
                continue
            moved = editor(
                identifier,
                [{"do": "move", "thing": thing["thing"], "by": [0.0, 2.0 if thing["name"] in ("sun", "kite", "cloud") else -2.0]}],
            )
            seen |= set(moved.labels) - set(editor(identifier).labels)
    assert seen & set(RELATION_LABELS), "far below the roofs a sun is a ball"


def test_an_archive_remembers_how_its_scenes_were_drawn(scenes):
    origin = json.loads(json.dumps(origin_of(scenes.subset([4, 2]))))
    again = SceneEditor.from_origin(origin)
    np.testing.assert_array_equal(again(scenes.ids[4]).render(32), scenes.image(4))
    assert origin_of(Squares(3)) == {}


def test_what_is_not_there_is_told(scenes):
    with pytest.raises(WorkbenchError, match="no data set of drawn scenes"):
        SceneEditor(Squares(3))
    with pytest.raises(WorkbenchError, match="has no image"):
        SceneEditor(scenes)("val-999999")
    for origin in ({}, {"scenes": {"split": "val"}}, {"scenes": 3}):
        with pytest.raises(WorkbenchError, match="does not say how its scenes were drawn"):
            SceneEditor.from_origin(origin)
