"""The embedding explorer in a real JupyterLab: a selection reaches Python, a click the attention explorer, and a reload keeps both."""

import pytest

from tests.support.archives import make_contents
from tests.support.embedded import embed
from tests.support.jupyter import write_notebook
from workbench.widgets import EmbeddingExplorer

pytestmark = pytest.mark.browser
DRAWN = """() => document.querySelector('.wb-embedding .wb-status')?.textContent.startsWith('Point')
  && document.querySelector('.wb-panes:not(.wb-waiting) canvas')"""
CELLS = [
    "from workbench.widgets import AttentionExplorer, EmbeddingExplorer, link_explorers\nseen = []",
    "points = EmbeddingExplorer('scenes.safetensors', category='tree')\npoints",
    "attention = AttentionExplorer('scenes.safetensors')\nunlink = link_explorers(points, attention)\nattention",
    "points.observe(lambda change: seen.append(len(change['new'])), 'selected')",
]


def ask(page, code):
    """Run `code` in the notebook's kernel and return what it evaluates to."""
    return page.evaluate(
        """async (code) => {
          const panel = window.jupyterapp.shell.currentWidget;
          const future = panel.sessionContext.session.kernel.requestExecute({ code: "", user_expressions: { it: code } });
          return (await future.done).content.user_expressions.it.data["text/plain"];
        }""",
        code,
    )


def test_select_link_and_reload(page, lab):
    archive = embed(make_contents(30, 5, regions=False, each=False)).save(lab.folder / "scenes.safetensors")
    write_notebook(lab.folder / "points.ipynb", CELLS)
    lab.open(page, "points.ipynb")
    lab.run_all(page)
    page.wait_for_function(DRAWN)
    assert not page.locator("figure.workbench-snapshot").first.is_visible()
    plot = page.locator(".wb-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98)]
    page.mouse.move(box["x"] + 0.02 * box["width"], box["y"] + 0.02 * box["height"])
    page.mouse.down()
    for x, y in corners[1:]:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
    page.mouse.up()
    total = len(EmbeddingExplorer(archive).points)
    page.wait_for_function(f"() => document.querySelector('.wb-embedding .wb-status').textContent.endsWith('{total} selected')")
    page.wait_for_timeout(500)
    assert ask(page, "(len(points.selected), seen, points.selected[0] == points.points.pair(0))") == f"({total}, [{total}], True)"

    row = page.locator(".wb-embedding .wb-table:visible tbody tr").nth(3)
    image, label = row.locator("th").inner_text(), row.locator("td").first.inner_text()
    row.locator("button").click()
    page.wait_for_function(f"() => document.querySelector('.wb-question em').textContent === '{label}'")
    page.wait_for_timeout(300)
    expected = f"('{image}', '{label}', '{image}', '{label}')"
    assert ask(page, "(points.image, points.label, attention.image, attention.label)") == expected

    ask(page, "points.show(selected=[points.points.pair(2), points.points.pair(5)], colour='state')")
    page.wait_for_function("() => document.querySelector('.wb-embedding .wb-status').textContent.endsWith('2 selected')")
    lab.save(page)
    page.reload()
    page.wait_for_function(DRAWN, timeout=30_000)
    assert page.inner_text(".wb-embedding .wb-status").endswith("2 selected")
    assert page.get_by_label("Colour by").input_value() == "state"
    page.locator(".wb-embedding").focus()
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    assert ask(page, "points.selected") == "[]"
    lab.save(page)
    lab.shut_down_kernel(page)
