"""Thresholds from elsewhere, calibration, intervals, and the accumulator."""

from __future__ import annotations

import json

import numpy as np
import pytest

from workbench import Categories, WorkbenchError
from workbench.metrics import Accumulator, Thresholds, average_precision, bootstrap, evaluate, paired_bootstrap, reliability
from workbench.metrics.bootstrap import resample_weights, weighted_average_precision
from workbench.metrics.calibration import sigmoid
from workbench.metrics.ranking import KINDS, rank_classes

NAMES = Categories(["boat", "cat", "dog"])


def sample(seed=0, images=120, levels=None):
    rng = np.random.default_rng(seed)
    targets = rng.choice([-1, 0, 0, 1], (images, 3)).astype(np.int8)
    scores = (rng.normal(size=(images, 3)) + targets).astype(np.float32)
    return (scores if levels is None else np.round(scores * levels) / levels), targets


def saved(path, **changes):
    value = {"schema": 1, "categories": ["dog", "boat", "cat"], "thresholds": [0.2, 0.5, 0.9], "criterion": "best F1", "split": "val"}
    path.write_text(json.dumps({**value, **changes}))
    return path


def test_thresholds_are_matched_by_name(tmp_path):
    scores, targets = sample()
    thresholds = Thresholds.read(saved(tmp_path / "t.json"))
    result = evaluate(scores, targets, NAMES, "sklearn", thresholds)
    assert result["threshold"] == {"boat": 0.5, "cat": 0.9, "dog": 0.2}
    assert result["chosen"] == 'chosen on "val", criterion: best F1'
    known = targets[:, 2] >= 0
    predicted = sigmoid(scores[known, 2]) >= 0.2
    assert result["labels"]["dog"]["P"] == pytest.approx((predicted & (targets[known, 2] == 1)).sum() / predicted.sum())
    assert result["mAP"] == evaluate(scores, targets, NAMES)["mAP"]


def test_thresholds_of_other_categories_or_of_the_scored_images_are_refused(tmp_path):
    thresholds = Thresholds.read(saved(tmp_path / "t.json"))
    with pytest.raises(WorkbenchError, match='lacks "emu"'):
        thresholds.for_categories(Categories(["boat", "cat", "emu"]))
    thresholds.require_held_out(["voc2007-test", "test"])
    with pytest.raises(WorkbenchError, match=r'chosen on "val", the images to be scored.*held-out'):
        thresholds.require_held_out(["coco2014-val", "val"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, 'no "schema": 1'),
        ({"thresholds": [0.5]}, 'as many "thresholds" as "categories"'),
        ({"thresholds": [0.5, 0.5, 1.0]}, "threshold 1.0"),
        ({"thresholds": [0.5, 0.5, True]}, "threshold True"),
        ({"thresholds": [0.5, 0.5, "x"]}, "threshold 'x'"),
        ({"split": None}, '"split"'),
        ({"categories": ["a", "a", "b"]}, "listed twice"),
    ],
)
def test_damaged_threshold_files_are_one_sentence(changes, words, tmp_path):
    with pytest.raises(WorkbenchError, match=words):
        Thresholds.read(saved(tmp_path / "t.json", **changes))
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(WorkbenchError, match="is no JSON"):
        Thresholds.read(tmp_path / "broken.json")
    with pytest.raises(WorkbenchError, match="no file of thresholds"):
        Thresholds.read(tmp_path / "nowhere.json")


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan, [0.5, 0.5]])
def test_impossible_thresholds_are_refused(value):
    scores, targets = sample()
    with pytest.raises(WorkbenchError, match="threshold"):
        evaluate(scores, targets, NAMES, thresholds=value)


def test_the_threshold_itself_counts_except_under_srn():
    scores, targets = np.array([[0.0], [-1.0]], np.float32), np.array([[1], [0]])
    assert evaluate(scores, targets, Categories(["a"]), "sklearn")["all"]["OR"] == 1
    assert evaluate(scores, targets, Categories(["a"]), "srn")["all"]["OR"] == pytest.approx(0, abs=1e-12)


