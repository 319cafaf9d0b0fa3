"""The lesson on speed and memory: right answers, usual mistakes, and figures that are read from studies and from nowhere else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.support.archives import make_inspection
from workbench.lessons import lesson, speed

NONSENSE = ["", None, ..., "nonsense", -7, [], [1, "a"], np.zeros((2, 2)), {"a": 1}, object(), np.array("x"), lambda: 1, float("nan")]


def entry(rate: float, times: float, backward: float = 0.6) -> dict:
    figures = {"images_per_second": rate, "times_plain": times}
    shares = {"data": 0.01, "forward": 0.36, "backward": backward, "optimiser": 0.03}
    return {"training": figures, "evaluation": {**figures, "images_per_second": 4 * rate}, "share_of_step": shares}


def study(**changes) -> dict:
    return {
        "device": "A processor, 2 cores",
        "shape": {"backbone": "resnet18", "size": 224, "labels": 20, "batch": 8, "precision": "32-true"},
        "machine": {"packages": {"torch": "2.15.0"}},
        "rows": [{}, {}, {}],
        "summary": {"plain": entry(20.0, 1.0), "srn-paper": entry(18.0, 1.1)},
        **changes,
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    (tmp_path / "studies").mkdir()
    return tmp_path / "studies"


@pytest.fixture
def check(folder):
    return lesson("06_your_gpu", make_inspection(4))


def said(feedback, passed, *parts) -> None:
    assert feedback.passed is passed, feedback
    for part in parts:
        assert part in feedback.text


def test_nonsense_never_raises_and_never_passes(check):
    for question in check.questions:
        for answer in NONSENSE:
            assert getattr(check, question)(answer).passed is not True


def test_the_largest_part_is_that_of_the_study(check, folder):
    said(check.q1("backward"), None, "is not there", "benchmarks.training")
    (folder / "training_a.json").write_text(json.dumps(study()))
    said(check.q1("backward"), True, "A processor, 2 cores", "backward 60 %")
    said(check.q1("data"), False)
    slow = {"data": 0.9, "forward": 0.05, "backward": 0.04, "optimiser": 0.01}
    gpu = study(kind="cuda", device="A GPU", summary={"plain": {**entry(900.0, 1.0), "share_of_step": slow}})
    (folder / "training_b.json").write_text(json.dumps(gpu))
    said(check.q1("data"), True, "A GPU")


def test_processes_that_read(check):
    one, network = check.toy_rates
    least = next(count for count in range(1, 100) if count * one >= network)
    said(check.q2(least), True)
    said(check.q2(least - 1), False, "takes more")
    said(check.q2(100), False)


def test_bytes_before_the_first_image(check):
    weights = sum(4 for _ in range(check.toy_parameters // 1_000_000)) * 1_000_000 / 1e9
    said(check.q3(4 * weights), True)
    said(check.q3(weights), False, "weights alone")
    said(check.q3(2 * weights), False, "two running averages")


def test_the_largest_batch_that_fits(check):
    image = (check.toy_peaks[8] - check.toy_peaks[2]) / 6
    fixed = check.toy_peaks[2] - 2 * image
    largest = max(batch for batch in range(1, 200) if fixed + batch * image <= check.toy_memory)
    said(check.q4(largest), True)
    said(check.q4(largest + 1), False, "would take")
    said(check.q4(largest - 1), False, "room for more")
    said(check.q4(int(check.toy_memory / (check.toy_peaks[8] / 8))), False, "whole peak")


def test_shares_caches_and_processes(check):
    said(check.q5(4), True)
    for mistake, hint in ((8, "one half"), (16, "share of a process"), (32, "all processes together")):
        said(check.q5(mistake), False, hint)
    said(check.q6(10), True)
    said(check.q6(20), False, "mirrored")
    said(check.q7("stays the same"), True)
    said(check.q7("needs a higher rate"), False)


def test_without_studies_nothing_is_made_up(folder):
    assert speed.studies() == []
    for shown in (speed.machines([]), speed.loading([])):
        assert "is not there" in repr(shown)
    (folder / "training_a.json").write_text("[")
    (folder / "training_b.json").write_text(json.dumps({"summary": {}}))
    assert speed.studies() == []


def test_what_was_not_measured_is_said_to_be_so():
    bare = study()
    assert speed.NO_GPU in repr(speed.machines([bare]))
    for shown in (speed.loading([bare]), speed.memory(bare), speed.memory_chart(bare), speed.full_shape([bare]), speed.compiled([bare])):
        assert "measured" in repr(shown)
        assert "not" in repr(shown).lower() or "No step" in repr(shown)
    assert speed.NO_GPU not in repr(speed.machines([study(kind="cuda")]))


def test_the_limit_is_whoever_is_slower():
    loader = {"images_per_second": 50.0, "workers": 1, "picture": [640, 480], "size": 224, "kilobytes": 160, "batch": 8}
    fast = repr(speed.loading([study(loading=loader)])).replace("\n", " ")
    assert "1 worker alone hands over 50 images" in fast
    assert "2.5 times as many: the network is the limit" in fast
    assert "4 workers alone hand over" in repr(speed.loading([study(loading={**loader, "workers": 4})])).replace("\n", " ")
    slow = repr(speed.loading([study(loading={**loader, "images_per_second": 10.0})])).replace("\n", " ")
    assert "reading the pictures is the limit" in slow


def test_peaks_give_a_line_a_table_and_a_chart():
    fixed, image = speed.line({"2": 1300.0, "4": 1500.0, "8": 1900.0})
    assert (fixed, image) == pytest.approx((1100.0, 100.0))
    assert speed.line({"2": 1300.0}) is None
    measured = study(memory={"plain": {"2": 1300.0, "4": 1500.0, "8": 1900.0}, "srn-paper": {"2": 1400.0, "8": 2300.0}})
    table = speed.memory(measured)
    assert table.rows[0] == ["plain", "2: 1.30, 4: 1.50, 8: 1.90", "1.10", "100"]
    assert "whole process" in table.caption
    chart = speed.memory_chart(measured)
    assert "batch 8" in repr(chart.layout.meta["text"])
    assert "SRN (paper) 2.300" in chart.layout.meta["text"]


def test_tables_show_what_the_study_holds():
    table = speed.steps(study())
    assert table.rows[1] == ["SRN (paper)", "18.0", "1.10", "72.0", "1.10", "1 / 36 / 60 / 3"]
    assert "3 repetitions" in table.caption
    full = speed.full_shape([study(smoke={"plain": {"batch": 2, "peak_mb": 5400.0, "seconds": 9.14, "finite": True}})])
    assert full.rows == [["A processor, 2 cores", "plain", "2", "5.4", "9.1"]]
    made = {"plain": {"batch": 8, "first_step_seconds": 41.2, "times_plain_step": 0.93}, "srn-paper": {"error": "no compiler"}}
    assert [row[2:] for row in speed.compiled([study(compiled=made)]).rows] == [["0.93", "41"], ["could not compile", "–"]]
