"""The label explorer without a browser: its numbers, views, links, still picture and page."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import HOSTILE_NAME, make_contents, make_inspection
from tests.support.layered import make_layered
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection, Table
from workbench.widgets import AttentionExplorer, LabelExplorer
from workbench.widgets.cooccurrence import correlations, force_layout, together
from workbench.widgets.labels_still import largest
from workbench.widgets.matching import match
from workbench.widgets.plots import cooccurrence_chart


def test_training_counts_are_taken_where_there_are_any():
    inspection = make_layered(12)
    known = together(match(inspection))
    np.testing.assert_array_equal(known.counts, inspection.table("cooccurrence").values)
    np.testing.assert_array_equal(known.neighbours, inspection.table("neighbours").values > 0)
    assert known.source.startswith("Training counts")
    assert known.kinds == ("counts", "conditional", "neighbours", "correlation", "predicted", "error")
    np.testing.assert_array_equal(known.group_of, inspection.table("assignment").values.argmax(axis=1))


def test_without_tables_the_archive_s_own_targets_are_counted_and_it_says_so():
    inspection = make_inspection(30, 5)
    known = together(match(inspection))
    for a in range(5):
        for b in range(5):
            assert known.counts[a, b] == sum(1 for row in inspection.targets if row[a] == 1 and row[b] == 1)
    assert "Counted from the 30 images of this archive" in known.source
    assert (known.kinds, known.sorts) == (("counts", "conditional", "correlation", "predicted", "error"), ("stored", "name", "frequency"))
    assert known.points is None
    shares = known.conditional
    assert shares[1, 2] == known.counts[1, 2] / known.counts[1, 1]


def test_correlations_are_pearson_s_over_images_whose_truth_is_known():
    random = np.random.default_rng(3)
    marks, known = random.random((60, 4)) < 0.4, random.random((60, 4)) < 0.8
    marks[:, 3] = True
    found = correlations(marks, known)
    for a in range(4):
        for b in range(4):
            here = known[:, a] & known[:, b]
            x, y = marks[here, a].astype(float), marks[here, b].astype(float)
            assert found[a, b] == pytest.approx(np.corrcoef(x, y)[0, 1] if x.std() * y.std() else 0, abs=1e-12)


def test_what_the_model_says_is_held_against_what_is_there():
    inspection = make_inspection(30, 5)
    relations = together(match(inspection))
    said = inspection.logits(inspection.scored) > match(inspection).first.cut
    np.testing.assert_array_equal(relations.decided, said)
    np.testing.assert_allclose(relations.predicted, correlations(said, inspection.targets >= 0))
    np.testing.assert_allclose(relations.values("error"), relations.predicted - relations.correlation)


def test_orders():
    known = together(match(make_layered(20, 8)))
    often = np.diag(known.counts)
    assert list(often[known.order("frequency")]) == sorted(often, reverse=True)
    assert [known.names[place] for place in known.order("name")] == sorted(known.names)
    assert list(known.group_of[known.order("group")]) == sorted(known.group_of)
    with pytest.raises(WorkbenchError, match="cannot be sorted"):
        together(match(make_inspection(3))).order("group")


def test_vectors_lie_on_the_axes_of_most_variance():
    inspection = make_layered(6, 8)
    known = together(match(inspection))
    vectors = np.concatenate([inspection.table(name).values for name in ("label_embedding", "group_embedding")]).astype(np.float64)
    values = np.linalg.eigvalsh(np.cov(vectors.T))
    found = np.concatenate([known.points, known.group_points]).var(axis=0, ddof=1)
    np.testing.assert_allclose(found, values[::-1][:2], rtol=1e-6)
    assert known.explained == pytest.approx(values[-2:].sum() / values.sum())


def test_the_force_layout_pulls_tied_labels_together_and_is_always_the_same():
    weights = np.zeros((12, 12))
    weights[:6, :6] = weights[6:, 6:] = 0.8
    places = force_layout(weights)
    np.testing.assert_array_equal(places, force_layout(weights))
    assert places.min() >= 0
    assert places.max() <= 1
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert gaps[:6, :6].sum() / 30 < 0.7 * gaps[:6, 6:].mean()


def test_it_opens_on_the_most_frequent_pair_and_says_so():
    explorer = LabelExplorer(make_inspection(30, 5))
    known = explorer.together
    pairs = known.counts - np.diag(np.diag(known.counts))
    row, column = (known.names.index(explorer.view_state[key]) for key in ("label", "other"))
    assert known.counts[row, column] == pairs.max()
    assert f"together in {int(pairs.max())} images" in repr(explorer)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"label": "son"}, 'no category "son".* Did you mean "sun"'),
        ({"values": "neighbours"}, '"values" cannot be'),
        ({"sort": "group"}, '"sort" cannot be'),
        ({"threshold": 0}, '"threshold" is a probability'),
        ({"image": "scene-9"}, "no image"),
        ({"pictur": "graph"}, 'no "pictur". Did you mean "picture"'),
    ],
)
def test_views_that_cannot_be(changes, sentence):
    explorer = LabelExplorer(make_inspection(6))
    with pytest.raises(WorkbenchError, match=sentence):
        explorer.show(**changes)


def test_views_are_saved_and_loaded(tmp_path):
    explorer = LabelExplorer(make_layered(6))
    explorer.show(picture="graph", values="conditional", sort="name", label="roof", other="sun", image=3)
    other = LabelExplorer(make_layered(6))
    other.load_view(explorer.save_view(tmp_path / "view.json"))
    assert other.view_state == explorer.view_state


def test_a_linked_explorer_follows():
    inspection = make_layered(6)
    attention = AttentionExplorer(inspection)
    explorer = LabelExplorer(inspection, explorer=attention)
    explorer.show(image=4, label="tree")
    assert (attention.image, attention.label) == ("scene-0004", "tree")
    attention.label = "boat"
    assert explorer.label == "boat"


def test_it_answers_for_pictures_and_thumbnails():
    explorer = LabelExplorer(make_inspection(6))
    answers = []
    explorer.send = lambda content, buffers=None: answers.append((content, buffers))
    for question in ({"ask": "image", "image": 2}, {"ask": "thumbnails", "images": [1, 2]}, {"ask": "weather"}):
        explorer._handle_custom_msg(question, [])
    assert [content["answer"] for content, _ in answers] == ["image", "thumbnails", "error"]
    assert explorer.matched.first.image_bytes(2) in answers[0][1][0]


def test_the_still_picture_marks_the_pair_and_keeps_names_as_text():
    explorer = LabelExplorer(make_inspection(12, hostile=True), label=HOSTILE_NAME, other="sun")
    still = explorer.snapshot()
    assert "<img src=x" not in still.data
    assert HOSTILE_NAME in still.words
    assert "holds no training counts" in still.words
    assert re.search(r"images, \d+ % of those with .* and \d+ % of those", still.words)
    data = re.search('base64,([^"]+)', still.data)[1]
    marked = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    explorer.show(other="roof")
    other = re.search('base64,([^"]+)', explorer.snapshot().data)[1]
    assert (marked != np.asarray(Image.open(io.BytesIO(base64.b64decode(other))).convert("RGB"))).any()


def test_the_page_holds_kept_images_and_the_counts_of_all(tmp_path):
    explorer = LabelExplorer(make_inspection(12, hostile=True))
    page = explorer.export_html(tmp_path / "page.html", images=[3, 5]).read_text()
    data = json.loads(re.search(r'id="content">(.*?)</script>', page, re.DOTALL).group(1))
    assert data["description"]["ids"] == ["scene-0003", "scene-0005"]
    assert "Counted from the 12 images" in data["description"]["source"]
    assert HOSTILE_NAME not in page


def test_the_plotly_matrix_holds_the_numbers_and_shares_nothing():
    inspection = make_layered(12, hostile=True)
    figure = cooccurrence_chart(inspection, "conditional", "name")
    known = together(match(inspection))
    order = known.order("name")
    shown = np.array(figure.data[0].z, dtype=float)
    off = ~np.eye(len(order), dtype=bool)
    np.testing.assert_allclose(shown[off], known.conditional[np.ix_(order, order)][off])
    bundle = figure.bundle()
    assert bundle["application/vnd.plotly.v1+json"]["config"]["showSendToCloud"] is False
    assert "<img src=x" not in bundle["text/html"] + json.dumps(bundle["application/vnd.plotly.v1+json"]["data"])
    assert "Most often" in bundle["text/plain"]
    with pytest.raises(WorkbenchError, match="neighbours is not stored"):
        cooccurrence_chart(make_inspection(4), "neighbours")


def with_leakage(count=12, categories=4):
    contents = make_contents(count, categories)
    names = contents.categories.names
    values = np.arange(float(categories**2)).reshape(categories, categories) / 100
    contents.tables = {"leakage": Table(values, names[::-1], names[::-1], "Leakage", "How far.")}
    pair = {"of": names[1], "on": names[2], "moved": 0.3, "images": [contents.ids[3], contents.ids[0]]}
    contents.measurements = {**contents.measurements, "leakage": {"other labels move": 0.1, "pairs": [pair]}}
    return Inspection.of(contents), values


def test_leakage_stands_beside_cooccurrence_in_the_order_of_the_names_with_its_images():
    inspection, values = with_leakage()
    explorer = LabelExplorer(inspection, values="leakage", label="ball", other="roof")
    known = explorer.together
    assert known.kinds == ("counts", "conditional", "correlation", "predicted", "error", "leakage")
    np.testing.assert_allclose(known.values("leakage"), values[::-1, ::-1], atol=1e-6)
    assert f"moves “roof” by {values[2, 1]:.3f}" in explorer.snapshot().words
    opening = explorer.opening
    assert opening["description"]["moved"] == {"1 2": [3, 0]}
    assert "leakage" in [name for name, *_ in opening["tables"]["layout"]]
    assert largest(known, "leakage") == pytest.approx(0.14)


def test_without_leakage_nothing_is_offered():
    with pytest.raises(WorkbenchError, match="leakage is not stored in this archive"):
        together(match(make_inspection(3))).values("leakage")
