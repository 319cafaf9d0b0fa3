"""The checks of the lesson on MSRN: right, the usual mistakes with their hints, and nonsense, which never raises."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.layered import make_layered
from workbench.lessons import lesson

NONSENSE = ["", None, ..., "nonsense", 7, -1, [], [1, "a"], np.zeros((2, 2)), {"a": 1}, object(), np.array("x"), lambda: 1, True]
NAMES = ["sun", "ball", "house", "tree", "duck", "pond"]


@pytest.fixture(scope="module")
def msrn():
    return make_layered(40, NAMES, grids=(8, 8, 8), unknown=False, name="scenes-msrn", seed=3)


@pytest.fixture
def check(msrn):
    return lesson("02_msrn", msrn)


def counted(msrn):
    full = msrn.table("cooccurrence").values.astype(float)
    return full, full - np.diag(np.diag(full)), np.diag(full)


@pytest.mark.parametrize("answer", NONSENSE, ids=lambda value: type(value).__name__)
def test_no_answer_stops_a_notebook(check, answer, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    for name in check.questions:
        said = getattr(check, name)(answer)
        assert said.text
        if answer is None or answer is ... or (isinstance(answer, str) and not answer):
            assert said.text.startswith("Not answered yet")


def test_the_layer_that_adds_most_is_found_in_a_loop(msrn, check):
    image, label = check.first
    column = msrn.categories.index(label)
    added = {}
    for part in msrn.part_kinds:
        if part != "bias":
            layer = part.split(".")[1].replace("-", " ")
            added[layer] = added.get(layer, 0) + float(msrn.parts(part)[image, column])
    best = max(added, key=added.get)
    assert check.q1(best).passed
    assert [check.q1(layer).passed for layer in added].count(True) == 1


def test_shares_and_their_mistakes(msrn, check):
    full, pairs, singles = counted(msrn)
    assert check.q2(pairs / singles[:, None]).passed
    for wrong, hint in (
        (pairs / singles[None], "P(i | j)"),
        (pairs / pairs.sum(axis=1, keepdims=True), "pairs of a row"),
        (pairs / singles.sum(), "all labels together"),
        (full / singles[:, None], "diagonal"),
        (pairs / singles[:, None] >= 0.4, "One step too far"),
        (singles, "shape"),
    ):
        said = check.q2(wrong)
        assert said.passed is False
        assert hint in said.text


def test_the_implied_label_listens(msrn, check):
    _, pairs, singles = counted(msrn)
    a, b = check.pair
    i, j = NAMES.index(a), NAMES.index(b)
    gaps = [pairs[r, c] / singles[r] - pairs[r, c] / singles[c] for r in range(6) for c in range(6)]
    assert pairs[i, j] / singles[i] - pairs[i, j] / singles[j] == pytest.approx(max(gaps))
    if pairs[i, j] / singles[i] >= 0.4 > pairs[i, j] / singles[j]:
        assert check.q3(b).passed
        assert "transpose" in check.q3(a).text
    assert [check.q3(name).passed for name in (a, b)].count(True) == 1


def test_group_loss_and_its_mistakes(msrn, check):
    labels, groups, shares = (msrn.table(name).values.astype(float) for name in ("label_embedding", "group_embedding", "assignment"))
    terms = []
    for row, share in zip(labels, shares, strict=True):
        terms.append(float(np.sqrt(((row - groups[int(np.argmax(share))]) ** 2).sum())))
    assert check.q4(1e-4 * sum(terms)).passed
    for wrong, hint in (
        (sum(terms), "weight of 1e-4"),
        (1e-4 * np.mean(terms), "mean"),
        (np.mean(terms), "without the weight"),
        (1e-4 * sum(term**2 for term in terms), "squares"),
        (1e-4 * np.array(terms), "Add them up"),
        (1e-4 * np.sqrt(sum(term**2 for term in terms)), "one norm of the whole"),
        (1e-4 * np.linalg.norm(labels - shares @ groups, axis=1).sum(), "mixture"),
    ):
        said = check.q4(wrong)
        assert said.passed is False
        assert hint in said.text


def test_commitment_to_groups(check):
    said = [check.q5(answer) for answer in ("clearly", "barely")]
    assert [one.passed for one in said].count(True) == 1
    assert "even share is 0.33" in said[0].text
    assert 0 <= check.commitment <= 1


def test_attention_of_one_channel_and_its_mistakes(check):
    x, e = check.x_and_e
    powers, plain = np.exp(e * x), np.exp(x)
    assert check.q6(powers / powers.sum()).passed
    for wrong, hint in (
        (plain / plain.sum(), "left out e"),
        (e * plain / plain.sum(), "inside"),
        (powers / powers.sum(axis=1, keepdims=True), "each row"),
        (powers / powers.sum(axis=0, keepdims=True), "each column"),
        (powers, "Divide them"),
        (e * x, "shares"),
        (1 / (1 + np.exp(-e * x)), "sigmoid"),
    ):
        said = check.q6(wrong)
        assert said.passed is False
        assert hint in said.text


def test_signs_are_counted(msrn, check):
    below = (msrn.table("label_embedding").values < 0).mean()
    assert check.q7("low" if below > 0.5 else "high").passed
    assert check.q7("high" if below > 0.5 else "low").passed is False


def test_logit_from_its_parts_and_its_mistakes(msrn, check):
    image = check.first.image
    parts = {name: msrn.parts(name)[image].astype(float) for name in msrn.part_kinds}
    local = sum(part for name, part in parts.items() if name.startswith("local."))
    total = sum(parts.values())
    assert check.q8(msrn.logits()[image]).passed
    for wrong, hint in (
        (total - parts["bias"], "bias is missing"),
        (local, "local part alone"),
        (local + parts["bias"], "group part is missing"),
        (total / len(parts), "mean of the parts"),
        (1 / (1 + np.exp(-total)), "probability"),
        (total.sum(), "Wrong axis"),
    ):
        said = check.q8(wrong)
        assert said.passed is False
        assert hint in said.text


def test_gaps_are_counted_as_a_loop_counts_them(msrn, check):
    gaps = []
    for column in range(len(NAMES)):
        there, absent = [], []
        for image in range(len(msrn)):
            value = sum(float(msrn.parts(f"{family}.stage-3")[image, column]) for family in ("local", "group"))
            (there if msrn.targets[image, column] == 1 else absent).append(value)
        gaps.append(np.mean(there) - np.mean(absent))
    assert check.gaps["stage-3"] == pytest.approx(np.mean(gaps), abs=1e-4)
    assert [check.q9(f"stage {stage}").passed for stage in (2, 3, 4)].count(True) == 1


def test_guessed_numbers(check):
    assert check.q10(0.5).passed is None, "nothing was measured"
    truth = check.likeness["attention"]
    assert check.q11(truth).passed
    assert check.q11(truth - 0.3 if truth > 0 else truth + 0.3).passed is False
    assert "between -1 and 1" in check.q11(40).text


def test_attention_is_alike_for_labels_with_one_embedding():
    from tests.support.layered import make_layered_contents
    from workbench import Inspection
    from workbench.inspection import Table

    contents = make_layered_contents(12, NAMES, grids=(8, 8, 8), unknown=False)
    same = np.tile(contents.tables["label_embedding"].values[:1], (len(NAMES), 1))
    contents.tables["label_embedding"] = Table(same, NAMES)
    check = lesson("02_msrn", Inspection.of(contents))
    assert check.likeness["attention"] == pytest.approx(1)
    assert check.likeness["evidence"] < 0.9


def test_a_study_that_is_not_there(check, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    assert "studies/msrn_atlas.json is not there" in check.q12("better").text
