"""What is drawn: masks belong to the pixels, sizes agree, shapes keep to their cells, and the paper behind has no up and down."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from workbench.datasets.scenes import CATEGORIES, Knobs
from workbench.datasets.scenes.compose import compose
from workbench.datasets.scenes.draw import SPRITES, id_buffer, shown
from workbench.datasets.scenes.placing import EXTENT
from workbench.datasets.scenes.rules import ANIMALS, Thing

WILD = Knobs(scale_spread=1.0, occlusion=1.0, cooccurrence=1.0, tilt=1.0)


def scene_at(index, knobs=WILD):
    return compose(1, "val", index, knobs)


def thing_of(shape, looks=(0.5,) * 8, **changes):
    values = {"x": 0.5, "y": 0.5, "size": 0.9, "angle": 0.0, "color": (200, 90, 60), "accent": (60, 90, 200)}
    return Thing(shape, shape, looks=tuple(looks), **(values | changes))


def test_every_label_has_a_region_and_every_region_a_label():
    for index in range(300):
        scene = scene_at(index)
        assert {region.category for region in scene.regions(64)} == set(scene.labels)


def test_boxes_are_tight_and_masks_disjoint():
    for index in range(100):
        regions = scene_at(index).regions(64)
        masks = np.array([region.mask for region in regions])
        assert masks.sum(axis=0).max() <= 2  # a pixel shared half and half may count for both
        assert (masks.sum(axis=0) > 1).mean() < 0.01
        for region in regions:
            x0, y0, x1, y1 = (int(side) for side in region.box)
            assert region.mask[y0:y1, x0:x1].sum() == region.mask.sum() > 0
            assert region.mask[y0, :].any()
            assert region.mask[y1 - 1, :].any()
            assert region.mask[:, x0].any()
            assert region.mask[:, x1 - 1].any()


def test_no_labelled_thing_is_nearly_hidden():
    for index in range(300):
        scene = scene_at(index)
        ids = id_buffer(scene.things, 256)
        for position, thing in enumerate(scene.things):
            if thing.category:
                alone = (id_buffer([thing], 256) > 0).sum()
                assert (ids == position + 1).sum() > 0.25 * alone, (scene.id, thing.shape)


def test_masks_lie_where_removing_the_thing_changes_the_picture():
    knobs = Knobs(noise=0.0)
    for index in range(60):
        scene = scene_at(index, knobs)
        with_it, masks = scene.render(64).astype(int), shown(scene.things, 64)
        for position, thing in enumerate(scene.things):
            if thing.category and thing.fade == 0:
                changed = abs(with_it - scene.without(position).render(64)).max(axis=2) > 2
                assert changed[masks[position]].mean() > 0.85, (scene.id, thing.shape)


def test_any_size_shows_the_same_scene():
    for index in range(20):
        scene = scene_at(index)
        small, large = scene.render(64).astype(float), scene.render(256).astype(float)
        shrunk = large.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
        assert abs(shrunk - small).mean() < 6
        assert np.corrcoef(shrunk.ravel(), small.ravel())[0, 1] > 0.96
        for coarse, fine in zip(scene.regions(64), scene.regions(256), strict=True):
            assert coarse.category == fine.category
            shrunk_mask = fine.mask.reshape(64, 4, 64, 4).mean(axis=(1, 3)) >= 0.5
            if coarse.mask.sum() > 30:  # of thin parts a coarse mask keeps some pixels more or less
                assert (shrunk_mask & coarse.mask).sum() > 0.65 * (shrunk_mask | coarse.mask).sum()


def test_edges_are_smooth():
    disc = thing_of("disc", size=0.5)
    scene = scene_at(0, Knobs(noise=0.0))
    pixels = replace(scene, things=(disc,), noise=0.0).render(64).astype(int)
    inside = shown([disc], 64)[0]
    edge = inside & ~np.roll(inside, 1, axis=1)
    assert len(np.unique(pixels[edge], axis=0)) > 8  # many mixed colours, not two


@pytest.mark.parametrize("shape", EXTENT)
def test_shapes_keep_to_the_extent_that_placing_reserves(shape):
    rng = np.random.default_rng(0)
    half_width, half_height = EXTENT[shape]
    for _ in range(60):
        parts = SPRITES[shape](thing_of(shape, rng.random(8)))
        outline = np.concatenate([part.points for part in parts if part.outline])
        assert abs(outline[:, 0]).max() <= half_width + 0.03
        assert abs(outline[:, 1]).max() <= half_height + 0.03
        inner = np.concatenate([part.points for part in parts if not part.outline] or [outline[:1]])
        assert abs(inner).max() <= 0.5


def test_details_stay_on_the_outline():
    """Whatever is drawn without being outline must lie on it, or masks would miss painted pixels."""
    rng = np.random.default_rng(1)
    for shape in EXTENT:
        for _ in range(10):
            thing = thing_of(shape, rng.random(8))
            masks = id_buffer([thing], 200) > 0
            corners = np.concatenate([part.points for part in SPRITES[shape](thing)])
            columns, rows = (corners * thing.size * 200 + 99.5).round().astype(int).T
            grown = np.asarray(Image.fromarray(masks).convert("L").filter(ImageFilter.MaxFilter(7))) > 0
            assert grown[rows.clip(0, 199), columns.clip(0, 199)].all(), shape


def test_animals_that_look_alike_differ_in_the_ears_only():
    heads = {kind: np.asarray(id_buffer([thing_of(kind)], 200)) > 0 for kind in ANIMALS}
    for one in ANIMALS:
        for other in ANIMALS:
            if one < other:
                differs = heads[one] ^ heads[other]
                assert differs.mean() > 0.01, (one, other)
                assert not differs[150:].any()  # body and tail are the same


def test_shapes_of_relations_look_the_same_whatever_they_are_called():
    for shape, (above, below) in (("disc", ("sun", "ball")), ("diamond", ("kite", "rug")), ("puff", ("cloud", "bush"))):
        paper = thing_of(shape, (0.3,) * 8)
        parts = [SPRITES[shape](replace(paper, category=name)) for name in (above, below)]
        for one, other in zip(*parts, strict=True):
            np.testing.assert_array_equal(one.points, other.points)
            assert one.color == other.color


def test_the_backdrop_says_nothing_about_up_and_down():
    difference = []
    for index in range(800):
        tint = np.asarray(scene_at(index).backdrop.paint(32)).astype(float)
        difference.append((tint[:16] - tint[16:]).mean(axis=(0, 1)))
    difference = np.array(difference)
    assert (abs(difference.mean(axis=0)) < 4 * difference.std(axis=0) / np.sqrt(len(difference))).all()


def test_crowd_stands_above_and_below_alike():
    heights = np.array(
        [
            thing.y
            for index in range(1500)
            for thing in scene_at(index, Knobs()).things
            if CATEGORIES.groups.get(thing.category) == "look_alike"
        ]
    )
    assert abs(heights.mean() - 0.5) < 0.04
