"""The lesson on class separation: right answers, usual mistakes, and the numbers that answers are worked out from, counted in loops."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.archives import make_contents
from workbench import Inspection
from workbench.inspection import Embeddings
from workbench.lessons import lesson
from workbench.lessons.figures import circle_picture, matrix_picture
from workbench.lessons.separation import class_centres, descend, two_term_slopes

NAMES = ["sun", "ball", "house", "tree", "duck"]
NONSENSE = [None, ..., "", "what?", 1e9, -1, np.nan, np.zeros((2, 3)), np.array(["a"]), object(), [1, [2]], {"a": 1}]


def archive(spread: float, name: str) -> Inspection:
    """Class features of width 6 around one axis for each class; the plane shows two of their six numbers."""
    contents = make_contents(40, NAMES, system="pooled", name=name)
    pairs = np.argwhere(contents.targets == 1).astype(np.int32)
    values = np.eye(6)[pairs[:, 1]] + np.random.default_rng(0).normal(0, spread, (len(pairs), 6))
    contents.features = values.astype(np.float16), pairs
    plane = values[None, :, :2].astype(np.float32)
    return Inspection.of(contents).with_embeddings(Embeddings({"pca": plane}, [{"title": "all 1"}]))


@pytest.fixture(scope="module")
def check():
    return lesson("03_class_separation", archive(0.8, "off"), archive(0.1, "on"))


@pytest.fixture(autouse=True)
def no_studies(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))


def right_ones(check, question: str, *options: str) -> list[str]:
    return [option for option in options if getattr(check, question)(option).passed]


@pytest.mark.parametrize("answer", NONSENSE, ids=lambda value: type(value).__name__)
def test_no_answer_stops_a_notebook(check, answer):
    for name in check.questions:
        said = getattr(check, name)(answer)
        assert said.text
        assert not said.passed


def test_pooling_and_its_mistakes(check):
    scores, values = check.toy_maps
    powers = np.exp(scores)
    truth = np.zeros((3, 6))
    for label in range(3):
        for number in range(6):
            truth[label, number] = (powers[label] / powers[label].sum() * values[number]).sum()
    assert check.q2(truth).passed
    for mistake, hint in (
        (truth.T, "wrong way round"),
        (np.einsum("chw,dhw->cd", powers / powers.sum(0), values), "Wrong axis"),
        (np.einsum("chw,dhw->cd", scores, values), "raw scores"),
        (np.einsum("chw,dhw->cd", powers, values), "Divide the powers"),
        (np.einsum("chw,dhw->cd", 1 / (1 + np.exp(-scores)), values), "sigmoid"),
        (truth / 20, "mean over cells"),
        (np.tile(values.mean(axis=(1, 2)), (3, 1)), "plain mean"),
        (truth + 1, "largest difference"),
    ):
        said = check.q2(mistake)
        assert said.passed is False
        assert hint in said.text


def test_contrastive_loss_and_its_mistakes(check):
    cosine, positive = check.toy_cosines
    powers = [np.exp(value / 0.1) for value in cosine]
    truth = np.mean([-np.log(powers[place] / sum(powers)) for place in np.flatnonzero(positive)])
    pull, push = -cosine[positive].mean() / 0.1, np.log(sum(powers))
    assert check.q4(truth).passed
    for mistake, hint in (
        (-cosine[positive].mean() + np.log(np.exp(cosine).sum()), "temperature"),
        (pull, "pull alone"),
        (push, "push alone"),
        (push - pull, "sign"),
        (2 * pull + push, "not their sum"),
        (pull + np.log(np.exp(cosine[~positive] / 0.1).sum()), "positives and negatives"),
    ):
        said = check.q4(mistake)
        assert said.passed is False
        assert hint in said.text


def test_partners_and_their_mistakes(check):
    alone = (49 / 50) ** 15
    assert check.q6(alone).passed
    assert "does have a partner" in check.q6(1 - alone).text
    assert "only 15 others" in check.q6((49 / 50) ** 16).text
    assert "on average" in check.q6(15 / 50).text


def test_pull_alone_leaves_the_centres_where_they_are(check):
    points, labels = check.toy_points
    assert check.q3("as far as before").passed
    assert right_ones(check, "q3", "further apart", "as far as before", "closer together") == ["as far as before"]
    pulled, both = descend(points, labels, 1, 0), descend(points, labels, 1, 1)
    closest = [np.max((m := class_centres(part, labels)) @ m.T - 2 * np.eye(3)) for part in (points, pulled, both)]
    assert closest[1] > 0.7
    assert closest[2] < 0.5
    assert abs(closest[1] - closest[0]) < 0.1


def test_slopes_are_those_of_the_two_terms(check):
    points, labels = check.toy_points
    centres = class_centres(points, labels)

    def loss(values: np.ndarray) -> float:
        total = 0.0
        for point, own in zip(values, labels, strict=True):
            total += 0.7 * (2 - 2 * point @ centres[own])
            total += 0.3 * np.mean([max(0, 2 - (2 - 2 * point @ centres[k])) ** 2 for k in range(3) if k != own])
        return total

    slopes, step = two_term_slopes(points, labels, centres, 0.7, 0.3), 1e-6
    for place in ((0, 0), (5, 1), (20, 0), (35, 1)):
        moved = points.copy()
        moved[place] += step
        assert (loss(moved) - loss(points)) / step == pytest.approx(slopes[place], abs=1e-3)


def test_shares_are_counted_as_loops_count_them(check):
    on = check.inspections[1]
    values, pairs = on.features()
    z = values.astype(float) / np.linalg.norm(values.astype(float), axis=1, keepdims=True)
    plane = on.embeddings().points["pca"][-1].astype(float)
    centres = {k: (s := z[pairs[:, 1] == k].sum(0)) / np.linalg.norm(s) for k in set(pairs[:, 1].tolist())}
    middles = {k: plane[pairs[:, 1] == k].mean(0) for k in centres}
    full = np.mean([max(centres, key=lambda k: z[p] @ centres[k]) == pairs[p, 1] for p in range(len(z))])
    flat = np.mean([min(middles, key=lambda k: np.linalg.norm(plane[p] - middles[k])) == pairs[p, 1] for p in range(len(z))])
    assert check.nearest == pytest.approx((flat, full))
    assert right_ones(check, "q7", "in the plane", "in the full space", "no difference") == ["in the full space"]
    intra = np.mean([np.mean(1 - z[pairs[:, 1] == k] @ centres[k]) for k in centres])
    inter = np.mean([1 - centres[a] @ centres[b] for a in centres for b in centres if a < b])
    assert check.ratios[1] == pytest.approx(inter / intra, rel=1e-3)
    assert right_ones(check, "q1", "with the loss", "without it", "no difference") == ["with the loss"]


def test_the_misleading_pair_lies_together_in_the_plane_only(check):
    pair = check.misleading
    assert {pair.first, pair.second} <= set(NAMES[2:])  # the plane shows the axes of the first two classes
    assert pair.full > 0.95
    assert pair.plane < 0.8


def test_company_is_counted_as_a_loop_counts_it(check):
    targets = check.inspections[1].targets == 1
    for i, j in check.companions:
        both = sum(bool(row[i] and row[j]) for row in targets)
        assert check.together[i, j] == pytest.approx(both * len(targets) / (targets[:, i].sum() * targets[:, j].sum()))
    least = min(check.together[i, j] for i, j in check.companions)
    pairs = {(int(i), int(j)) for i, j in check.companions}
    assert all(check.together[i, j] <= least for i in range(5) for j in range(i + 1, 5) if (i, j) not in pairs)
    assert len(right_ones(check, "q8", "nearer", "further apart", "no difference")) == 1


def test_questions_of_one_word_and_the_missing_study(check):
    assert check.q5("negatives").passed
    assert "those of one picture too" in check.q5("not compared").text
    assert check.q9("near 1").passed
    assert check.q10("perfectly").passed
    assert "studies/disc_atlas.json is not there" in check.q11(3).text


def test_pictures_say_what_they_show(check):
    points, labels = check.toy_points
    circles = circle_picture({"start": points, "end": points}, labels)
    assert circles.jpeg.startswith(b"\xff\xd8")
    assert "class 1 orange" in repr(circles)
    assert "start; end" in repr(circles)
    matrices = matrix_picture({"together": check.together, "distance": check.distances[0]}, NAMES, "a caption")
    assert "together, from" in matrices._repr_html_()
    assert "5 categories" in repr(matrices)
    empty = matrix_picture({"nothing": np.full((2, 2), np.nan)}, ["a", "b"])
    assert "nothing, from 0.00 to 1.00" in repr(empty)
