"""Points of one or two models lined up, the view on them, and what the browser gets."""

import json

import numpy as np
import pytest

from tests.support.archives import make_contents, make_inspection
from tests.support.embedded import embed, make_embedded
from workbench.errors import WorkbenchError
from workbench.inspection import Embeddings, Inspection
from workbench.metrics.centres import centre_distances
from workbench.widgets.points import line_up
from workbench.widgets.points_payload import coordinates, points_description, points_tables
from workbench.widgets.points_view import checked_points, opening_points


def unpacked(packet):
    return {
        name: np.frombuffer(packet["data"], dtype, int(np.prod(shape)), offset).reshape(shape)
        for name, dtype, shape, offset in packet["layout"]
    }


def with_umap_alone(inspection):
    return inspection.with_embeddings(Embeddings({"umap": np.zeros((1, len(inspection.features()[1]), 2), dtype=np.float32)}, [{}]))


def test_points_are_matched_by_image_and_category():
    first = make_embedded(20, 5)
    second = make_embedded(20, 5, model_seed=1, order=np.random.default_rng(2).permutation(20))
    points = line_up({"a": first, "b": second})
    for point in (0, 7, len(points) - 1):
        image, label = points.pair(point)
        for archive, model in zip((first, second), points.models, strict=True):
            values, pairs = archive.features()
            place, column = archive.position(image), archive.categories.index(label)
            [row] = np.flatnonzero((pairs == [place, column]).all(axis=1))
            np.testing.assert_array_equal(model.coordinates("pca", 2)[point], archive.embeddings().points["pca"][2, row])
            assert model.probability[point] == pytest.approx(archive.probabilities()[place, column], abs=1e-6)
            expected = centre_distances(values, pairs[:, 1], 5)
            assert model.numbers()["margin"][point] == pytest.approx(expected.nearest[row] - expected.own[row], abs=1e-5)
    states = points.models[1].states[points.pairs[:, 0], points.pairs[:, 1]]
    assert set(states) <= {0, 2}, "present labels are found or missed"


def test_only_common_pairs_are_shown():
    contents = make_contents(10, 4, regions=False)
    half = embed(make_contents(10, 4, regions=False, order=[1, 3, 5, 7, 9]), model_seed=1)
    points = line_up([Inspection.of(embed(contents)), Inspection.of(half)])
    assert {points.pair(point)[0] for point in range(len(points))} <= {f"scene-{number:04d}" for number in (1, 3, 5, 7, 9)}
    assert len(points) == points.stored == int((half.targets == 1).sum())


def test_more_points_than_wanted_are_sampled_and_said():
    inspection = make_embedded(60, 6)
    points = line_up(inspection, most=50)
    again = line_up(inspection, most=50)
    whole = line_up(inspection)
    assert len(points) == 50
    assert points.stored == len(whole)
    np.testing.assert_array_equal(points.pairs, again.pairs)
    assert points_description(points)["stored"] == len(whole)
    own = {whole.pair(point): value for point, value in enumerate(whole.models[0].centres.own)}
    assert points.models[0].centres.own[3] == own[points.pair(3)], "the centres are those of all stored points"


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        (lambda: make_inspection(4), "holds no points of class features"),
        (lambda: [make_embedded(4)] * 3, "at most 2 models"),
        (lambda: [make_embedded(8), with_umap_alone(make_embedded(8, model_seed=1))], "no projection in common: srn .* has pca, tsne"),
    ],
)
def test_what_cannot_be_shown_is_refused(sources, sentence):
    with pytest.raises(WorkbenchError, match=sentence):
        line_up(sources())


def test_points_that_are_no_numbers_are_refused():
    contents = embed(make_contents(6, 3, regions=False))
    contents.embeddings.points["pca"][1, 2] = np.nan
    with pytest.raises(WorkbenchError, match='"pca" of srn holds values that are no numbers'):
        line_up(Inspection.of(contents))


def test_the_browser_gets_what_numpy_has():
    points = line_up({"a": make_embedded(30, 5), "b": make_embedded(30, 5, model_seed=1)})
    tables = unpacked(points_tables(points))
    np.testing.assert_array_equal(tables["pairs"], points.pairs)
    np.testing.assert_array_equal(tables["number.1.margin"], points.models[1].numbers()["margin"])
    np.testing.assert_array_equal(tables["states.0"], points.models[0].states)
    description = points_description(points)
    assert json.loads(json.dumps(description, allow_nan=False)) == description
    for projection in description["projections"]:
        steps = unpacked(coordinates(points, projection["name"]))
        for place, model in enumerate(points.models):
            x0, y0, x1, y1 = projection["extents"][place]
            shown = steps[f"points.{place}"] / 65535 * [x1 - x0, y1 - y0] + [x0, y0]
            for epoch in range(4):
                np.testing.assert_allclose(shown[epoch], model.coordinates(projection["name"], epoch), atol=(x1 - x0 + y1 - y0) / 65535)
    by_category = description["models"][0]["epochs"][2]["by_category"]["intra"]
    np.testing.assert_allclose(by_category, points.models[0].by_category("intra", 2))


def test_the_first_view_shows_the_most_confused_category_at_the_last_epoch():
    points = line_up(make_embedded(60, 6))
    view = opening_points(points, {})
    margin, labels = points.models[0].numbers()["margin"], points.pairs[:, 1]
    means = [margin[labels == label].mean() for label in range(6)]
    assert view["category"] == view["label"] == points.matched.categories[int(np.argmin(means))]
    assert (view["epoch"], view["projection"], view["sort"]) == (3, "pca", "margin")
    assert (view["image"], view["label"]) in {points.pair(point) for point in range(len(points))}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"colour": "state "}, '"colour" cannot be .* Did you mean "state"'),
        ({"projection": "umap"}, '"projection" cannot be'),
        ({"category": "son"}, 'no category "son" here. Did you mean "sun"'),
        ({"epoch": 4}, '"epoch" is the place of a stored epoch, 0 to 3'),
        ({"epoch": True}, '"epoch" is the place'),
        ({"model": 1}, '"model" is the place of a model in view, 0 to 0'),
        ({"number": "-own"}, '"number" cannot be'),
        ({"sort": "-wn"}, 'Did you mean "-own"'),
        ({"zoom": [0.5, 0.5]}, '"zoom" is'),
        ({"zoom": [0.5, 0.5, 99]}, '"zoom" is'),
        ({"colr": "state"}, 'has no "colr". Did you mean "colour"'),
        ({"image": "scene-00001"}, 'no image "scene-00001"'),
    ],
)
def test_views_that_cannot_be(changes, sentence):
    points = line_up(make_embedded(12))
    with pytest.raises(WorkbenchError, match=sentence):
        checked_points(points, opening_points(points, {}), changes)


def test_a_pair_that_is_no_point_is_refused_and_half_a_pair_finds_one():
    points = line_up(make_embedded(12))
    view = opening_points(points, {})
    image, label = points.pair(0)
    absent = next(name for name in points.matched.categories.names if (image, name) not in {points.pair(i) for i in range(len(points))})
    with pytest.raises(WorkbenchError, match=f'no point of "{absent}" in image {image}'):
        checked_points(points, view, {"image": image, "label": absent})
    found = checked_points(points, {**view, "image": image, "label": label}, {"label": absent})
    assert found["label"] == absent
    assert checked_points(points, view, {"image": image})["image"] == image
