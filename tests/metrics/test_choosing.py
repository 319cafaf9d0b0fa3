"""Best thresholds of each label against trying every one of them."""

import numpy as np
import pytest

from tests.support.scored import make_scores
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.metrics import Thresholds, best_thresholds, choose_thresholds, evaluate
from workbench.metrics.choosing import CRITERIA, criterion_words, mixed_words

NAMES = Categories(["boat", "cat", "dog"])


def rates(logits, targets, threshold, unknown):
    """Precision, recall and F1 of one label, as the words say."""
    known = targets != -1 if unknown == "ignore" else np.ones(len(targets), bool)
    present = (targets == 1) | ((targets == -1) & (unknown == "positive"))
    said = known & (1 / (1 + np.exp(-logits.astype(float))) >= threshold)
    hits, chosen, there = int((said & present).sum()), int(said.sum()), int((present & known).sum())
    return hits / chosen if chosen else 0.0, hits / there, 2 * hits / (chosen + there)


@pytest.mark.parametrize("levels", [0, 7])
@pytest.mark.parametrize("unknown", ["ignore", "positive", "negative"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_no_threshold_is_better(criterion, unknown, levels):
    logits, targets = make_scores(60, 3, levels=levels, unknown=0.15)
    floor = None if criterion == "f1" else 0.7
    found = best_thresholds(logits, targets, criterion, floor, unknown)
    for c in range(3):
        tried = sorted({float(score) for score in logits[:, c]})
        tried = [1 / (1 + np.exp(-(a + b) / 2)) for a, b in zip([tried[0] - 1, *tried[:-1]], tried, strict=True)]
        possible = [(rates(logits[:, c], targets[:, c], threshold, unknown), threshold) for threshold in tried]
        aim = {"f1": 2, "precision": 1, "recall": 0}[criterion]
        if criterion != "f1":
            possible = [each for each in possible if each[0][1 - aim] >= 0.7]
        if not possible:
            assert np.isnan(found[c])
            continue
        best = max(each[0][aim] for each in possible)
        equals = [threshold for each, threshold in possible if each[aim] == best]
        expected = min(equals) if criterion == "recall" else max(equals)
        here = rates(logits[:, c], targets[:, c], found[c], unknown)
        assert here[aim] == best
        assert here == rates(logits[:, c], targets[:, c], expected, unknown)


def test_labels_without_one_are_nan_and_keep_what_they_had():
    logits = np.array([[0.0, 3.0, -1.0], [1.0, -3.0, 2.0], [2.0, 1.0, 0.5]], np.float32)
    targets = np.array([[0, 1, 1], [0, 0, 0], [0, 1, 0]])
    found = best_thresholds(logits, targets, "precision", 0.9)
    np.testing.assert_array_equal(np.isnan(found), [True, False, True])
    chosen = choose_thresholds(logits, targets, NAMES, "val", "precision", 0.9, otherwise=0.4)
    assert (chosen.values[0], chosen.values[2]) == (0.4, 0.4)
    words = "0.4 where there is none (2 labels), highest recall per label with precision of at least 0.9 (1 label)"
    assert chosen.criterion == words
    assert best_thresholds(np.full((4, 1), 60.0), np.ones((4, 1), int))[0] < 1, "a probability that can be saved"


def test_what_is_saved_is_read_and_gives_the_same_numbers(tmp_path):
    logits, targets = make_scores(200, 3)
    chosen = choose_thresholds(logits, targets, NAMES, "val")
    again = Thresholds.read(chosen.save(tmp_path / "thresholds.json"))
    assert again == chosen
    others = make_scores(200, 3, seed=1)
    result = evaluate(*others, NAMES, thresholds=again)
    assert result == evaluate(*others, NAMES, thresholds=chosen)
    assert result["chosen"] == 'chosen on "val", criterion: highest F1 per label'
    fixed = evaluate(logits, targets, NAMES)["all"]["CF1"]
    assert evaluate(logits, targets, NAMES, thresholds=chosen)["all"]["CF1"] > fixed + 0.05, "the scores are too low for 0.5"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("F1",), 'no criterion "F1"'),
        (("recall",), "needs a floor"),
        (("precision", 1.5), "at most 1"),
        (("recall", True), "needs a floor"),
    ],
)
def test_criteria_that_cannot_be(arguments, words):
    with pytest.raises(WorkbenchError, match=words):
        best_thresholds(*make_scores(20, 2), *arguments)


def test_words():
    assert criterion_words("recall", 0.8) == "highest precision per label with recall of at least 0.8"
    assert mixed_words(["a", "a"]) == "a"
    assert mixed_words(["b", "a", "b"]) == "b (2 labels), a (1 label)"
