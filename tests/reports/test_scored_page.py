"""What a page makes of scores: conventions in words, intervals, curves, and two runs against each other."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from tests.support.scored_run import NAMES, make_scored_run
from workbench.metrics import PRESETS, bootstrap, paired_bootstrap
from workbench.reports.collect import collect
from workbench.reports.page import write_report
from workbench.reports.paired import paired
from workbench.reports.scored import RECALLS, calibration, labels, precision_recall, summary


def cells(text):
    """Texts of the table's cells, row by row."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, flags=re.S)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, flags=re.S)] for row in rows]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    better = make_scored_run(folder / "better", skill=3.0, seed=1, presets=("mlgcn", "srn"))
    return collect(better), collect(make_scored_run(folder / "worse", skill=0.5, seed=2, presets=("srn", "sklearn")))


def test_every_convention_stands_there_in_words_with_its_interval(runs):
    text = summary(runs)
    for name in ("mlgcn", "srn", "sklearn"):
        assert PRESETS[name].description.replace("'", "&#x27;") in text
    head, *rows = cells(text)
    assert [(row[0], row[head.index("convention")]) for row in rows] == [
        ("better", "mlgcn"), ("better", "srn"), ("worse", "sklearn"), ("worse", "srn"),
    ]  # fmt: skip
    result, scores = runs[0].evaluations["srn"], runs[0].scores
    interval = bootstrap(scores.logits, scores.targets, "interpolated")
    assert rows[1][head.index("mAP")] == f"{100 * result['mAP']:.1f}"
    assert rows[1][head.index("interval")] == f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    assert rows[1][head.index("exactly top 3")] == f"{100 * result['top3_exact']['CF1']:.1f}"
    assert rows[1][head.index("threshold")] == "0.5, fixed"


def test_the_table_of_labels_takes_the_convention_that_the_runs_share(runs):
    text = labels(runs)
    head, *rows = cells(text)
    assert head == ["label", "present", "better", "worse", "P against R"]
    assert "convention srn;" in text
    assert 'class="sortable"' in text
    expected = runs[0].evaluations["srn"]["AP"]
    for row in rows[:3]:
        assert row[2] == f"{100 * expected[row[0]]:.1f}"
        assert row[1] == str((runs[0].scores.targets[:, NAMES.index(row[0])] == 1).sum())
    assert rows[3][2:] == ["–", "–", "–"]
    assert "<strong>" in text
    alone, *_ = cells(labels(runs[:1]))
    assert alone == ["label", "present", "AP", "P", "R", "F1", "P against R"]


def test_nothing_is_best_where_the_images_differ(runs, tmp_path):
    other = collect(make_scored_run(tmp_path / "other", data="other-val", images=40, presets=("srn",)))
    text = labels([runs[0], other])
    assert "<strong>" not in text
    assert cells(text)[0][1:3] == ["better, srn, photos-val", "other, srn, other-val"]
    assert paired([runs[0], other]) == ""
    three = paired([*runs, other])
    assert "left out: other" in three


def test_two_runs_are_compared_on_the_same_resamples(runs):
    head, row = cells(paired(runs))
    a, b = (run.scores for run in runs)
    expected = paired_bootstrap(a.logits, b.logits, a.targets, "interpolated")
    assert row[0] == "better − worse"
    assert row[1] == f"{100 * expected.value:+.1f}"
    assert row[2] == f"{100 * expected.low:+.1f} to {100 * expected.high:+.1f}"
    ahead = [name for name, low in zip(NAMES, expected.per_class[:, 1], strict=True) if low > 0]
    assert row[head.index("labels better in A")] == ", ".join(ahead)
    assert "dog" in ahead
    assert row[head.index("labels better in B")] == "none"
    assert cells(paired(runs[::-1]))[1][1] == f"{-100 * expected.value:+.1f}"


def drawn(text):
    """Points of the first curve of a chart, in the unit square."""
    path = re.search(r'<path d="(M[^"]+)" fill="none"', text).group(1)
    points = np.array([[float(x) for x in pair.split()] for pair in re.split("[ML]", path)[1:]])
    return (points[:, 0] - 44) / 300, 1 - (points[:, 1] - 10) / 300


def test_the_curve_is_precision_at_each_recall(runs):
    recall, precision = drawn(precision_recall(runs))
    scores = runs[0].scores
    expected = []
    for column in range(3):
        known = scores.targets[:, column] >= 0
        present = (scores.targets[known, column] == 1)[np.argsort(-scores.logits[known, column])]
        hits = np.cumsum(present)
        first = [int(np.argmax(hits >= max(1, np.ceil(level * hits[-1] - 1e-9)))) for level in RECALLS]
        expected.append([hits[place] / (place + 1) for place in first])
    np.testing.assert_allclose(recall, RECALLS, atol=1e-3)
    np.testing.assert_allclose(precision, np.mean(expected, axis=0), atol=1e-3)


def test_the_points_of_calibration_are_shares_of_what_came_true(runs):
    said, true = drawn(calibration(runs))
    scores = runs[0].scores
    known = scores.targets >= 0
    probability, present = 1 / (1 + np.exp(-scores.logits[known].astype(float))), scores.targets[known] == 1
    bins = np.minimum((probability * 15).astype(int), 14)
    filled = np.unique(bins)
    np.testing.assert_allclose(said, [probability[bins == number].mean() for number in filled], atol=1e-3)
    np.testing.assert_allclose(true, [present[bins == number].mean() for number in filled], atol=1e-3)


def test_scores_that_another_evaluation_wrote_over_are_not_taken(runs, tmp_path):
    folder = make_scored_run(tmp_path / "run")
    result = json.loads((folder / "evaluation-sklearn.json").read_text())
    (folder / "evaluation-sklearn.json").write_text(json.dumps({**result, "data": "photos-test"}))
    run = collect(folder)
    assert run.scores_of(run.evaluations["sklearn"]) is None
    assert precision_recall([run]) == calibration([run]) == paired([run, runs[0]]) == ""
    assert write_report([run], tmp_path / "report.html").is_file()
