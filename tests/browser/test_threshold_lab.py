"""The threshold lab in a real JupyterLab: thresholds reach the kernel and its file, an attention explorer follows, a reload keeps them."""

import json

import pytest

from tests.support.archives import make_contents
from tests.support.jupyter import write_notebook
from workbench.metrics import Thresholds

pytestmark = pytest.mark.browser
DRAWN = "() => [...document.querySelectorAll('.wb-explorer .wb-status')].some((each) => each.textContent.includes('OF1'))"
CELLS = [
    "from workbench.widgets import AttentionExplorer, ThresholdLab, link_explorers",
    "lab = ThresholdLab('scenes.safetensors', chosen_on=0.5, label='tree', name='scenes-test')\nlab",
    "attention = AttentionExplorer('scenes.safetensors')\nunlink = link_explorers(lab, attention)\nattention",
]
SAVE = "lab.save_thresholds('thresholds.json')"


def test_move_choose_save_and_reload(page, lab):
    make_contents(60, 5, regions=False, each=False, skill=0.5).save(lab.folder / "scenes.safetensors")
    write_notebook(lab.folder / "thresholds.ipynb", CELLS)
    lab.open(page, "thresholds.ipynb")
    lab.run_all(page)
    page.wait_for_function(DRAWN)
    assert not page.locator("figure.workbench-snapshot").first.is_visible()
    explorer = page.locator(".wb-explorer").first
    explorer.locator(".wb-best").get_by_role("button", name="all labels").click()
    slider = explorer.get_by_label("Threshold of tree", exact=True)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.15 * box["width"], box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert explorer.locator(".wb-flips h3").inner_text() != "Images that flip for “tree”: 0"
    explorer.locator(".wb-tile").first.click()
    image = explorer.locator(".wb-tile").first.get_attribute("title")
    page.wait_for_function(
        "(image) => [...document.querySelectorAll('.wb-explorer .wb-status')].at(-1).textContent.includes(image)", arg=image
    )
    words = explorer.locator(".wb-status").inner_text()
    page.wait_for_timeout(400)
    page.evaluate(
        """async (code) => {
          const panel = window.jupyterapp.shell.currentWidget;
          await panel.sessionContext.session.kernel.requestExecute({ code }).done;
        }""",
        SAVE,
    )
    saved = Thresholds.read(lab.folder / "thresholds.json")
    tree = list(saved.categories).index("tree")
    assert 0 < saved.values[tree] < 0.25
    assert f"from {saved.values[tree]:.3f}" in words
    assert saved.criterion == "highest F1 per label (4 labels), by hand (1 label)"
    assert json.loads((lab.folder / "thresholds.json").read_text())["split"] == "scenes-test"
    lab.save(page)
    page.reload()
    page.wait_for_function(DRAWN, timeout=30_000)
    assert page.locator(".wb-explorer .wb-status").first.inner_text() == words
    lab.save(page)
    lab.shut_down_kernel(page)
