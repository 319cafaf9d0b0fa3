"""Areas under ROC curves against scikit-learn and slow loops; histograms of scores against exact values, which their bounds must hold."""

import numpy as np
import pytest

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.metrics import ScoreHistogram, average_precision, roc
from workbench.metrics.grids import _bilinear_matrix, resize_maps


def drawn(seed, images=300, classes=6, levels=None, unknown=0.0):
    """Scores that tell something, labels of very different frequency, some unknown; `levels` makes ties."""
    rng = np.random.default_rng(seed)
    share = rng.choice([0.01, 0.1, 0.5, 0.9], classes)
    targets = (rng.random((images, classes)) < share).astype(np.int8)
    scores = (rng.normal(size=(images, classes)) * 2 + targets * rng.uniform(0, 4, classes)).astype(np.float32)
    if levels:
        scores = np.round(scores * levels) / np.float32(levels)
    targets[rng.random(targets.shape) < unknown] = -1
    return scores, targets


@pytest.mark.parametrize(("seed", "levels"), [(0, None), (1, 2), (2, 1), (3, None)])
def test_area_is_scikit_learns(seed, levels):
    sklearn = pytest.importorskip("sklearn.metrics")
    scores, targets = drawn(seed, levels=levels)
    found = roc(scores, targets)
    for c in range(scores.shape[1]):
        if 0 < targets[:, c].sum() < len(targets):
            assert found.area[c] == pytest.approx(sklearn.roc_auc_score(targets[:, c], scores[:, c]), abs=1e-12)
            false, true, _ = sklearn.roc_curve(targets[:, c], scores[:, c], drop_intermediate=False)
            assert found.sensitivity[c] == pytest.approx(true[false <= 0.05 + 1e-9].max(), abs=1e-12)
        else:
            assert np.isnan(found.area[c])


def test_interval_is_delongs():
    """The variance from its definition: for each image the share of the others that it is ordered right with, in loops."""
    scores, targets = drawn(5, images=80, classes=1, levels=3)
    positive, negative = scores[targets == 1], scores[targets == 0]
    pairs = np.array([[(one > other) + 0.5 * (one == other) for other in negative] for one in positive])
    variance = pairs.mean(1).var(ddof=1) / len(positive) + pairs.mean(0).var(ddof=1) / len(negative)
    found = roc(scores, targets)
    logit = np.log(found.area / (1 - found.area))
    reach = 1.959963984540054 * np.sqrt(variance) / (found.area * (1 - found.area))
    assert found.low == pytest.approx(1 / (1 + np.exp(-(logit - reach))), abs=1e-12)
    assert found.high == pytest.approx(1 / (1 + np.exp(-(logit + reach))), abs=1e-12)


def test_interval_holds_the_truth_as_often_as_it_says():
    """Two normal distributions a standard deviation apart have an area of .7602."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        targets = (np.arange(120) < 40).astype(np.int8)[:, None]
        found = roc((rng.normal(size=(120, 1)) + targets).astype(np.float32), targets)
        held += bool(found.low[0] <= 0.76025 <= found.high[0])
    assert 0.92 <= held / 400 <= 0.98


def test_perfect_order_has_an_interval_that_is_not_a_point():
    found = roc(np.array([[3.0], [2.0], [1.0], [0.0]]), np.array([[1], [1], [0], [0]]))
    assert (found.area[0], found.high[0], found.sensitivity[0]) == (1, 1, 1)
    assert 0.1 < found.low[0] < 0.3  # two images of each prove little


def test_unknown_labels_and_shares_out_of_range():
    scores, targets = drawn(7, unknown=0.3)
    found = roc(scores, targets)
    for c in range(scores.shape[1]):
        known = targets[:, c] != -1
        assert roc(scores[known, c : c + 1], targets[known, c : c + 1]).area == pytest.approx(found.area[c : c + 1], nan_ok=True)
    with pytest.raises(WorkbenchError, match=r"specificity of 1\.5"):
        roc(scores, targets, specificity=1.5)
    with pytest.raises(WorkbenchError, match="confidence of 95"):
        roc(scores, targets, confidence=95)


def histogram(scores, targets, bins=64, batch=37, **options):
    found = ScoreHistogram(Categories(f"c{c}" for c in range(scores.shape[1])), bins=bins, **options)
    for begin in range(0, len(scores), batch):
        found.add(scores[begin : begin + batch], targets[begin : begin + batch])
    return found


@pytest.mark.parametrize("seed", range(30))
def test_the_exact_value_lies_within_the_bounds(seed):
    """Few bins, so that the bounds are tried; ties, unknown labels and logits beyond the last bin among the cases."""
    scores, targets = drawn(seed, levels=(None, 1, 5)[seed % 3], unknown=(0, 0.2)[seed % 2])
    scores *= (1, 10)[seed % 5 == 0]
    rule = ("ignore", "positive", "negative")[seed % 3]
    found = histogram(scores, targets, bins=(2, 8, 64)[seed % 3], unknown=rule)
    for bounded, exact in (
        (found.average_precision(), average_precision(scores, targets, unknown=rule)),
        (found.area_under_roc(), roc(scores, targets, unknown=rule).area),
    ):
        there = ~np.isnan(exact)
        assert (bounded.low[there] <= exact[there] + 1e-12).all()
        assert (exact[there] <= bounded.high[there] + 1e-12).all()
        assert (np.abs(bounded.value - exact)[there] <= bounded.error[there] + 1e-12).all()
        assert np.isnan(bounded.value[~there]).all()


def test_many_bins_come_near_and_batches_and_processes_do_not_matter():
    scores, targets = drawn(1, images=4000)
    fine = histogram(scores, targets, bins=4096)
    assert fine.average_precision().error.max() < 0.02
    assert np.nanmax(np.abs(fine.roc().area - roc(scores, targets).area)) < 1e-3
    first, second = histogram(scores[:1500], targets[:1500], 4096, batch=1), histogram(scores[1500:], targets[1500:], 4096, batch=999)
    first += second
    for one, other in zip(first.counts(), fine.counts(), strict=True):
        assert (one == other).all()
    with pytest.raises(WorkbenchError, match="do not add up"):
        first += histogram(scores, targets, bins=64)


def test_wrong_batches_are_refused():
    held = ScoreHistogram(Categories(["a", "b"]))
    for scores, targets, said in (
        (np.zeros((3, 2)), np.zeros((3, 1)), "must both be"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "NaN"),
        (np.zeros((3, 2)), np.full((3, 2), 7), "7"),
    ):
        with pytest.raises(WorkbenchError, match=said):
            held.add(scores, targets)
    with pytest.raises(WorkbenchError, match="at least 2 bins"):
        ScoreHistogram(Categories(["a"]), bins=1)


def test_resized_maps_are_those_of_the_formula():
    maps = np.random.default_rng(0).normal(size=(3, 2, 5, 7)).astype(np.float16)
    rows, columns = _bilinear_matrix(5, 31), _bilinear_matrix(7, 20)
    expected = np.einsum("Hh,abhw,Ww->abHW", rows.astype(np.float64), maps.astype(np.float64), columns.astype(np.float64))
    found = resize_maps(maps, 31, 20)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5
