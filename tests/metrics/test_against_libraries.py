"""Against scikit-learn and slow definitions, on random, tied and degenerate data."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import Categories, WorkbenchError
from workbench.metrics import average_precision, evaluate, precision_recall_curve, precision_recall_f1, ranking_measures, set_measures
from workbench.metrics.precision_recall import counts, top_k
from workbench.metrics.ranking import rank_classes

sklearn_metrics = pytest.importorskip("sklearn.metrics")
CASES = {"seed": st.integers(0, 10_000), "images": st.integers(1, 30), "levels": st.sampled_from([1, 2, 4, 1000])}
SHARES = st.sampled_from([0.0, 0.1, 0.5, 1.0])


def drawn(seed, images, levels, share, classes=4):
    """Scores with `levels` distinct values, so 1 ties everything; a share of 0 or 1 leaves classes without either kind."""
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, levels, (images, classes)) - levels // 2).astype(np.float32)
    return scores, (rng.random((images, classes)) < share).astype(np.int8)


@given(**CASES, share=SHARES)
@settings(max_examples=80, deadline=None)
def test_average_precision_and_curve(seed, images, levels, share):
    scores, targets = drawn(seed, images, levels, share)
    found = average_precision(scores, targets)
    for c in range(4):
        if not targets[:, c].any():
            assert np.isnan(found[c])
            continue
        assert found[c] == pytest.approx(sklearn_metrics.average_precision_score(targets[:, c], scores[:, c]), abs=1e-9)
        recall, precision, thresholds = precision_recall_curve(scores[:, c], targets[:, c])
        theirs = sklearn_metrics.precision_recall_curve(targets[:, c], scores[:, c], drop_intermediate=False)
        np.testing.assert_allclose(precision, theirs[0][:-1][::-1], atol=1e-12)
        np.testing.assert_allclose(recall, theirs[1][:-1][::-1], atol=1e-12)
        np.testing.assert_array_equal(thresholds, theirs[2][::-1])


@given(**CASES, share=SHARES)
@settings(max_examples=80, deadline=None)
def test_ranking_measures(seed, images, levels, share):
    scores, targets = drawn(seed, images, levels, share)
    found = ranking_measures(scores, targets)
    assert found["ranking_loss"] == pytest.approx(sklearn_metrics.label_ranking_loss(targets, scores), abs=1e-9)
    assert found["coverage_error"] == pytest.approx(sklearn_metrics.coverage_error(targets, scores), abs=1e-9)
    assert found["lrap"] == pytest.approx(sklearn_metrics.label_ranking_average_precision_score(targets, scores), abs=1e-9)
    errors = []
    for row, present in zip(scores, targets, strict=True):
        highest = [c for c in range(4) if row[c] == row.max()]
        errors.append(sum(1 - present[c] for c in highest) / len(highest))
    assert found["one_error"] == pytest.approx(np.mean(errors), abs=1e-9)


@given(**CASES, share=SHARES)
@settings(max_examples=80, deadline=None)
def test_label_sets(seed, images, levels, share):
    scores, targets = drawn(seed, images, levels, share)
    predicted, positive = scores >= 0, targets == 1
    sets = set_measures(predicted, positive)
    assert sets["hamming_loss"] == pytest.approx(sklearn_metrics.hamming_loss(positive, predicted), abs=1e-12)
    assert sets["subset_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(positive, predicted), abs=1e-12)
    six = precision_recall_f1(predicted, positive, cf1="mean_of_f1")
    if positive.any(axis=0).all():
        theirs = sklearn_metrics.precision_recall_fscore_support(positive, predicted, average="macro", zero_division=0)
        np.testing.assert_allclose([six["CP"], six["CR"], six["CF1"]], theirs[:3], atol=1e-9)
        theirs = sklearn_metrics.precision_recall_fscore_support(positive, predicted, average="micro", zero_division=0)
        np.testing.assert_allclose([six["OP"], six["OR"], six["OF1"]], theirs[:3], atol=1e-9)


@given(**CASES, share=SHARES)
@settings(max_examples=60, deadline=None)
def test_unknown_labels_are_as_if_they_were_not_there(seed, images, levels, share):
    scores, targets = drawn(seed, images, levels, share)
    unknown = np.random.default_rng(seed + 1).random(targets.shape) < 0.3
    marked = np.where(unknown, -1, targets)
    found = average_precision(scores, marked)
    for c in range(4):
        kept = ~unknown[:, c]
        if kept.any():
            expected = average_precision(scores[kept, c : c + 1], targets[kept, c : c + 1])
            np.testing.assert_allclose(found[c : c + 1], expected, atol=1e-12)
    rows = []
    for row, present, kept in zip(scores, targets, ~unknown, strict=True):
        rows.append(list(ranking_measures(row[None, kept], present[None, kept]).values()) if kept.any() else [0, 0, 1, 0])
    np.testing.assert_allclose(list(ranking_measures(scores, marked).values()), np.mean(rows, axis=0), atol=1e-9)


@given(**CASES, share=SHARES, kind=st.sampled_from(["plain", "interpolated", "11-point"]))
@settings(max_examples=60, deadline=None)
def test_eleven_points_and_both_number_types(seed, images, levels, share, kind):
    scores, targets = drawn(seed, images, levels, share)
    found = average_precision(scores, targets, kind)
    spread = scores.astype(np.float64) + 1e-12 * np.arange(images)[:, None]  # not all of it fits into float32
    for c in range(4):
        if targets[:, c].any():
            recall, precision, _ = precision_recall_curve(scores[:, c], targets[:, c])
            if kind == "11-point":
                expected = np.mean([max(precision[recall >= tenths / 10 - 1e-9]) for tenths in range(11)])
                assert found[c] == pytest.approx(expected, abs=1e-9)
            one = average_precision(spread[:, c : c + 1], targets[:, c : c + 1], kind)
            ranks = np.argsort(np.argsort(spread[:, c])).astype(np.float32)[:, None]
            assert one[0] == pytest.approx(average_precision(ranks, targets[:, c : c + 1], kind)[0], abs=1e-12)


def test_the_number_of_threads_changes_no_digit():
    rng = np.random.default_rng(3)
    scores, targets = rng.normal(size=(900, 37)).astype(np.float32), rng.integers(-1, 2, (900, 37)).astype(np.int8)
    names = Categories([f"c{i}" for i in range(37)])
    for preset in ("sklearn", "mlgcn", "srn", "msrn"):
        assert evaluate(scores, targets, names, preset, threads=1) == evaluate(scores, targets, names, preset, threads=5)


def test_zeros_of_both_signs_are_one_score_and_order_breaks_ties():
    (ranked,) = rank_classes(np.array([[-0.0], [0.0], [1.0], [-1.0]], np.float32), np.array([[1], [0], [0], [1]]), order=True)
    assert ranked.order.tolist() == [2, 0, 1, 3]
    assert ranked.above.tolist() == [3, 4]
    assert ranked.hits.tolist() == [1, 2]


@pytest.mark.parametrize("k", [1, 3, 8, 9, 50])
def test_top_k_takes_the_first_of_equals(k):
    scores = np.random.default_rng(k).integers(0, 5, (40, 12)).astype(np.float32)
    expected = np.zeros_like(scores, dtype=bool)
    for row, values in enumerate(scores):
        for column in sorted(range(12), key=lambda c, values=values: (-values[c], c))[:k]:
            expected[row, column] = True
    np.testing.assert_array_equal(top_k(scores, k), expected)


@pytest.mark.parametrize("rows", [0, 1, 127, 128, 129, 1000])
def test_counts_do_not_overflow(rows):
    marks = np.ones((rows, 3), dtype=bool)
    marks[:, 1] = False
    assert counts(marks).tolist() == [rows, 0, rows]


def test_nothing_handed_in_is_written_to():
    scores, targets = drawn(0, 20, 5, 0.5)
    targets[0, 0] = -1
    before = scores.copy(), targets.copy()
    for array in (scores, targets):
        array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for preset in ("sklearn", "mlgcn", "srn", "msrn"):
            evaluate(scores, targets, Categories(list("abcd")), preset)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(targets, before[1])


@pytest.mark.slow
def test_torchmetrics_agrees():
    functional = pytest.importorskip("torchmetrics.functional.classification", reason="torchmetrics is not among our requirements")
    import torch

    scores, targets = drawn(5, 200, 1000, 0.4)
    scores /= 200  # it ranks the probabilities, of which large scores would make equal ones
    theirs = functional.multilabel_average_precision(torch.tensor(scores), torch.tensor(targets).long(), 4, average="none")
    np.testing.assert_allclose(average_precision(scores, targets), theirs, atol=1e-6)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(WorkbenchError, match='Did you mean "11-point"'):
        average_precision(np.zeros((1, 1)), np.ones((1, 1)), "11point")
