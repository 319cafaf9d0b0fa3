"""Covers do to the pixels what they say, at every resolution, and an edit that cannot be is refused in a sentence."""

import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.widgets.edits import checked_edits, checked_list, cover_mask, covered, split

BOX = {"do": "box", "box": [0.25, 0.5, 0.75, 1.0], "fill": "mean"}
STROKE = {"do": "paint", "points": [[0.2, 0.5], [0.8, 0.5]], "radius": [0.1, 0.05], "fill": "mean"}


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(24, 32), (96, 96), (8, 8)])
def test_a_box_covers_its_share_in_the_mean_colour(height, width):
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    result = covered(pixels, [BOX])
    rows, columns = slice(height // 2, height), slice(width // 4, 3 * width // 4)
    mean = np.floor(pixels.reshape(-1, 3).astype(float).mean(0) + 0.5)
    np.testing.assert_array_equal(result[rows, columns].reshape(-1, 3), np.tile(mean, (height // 2 * (width // 2), 1)))
    outside = np.ones((height, width), dtype=bool)
    outside[rows, columns] = False
    np.testing.assert_array_equal(result[outside], pixels[outside])


def test_a_patch_is_what_lies_so_far_away(pixels):
    cover = {"do": "box", "box": [0.25, 0.0, 0.5, 0.5], "fill": "patch", "shift": [0.25, 0.5]}
    result = covered(pixels, [cover])
    np.testing.assert_array_equal(result[:12, 8:16], pixels[12:, 16:24])
    np.testing.assert_array_equal(result[12:], pixels[12:])
    beyond = covered(pixels, [{**cover, "shift": [1.0, 0.0]}])
    np.testing.assert_array_equal(beyond[:12, 8:16], np.repeat(pixels[:12, 31:], 8, axis=1))


def test_blur_keeps_the_light_and_loses_the_detail(pixels):
    whole = {"do": "box", "box": [0, 0, 1, 1], "fill": "blur"}
    result = covered(pixels, [whole])
    assert result.std() < 0.3 * pixels.std()
    assert abs(result.mean() - pixels.mean()) < 4


def test_the_brush_is_round_where_the_picture_is_shown():
    """Radius 0.1 of the width and 0.05 of the height: a picture twice as high as wide, stored as a square."""
    mask = cover_mask({**STROKE, "points": [[0.5, 0.5]]}, 200, 200)
    rows, columns = np.mgrid[0:200, 0:200]
    inside = ((columns + 0.5) / 200 - 0.5) ** 2 / 0.1**2 + ((rows + 0.5) / 200 - 0.5) ** 2 / 0.05**2 <= 1
    assert (mask ^ inside).mean() < 0.002
    line = cover_mask(STROKE, 200, 200)
    assert line[100, 25:175].all()
    assert not line[[85, 114], 100].any()
    assert not line[:, :15].any()


def test_a_cover_too_small_for_a_pixel_covers_one(pixels):
    tiny = {"do": "box", "box": [0.99, 0.99, 0.99, 0.99], "fill": "mean"}
    assert cover_mask(tiny, 24, 32).sum() == 1


def test_covers_take_their_colours_from_the_uncovered_picture(pixels):
    patch = {"do": "box", "box": [0, 0, 0.5, 0.5], "fill": "patch", "shift": [0.25, 0.5]}
    result = covered(pixels, [BOX, patch])
    np.testing.assert_array_equal(result[:12, :16], pixels[12:, 8:24], "the box below does not show in the patch")
    before = pixels.copy()
    covered(pixels, [BOX])
    np.testing.assert_array_equal(pixels, before)


def test_an_own_picture_drops_what_came_before():
    own = {"do": "picture", "key": "k", "name": "mine.png", "size": [3, 4]}
    move = {"do": "move", "thing": 2, "by": [0.1, 0]}
    assert split([move, BOX]) == (None, [move], [BOX])
    assert split([move, BOX, own, STROKE]) == (own, [], [STROKE])


def test_what_is_checked_is_json_and_stays_itself():
    own = {"do": "picture", "key": "k", "name": "mine.png", "size": [3, 4]}
    move, delete = {"do": "move", "thing": 2, "by": [0.1, 0.0]}, {"do": "delete", "thing": 0}
    edits = {"a": [BOX, STROKE, move, delete, own], "b": []}
    checked = checked_edits(edits)
    assert checked == {"a": edits["a"]}
    assert checked_edits(checked) == checked
    assert checked_list([{**BOX, "box": [0.75, 2, 0.25, 0.5], "more": 1}]) == [BOX], "corners in any order, clipped; nothing else is kept"


@pytest.mark.parametrize(
    "edit",
    [
        {"do": "bxo"},
        {"do": "box", "box": [0, 0, 1], "fill": "mean"},
        {"do": "box", "box": [0, 0, 1, float("nan")], "fill": "mean"},
        {"do": "box", "box": [0, 0, 1, 1], "fill": "gold"},
        {"do": "box", "box": [0, 0, 1, 1], "fill": "patch"},
        {"do": "paint", "points": [], "radius": [0.1, 0.1], "fill": "mean"},
        {"do": "paint", "points": 3, "radius": [0.1, 0.1], "fill": "mean"},
        {"do": "move", "thing": "duck", "by": [0, 0]},
        {"do": "picture", "key": "k", "name": "n", "size": [0, 3]},
        "box",
    ],
)
def test_an_edit_that_cannot_be_is_told(edit):
    with pytest.raises(WorkbenchError):
        checked_list([edit])


@pytest.mark.parametrize("edits", [[BOX], {"a": "box"}, {"a": [BOX] * 500}, None])
def test_edits_that_are_none_are_told(edits):
    with pytest.raises(WorkbenchError):
        checked_edits(edits)
