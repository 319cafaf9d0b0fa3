"""The report, opened from disk: its tables sort, by pointer and keyboard, and nothing is fetched."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.scored_run import make_scored_run
from workbench.reports.collect import collect
from workbench.reports.page import write_report

pytestmark = pytest.mark.browser


def test_the_table_of_labels_sorts(page, tmp_path):
    runs = [collect(make_scored_run(tmp_path / name, skill=skill, seed=4)) for name, skill in (("better", 2.0), ("worse", 0.5))]
    page.goto(write_report(runs, tmp_path / "report.html").as_uri())
    labels = page.locator("table.sortable", has=page.get_by_role("columnheader", name="label"))

    def column(number):
        return labels.locator(f"tbody tr td:nth-child({number})").all_inner_texts()

    labels.get_by_role("button", name="better").click()
    values = column(3)
    assert values[-1] == "–"
    assert [float(value) for value in values[:-1]] == sorted((float(value) for value in values[:-1]), reverse=True)
    assert labels.get_by_role("columnheader", name="better").get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")
    assert column(3) == [*values[:-1][::-1], "–"]
    labels.get_by_role("button", name="label").press("Enter")
    assert column(1) == ["boat", "cat", "dog", "never"]
    assert labels.get_by_role("columnheader", name="better").get_attribute("aria-sort") is None
    assert page.locator("svg.chart").count() == 2


def test_it_follows_the_theme(page, tmp_path):
    path = write_report([collect(make_scored_run(tmp_path / "run", skill=2.0, seed=4))], tmp_path / "report.html")
    for scheme, dark in (("light", False), ("dark", True)):
        page.emulate_media(color_scheme=scheme)
        page.goto(path.as_uri())
        for selector in ("body", "table", "svg.chart"):
            ground = page.locator(selector).first.evaluate("(node) => getComputedStyle(node).backgroundColor.match(/\\d+/g).map(Number)")
            assert (max(ground[:3]) < 60) == dark, (scheme, selector, ground)
        violations = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
        assert not violations, [node["html"] for each in violations for node in each["nodes"]]
