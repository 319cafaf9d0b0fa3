"""The numbers beside the picture, on a plain page: what was measured, the best map at the grid, and what is missing."""

import pytest

from tests.support.archives import make_contents, make_inspection
from tests.support.plain_page import open_explorer
from workbench.inspection import Inspection
from workbench.metrics.pointing import localisation, of_best, with_ceiling
from workbench.widgets import AttentionExplorer
from workbench.widgets.style import STYLE

pytestmark = pytest.mark.browser


def table_of(page):
    """{map: cells} of the table of all maps."""
    rows = page.locator(".wb-numbers table:not(.wb-against *) tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def test_numbers_stand_beside_the_picture(page):
    inspection = make_inspection(4, 5)
    open_explorer(page, AttentionExplorer(inspection, image=0, label="tree"))
    rows = table_of(page)
    assert list(rows) == ["Attention A", "Confidence σ(S)", "Weighted U = σ(S)·A", "random map", "centre blob", "best map at 7 x 7"]
    for place, measure in enumerate(("pointing", "energy", "deletion")):
        entry = inspection.measurements[measure]["random map"]
        assert rows["random map"][place].split() == [f"{entry['per_label']['tree']:.2f}", f"{entry['overall']:.2f}"]
    assert rows["Attention A"][3].startswith("sensitive")
    assert "How often the strongest cell" in page.inner_text(".wb-numbers")


def test_the_best_map_at_the_grid_stands_beside_the_figures(page):
    contents = make_contents(8, 5)
    contents.measurements = measured = localisation(Inspection.of(contents))
    open_explorer(page, AttentionExplorer(Inspection.of(contents), image=0, label="tree", map="attention"))
    own, best = ([measured[measure][row]["overall"] for measure in measured] for row in ("attention", "best map at 7 x 7"))
    shares = [f"{100 * part / whole:.0f} %" for part, whole in zip(own, best, strict=True)]
    told = ", ".join(f"{STYLE['measures'][measure]['title']} {part}" for measure, part in zip(measured, shares, strict=True))
    assert page.inner_text(".wb-against summary") == f"Attention A, share of the best map at 7 x 7: {told}"
    page.click(".wb-against summary")
    rows = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in page.locator(".wb-against tbody tr").all()}
    sizes = [f"{name}, n = {part['n']}" for name, part in measured["pointing"]["attention"]["by_size"].items()]
    assert list(rows) == ["this label", "all labels", *sizes]
    for place, measure in enumerate(measured):
        own, best = (measured[measure][row] for row in ("attention", "best map at 7 x 7"))
        assert rows["this label"][place] == of_best(own["per_label"]["tree"], best["per_label"]["tree"])
        assert rows["all labels"][place] == of_best(own["overall"], best["overall"])
        for name, size in zip(sizes, own["by_size"], strict=True):
            assert rows[name][place] == of_best(own["by_size"][size]["overall"], best["by_size"][size]["overall"])
    assert page.inner_text(".wb-against p") == STYLE["best_map"]["meaning"]
    mark = page.locator(".wb-numbers tr.wb-chosen td .wb-ceiling").first
    expected = 100 * measured["pointing"]["best map at 7 x 7"]["per_label"]["tree"]
    assert float(mark.evaluate("node => parseFloat(node.style.left)")) == pytest.approx(expected, abs=0.01)
    assert page.locator(".wb-numbers tr.wb-reference .wb-ceiling").count() == 0
    page.locator(".wb-explorer").press("m")
    page.wait_for_function("() => window.model.get('view_state').map === 'confidence'")
    assert page.inner_text(".wb-against summary").startswith("Confidence")
    assert page.locator(".wb-against").get_attribute("open") is not None, "it stays open"


def test_an_older_archive_has_the_best_map_measured_when_it_opens(page):
    inspection = make_inspection(8, 5)
    assert "ceiling" not in inspection.measurements["pointing"]["attention"]
    open_explorer(page, AttentionExplorer(inspection, label="tree", map="attention"))
    page.click(".wb-against summary")
    own, best = (with_ceiling(inspection)["energy"][row] for row in ("attention", "best map at 7 x 7"))
    rows = [row.locator("td").all_inner_texts()[1] for row in page.locator(".wb-against tbody tr").all()]
    assert rows == [of_best(own["per_label"]["tree"], best["per_label"]["tree"]), of_best(own["overall"], best["overall"]), *rows[2:]]
    assert all(text.startswith("–") for text in rows[2:]), "sizes of its own maps would need all maps to be read"


def test_a_large_older_archive_says_that_the_best_map_is_missing(page, monkeypatch):
    monkeypatch.setattr("workbench.widgets.payload.ADDED_UP_TO", 0)
    open_explorer(page, AttentionExplorer(make_inspection(4, 5), map="attention"))
    assert page.locator(".wb-against").count() == 0
    assert "Inspect the model again" in page.inner_text(".wb-numbers dl")


def test_a_map_that_survives_random_weights_is_called_insensitive(page):
    contents = make_contents(4, 5)
    meaning = "fresh weights give nearly the same map: it does not show what the model learned"
    contents.measurements["sanity"]["attention"] = {
        "rank_correlation": 0.91,
        "baseline": 0.25,
        "verdict": "insensitive",
        "meaning": meaning,
    }
    open_explorer(page, AttentionExplorer(Inspection.of(contents), map="attention"))
    rows = table_of(page)
    assert rows["Attention A"][3].split() == ["insensitive", "0.91", "/", "0.25"]
    assert [cells[3].split()[0] for name, cells in rows.items() if name != "Attention A"] == ["sensitive", "sensitive", "–", "–", "–"]
    assert f"Here: {meaning}." in page.inner_text(".wb-numbers dl")


def test_measures_that_are_new_or_missing(page):
    contents = make_contents(3, 3)
    contents.measurements = {
        "future measure": {"attention": {"overall": 0.25, "per_label": {"sun": 0.5}}},
        "accuracy": {"mAP": 0.9, "AP": {"sun": 0.8}},
    }
    open_explorer(page, AttentionExplorer(Inspection.of(contents), label="sun"))
    text = page.inner_text(".wb-numbers")
    assert "future measure" in text
    assert "0.50 0.25" in text
    assert "AP of this label 0.8" in text


def test_not_measured_is_said(page):
    open_explorer(page, AttentionExplorer(make_inspection(2, measured=False)))
    assert "Not measured" in page.inner_text(".wb-numbers")
