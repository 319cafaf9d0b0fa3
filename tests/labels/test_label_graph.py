import json

import numpy as np
import pytest

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.labels import LabelGraph

NAMES = Categories(["sun", "ball", "house", "tree"])
TARGETS = np.array([[1, 1, -1, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, -1, 1, 0], [1, 0, 0, -1]], dtype=np.int8)


def test_counts_are_those_of_a_loop_over_present_labels():
    graph = LabelGraph.from_targets(NAMES, TARGETS)
    for i in range(4):
        assert graph.singles[i] == sum(row[i] == 1 for row in TARGETS)
        for j in range(4):
            expected = 0 if i == j else sum(row[i] == 1 and row[j] == 1 for row in TARGETS)
            assert graph.counts[i, j] == expected
    assert graph.counts.dtype == np.int64


def test_a_label_without_examples_has_no_probabilities_and_no_neighbours():
    graph = LabelGraph.from_targets(NAMES, TARGETS)
    assert graph.singles[3] == 0
    assert np.isfinite(graph.probabilities).all()
    adjacency = graph.adjacency()
    assert np.isfinite(adjacency.normalised).all()
    assert adjacency.neighbours[3].tolist() == adjacency.neighbours[:, 3].tolist() == [False, False, False, True]


def test_the_two_directions_are_each_others_transpose():
    graph = LabelGraph.from_targets(NAMES, TARGETS)
    # ball implies sun (2 of 2), sun does not imply ball enough at 0.6 (2 of 4)
    released, conditional = graph.adjacency(0.6, "released"), graph.adjacency(0.6, "conditional")
    assert released.neighbours[0, 1]
    assert not released.neighbours[1, 0]
    assert np.array_equal(released.neighbours, conditional.neighbours.T)
    assert np.array_equal(released.normalised, conditional.normalised.T)


def test_a_probability_of_exactly_the_threshold_is_an_edge():
    assert LabelGraph.from_targets(NAMES, TARGETS).adjacency(0.5, "conditional").neighbours[0, 1]


def test_it_is_reordered_by_name_and_refuses_other_names():
    graph = LabelGraph.from_targets(NAMES, TARGETS)
    mixed = Categories(["tree", "sun", "house", "ball"])
    again = graph.ordered_as(mixed)
    assert again.counts[mixed.index("sun"), mixed.index("ball")] == graph.counts[0, 1]
    assert again.singles[mixed.index("sun")] == graph.singles[0]
    with pytest.raises(WorkbenchError, match='the label graph lacks "moon" and has "tree" instead'):
        graph.ordered_as(Categories(["sun", "ball", "house", "moon"]))


def test_it_survives_its_file(tmp_path):
    graph = LabelGraph.from_targets(NAMES, TARGETS)
    again = LabelGraph.load(graph.save(tmp_path / "graph.json"))
    assert again.categories == graph.categories
    assert np.array_equal(again.counts, graph.counts)
    assert np.array_equal(again.singles, graph.singles)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a label graph in JSON"),
        ('{"nodes": []}', "is not a label graph in JSON"),
        ('{"label graph": 9}', "schema 9, this version reads 1"),
        ('{"label graph": 1}', "is damaged"),
        (json.dumps({"label graph": 1, "categories": {"names": ["a"]}, "counts": [[0, 1]], "singles": [1]}), r"pair counts \[1, 1\]"),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path, content, message):
    path = tmp_path / "graph.json"
    path.write_text(content)
    with pytest.raises(WorkbenchError, match=message):
        LabelGraph.load(path)


@pytest.mark.parametrize(
    ("counts", "singles", "message"),
    [
        ([[0, 1], [2, 0]], [3, 3], "not symmetric"),
        ([[0, 5], [5, 0]], [3, 9], 'occurs 3 times but 5 times with "b"'),
        ([[0, -1], [-1, 0]], [3, 3], "below 0"),
        ([[0, 0.5], [0.5, 0]], [3, 3], "whole numbers"),
    ],
)
def test_counts_that_cannot_be_are_refused(counts, singles, message):
    with pytest.raises(WorkbenchError, match=message):
        LabelGraph(Categories(["a", "b"]), np.array(counts), np.array(singles))
