"""A real JupyterLab: Run All, mouse and keyboard, a reload, and what is left when the kernel is gone."""

import json

import pytest

from tests.support.archives import save_archive
from tests.support.jupyter import TOKEN, write_notebook

pytestmark = pytest.mark.browser
EXPLORER = ".wb-explorer"
DRAWN = "() => document.querySelector('.wb-panes:not(.wb-waiting)') && document.querySelector('.wb-legend').textContent"
HISTORY = [{"stage": "joint", "epoch": epoch, "images": 10, "loss": 1 / (1 + epoch), "validation.map": 0.1 * epoch} for epoch in range(4)]


@pytest.fixture(scope="module")
def notebook(lab):
    save_archive(lab.folder / "scenes.safetensors", 40, 8, hostile=True)
    cells = [
        "from workbench.widgets import AttentionExplorer\nexplorer = AttentionExplorer('scenes.safetensors', image=3, spot=None)\nexplorer",
        "from workbench.widgets import live_curves\n"
        f"history = {HISTORY!r}\ncurves = live_curves()\nfor end in range(1, 5): curves.update(history[:end])",
    ]
    write_notebook(lab.folder / "explore.ipynb", cells)
    return "explore.ipynb"


@pytest.fixture
def running(page, lab, notebook):
    """The notebook with all its cells run, and a fresh kernel for each test."""
    lab.open(page, notebook)
    lab.run_all(page)
    page.wait_for_function(DRAWN)
    yield page
    lab.save(page)
    lab.shut_down_kernel(page)
    page.watch.waive("the kernel is gone")


def ask(page, lab, code):
    """Run `code` in the notebook's kernel and return what it evaluates to."""
    return page.evaluate(
        """async (code) => {
          const panel = window.jupyterapp.shell.currentWidget;
          const future = panel.sessionContext.session.kernel.requestExecute({ code: "", user_expressions: { it: code } });
          return (await future.done).content.user_expressions.it.data["text/plain"];
        }""",
        code,
    )


def test_run_all_shows_the_explorer_and_hides_the_snapshot(running, lab):
    assert running.locator(EXPLORER).count() == 1
    assert not running.locator("figure.workbench-snapshot").is_visible()
    running.wait_for_selector(".js-plotly-plot .scatterlayer")
    assert running.locator(".js-plotly-plot").count() == 1, "one display was refreshed four times"
    titles = [each.get_attribute("data-title") for each in running.locator(".modebar-btn").all()]
    assert titles
    assert not [title for title in titles if "hare" in title or "loud" in title]


def test_mouse_and_keyboard_reach_the_kernel(running, lab):
    running.locator(EXPLORER).focus()
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    cell = running.evaluate(active)
    cells = running.locator(".jp-Notebook .jp-CodeCell").count()
    for key in ("ArrowRight", "ArrowRight", "m", "o", "x", "d", "d"):
        running.keyboard.press(key)
    running.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('scene-0005')")
    running.wait_for_timeout(500)
    assert (
        ask(running, lab, "(explorer.image, explorer.view_state['map'], explorer.view_state['overlay'])")
        == "('scene-0005', 'confidence', 'contour')"
    )
    assert running.evaluate(active) == cell, "the arrows did not move between cells"
    assert running.locator(".jp-Notebook .jp-CodeCell").count() == cells, "x and d d did not delete one"
    box = running.locator(".wb-canvas").nth(1).bounding_box()
    running.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    running.keyboard.press("ArrowLeft")
    running.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('scene-0004')")


def test_the_kernel_leads_the_browser_and_its_errors_are_shown(running, lab):
    ask(running, lab, "explorer.show(image='scene-0020', overlay='map')")
    running.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('scene-0020')")
    running.wait_for_function(DRAWN)
    ask(running, lab, "explorer.observe(lambda change: 1 / 0, 'image')")
    running.locator(EXPLORER).focus()
    running.keyboard.press("ArrowRight")
    running.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('ZeroDivisionError')")


def test_a_reload_keeps_the_view(running, lab):
    running.locator(EXPLORER).focus()
    for key in ("ArrowRight", "g"):
        running.keyboard.press(key)
    running.wait_for_timeout(400)
    lab.save(running)
    running.reload()
    running.wait_for_function(DRAWN, timeout=30_000)
    assert "scene-0004" in running.inner_text(".wb-status")
    assert running.get_by_role("button", name="Cells", exact=True).get_attribute("aria-pressed") == "true"
    running.locator(EXPLORER).focus()
    running.keyboard.press("ArrowRight")
    running.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('scene-0005')")
    running.wait_for_function(DRAWN)


def test_without_a_kernel_the_snapshot_is_there(running, lab, notebook):
    lab.save(running)
    path = lab.folder / notebook
    assert path.stat().st_size < 300_000
    assert "explorer" not in json.dumps(json.loads(path.read_text())["metadata"]).lower()
    lab.shut_down_kernel(running)
    running.goto("about:blank")
    running.goto(f"{lab.url}/lab/workspaces/again/tree/{notebook}?reset&token={TOKEN}")
    figure = running.locator("figure.workbench-snapshot")
    figure.wait_for(state="visible", timeout=30_000)
    assert running.locator(EXPLORER).count() == 0
    assert running.evaluate("() => document.querySelector('figure.workbench-snapshot img').naturalWidth") > 400
    figure.locator("summary").click()
    assert "→" in figure.locator("table").first.inner_text()
    assert running.locator("img[src=x]").count() == 0
