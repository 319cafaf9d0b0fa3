"""The checks of the lesson on photos: right, the usual mistakes with their hints, and answers that follow the archive in use."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.support.archives import make_contents
from workbench import Inspection
from workbench.lessons import lesson

NONSENSE = ["", None, ..., "nonsense", -7, [], [1, "a"], np.zeros((2, 2)), {"a": 1}, object(), np.array("x"), lambda: 1]


@pytest.fixture(scope="module")
def photos() -> Inspection:
    contents = make_contents(6, ["cup", "tripod", "tabby"], system="pooled", name="photos")
    contents.measurements = {"deletion": {"class_activation": {"overall": 0.4}, "random map": {"overall": 0.6}}}
    return Inspection.of(contents)


@pytest.fixture(scope="module")
def scored() -> Inspection:
    return Inspection.of(make_contents(40, ["sun", "ball", "house"], system="pooled", name="scenes-pooled", model_seed=2))


@pytest.fixture
def check(photos, scored):
    return lesson("04_real_photos", photos, scored)


def said(feedback, passed, *parts) -> None:
    assert feedback.passed is passed, feedback
    for part in parts:
        assert part in feedback.text


def test_nonsense_never_raises_and_never_passes(check):
    for question in check.questions:
        for answer in NONSENSE:
            assert getattr(check, question)(answer).passed is not True


def test_what_the_model_cannot_say(check):
    said(check.q1("person"), True, "only answer what it was asked")
    said(check.q1("cup"), False, "photos.categories")


def test_a_row_of_targets(check):
    said(check.q2([-1, 1, 0]), True)
    said(check.q2([1, 1, 0]), False, "Unknown is -1")
    said(check.q2([0, 1, 0]), False, "not absent")
    said(check.q2([0, 1, -1]), False, "horse")
    said(check.q2([1, -1, 0]), False, "order")


def test_class_activation_and_its_mistakes(check):
    X, w = check.toy_activation
    truth = np.zeros((2, 3, 4))
    for label in range(2):
        for row in range(3):
            for column in range(4):
                truth[label, row, column] = sum(w[label, d] * X[d, row, column] for d in range(5)) / 12
    said(check.q3(truth), True)
    said(check.q3(12 * truth), False, "divides by their number")
    said(check.q3(truth.sum(axis=(1, 2))), False, "logit")
    said(check.q3(np.maximum(truth, 0)), False, "negative")
    said(check.q3(truth.transpose(1, 2, 0)), False, "order of axes")


def test_labels_above_a_half_are_counted(check, photos):
    mean = (photos.logits() >= 0).sum() / len(photos)
    assert mean < 5
    said(check.q4("one or two"), True, f"{mean:.0f} labels")
    said(check.q4("hundreds"), False)


def test_a_softmax_shares(check):
    said(check.q5(0.5), True)
    said(check.q5(0.99988), False, "sigmoid")


def test_deletion_is_read_from_the_archive(check, photos, scored):
    said(check.q6("bright cells"), True, "0.400", "0.600")
    said(check.q6("random cells"), False)
    bare = make_contents(6, ["cup", "tripod"], system="pooled")
    bare.measurements = {}
    said(lesson("04_real_photos", Inspection.of(bare), scored).q6("bright cells"), None, "without measuring")


def test_the_study_is_counted_or_said_to_be_absent(check, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    said(check.q7(1), None, "is not there")
    (tmp_path / "studies").mkdir()
    file = tmp_path / "studies" / "voc_study.json"
    file.write_text(json.dumps({"rows": []}))
    said(check.q7(0), True, "compares no systems")
    sure = {"against": "pooled", "mAP": {"mean": 0.02, "half_width": 0.01, "n": 3}}
    unsure = {"against": "pooled", "mAP": {"mean": 0.02, "half_width": 0.03, "n": 3}}
    other = {"against": "disc-off", "mAP": {"mean": 0.02, "half_width": 0.01, "n": 3}}
    summary = [{"backbone": "frozen", "system": name, "gain": gain} for name, gain in (("srn", sure), ("csra", unsure), ("disc", other))]
    file.write_text(json.dumps({"rows": [], "summary": [{"backbone": "frozen", "system": "pooled"}, *summary]}))
    said(check.q7(1), True, "1 of 2")
    said(check.q7(2), False, "intervals")


def test_the_best_f1_of_eight_scores(check):
    p, y = check.toy_scores
    values = {}
    for threshold in p:
        hits = sum(bool(a >= threshold and b) for a, b in zip(p, y, strict=True))
        precision, recall = hits / sum(a >= threshold for a in p), hits / sum(y)
        values[threshold] = 2 * precision * recall / (precision + recall)
    best = max(values, key=values.get)
    said(check.q8(values[best]), True, f"{best:.2f}")
    assert (int(y[p >= best].sum()), int((1 - y[p >= best]).sum())) == (4, 1)  # as the praise says
    said(check.q8(2 * 2 / (3 + 4)), False, "0.5")
    said(check.q8(best), False, "Its F1")


def test_thresholds_are_measured_where_they_were_chosen_and_elsewhere(check, scored):
    same, other = check.f1
    logits, targets = scored.logits().astype(float), scored.targets
    for value, rows in ((same, range(20)), (other, range(20, 40))):
        found = []
        for label in range(3):
            best, threshold = -1.0, 0.0
            ordered = sorted({logits[row, label] for row in rows if targets[row, label] >= 0}, reverse=True)
            for place, candidate in enumerate(ordered):
                hits = sum(logits[row, label] >= candidate and targets[row, label] == 1 for row in rows)
                predicted = sum(logits[row, label] >= candidate and targets[row, label] >= 0 for row in rows)
                f1 = 2 * hits / (predicted + sum(targets[row, label] == 1 for row in rows))
                if f1 > best:
                    below = ordered[place + 1] if place + 1 < len(ordered) else candidate - 1
                    best, threshold = f1, (candidate + below) / 2
            hits = sum(logits[row, label] >= threshold and targets[row, label] == 1 for row in range(20))
            predicted = sum(logits[row, label] >= threshold and targets[row, label] >= 0 for row in range(20))
            found.append(2 * hits / (predicted + sum(targets[row, label] == 1 for row in range(20))))
        assert value == pytest.approx(np.mean(found))
    assert same >= other
    truth = "no difference" if abs(same - other) < 0.005 else "the same pictures"
    said(check.q9(truth), True, f"{same:.3f}", f"{other:.3f}")
    said(check.q9("other pictures"), False)
