"""Live training curves in a real JupyterLab: the chart shows every epoch, also where an epoch takes longer than drawing."""

import pytest

from tests.support.jupyter import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BEGIN = """
from workbench.widgets import live_curves
curves, rows = live_curves('made'), []
def epoch(number):
    rows.append({"stage": "all", "epoch": number, "images": 100 * number, "loss": 2 / number, "validation.map": 0.1 * number})
    curves.update(rows)
"""
EPOCHS = 4
POINTS = "document.querySelectorAll('.js-plotly-plot .scatterlayer .trace .points path').length"


def test_the_chart_follows_every_epoch_more_than_a_second_apart(page, lab):
    write_notebook(lab.folder / "curves.ipynb", [BEGIN, *[f"epoch({number})" for number in range(1, EPOCHS + 1)]])
    lab.open(page, "curves.ipynb")
    lab.command(page, "notebook:run-cell-and-select-next")
    for number in range(1, EPOCHS + 1):
        lab.command(page, "notebook:run-cell-and-select-next")
        page.wait_for_function(f"{POINTS} === {2 * number}", timeout=60_000)  # in both panels
        page.wait_for_timeout(1200)
        assert page.evaluate(POINTS) == 2 * number
    assert page.locator(".js-plotly-plot").count() == 1
    grounds = page.locator(".js-plotly-plot .main-svg").evaluate_all("(all) => all.map((each) => getComputedStyle(each).backgroundColor)")
    assert set(grounds) == {"rgba(0, 0, 0, 0)"}, "the page shows through"
    lab.shut_down_kernel(page)
