import json

import numpy as np
import pytest

from workbench.analysis.separation import MEASURES, centre_distances, class_means, separation, within_image_pairs
from workbench.errors import WorkbenchError


def features(seed=0, images=14, categories=5, width=6):
    """Values [P, D] and pairs [P, 2]; the last category never occurs, the one before it once."""
    random = np.random.default_rng(seed)
    present = random.random((images, categories)) < 0.5
    present[:, -2:] = False
    present[3, -2] = True
    pairs = np.argwhere(present)
    return random.normal(size=(len(pairs), width)) + 1.5 * random.normal(size=(categories, width))[pairs[:, 1]], pairs


def cosine(u, v):
    return float(np.dot(u, v) / np.linalg.norm(u) / np.linalg.norm(v))


def test_every_measure_equals_its_definition_in_slow_loops():
    values, pairs = features()
    found = separation(values, pairs, 5)
    unit = [value / np.linalg.norm(value) for value in values]
    members = {c: [unit[row] for row in range(len(pairs)) if pairs[row, 1] == c] for c in range(5)}
    means = {c: np.mean(points, axis=0) for c, points in members.items() if points}
    middle = np.mean(unit, axis=0)
    intra = {c: np.mean([1 - cosine(point, means[c]) for point in members[c]]) for c in means}
    inter = {c: np.mean([1 - cosine(means[c], means[other]) for other in means if other != c]) for c in means}
    within = {c: np.mean([np.sum((point - means[c]) ** 2) for point in members[c]]) for c in means}
    between = {c: np.sum((means[c] - middle) ** 2) for c in means}
    for c in range(5):
        per = {name: found["by_category"][name][c] for name in MEASURES}
        if c == 4:
            assert set(per.values()) == {None}
            continue
        assert per["intra"] == pytest.approx(intra[c], abs=1e-12)
        assert per["inter"] == pytest.approx(inter[c])
        if c == 3:  # a single point has no width, and no centre without itself
            assert per["ratio"] is per["fisher"] is per["nearest_centre"] is None
            continue
        assert per["ratio"] == pytest.approx(inter[c] / intra[c])
        assert per["fisher"] == pytest.approx(between[c] / within[c])
        right = []
        for row in range(len(pairs)):
            if pairs[row, 1] == c:
                rest = [unit[other] for other in range(len(pairs)) if pairs[other, 1] == c and other != row]
                others = max(cosine(unit[row], means[other]) for other in means if other != c)
                right.append(cosine(unit[row], np.mean(rest, axis=0)) > others)
        assert per["nearest_centre"] == pytest.approx(np.mean(right))
    overall = found["overall"]
    assert overall["intra"] == pytest.approx(np.mean(list(intra.values())))
    assert overall["ratio"] == pytest.approx(np.mean(list(inter.values())) / np.mean(list(intra.values())))
    counts = {c: len(members[c]) for c in means}
    assert overall["fisher"] == pytest.approx(sum(counts[c] * between[c] for c in means) / sum(counts[c] * within[c] for c in means))
    both = [(a, b) for a in range(len(pairs)) for b in range(a + 1, len(pairs)) if pairs[a, 0] == pairs[b, 0]]
    assert overall["within_image"] == pytest.approx(np.mean([cosine(values[a], values[b]) for a, b in both]))
    mine = [cosine(values[a], values[b]) for a, b in both if 1 in (pairs[a, 1], pairs[b, 1])]
    assert found["by_category"]["within_image"][1] == pytest.approx(np.mean(mine))
    points, cosines = within_image_pairs(values, pairs)
    assert {tuple(sorted(pair)) for pair in points.tolist()} == set(both)
    assert len(cosines) == len(both)


def test_silhouette_equals_slow_loops_and_is_sampled_and_said_so():
    values, pairs = features()
    found = separation(values, pairs, 5)
    expected = []
    for row in range(len(pairs)):
        away = {c: [] for c in range(4)}
        for other in range(len(pairs)):
            if other != row:
                away[pairs[other, 1]].append(1 - cosine(values[row], values[other]))
        own = away.pop(pairs[row, 1])
        nearest = min(np.mean(far) for far in away.values() if far)
        expected.append((nearest - np.mean(own)) / max(nearest, np.mean(own)) if own else 0.0)
    assert found["overall"]["silhouette"] == pytest.approx(np.mean(expected))
    assert found["silhouette_points"] == found["points"] == len(pairs)
    few = separation(values, pairs, 5, sample=12)
    assert few["silhouette_points"] == 12
    assert few == separation(values, pairs, 5, sample=12)
    assert few["overall"]["silhouette"] != separation(values, pairs, 5, sample=12, seed=3)["overall"]["silhouette"]
    assert few["overall"]["intra"] == found["overall"]["intra"]


def test_centres_are_directions_and_their_distances_have_holes_for_absent_classes():
    values, pairs = features()
    means = class_means(values, pairs[:, 1], 5)
    assert np.isnan(means[4]).all()
    np.testing.assert_allclose(np.linalg.norm(means[:4], axis=1), 1)
    distances = centre_distances(values, pairs[:, 1], 5)
    assert distances[0, 2] == pytest.approx(1 - means[0] @ means[2])
    assert distances[1, 1] == 0
    assert np.isnan(distances[4]).all()
    np.testing.assert_allclose(distances[:4, :4], distances[:4, :4].T)


def test_classes_that_stand_apart_get_the_better_numbers():
    values, pairs = features(images=60)
    random = np.random.default_rng(1)
    apart = np.eye(6)[pairs[:, 1]] + 0.05 * random.normal(size=values.shape)
    good, poor = separation(apart, pairs, 5)["overall"], separation(random.normal(size=values.shape), pairs, 5)["overall"]
    for name in ("inter", "ratio", "silhouette", "fisher", "nearest_centre"):
        assert good[name] > poor[name], name
    assert good["nearest_centre"] == 1
    assert good["intra"] < poor["intra"]


def test_what_is_left_out_is_none_and_bad_input_a_sentence():
    values, pairs = features()
    assert set(separation(values[:0], pairs[:0], 5)["overall"].values()) == {None}
    single = separation(values[:1], pairs[:1], 5)
    assert single["overall"]["ratio"] is single["overall"]["silhouette"] is None
    assert separation(np.zeros_like(values), pairs, 5)["points"] == len(pairs)
    json.dumps(separation(values.astype(np.float16), pairs, 5), allow_nan=False)
    with pytest.raises(WorkbenchError, match=r"expected \[P, D\] and \[P, 2\]"):
        separation(values, pairs[:-1], 5)
    with pytest.raises(WorkbenchError, match="not finite"):
        separation(np.where(values > 2, np.inf, values), pairs, 5)
