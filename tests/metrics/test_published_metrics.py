"""Every number of the published evaluation codes whose outputs are at hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.shared_data import reference
from workbench import Categories
from workbench.metrics import average_precision, evaluate, precision_recall_f1
from workbench.metrics.precision_recall import counts, per_class


def translated(published):
    """The published codes write 1 present, 0 unknown, -1 absent."""
    return np.where(published == 1, 1, np.where(published == 0, -1, 0)).astype(np.int8)


def names(count):
    return Categories([f"c{i}" for i in range(count)])


OURS = {"F1-C": "CF1", "P-C": "CP", "R-C": "CR", "F1-O": "OF1", "P-O": "OP", "R-O": "OR"}


def test_srn_preset_equals_the_published_summary():
    data = reference("metrics_srn.npz")
    labels = translated(data["labels"])
    # The published line takes 0 as absent everywhere, in AP too; only WIDER's leaves it out there.
    result = evaluate(data["logits"], np.where(labels == 1, 1, 0), names(labels.shape[1]), "srn")
    summary = dict(zip(map(str, data["summary_names"]), data["summary"], strict=True))
    assert 100 * result["mAP"] == pytest.approx(summary["mAP"], abs=1e-6)
    for theirs, ours in OURS.items():
        assert 100 * result["all"][ours] == pytest.approx(summary[theirs], abs=1e-6), theirs
    found = np.array([[row[key] for key in ("P", "R", "F1")] for row in result["labels"].values()])
    np.testing.assert_allclose(found, np.stack([data["P_class"], data["R_class"], data["F1_class"]], axis=1), atol=1e-6)


def test_srn_preset_equals_the_published_wider_line():
    data = reference("metrics_srn.npz")
    labels = translated(data["labels"])
    result = evaluate(data["logits"], labels, names(labels.shape[1]), "srn")
    np.testing.assert_allclose(list(result["AP"].values()), data["ap_eccv16"], atol=1e-6)
    line = dict(zip(map(str, data["summary_wider_names"]), data["summary_wider"], strict=True))
    assert 100 * result["mAP"] == pytest.approx(line["mAP"], abs=1e-6)
    assert 100 * result["all"]["CF1"] == pytest.approx(line["F1-C"], abs=1e-6)
    assert 100 * result["all"]["OF1"] == pytest.approx(line["F1-O"], abs=1e-6)


def test_the_tiny_number_that_srn_adds_decides_empty_classes():
    data = reference("metrics_srn.npz")
    predicted = data["edge_probs"] > 0.5
    positive = data["edge_labels"] == 1
    found = per_class(counts(predicted & positive), counts(predicted), counts(positive), "eps")
    for values, key in zip(found, ("P_class", "R_class", "F1_class"), strict=True):
        np.testing.assert_allclose(values, data[f"edge_{key}"], atol=1e-6)
    six = precision_recall_f1(predicted, positive, empty="eps")
    np.testing.assert_allclose([six["OP"], six["OR"], six["OF1"]], data["edge_overall"], atol=1e-6)
    ap = average_precision(data["edge_probs"], translated(data["edge_labels"]), "interpolated")
    np.testing.assert_allclose(ap, data["edge_ap_voc"], atol=1e-6)


def test_mlgcn_without_difficult_and_its_overall_precision():
    data = reference("metrics_mlgcn.npz")
    targets = translated(data["targets"])
    six = evaluate(data["scores"], targets, names(targets.shape[1]), "mlgcn")
    predicted = data["scores"] >= 0
    true_share = (predicted & (targets == 1)).sum() / predicted.sum()
    assert six["all"]["OP"] < true_share  # the class without a prediction counts as one
    assert 100 * np.nanmean(average_precision(data["scores"], targets, unknown="negative")) == pytest.approx(
        float(data["map_difficult_as_negative"]), abs=1e-3
    )
    plain = precision_recall_f1(predicted, targets == 1)
    assert plain["OP"] == pytest.approx(true_share)
