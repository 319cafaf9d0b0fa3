"""Voila, for real: every explorer drawn, typed at and nested on a page that shows a notebook's outputs with a kernel of its own."""

from __future__ import annotations

import pytest

from tests.support import everywhere
from tests.support.front_ends import CONTAINERS, FRONT_ENDS
from tests.support.jupyter import TOKEN, running_lab, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HIDDEN = "() => [...document.querySelectorAll('figure.workbench-snapshot')].map((figure) => figure.getBoundingClientRect().height === 0)"


@pytest.fixture(scope="module")
def seen(chromium, tmp_path_factory):
    """{(explorer, aspect): whether it is so}. Voila itself asks for style sheets and MathJax elsewhere: they are refused."""
    pytest.importorskip("voila")
    folder = tmp_path_factory.mktemp("notebooks")
    everywhere.prepare(folder)
    cells = [
        f"{everywhere.SETUP}\n{everywhere.NEST}",
        *map(everywhere.cell, everywhere.MAKE),
        *(f"nest({name})" for name in everywhere.MAKE),
    ]
    write_notebook(folder / "all.ipynb", cells)
    context = chromium.new_context(viewport={"width": 1400, "height": 1200}, reduced_motion="reduce")
    context.route(lambda url: not url.startswith("http://127.0.0.1"), lambda route: route.abort())
    page = context.new_page()
    page.add_init_script(everywhere.FINDER)
    found = {}
    with running_lab(folder, tmp_path_factory.mktemp("jupyter")) as lab:
        page.goto(f"{lab.url}/voila/render/all.ipynb?token={TOKEN}", timeout=120_000)
        everywhere.wait_drawn(page)
        views = 1 + len(CONTAINERS)
        for name, region in everywhere.NAMES.items():
            drawn = f"(name) => workbench_find(name).length === {views} && workbench_find(name).every(workbench_drawn)"
            page.wait_for_function(drawn, arg=region, timeout=30_000)
            for aspect in ("drawn", *CONTAINERS):
                found[name, aspect] = True
            found[name, "every key"] = not everywhere.type_every_key(page, name)
        hidden = page.evaluate(HIDDEN)
        for name in everywhere.MAKE:
            found[name, "still picture"] = len(hidden) == 3 * len(everywhere.MAKE) and all(hidden)
    context.close()
    return found


@pytest.mark.parametrize("aspect", FRONT_ENDS["Voila"].aspects)
@pytest.mark.parametrize("explorer", list(everywhere.MAKE))
def test_cell(seen, explorer, aspect):
    assert seen[explorer, aspect]
