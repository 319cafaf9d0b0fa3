"""Metrics against slow loops, scikit-learn and numbers from published evaluation code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.shared_data import reference
from workbench import Categories, WorkbenchError
from workbench.metrics import average_precision, evaluate, mean_average_precision, precision_recall_f1


def slow_average_precision(scores, positive, interpolated=False):
    """Straight from the definition: walk over the distinct thresholds."""
    thresholds = sorted(set(scores), reverse=True)
    total = positive.sum()
    points = []
    for threshold in thresholds:
        chosen = scores >= threshold
        points.append(((chosen & positive).sum() / total, (chosen & positive).sum() / chosen.sum()))
    area, before = 0.0, 0.0
    for k, (recall, precision) in enumerate(points):
        best = max(p for _, p in points[k:]) if interpolated else precision
        area += (recall - before) * best
        before = recall
    return area


@given(st.integers(0, 10_000), st.integers(2, 40), st.sampled_from([1, 3, 1000]))
@settings(max_examples=60, deadline=None)
def test_average_precision_equals_the_definition_also_with_ties(seed, n, levels):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (n, 3)).astype(np.float32)
    targets = rng.integers(-1, 2, (n, 3)).astype(np.int8)
    for kind in ("plain", "interpolated"):
        result = average_precision(scores, targets, kind)
        for c in range(3):
            known = targets[:, c] != -1
            positive = targets[known, c] == 1
            if positive.any():
                expected = slow_average_precision(scores[known, c], positive, kind == "interpolated")
                assert result[c] == pytest.approx(expected, abs=1e-9)
            else:
                assert np.isnan(result[c])


def test_average_precision_equals_scikit_learn():
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(300, 5)).round(1)
    targets = rng.integers(0, 2, (300, 5))
    expected = [sklearn_metrics.average_precision_score(targets[:, c], scores[:, c]) for c in range(5)]
    np.testing.assert_allclose(average_precision(scores, targets), expected, atol=1e-12)


def test_rules_for_unknown_labels_differ_and_are_checked():
    scores = np.array([[3.0], [2.0], [1.0]])
    targets = np.array([[-1], [1], [0]])
    assert average_precision(scores, targets, unknown="ignore")[0] == 1.0
    assert average_precision(scores, targets, unknown="negative")[0] == 0.5
    assert average_precision(scores, targets, unknown="positive")[0] == 1.0
    with pytest.raises(WorkbenchError, match="ignore, positive, negative"):
        average_precision(scores, targets, unknown="maybe")


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(WorkbenchError, match="NaN or infinite"):
        average_precision(np.array([[np.nan]]), np.array([[1]]))
    with pytest.raises(WorkbenchError, match=r"\[2, 1\].*\[1, 1\]"):
        average_precision(np.zeros((2, 1)), np.zeros((1, 1)))


def test_mean_leaves_out_classes_without_positives():
    assert mean_average_precision(np.array([0.5, np.nan, 1.0])) == 0.75
    assert np.isnan(mean_average_precision(np.array([np.nan])))


@pytest.mark.parametrize("cf1", ["of_means", "mean_of_f1"])
def test_precision_recall_f1_equals_counting(cf1):
    rng = np.random.default_rng(1)
    predicted, positive = rng.random((50, 4)) < 0.4, rng.random((50, 4)) < 0.3
    precisions, recalls, f1s = [], [], []
    for c in range(4):
        hits = sum(p and t for p, t in zip(predicted[:, c], positive[:, c], strict=True))
        precisions.append(hits / predicted[:, c].sum())
        recalls.append(hits / positive[:, c].sum())
        f1s.append(2 * precisions[-1] * recalls[-1] / (precisions[-1] + recalls[-1]))
    cp, cr = np.mean(precisions), np.mean(recalls)
    expected = 2 * cp * cr / (cp + cr) if cf1 == "of_means" else np.mean(f1s)
    result = precision_recall_f1(predicted, positive, cf1=cf1)
    assert result["CP"] == pytest.approx(cp)
    assert result["CR"] == pytest.approx(cr)
    assert result["CF1"] == pytest.approx(expected)
    assert result["OP"] == pytest.approx((predicted & positive).sum() / predicted.sum())


def test_mlgcn_preset_equals_the_published_meter():
    data = reference("metrics_mlgcn.npz")
    # The published meter codes difficult as 0 and absent as -1; here they are -1 and 0.
    targets = np.where(data["targets"] == 1, 1, np.where(data["targets"] == 0, -1, 0))
    names = Categories([f"c{i}" for i in range(targets.shape[1])])
    result = evaluate(data["scores"], targets, names, "mlgcn")
    np.testing.assert_allclose(list(result["AP"].values()), data["ap_difficult_skipped"], atol=1e-5)
    assert 100 * result["mAP"] == pytest.approx(float(data["map_difficult_skipped"]), abs=1e-3)
    np.testing.assert_allclose(average_precision(data["scores"], targets, unknown="negative"), data["ap_difficult_as_negative"], atol=1e-5)
    order = [str(name) for name in data["names"]]
    np.testing.assert_allclose([result["all"][name] for name in order], data["overall"], atol=1e-6)
    np.testing.assert_allclose([result["top3"][name] for name in order], data["top3"], atol=1e-6)


def test_srn_interpolated_ap_equals_the_published_code():
    data = reference("metrics_srn.npz")
    labels = np.where(data["labels"] == 1, 1, np.where(data["labels"] == 0, -1, 0))
    np.testing.assert_allclose(average_precision(data["probs"], labels, "interpolated", "ignore"), data["ap_eccv16"], atol=1e-6)
    np.testing.assert_allclose(average_precision(data["probs"], labels, "interpolated", "negative"), data["ap_voc"], atol=1e-6)


def test_unknown_preset_names_the_nearest():
    with pytest.raises(WorkbenchError, match='Did you mean "sklearn"'):
        evaluate(np.zeros((1, 1)), np.zeros((1, 1)), Categories(["a"]), "sklearm")


def test_evaluate_says_which_classes_it_skipped():
    result = evaluate(np.array([[1.0, -1.0]]), np.array([[1, 0]]), Categories(["a", "b"]))
    assert result["skipped"] == ["b"]
    assert result["AP"] == {"a": 1.0, "b": None}
    assert result["mAP"] == 1.0
