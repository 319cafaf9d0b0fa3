"""The report: every number with its convention, every text escaped, nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from tests.support.archives import make_contents
from workbench import WorkbenchError
from workbench.inspection import Inspection
from workbench.metrics.pointing import SIZES, of_best, with_ceiling
from workbench.reports.collect import collect
from workbench.reports.page import write_report
from workbench.reports.tables import Markup, table

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps({"name": "demo"}))
    (folder / "environment.json").write_text(json.dumps({"python": "3.11", "packages": {"torch": HOSTILE}}))
    rows = [
        {"stage": "all", "epoch": epoch, "stage_epoch": epoch, "step": 10 * epoch, "images": 100 * epoch, "loss": 1 / epoch}
        | {"loss.cls": 1 / epoch, "validation.map": 0.5, "seconds": 2.5, "images_per_second": 40.0, "lr": 0.1, "validation.ap": []}
        for epoch in (1, 2)
    ]
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = {"convention": "sklearn", "mAP": 0.625, "AP": {HOSTILE: 0.75, "dog": 0.5, "cat": None}, "data": "val", "images": 7}
    (folder / "evaluation-sklearn.json").write_text(json.dumps(result))
    return folder


def test_the_page_says_what_was_measured_and_escapes_names(run, tmp_path):
    text = write_report([collect(run)], tmp_path / "report.html").read_text()
    page = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert "62.5" in page
    assert "sklearn" in page
    assert "onerror" in page
    assert not re.search(r"<img (?!src=\"data:)", page)
    assert "&lt;img src=x" in page
    assert "75.0" in page
    assert "–" in page  # the class without a present image
    assert "200" in page  # budget: images through the backbone, counted to the end
    assert "Content-Security-Policy" in page


def test_a_map_that_survives_random_weights_is_called_insensitive(run, tmp_path):
    contents = make_contents(4)
    contents.measurements["sanity"]["attention"] = {"verdict": "insensitive", "rank_correlation": 0.9, "baseline": 0.3}
    contents.save(run / "inspection.safetensors")
    text = write_report([collect(run)], tmp_path / "report.html").read_text()
    (row,) = re.findall(r"<tr[^>]*><t[dh][^>]*>Attention A</t[dh]>.*?</tr>", text, flags=re.S)
    assert "insensitive (0.90, chance 0.30)" in row
    assert text.count("insensitive (") == 1


def test_figures_are_also_a_share_of_the_best_map_and_told_by_size(run, tmp_path):
    contents = make_contents(8)
    contents.save(run / "inspection.safetensors")
    measured = with_ceiling(Inspection.of(contents))
    text = write_report([collect(run)], tmp_path / "report.html").read_text()
    own, best = measured["pointing"]["attention"], measured["pointing"]["best map at 7 x 7"]
    (row,) = re.findall(r"<tr[^>]*><t[dh][^>]*>Attention A</t[dh]>.*?</tr>", text, flags=re.S)
    assert f">{own['overall']:.3f} ({100 * own['overall'] / best['overall']:.0f} %)<" in row
    (row,) = re.findall(r'<tr class="muted"><td>best map at 7 x 7</td>.*?</tr>', text)
    assert f">{best['overall']:.3f}<" in row
    (row,) = re.findall(r"<tr><td>pointing: Attention A</td>.*?</tr>", text)
    for size in SIZES:
        assert (
            f"<td>{of_best(own['by_size'][size]['overall'], best['by_size'][size]['overall'])}, n = {own['by_size'][size]['n']}</td>" in row
        )


def test_a_folder_that_is_no_run_and_damaged_files_are_named(run, tmp_path):
    with pytest.raises(WorkbenchError, match="not a run folder"):
        collect(tmp_path)
    (run / "evaluation-sklearn.json").write_text("{")
    with pytest.raises(WorkbenchError, match=r"evaluation-sklearn\.json is damaged"):
        collect(run)


def test_table_marks_the_best_of_a_row():
    text = table(("label", "a", "b"), [("x", "1.0", "20.0")], "", numeric={1, 2}, bold_best=True)
    assert "<strong>20.0</strong>" in text
    assert "<strong>1.0" not in text
    assert "strong" not in table(("label", "a"), [("x", "–")], "", numeric={1}, bold_best=True)


def test_table_escapes_all_but_what_was_drawn_here():
    text = table(("a", "b"), [(HOSTILE, Markup("<svg></svg>"))], HOSTILE)
    assert "<svg></svg>" in text
    assert "<img" not in text


def test_the_policy_lets_the_page_s_own_script_run_and_no_other(run, tmp_path):
    text = write_report([collect(run)], tmp_path / "report.html").read_text()
    allowed = re.search(r"script-src '(sha256-[^']+)'", text).group(1)
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.S)
    assert allowed == "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
