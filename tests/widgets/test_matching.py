"""Inspections of the same images are lined up by image id and category name, never by position."""

import numpy as np
import pytest

from tests.support.archives import make_contents, make_inspection, save_archive
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.widgets.matching import match


def shuffled_columns(contents, order):
    """The same contents with the categories in another order."""
    names = [contents.categories[column] for column in order]
    other = make_contents(len(contents.ids), names, seed=99)
    other.ids, other.images, other.sizes, other.regions = contents.ids, contents.images, contents.sizes, contents.regions
    other.targets = contents.targets[:, order]
    other.logits = {name: values[:, order] for name, values in contents.logits.items()}
    other.maps = {name: values[:, order] for name, values in contents.maps.items()}
    other.relations = {name: values[order][:, order] for name, values in contents.relations.items()}
    other.relations_each = {name: values[:, order][:, :, order] for name, values in contents.relations_each.items()}
    return other


def test_another_order_of_images_is_lined_up():
    first = make_inspection(10, name="a")
    second = make_inspection(10, name="b", model_seed=1, order=np.random.default_rng(0).permutation(10))
    matched = match([first, second])
    assert list(matched.ids) == first.ids
    for place, identifier in enumerate(matched.ids):
        there = second.position(identifier)
        np.testing.assert_array_equal(matched.members[1].logits()[place], second.logits()[there])
        np.testing.assert_array_equal(matched.members[1].shown_maps("attention", place)[1], second.shown_maps("attention", there)[1])
        assert matched.members[1].image_bytes(place) == first.image_bytes(place)


def test_another_order_of_categories_is_lined_up():
    contents = make_contents(6, 5, name="a")
    order = np.array([3, 0, 4, 1, 2])
    first, second = Inspection.of(contents), Inspection.of(shuffled_columns(contents, order))
    one, other = match({"one": first, "other": second}).members
    np.testing.assert_array_equal(one.logits("sr"), other.logits("sr"))
    np.testing.assert_array_equal(one.relations("regularisation"), other.relations("regularisation"))
    np.testing.assert_array_equal(one.relations_of("regularisation", 2), other.relations_of("regularisation", 2))
    for image in range(6):
        maps = [dict(zip(*member.shown_maps("attention", image), strict=True)) for member in (one, other)]
        for label in range(5):
            np.testing.assert_array_equal(maps[0][label], maps[1][label])
        assert [record[:2] for record in one.region_records(image)] == [record[:2] for record in other.region_records(image)]


def test_images_that_only_one_archive_holds_are_left_out():
    matched = match([make_inspection(10), make_inspection(10, model_seed=1, order=[7, 3, 5])])
    assert list(matched.ids) == ["scene-0003", "scene-0005", "scene-0007"]
    assert [member.name for member in matched.members] == ["srn (1)", "srn (2)"]
    with pytest.raises(WorkbenchError, match="not in all of the compared archives"):
        matched.position("scene-0000")


def test_other_categories_are_refused_by_name():
    with pytest.raises(WorkbenchError, match='lacks "sun" and has "moon" instead'):
        match([make_inspection(4, ["sun", "roof"]), make_inspection(4, ["moon", "roof"])])


def test_sources(tmp_path):
    path = save_archive(tmp_path / "a.safetensors", 4)
    assert match(path).first.name == match(str(path)).first.name == "srn"
    assert [member.name for member in match({"x": path, "y": make_inspection(4)}).members] == ["x", "y"]
    with pytest.raises(WorkbenchError, match="one to 4"):
        match([make_inspection(2)] * 5)
    with pytest.raises(WorkbenchError, match="one to 4"):
        match([])
    with pytest.raises(WorkbenchError, match="not a int"):
        match([3])
    first, second = make_contents(3), make_contents(3)
    second.ids = ["x", "y", "z"]
    with pytest.raises(WorkbenchError, match="no image id in common"):
        match([Inspection.of(first), Inspection.of(second)])


@pytest.mark.parametrize("threshold", [0.5, 0.3, 0.0, 1.0])
def test_the_cut_is_the_threshold_as_a_logit(threshold):
    contents = make_contents(30)
    contents.threshold = threshold
    inspection = Inspection.of(contents)
    member = match(inspection).first
    np.testing.assert_array_equal(member.logits() >= member.cut, inspection.probabilities() >= threshold)
