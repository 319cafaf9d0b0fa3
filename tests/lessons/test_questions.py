"""Each check: open, right, the usual mistakes with their hints, and nonsense, which never raises."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.archives import SRN_LOGITS, make_contents
from workbench import Inspection, WorkbenchError
from workbench.inspection import LogitKind
from workbench.lessons import lesson, torch_is_here
from workbench.lessons.cases import coverage, map_of, share_near

NONSENSE = ["", None, ..., "nonsense", 7, -1, [], [1, "a"], np.zeros((2, 2)), {"a": 1}, object(), np.array("x"), lambda: 1, True]


@pytest.fixture(scope="module")
def srn() -> Inspection:
    contents = make_contents(24, ["sun", "ball", "house", "tree", "duck"], grid=(6, 6), unknown=False, name="scenes-srn")
    logits = dict(contents.logits)
    attention, confidence = (contents.maps[kind].astype(np.float64) for kind in ("attention", "confidence"))
    logits["att"] = (attention * confidence).sum(axis=(2, 3)).astype(np.float32)
    contents.logits = logits
    contents.logit_kinds = (*SRN_LOGITS[:1], LogitKind("att", "y_att", ""), *SRN_LOGITS[1:])
    return Inspection.of(contents)


@pytest.fixture(scope="module")
def pooled() -> Inspection:
    names = ["sun", "ball", "house", "tree", "duck"]
    return Inspection.of(make_contents(24, names, system="pooled", unknown=False, name="scenes-pooled", model_seed=1))


@pytest.fixture
def check(srn):
    return lesson("01_srn", srn)


@pytest.fixture
def start(srn, pooled):
    return lesson("00_start_here", srn, pooled)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def maps(srn, check):
    return (srn.maps(kind, check.absent.image)[1].astype(np.float64) for kind in ("attention", "confidence"))


@pytest.mark.parametrize("answer", NONSENSE, ids=lambda value: type(value).__name__)
def test_no_answer_stops_a_notebook(check, start, answer, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    for questions in (check, start):
        for name in questions.questions:
            said = getattr(questions, name)(answer)
            assert said.text
            if answer is None or answer is ... or (isinstance(answer, str) and not answer):
                assert said.passed is None
                assert said.text.startswith("Not answered yet")


def test_softmax_and_its_mistakes(check):
    powers = np.exp(check.scores)
    assert check.q2(powers / powers.sum(axis=(1, 2), keepdims=True)).passed
    for wrong, hint in (
        (powers / powers.sum(axis=0, keepdims=True), "labels of a cell"),
        (powers / powers.sum(axis=2, keepdims=True), "each row"),
        (powers / powers.sum(axis=1, keepdims=True), "each column"),
        (powers / powers.sum(), "all labels together"),
        (sigmoid(check.scores), "This is a sigmoid"),
        (powers, "Divide them"),
        (check.scores / check.scores.sum(axis=(1, 2), keepdims=True), "np.exp"),
        (powers[0], "shape"),
        (powers / powers.sum(axis=(1, 2), keepdims=True) + 0.1, "largest difference"),
    ):
        said = check.q2(wrong)
        assert said.passed is False
        assert hint in said.text


def test_gate_and_its_mistakes(srn, check):
    attention, confidence = maps(srn, check)
    assert check.q3(sigmoid(confidence) * attention).passed
    for wrong, hint in (
        (confidence * attention, "still raw"),
        (sigmoid(confidence * attention), "around S alone"),
        ((confidence > 0) * attention, "threshold"),
        (sigmoid(confidence), "confidence alone"),
        (sigmoid(confidence) + attention, "Multiply"),
    ):
        said = check.q3(wrong)
        assert said.passed is False
        assert hint in said.text


def test_attention_logit_and_its_mistakes(srn, check):
    attention, confidence = maps(srn, check)
    product = attention * confidence
    assert check.q4(product.sum(axis=(1, 2))).passed
    for wrong, hint in (
        (product.mean(axis=(1, 2)), "That is the mean"),
        ((sigmoid(confidence) * attention).sum(axis=(1, 2)), "S stays raw"),
        (sigmoid(product.sum(axis=(1, 2))), "one step too far"),
        (confidence.sum(axis=(1, 2)), "left out A"),
        (product.sum(axis=0), "Wrong axis"),
        (product.sum(), "one for each label"),
        (product, "add up the cells"),
    ):
        said = check.q4(wrong)
        assert said.passed is False
        assert hint in said.text


def test_predictions_and_their_mistakes(srn, check):
    cls, att, sr = (srn.logits(name) for name in ("cls", "att", "sr"))
    final = (cls + sr) / 2
    assert check.q5(final >= 0).passed
    for wrong, hint in (
        (final >= 0.5, "Threshold before sigmoid"),
        (cls >= 0, "y_cls alone"),
        (sr >= 0, "y_sr alone"),
        ((cls + sr + att) / 3 >= 0, "y_att does not take part"),
        (final, "These are the logits"),
        (final < 0, "entries differ"),
    ):
        said = check.q5(wrong)
        assert said.passed is False
        assert hint in said.text


def test_grouped_convolution(check):
    assert check.q6(2).passed
    assert "ordinary convolution" in check.q6("all").text
    assert "one output for each channel" in check.q6(10).text
    assert check.q6(4).passed is False


def test_changes_are_counted_as_a_loop_counts_them(srn, check):
    fixed = broken = 0
    for image in range(len(srn)):
        for column in range(len(srn.categories)):
            truth = srn.targets[image, column] == 1
            before, after = srn.logits("cls")[image, column] >= 0, srn.logits()[image, column] >= 0
            fixed += before != truth and after == truth
            broken += before == truth and after != truth
    assert check.changes == (fixed, broken)
    assert fixed + broken
    answers = [check.q7(answer) for answer in ("more fixed", "about as many", "more broken")]
    assert [said.passed for said in answers].count(True) == 1
    assert all(str(fixed) in said.text for said in answers)


def test_guessed_numbers_have_a_margin(srn, check):
    truth = srn.measurements["pointing"]["attention"]["overall"]
    assert check.q9(truth).passed
    assert check.q9(min(1, truth + 0.09)).passed
    assert "too low" in check.q9(max(0, truth - 0.2)).text
    assert "between 0 and 1" in check.q9(40).text


def test_found_despite_a_miss_is_counted_as_a_loop_counts_it(srn, check):
    counts = {True: [0, 0], False: [0, 0]}
    for image, column in np.argwhere(srn.targets == 1):
        values = map_of(srn, "attention", image, column)
        row, col = np.unravel_index(values.argmax(), values.shape)
        touched = False
        for region in srn.regions(image):
            if srn.categories.index(region.category) == column:
                side = srn.picture[0] / values.shape[0]
                mask = region.mask if region.mask is not None else None
                if mask is None:
                    x0, y0, x1, y1 = (edge * srn.picture[0] / srn.frame[0] for edge in region.box)
                    mask = np.zeros(srn.picture, bool)
                    mask[round(y0) : round(y1), round(x0) : round(x1)] = True
                touched |= mask[round(row * side) : round((row + 1) * side), round(col * side) : round((col + 1) * side)].any()
        counts[bool(touched)][0] += srn.logits()[image, column] >= 0
        counts[bool(touched)][1] += 1
    assert sum(total for _, total in check.found.values()) == sum(total for _, total in counts.values())
    # Masks are sampled at eight points a side of a cell here, at every pixel there: a few cells that are only grazed may differ.
    assert abs(check.found[True][1] - counts[True][1]) <= 3


def test_cases_are_what_they_promise(srn, check):
    image, label = check.absent
    assert srn.targets[image, srn.categories.index(label)] == 0
    assert srn.logits()[image, srn.categories.index(label)] < 0
    image, label = check.misleading
    column = srn.categories.index(label)
    values = map_of(srn, "attention", image, column)
    shares = []
    for i, c in np.argwhere((srn.targets == 1) & (srn.probabilities() >= 0.8)):
        covered = coverage(srn, i, c, values.shape)
        shares.append(share_near(map_of(srn, "attention", i, c), covered, margin=1))
    assert share_near(values, coverage(srn, image, column, values.shape), margin=1) <= np.median(shares)


def test_coverage_is_the_share_of_each_cell(srn):
    image = next(i for i in range(len(srn)) if srn.regions(i) and srn.regions(i)[0].mask is not None)
    region = srn.regions(image)[0]
    covered = coverage(srn, image, srn.categories.index(region.category), (6, 6))
    assert covered.sum() / 36 == pytest.approx(region.mask.mean(), abs=0.01)


def test_start_here_finds_the_place(srn, start):
    image, label = start.first
    values = map_of(srn, "attention", image, srn.categories.index(label))
    assert values[start.spot] == values.max()
    said = [start.q1(third) for third in ("left", "middle", "right")]
    assert [one.passed for one in said].count(True) == 1
    others = [name for name in srn.categories if name != label]
    at_spot = {name: srn.maps("attention", image)[1][srn.categories.index(name)][start.spot] for name in others}
    assert start.q2(max(at_spot, key=at_spot.get)).passed
    assert "label in view" in start.q2(label).text
    assert "number 4" in start.q2(min(at_spot, key=at_spot.get)).text
    assert "no category" in start.q2("dcuk").text
    assert [start.q3(name).passed for name in ("SRN", "pooled")].count(True) == 1
    assert [start.q4(name).passed for name in ("yes", "no")].count(True) == 1


def test_results_and_solutions(check):
    assert repr(check) == "Lesson 01_srn: 0 of 11 questions answered, 0 of them right."
    check.q1(...)
    check.q6(2)
    check.q6(3)
    assert repr(check) == "Lesson 01_srn: 1 of 11 questions answered, 0 of them right."
    assert "np.exp(Z)" in repr(check.solution("q2"))
    with pytest.raises(WorkbenchError, match='no question "q99"'):
        check.solution("q99")


def test_feedback_is_shown_as_text(check):
    check.q2("<img src=x onerror=alert(1)>")
    assert "<img" not in check.q1("<img src=x onerror=alert(1)>")._repr_html_()


def test_wrong_number_of_archives(srn):
    with pytest.raises(WorkbenchError, match="looks at 2 archives, 1 were given"):
        lesson("00_start_here", srn)


def test_torch_is_looked_for_without_importing_it(capsys, monkeypatch):
    monkeypatch.setattr("workbench.lessons.find_spec", lambda name: None)
    assert not torch_is_here("Training")
    assert capsys.readouterr().out.startswith("Training needs PyTorch and was skipped")

    def refuse(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("workbench.lessons.find_spec", refuse)
    assert not torch_is_here()