def released_msrn(scores, positive):
    """The released meter's rule in plain loops: (threshold, the six numbers) of the first threshold with the highest CF1 + OF1."""
    best = None
    for step in range(20):
        threshold = (step - 10) / 10
        right, predicted, present = ([0] * scores.shape[1] for _ in range(3))
        for image in range(len(scores)):
            for label in range(scores.shape[1]):
                told = float(scores[image, label]) >= threshold
                right[label] += told and bool(positive[image, label])
                predicted[label] += told
                present[label] += bool(positive[image, label])
        predicted = [max(count, 1) for count in predicted]
        op, recall = sum(right) / sum(predicted), sum(right) / sum(present)
        cp = sum(r / p for r, p in zip(right, predicted, strict=True)) / len(right)
        cr = sum(r / p for r, p in zip(right, present, strict=True)) / len(right)
        f1 = [2 * a * b / (a + b) if a + b else 0.0 for a, b in ((op, recall), (cp, cr))]
        if best is None or sum(f1) > best[0]:
            best = sum(f1), threshold, {"OP": op, "OR": recall, "OF1": f1[0], "CP": cp, "CR": cr, "CF1": f1[1]}
    return best[1:]


@pytest.mark.parametrize("shift", [-3.0, -1.2, -0.4, 0.0, 0.7, 1.5, 4.0])
@pytest.mark.parametrize("decimals", [8, 1])
def test_msrn_equals_a_loop_of_the_released_rule(shift, decimals):
    """Scores of one decimal lie on the thresholds themselves, and many are equal."""
    rng = np.random.default_rng(int(10 * shift) + 100)
    targets = (rng.random((60, 7)) < 0.3).astype(np.int8)
    targets[0] = 1
    scores = np.round(rng.normal(size=(60, 7)) + 1.5 * targets + shift, decimals)
    scores[:, 6] = -9.0  # a label that is never predicted
    categories = Categories(list("abcdefg"))
    result = evaluate(scores, targets, categories, "msrn")
    threshold, numbers = released_msrn(scores, targets == 1)
    assert result["threshold"] == pytest.approx(sigmoid(threshold))
    assert result["all"] == pytest.approx(numbers)
    marks = np.full(scores.shape, -1.0)
    for image, row in enumerate(scores):
        for label in sorted(range(7), key=lambda label: (-row[label], label))[:3]:
            if row[label] >= 0:
                marks[image, label] = 1.0
    assert result["top3"] == pytest.approx(released_msrn(marks, targets == 1)[1])
    assert "CF1 + OF1" in result["chosen"]
    assert "optimistic" in result["chosen"]
    single = evaluate(scores.astype(np.float32), targets, categories, "msrn")
    assert single["all"] == pytest.approx(released_msrn(scores.astype(np.float32), targets == 1)[1])


def test_msrn_does_not_choose_by_of1_alone():
    rng = np.random.default_rng(5)
    targets = (rng.random((400, 6)) < [0.9, 0.05, 0.05, 0.05, 0.05, 0.05]).astype(np.int8)
    scores = rng.normal(size=(400, 6)) + 1.2 * targets - 0.4
    limits = np.round(np.linspace(-1, 0.9, 20), 10)
    tried = [evaluate(scores, targets, Categories(list("abcdef")), "mlgcn", sigmoid(limit))["all"] for limit in limits]
    by_of1 = int(np.argmax([numbers["OF1"] for numbers in tried]))
    by_both = int(np.argmax([numbers["OF1"] + numbers["CF1"] for numbers in tried]))
    assert by_of1 != by_both
    result = evaluate(scores, targets, Categories(list("abcdef")), "msrn")
    assert result["threshold"] == pytest.approx(sigmoid(limits[by_both]))


def test_a_given_threshold_takes_the_place_of_the_search():
    scores, targets = sample(4)
    given = evaluate(scores, targets, NAMES, "msrn", thresholds=0.5)
    assert given["all"] == evaluate(scores, targets, NAMES, "mlgcn", thresholds=0.5)["all"]
    assert given["top3"] == evaluate(scores, targets, NAMES, "mlgcn", thresholds=0.5)["top3"]
    assert given["chosen"] == "given"


