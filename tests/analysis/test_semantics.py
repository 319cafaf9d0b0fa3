"""Groups and neighbours in numbers: each figure in a slow loop, and on answers that are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from workbench.analysis.semantics import (
    cosines,
    embeddings,
    label_correlation,
    learned_semantics,
    neighbours,
    pair_agreement,
    partition_agreement,
    read_groups,
)
from workbench.errors import WorkbenchError
from workbench.labels import LabelGraph, LabelVectors
from workbench.models import create_model

NAMES = ["a", "b", "c", "d", "e", "f"]
THEMES = {"a": "one", "b": "one", "c": "two", "d": "two"}


@pytest.fixture
def targets():
    """a and b always together, c and d as well, e and f alone."""
    coins = np.random.default_rng(0).random((400, 4)) < 0.4
    return coins[:, [0, 0, 1, 1, 2, 3]].astype(np.int8)


@pytest.fixture
def model(targets):
    from workbench.categories import Categories

    torch.manual_seed(0)
    categories = Categories(NAMES)
    vectors = LabelVectors(categories, np.random.default_rng(1).normal(size=(6, 12)).astype(np.float32))
    graph = LabelGraph.from_targets(categories, targets)
    return create_model("msrn", NAMES, backbone="small-narrow", image_size=32, vectors=vectors, graph=graph, group_ratio=0.5)


def slow_rand(first, second):
    """Adjusted Rand index by counting pairs of labels."""
    both = one = other = 0
    pairs = list(itertools.combinations(range(len(first)), 2))
    for i, j in pairs:
        x, y = first[i] == first[j], second[i] == second[j]
        both, one, other = both + (x and y), one + x, other + y
    expected = one * other / len(pairs)
    return (both - expected) / ((one + other) / 2 - expected)


def slow_information(first, second):
    """Mutual information over the mean of both entropies, by counting labels."""
    count = len(first)

    def entropy(parts):
        return -sum(parts.count(part) / count * np.log(parts.count(part) / count) for part in set(parts))

    pairs = list(zip(first, second, strict=True))
    return (entropy(first) + entropy(second) - entropy(pairs)) / ((entropy(first) + entropy(second)) / 2)


def test_partitions_are_compared_by_pairs_and_by_information():
    rng = np.random.default_rng(3)
    for _ in range(5):
        first, second = rng.integers(0, 3, 13).tolist(), rng.integers(0, 4, 13).tolist()
        assert partition_agreement(first, second, draws=1).value == pytest.approx(slow_rand(first, second))
        assert partition_agreement(first, second, "information", draws=1).value == pytest.approx(slow_information(first, second))


def test_chance_stands_beside_the_figure():
    truth = ["x"] * 5 + ["y"] * 5
    same = partition_agreement([1] * 5 + [0] * 5, truth, draws=500)
    assert same.value == pytest.approx(1)
    assert same.p < 0.02
    assert same.chance == pytest.approx(0, abs=0.05)
    turned = partition_agreement([0, 1] * 5, truth, draws=500)
    assert turned.p > 0.3
    collapsed = partition_agreement([2] * 10, truth, draws=50)
    assert (collapsed.value, collapsed.p) == (0, 1)
    with pytest.raises(WorkbenchError, match="of 3 and 10"):
        partition_agreement([0, 1, 2], truth)
    with pytest.raises(WorkbenchError, match="rand, information"):
        partition_agreement([0] * 10, truth, "dice")


def test_sharp_memberships_and_labels_that_are_all_alike():
    sharp = read_groups(np.eye(3)[[0, 1, 2, 0, 1, 2]])
    assert (sharp.of, sharp.used, sharp.largest) == ((0, 1, 2, 0, 1, 2), 3, 1)
    assert sharp.told == pytest.approx(1)
    alike = read_groups(np.tile([0.98, 0.01, 0.01], (6, 1)))
    assert (alike.used, alike.told) == (1, pytest.approx(0, abs=1e-9))
    assert alike.largest == pytest.approx(0.98)
    assert read_groups(np.ones((4, 1))).told == 0
    with pytest.raises(WorkbenchError, match="sum to 1"):
        read_groups(np.ones((2, 2)))


def slow_spearman(first, second):
    pairs = list(itertools.combinations(range(len(first)), 2))

    def ranks(matrix):
        values = [matrix[i, j] for i, j in pairs]
        return [sum(other < value for other in values) + sum(other == value for other in values) / 2 for value in values]

    return np.corrcoef(ranks(first), ranks(second))[0, 1]


def test_pairs_are_ranked_and_labels_change_places_together():
    rng = np.random.default_rng(5)
    first, second = (np.round(half + half.T, 1) for half in rng.normal(size=(2, 7, 7)))
    assert pair_agreement(first, second, draws=1).value == pytest.approx(slow_spearman(first, second))
    same = pair_agreement(first, first, draws=300)
    assert same.value == pytest.approx(1)
    assert same.p < 0.02
    assert same.high < 0.7
    by_hand = []
    shuffler = np.random.default_rng(9)
    for _ in range(20):
        order = shuffler.permutation(7)
        by_hand.append(slow_spearman(first, second[np.ix_(order, order)]))
    assert pair_agreement(first, second, draws=20, seed=9).chance == pytest.approx(np.mean(by_hand))
    with pytest.raises(WorkbenchError, match=r"\[7, 7\] and \[6, 6\]"):
        pair_agreement(first, second[:6, :6])


def test_cosines_correlations_and_neighbours():
    found = cosines(np.array([[3.0, 4], [4, 3], [0, 0]]))
    assert np.allclose(found, [[1, 0.96, 0], [0.96, 1, 0], [0, 0, 0]])
    targets = np.array([[1, 1, -1, 1], [0, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1]])
    correlation = label_correlation(targets)
    assert correlation[0, 1] == pytest.approx(np.corrcoef(targets[:, 0], targets[:, 1])[0, 1])
    assert correlation[0, 2] == pytest.approx(-1), "unknown counts as not present"
    assert not correlation[3].any()
    assert neighbours(found, ["x", "y", "z"], 1) == {"x": [("y", pytest.approx(0.96))], "y": [("x", pytest.approx(0.96))], "z": [("x", 0)]}


def test_embeddings_before_and_after_training(model):
    found = embeddings(model, initialisations=2)
    assert [len(found[stage]) for stage in ("words", "untrained", "trained")] == [1, 2, 1]
    assert np.array_equal(found["words"][0], model.semantics.vectors.numpy())
    assert np.allclose(found["trained"][0], model.semantics()["label_embedding"].detach().numpy())
    first, second = found["untrained"]
    assert not np.allclose(first, second)
    assert not np.allclose(first, found["trained"][0])
    again = embeddings(model, initialisations=2)
    assert np.array_equal(again["untrained"][1], second)


def test_one_model_in_numbers(model, targets, monkeypatch):
    forward = type(model.semantics).forward
    shares = torch.eye(3)[[0, 0, 1, 1, 2, 2]]
    monkeypatch.setattr(type(model.semantics), "forward", lambda self: forward(self) | {"assignment": shares})
    found = learned_semantics(model, targets, THEMES, draws=200)
    assert found["members"] == {"group 1": ["a", "b"], "group 2": ["c", "d"], "group 3": ["e", "f"]}
    assert found["groups"]["largest"] == 1
    assert found["themes"]["rand"]["value"] == pytest.approx(1)
    assert found["themes"]["information"]["value"] == pytest.approx(1)
    together = label_correlation(targets)
    words = pair_agreement(cosines(model.semantics.vectors.numpy()), together, draws=200)
    assert found["vectors"]["words"]["value"] == pytest.approx(words.value)
    assert found["vectors"]["trained"]["value"] > found["vectors"]["words"]["value"], "whoever listens to each other comes nearer"
    nearest = found["neighbours"]["a"][0]
    assert nearest["label"] == "b"
    assert nearest["correlation"] == pytest.approx(1)
    with pytest.raises(WorkbenchError, match=r"expected \[N, 6\]"):
        learned_semantics(model, targets[:, :3], THEMES)
    with pytest.raises(WorkbenchError):
        learned_semantics(model, targets, {"zebra": "one"})
    with pytest.raises(WorkbenchError, match="MSRN"):
        embeddings(create_model("pooled", NAMES, backbone="small-narrow", image_size=32))


def test_a_model_without_groups_has_embeddings_all_the_same(targets):
    vectors = LabelVectors(create_model("pooled", NAMES, backbone="small-narrow", image_size=32).categories, np.eye(6, dtype=np.float32))
    model = create_model("msrn", NAMES, backbone="small-narrow", image_size=32, vectors=vectors, use_groups=False)
    found = learned_semantics(model, targets, THEMES, draws=10)
    assert found["groups"] is None
    assert found["themes"] is None
    assert set(found["vectors"]) == {"words", "untrained", "trained"}
