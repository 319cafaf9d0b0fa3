"""A page that nbconvert made of an executed notebook: the still picture of every explorer with its numbers, and nothing from elsewhere."""

from __future__ import annotations

import nbformat
import pytest

from tests.browser.conftest import Watch
from tests.support import everywhere
from tests.support.front_ends import FRONT_ENDS
from tests.support.jupyter import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def shown(chromium, tmp_path_factory):
    """What the page shows of each explorer: {name: [(width of the picture, words, rows of the table), ...]}."""
    nbconvert = pytest.importorskip("nbconvert")
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("page")
    everywhere.prepare(folder)
    path = write_notebook(folder / "all.ipynb", [everywhere.SETUP, *map(everywhere.cell, everywhere.MAKE)])
    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    notebook.metadata.pop("widgets", None)
    exporter = nbconvert.HTMLExporter(template_name="basic")
    (folder / "all.html").write_text(f"<!DOCTYPE html><meta charset='utf-8'><title>page</title>{exporter.from_notebook_node(notebook)[0]}")
    context = chromium.new_context(viewport={"width": 1400, "height": 1200})
    page = context.new_page()
    watch = Watch(page)
    page.goto((folder / "all.html").as_uri())
    found = {}
    figures = page.locator("figure.workbench-snapshot").all()
    assert len(figures) == len(everywhere.MAKE)
    for name, figure in zip(everywhere.MAKE, figures, strict=True):
        width = figure.locator("img").evaluate("(image) => image.naturalWidth") if figure.locator("img").count() else 0
        figure.locator("summary").first.click()
        found[name] = (figure.is_visible(), width, figure.locator("figcaption").inner_text(), figure.locator("table:visible tr").count())
    assert not watch.errors, watch.errors
    assert not watch.foreign, watch.foreign
    context.close()
    return found


@pytest.mark.parametrize("aspect", FRONT_ENDS["pages made by nbconvert"].aspects)
@pytest.mark.parametrize("explorer", list(everywhere.MAKE))
def test_the_still_picture_stands_in_the_page(shown, explorer, aspect):
    assert aspect == "still picture", "nothing else can be there"
    visible, width, words, rows = shown[explorer]
    assert visible
    assert width > 300
    assert len(words) > 40
    assert rows > 1