def test_msrn_without_any_present_label():
    result = evaluate(np.zeros((5, 3), np.float32), np.zeros((5, 3), np.int8), NAMES, "msrn")
    assert result["threshold"] == pytest.approx(sigmoid(-1.0))  # nothing to choose by: the first


def test_reliability_equals_counting():
    scores, targets = sample(1)
    found = reliability(scores, targets, bins=10)
    gaps, entries = 0.0, 0
    for c in range(3):
        for b in range(10):
            inside = [
                (p, t == 1) for p, t in zip(sigmoid(scores[:, c]), targets[:, c], strict=True) if t != -1 and b / 10 <= p < (b + 1) / 10
            ]
            assert found.count[c, b] == len(inside)
            assert found.present[c, b] == sum(t for _, t in inside)
            assert found.confidence[c, b] == pytest.approx(sum(p for p, _ in inside))
            entries += len(inside)
    for b in range(10):
        gaps += abs(found.confidence[:, b].sum() - found.present[:, b].sum())
    assert found.ece == pytest.approx(gaps / entries)
    assert found.ece_per_class.shape == (3,)
    certain = reliability(np.array([[1000.0], [-1000.0]]), np.array([[1], [0]]))
    assert certain.ece == 0
    assert certain.count[0, -1] == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("levels", [None, 2])
def test_weights_equal_repeating_the_images(kind, levels):
    scores, targets = sample(2, levels=levels)
    for number in range(3):
        weights = resample_weights(len(scores), 0, number)
        assert weights.sum() == len(scores)
        rows = np.repeat(np.arange(len(scores)), weights)
        expected = average_precision(scores[rows], targets[rows], kind)
        found = [weighted_average_precision(ranked, weights, kind) for ranked in rank_classes(scores, targets, order=True)]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_intervals_hold_the_value_and_shrink_with_more_images():
    wide, narrow = (bootstrap(*sample(0, images), resamples=200) for images in (60, 1500))
    for interval in (wide, narrow):
        assert interval.low < interval.value < interval.high
        assert interval.per_class.shape == (3, 3)
    assert narrow.high - narrow.low < (wide.high - wide.low) / 2
    again = bootstrap(*sample(0, 60), resamples=200, threads=3)
    assert (again.low, again.high) == (wide.low, wide.high)
    assert bootstrap(*sample(0, 60), resamples=200, seed=1).low != wide.low


def test_a_paired_comparison_knows_equals_and_is_sharper_than_two_intervals():
    scores, targets = sample(0, 400)
    same = paired_bootstrap(scores, scores, targets, resamples=50)
    assert (same.value, same.low, same.high, same.share_above) == (0, 0, 0, 0)
    worse = scores + np.random.default_rng(1).normal(size=scores.shape).astype(np.float32) * 0.7
    paired, alone = paired_bootstrap(scores, worse, targets, resamples=200), bootstrap(scores, targets, resamples=200)
    assert paired.low > 0
    assert paired.share_above > 0.95
    assert paired.high - paired.low < alone.high - alone.low
    assert paired.value == pytest.approx(np.nanmean(average_precision(scores, targets)) - np.nanmean(average_precision(worse, targets)))
    with pytest.raises(WorkbenchError, match="1 resample or more"):
        bootstrap(scores, targets, resamples=0)


def test_the_accumulator_equals_one_call_and_keeps_copies():
    scores, targets = sample()
    gathered = Accumulator(NAMES)
    buffer = np.empty((40, 3), np.float32)
    for begin in range(0, 120, 40):
        buffer[:] = scores[begin : begin + 40]
        gathered.add(buffer, targets[begin : begin + 40])
    buffer[:] = 0
    assert gathered.evaluate("mlgcn") == evaluate(scores, targets, NAMES, "mlgcn")
    with pytest.raises(WorkbenchError, match=r"\[2, 2\].*3 categories"):
        gathered.add(np.zeros((2, 2)), np.zeros((2, 2)))
