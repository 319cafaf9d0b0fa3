"""Targets are 1, 0 and -1; every other code is refused by value and column, with what to pass."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.targets import checked_targets

NAMES = Categories(["cat", "dog"])


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.float64, object, np.float16])
def test_what_passes(dtype):
    given = np.array([[1, 0], [-1, 1]]).astype(dtype)
    found = checked_targets(given, NAMES)
    assert found.dtype == np.int8
    assert found.tolist() == [[1, 0], [-1, 1]]
    assert checked_targets(given.tolist(), NAMES, images=2).tolist() == found.tolist()


def test_tensors_tables_and_truth_values():
    for tensor in (torch.tensor([[1, 0]]), torch.tensor([[1.0, 0]], dtype=torch.bfloat16), torch.tensor([[True, False]])):
        assert checked_targets(tensor, NAMES).tolist() == [[1, 0]]
    table = SimpleNamespace(columns=["dog", "cat"], to_numpy=lambda: np.array([[0, 1]]))
    assert checked_targets(table, NAMES).tolist() == [[1, 0]]
    with pytest.raises(WorkbenchError, match='lacks "cat"'):
        checked_targets(SimpleNamespace(columns=["dog", "emu"], to_numpy=lambda: np.array([[0, 1]])), NAMES)
    assert checked_targets(np.zeros((2, 2), np.uint8)).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (-100, "unknown=-100"),
        (255, "unknown=255"),
        (float("nan"), r'unknown=float\("nan"\)'),
        (2, "unknown=2.*; if it counts objects, give targets > 0"),
        (0.9, r"decide with a threshold \(targets >= 0.5\)"),
        ("1", r"text is no number: convert them with .astype\(int\)"),
        (-2, "unknown=-2"),
        (float("inf"), "hold inf"),
        (None, "hold None"),
    ],
)
def test_other_codes_are_refused_by_value_and_column(value, sentence):
    rows = [[1, 0], [0, value]]
    for given in (rows, np.array(rows, dtype=object)):
        with pytest.raises(WorkbenchError, match=r'in row \d, column "(cat|dog)"') as caught:
            checked_targets(given, NAMES)
        assert re.search(sentence, str(caught.value), re.IGNORECASE)
        assert len(str(caught.value).splitlines()) == 1
    if isinstance(value, int | float) and value != 0.9:
        assert checked_targets(rows, NAMES, unknown=value).tolist() == [[1, 0], [0, -1]]
        assert checked_targets(rows, NAMES, unknown=[value, 77]).tolist() == [[1, 0], [0, -1]]
    if value == 2:
        with pytest.raises(WorkbenchError, match="hold 2"):
            checked_targets(np.array(rows, dtype=np.uint8))


def test_true_among_text_is_refused():
    with pytest.raises(WorkbenchError, match="give True and False throughout"):
        checked_targets(np.array([[True, "1"]], dtype=object), NAMES)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.zeros((2, 3)), r"shape \[2, 3\], expected \[2, 2\]"),
        (np.zeros((3, 2)), r"shape \[3, 2\], expected \[2, 2\]"),
        (np.zeros(2), "One column for each category"),
        ([[1, 0], [1]], "rows of different lengths"),
        (np.zeros((2, 2), complex), "of type complex"),
    ],
)
def test_shapes(given, sentence):
    with pytest.raises(WorkbenchError, match=sentence):
        checked_targets(given, NAMES, images=2)


def every_function_that_takes_targets():
    from workbench import datasets, losses, metrics
    from workbench.analysis.semantics import label_correlation
    from workbench.labels import LabelGraph
    from workbench.losses.discriminative import feature_points, logit_points
    from workbench.widgets import ThresholdLab

    scores = np.linspace(-1, 1, 8).reshape(4, 2).astype(np.float32)
    logits = torch.from_numpy(scores)

    def accumulated(targets):
        accumulator = metrics.Accumulator(NAMES)
        accumulator.add(scores, targets)

    return {
        "evaluate": lambda targets: metrics.evaluate(scores, targets, NAMES),
        "average_precision": lambda targets: metrics.average_precision(scores, targets),
        "ranking_measures": lambda targets: metrics.ranking_measures(scores, targets),
        "reliability": lambda targets: metrics.reliability(scores, targets),
        "bootstrap": lambda targets: metrics.bootstrap(scores, targets, resamples=100),
        "paired_bootstrap": lambda targets: metrics.paired_bootstrap(scores, -scores, targets, resamples=100),
        "best_thresholds": lambda targets: metrics.best_thresholds(scores, targets),
        "choose_thresholds": lambda targets: metrics.choose_thresholds(scores, targets, NAMES, "val"),
        "precision_recall_curve": lambda targets: metrics.precision_recall_curve(scores[:, 1], np.asarray(targets)[:, 1]),
        "Accumulator": accumulated,
        "LabelGraph": lambda targets: LabelGraph.from_targets(NAMES, targets),
        "label_correlation": label_correlation,
        "ThresholdLab": lambda targets: ThresholdLab(scores, targets, NAMES),
        "as_dataset": lambda targets: datasets.as_dataset(np.zeros((4, 8, 8, 3), np.uint8), NAMES, targets=targets),
        "bce": lambda targets: losses.bce(logits, torch.as_tensor(targets)),
        "feature_points": lambda targets: feature_points(logits[..., None], torch.as_tensor(targets)),
        "logit_points": lambda targets: logit_points(logits, torch.as_tensor(targets)),
    }


@pytest.mark.parametrize("name", every_function_that_takes_targets())
def test_every_function_that_takes_targets_has_the_gate(name):
    function = every_function_that_takes_targets()[name]
    good = np.array([[1, 0], [0, 1], [1, 1], [-1, 0]])
    function(good)
    function(good.astype(np.float32))
    for value in (-100, 255, 2, 0.9, float("nan")):
        bad = good.astype(np.float64)
        bad[1, 1] = value
        with pytest.raises(WorkbenchError, match=rf"hold {value}(\.\d+)? in row 1, column"):
            function(bad)
        if isinstance(value, int):
            with pytest.raises(WorkbenchError, match=rf"hold {value} in row 1, column"):
                function(bad.astype(np.int64))


def test_what_is_masked_sparse_or_empty():
    masked = np.ma.masked_array([[1, 0], [1, 1]], mask=[[False, True], [False, False]])
    for given in (masked, masked.astype(np.float32), masked.astype(np.uint8), masked.astype(bool)):
        assert checked_targets(given, NAMES).tolist() == [[1, -1], [1, 1]]
    for sparse in (csr_matrix(np.eye(2)), torch.eye(2).to_sparse()):
        assert checked_targets(sparse, NAMES).tolist() == [[1, 0], [0, 1]]
    assert checked_targets(np.array([[True, False]], dtype=object), NAMES).tolist() == [[1, 0]]
    with pytest.raises(WorkbenchError, match=r'hold None in row 0, column "dog"; .* pass unknown=float\("nan"\)'):
        checked_targets([[1, None]], NAMES)
    assert checked_targets([[1, None]], NAMES, unknown=float("nan")).tolist() == [[1, -1]]


def test_one_text_is_no_list_of_categories():
    with pytest.raises(WorkbenchError, match=r'whose letters would be the names; give a list: \["dog"\]'):
        Categories("dog")
