"""The label explorer in a real JupyterLab: keys reach the kernel, a linked explorer follows, and the still picture stays."""

import pytest

from tests.support.jupyter import READY as IDLE
from tests.support.jupyter import TOKEN, write_notebook
from tests.support.layered import make_layered_contents

pytestmark = pytest.mark.browser
READY = "() => document.querySelector('.wb-picture[data-image]')"


def test_it_runs_reloads_and_leaves_a_picture(page, lab):
    make_layered_contents(12, 6, hostile=True).save(lab.folder / "layered.safetensors")
    cells = [
        "from workbench.widgets import AttentionExplorer, LabelExplorer\nattention = AttentionExplorer('layered.safetensors')\n"
        "labels = LabelExplorer('layered.safetensors', sort='name', explorer=attention)\nlabels",
        "attention",
    ]
    write_notebook(lab.folder / "labels.ipynb", cells)
    lab.open(page, "labels.ipynb")
    lab.run_all(page)
    page.wait_for_function(READY)
    assert not page.locator("figure.workbench-snapshot").first.is_visible()
    chip = page.locator(".wb-pair .wb-chip").last
    image = chip.get_attribute("title")
    chip.click()
    page.wait_for_function("(image) => [...document.querySelectorAll('.wb-status')].at(-1).textContent.includes(image)", arg=image)
    page.locator(".wb-explorer").first.focus()
    for key in ("g", "x"):
        page.keyboard.press(key)
    assert page.locator(".wb-graph").is_visible()
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 2, "x did not cut the cell"
    page.wait_for_timeout(400)
    lab.save(page)
    page.reload()
    page.wait_for_function(READY, timeout=30_000)
    assert page.locator(".wb-graph").is_visible(), "the view survived the reload"
    lab.save(page)
    lab.shut_down_kernel(page)
    page.goto("about:blank")
    page.goto(f"{lab.url}/lab/workspaces/again/tree/labels.ipynb?reset&token={TOKEN}")
    page.locator("figure.workbench-snapshot").first.wait_for(state="visible", timeout=30_000)
    assert page.locator(".wb-explorer").count() == 0
    assert page.locator("img[src=x]").count() == 0
    page.wait_for_function(IDLE, timeout=60_000)
    lab.shut_down_kernel(page)  # the one that opening the notebook has started
    page.goto("about:blank")
    page.watch.waive("the kernel is gone")
