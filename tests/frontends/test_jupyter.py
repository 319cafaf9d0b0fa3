"""JupyterLab 4 and Notebook 7, for real: every explorer drawn, typed at, reloaded, nested, and left without a kernel.

All explorers stand in one notebook. It is looked at once for each front end, step by step; each test is one cell of the table.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Watch
from tests.support import everywhere
from tests.support.front_ends import CONTAINERS, FRONT_ENDS
from tests.support.jupyter import TOKEN, Lab, running_lab, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FRONTS = ("JupyterLab 4", "Notebook 7")
UPSTREAM = (  # what Notebook 7.6 logs by itself, with an empty notebook
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered.",
)
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.map((cell) => [cell.cell_type, cell.source])"
IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN = """([first, last]) => {
  const { shell, commands } = window.jupyterapp;
  const { content } = shell.currentWidget;
  content.activeCellIndex = last === null ? first : last;
  return commands.execute(last === null ? 'notebook:run-all-below' : 'notebook:run-all-above');
}"""
SPOKEN = "(name) => workbench_find(name)[0].querySelector('.wb-status').textContent"
STILLS = """() => [...document.querySelectorAll('figure.workbench-snapshot')].map((figure) => {
  const code = figure.closest('.jp-CodeCell').querySelector('.jp-InputArea').textContent;
  return [code, figure.getBoundingClientRect().height > 50];
})"""


class Look:
    """What came of one look at a front end: `problems[explorer, aspect]` is empty where all is well."""

    def __init__(self) -> None:
        self.problems: dict[tuple[str, str], str] = {}

    def note(self, explorer: str, aspect: str, well: bool, problem: str) -> None:
        self.problems.setdefault((explorer, aspect), "")
        if not well:
            self.problems[explorer, aspect] += f"{problem} "


def _open(page, lab: Lab, front: str, workspace: str = "tests") -> None:
    place = f"lab/workspaces/{workspace}/tree/all.ipynb?reset&" if front == "JupyterLab 4" else "notebooks/all.ipynb?"
    page.goto(f"{lab.url}/{place}token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)


def _look(browser, lab: Lab, front: str) -> Look:
    look, cells = Look(), [f"{everywhere.SETUP}\n{everywhere.NEST}", *map(everywhere.cell, everywhere.MAKE), "attention.snapshot()"]
    count = len(cells)
    write_notebook(lab.folder / "all.ipynb", [*cells, *(f"nest({name})" for name in everywhere.MAKE)])
    context = browser.new_context(viewport={"width": 1400, "height": 1200}, reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script(everywhere.FINDER)
    watch = Watch(page)
    _open(page, lab, front)
    page.wait_for_function(IDLE, timeout=60_000)
    page.evaluate(RUN, [0, count])
    everywhere.wait_drawn(page)
    shown = page.evaluate(STILLS)
    wanted = [seen for code, seen in shown if "attention.snapshot()" in code]
    look.note("attention", "still picture", wanted == [True], f"a snapshot shown on purpose beside explorers: {wanted}")
    before = page.evaluate(CELLS)
    for name in everywhere.MAKE:
        look.note(name, "drawn", True, "")
        look.note(
            name, "still picture", [f"{name} = " in code and not seen for code, seen in shown].count(True) == 1, "not hidden behind it"
        )
        left = everywhere.type_every_key(page, name)
        look.note(name, "every key", not left, f"the focus left it at {left}")
        after = page.evaluate(CELLS)
        look.note(name, "every key", after == before, f"the cells are now {after}")
    saved = (lab.folder / "all.ipynb").stat().st_mtime_ns
    page.wait_for_timeout(300)  # the last changes are on their way to the kernel
    page.keyboard.press("Control+s")
    for _ in range(100):
        if (lab.folder / "all.ipynb").stat().st_mtime_ns != saved:
            break
        page.wait_for_timeout(100)
    look.note("monitor", "every key", (lab.folder / "all.ipynb").stat().st_mtime_ns != saved, "Ctrl+S does not save")
    spoken = {name: page.evaluate(SPOKEN, region) for name, region in everywhere.NAMES.items()}
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    everywhere.wait_drawn(page)
    for name, region in everywhere.NAMES.items():
        try:
            page.wait_for_function(f"([name, said]) => ({SPOKEN})(name) === said", arg=[region, spoken[name]], timeout=5000)
            look.note(name, "state back", True, "")
        except Exception:
            look.note(name, "state back", False, f"it said {spoken[name]!r}, now {page.evaluate(SPOKEN, region)!r}")
    page.wait_for_function(IDLE, timeout=60_000)
    page.evaluate(RUN, [count, None])
    for name, region in everywhere.NAMES.items():
        try:
            page.wait_for_function(f"(name) => workbench_find(name).length === {1 + len(CONTAINERS)}", arg=region, timeout=30_000)
            page.wait_for_function("(name) => workbench_find(name).every(workbench_drawn)", arg=region, timeout=10_000)
        except Exception:
            pass
        drawn = page.evaluate("(name) => workbench_find(name).map(workbench_drawn)", region)
        for place, aspect in enumerate(CONTAINERS, start=1):
            look.note(name, aspect, drawn[place : place + 1] == [True], f"of {len(drawn)} views, drawn are {drawn}")
    errors = [error for error in watch.errors if not error.startswith(UPSTREAM)]
    lab.save(page)
    lab.shut_down_kernel(page)
    page.goto("about:blank")
    _open(page, lab, front, "again")
    page.wait_for_function("() => document.querySelector('figure.workbench-snapshot')?.getBoundingClientRect().height > 50", timeout=30_000)
    shown = page.evaluate(STILLS)
    for name in everywhere.MAKE:
        seen = [seen for code, seen in shown if f"{name} = " in code]
        look.note(name, "still picture", seen == [True], f"without a kernel: {seen}")
    page.wait_for_function(IDLE, timeout=60_000)
    lab.shut_down_kernel(page)
    context.close()
    for name in everywhere.MAKE:
        look.note(name, "drawn", not errors and not watch.foreign, f"the page logged {errors} and asked for {watch.foreign}")
    return look


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Lab]:
    """Notebook 7 is an application of the server that JupyterLab runs on."""
    with running_lab(tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")) as lab:
        everywhere.prepare(lab.folder)
        yield lab


@pytest.fixture(scope="module")
def looks(chromium, server) -> dict[str, Look]:
    pytest.importorskip("notebook")
    return {front: _look(chromium, server, front) for front in FRONTS}


@pytest.mark.parametrize("explorer", list(everywhere.MAKE))
@pytest.mark.parametrize(("front", "aspect"), [(front, aspect) for front in FRONTS for aspect in FRONT_ENDS[front].aspects])
def test_cell(looks, front, explorer, aspect):
    assert looks[front].problems[explorer, aspect] == ""
