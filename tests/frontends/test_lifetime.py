"""What is gone leaves nothing behind, in kernel and tab; what is moved, hidden, shown twice or closed with its kernel alive stays."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Watch
from tests.support.archives import make_contents
from tests.support.jupyter import TOKEN, running_lab, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DRAWN = "() => document.querySelector('.wb-panes:not(.wb-waiting) canvas') && document.querySelector('.wb-legend')?.textContent"
RUN = """async (place) => {
  const { content } = window.jupyterapp.shell.currentWidget;
  content.activeCellIndex = place;
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
ASK = """async (code) => {
  const panel = window.jupyterapp.shell.currentWidget;
  const future = panel.sessionContext.session.kernel.requestExecute({ code: '', user_expressions: { it: code } });
  const { it } = (await future.done).content.user_expressions;
  return it.data ? it.data['text/plain'] : it.evalue;
}"""
OPEN = "len(__import__('workbench.widgets.lifetime', fromlist=['x'])._held)"
LISTED = "len(__import__('ipywidgets').widgets.widget._instances)"
PREPARE = """
import gc, anywidget, traitlets
from IPython.display import display
from workbench.widgets import AttentionExplorer
class Counter(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { el.textContent = model.get('number'); } }"
    number = traitlets.Int(0).tag(sync=True)
picture = None
def count():
    global picture
    picture = picture or explorer._still()
    display(Counter(), picture)
"""
CELLS = [
    PREPARE,
    "explorer = AttentionExplorer('scenes.safetensors')\nexplorer",
    "explorer",
    "count()",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")) as lab:
        make_contents(60, 8, picture=(160, 160)).save(lab.folder / "scenes.safetensors")
        yield lab


@pytest.fixture
def page(chromium, server):
    context = chromium.new_context(viewport={"width": 1400, "height": 1200}, reduced_motion="reduce")
    page = context.new_page()
    page.watch = Watch(page)
    write_notebook(server.folder / "lives.ipynb", CELLS)
    server.open(page, "lives.ipynb")
    page.evaluate(RUN, 0)
    page.evaluate(RUN, 1)
    page.wait_for_function(DRAWN)
    yield page
    server.save(page)
    server.shut_down_kernel(page)
    context.close()
    upstream = ("model not found", "Could not restore the debugger state")  # of a reopened notebook, and of one that is closed
    assert not [error for error in page.watch.errors if not any(words in error for words in upstream)]


def until(page, code, wanted, ms=8000):
    """Wait until the kernel gives `wanted` for `code`."""
    found = None
    for _ in range(ms // 200):
        found = page.evaluate(ASK, code)
        if found == wanted:
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{code} is {found}, not {wanted}")


def test_a_cleared_output_lets_go_and_the_explorer_can_be_shown_again(page):
    until(page, "explorer.comm is not None and len(explorer._pages)", "1")
    page.keyboard.press("Escape")
    page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:clear-cell-output'); }")
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:clear-cell-output'); }")
    until(page, "explorer.comm", "None")
    assert page.evaluate(ASK, LISTED) == "0"
    page.evaluate(ASK, "explorer.show(image='scene-0007')")
    page.evaluate(RUN, 2)
    page.wait_for_function(DRAWN)
    page.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('scene-0007')")


def test_a_name_bound_anew_lets_go_of_the_old_one(page):
    for _ in range(3):
        page.evaluate(RUN, 1)
        page.wait_for_function(DRAWN)
    until(page, OPEN, "1")
    assert page.evaluate(ASK, LISTED) == "2", "one explorer and its layout"
    assert page.locator(".wb-explorer").count() == 1


def test_a_second_view_keeps_it(page):
    page.evaluate(RUN, 2)
    page.wait_for_function("() => document.querySelectorAll('.wb-explorer').length === 2")
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:clear-cell-output'); }")
    page.wait_for_function("() => document.querySelectorAll('.wb-explorer').length === 1")
    page.wait_for_timeout(2500)
    assert page.evaluate(ASK, "explorer.comm is not None") == "True"
    page.locator(".wb-explorer").focus()
    page.keyboard.press("ArrowRight")
    image = page.evaluate("() => /Image ([^,]+),/.exec(document.querySelector('.wb-status').textContent)[1]")
    until(page, "explorer.image", f"'{image}'")


@pytest.mark.parametrize("command", ["notebook:move-cell-down", "notebook:hide-cell-outputs"])
def test_a_moved_or_hidden_cell_keeps_it(page, command):
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    page.evaluate("async (name) => { await window.jupyterapp.commands.execute(name); }", command)
    page.wait_for_timeout(2500)
    assert page.evaluate(ASK, "explorer.comm is not None") == "True"
    if command.endswith("outputs"):
        page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:show-cell-outputs'); }")
    page.wait_for_function(DRAWN)


def test_a_reload_and_a_closed_notebook_keep_it(page, server):
    server.save(page)
    page.reload()
    page.wait_for_function(DRAWN, timeout=30_000)
    page.evaluate("async () => { await window.jupyterapp.commands.execute('application:close'); }")
    page.wait_for_function("() => !document.querySelector('.jp-NotebookPanel')")
    page.wait_for_timeout(2500)
    page.goto(f"{server.url}/lab/workspaces/again/tree/lives.ipynb?reset&token={TOKEN}")
    page.wait_for_function(DRAWN, timeout=30_000)
    assert page.evaluate(ASK, "explorer.comm is not None") == "True"


def test_two_hundred_made_and_dropped_cost_the_kernel_nothing(page):
    used = "__import__('psutil').Process().memory_info().rss // 1000"
    make = "[AttentionExplorer('scenes.safetensors') for _ in range({})] and gc.collect() and 0"
    page.evaluate(ASK, make.format(10))
    before = int(page.evaluate(ASK, used))
    for _ in range(20):
        page.evaluate(ASK, make.format(10))
    assert int(page.evaluate(ASK, used)) - before < 5000
    assert page.evaluate(ASK, OPEN) == "1"


def test_a_cell_run_again_and_again_leaves_no_model_listener_or_node_and_the_heap_flat(page):
    """What it leaves beyond a plain widget with the same still picture is scaled to under 5 MB in 100 runs; explorers that are gone
    are no objects in the kernel either."""
    session = page.context.new_cdp_session(page)

    def counted():
        page.wait_for_timeout(2500)  # the last ones are let go
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        counters, heap = session.send("Memory.getDOMCounters"), session.send("Runtime.getHeapUsage")
        return counters["jsEventListeners"], counters["nodes"], heap["usedSize"] + heap["backingStorageSize"]

    def run(times, cell=1):
        for _ in range(times):
            page.evaluate(RUN, cell)
        if cell == 1:
            page.wait_for_function(DRAWN)

    run(10)
    listeners, nodes, heap = counted()
    run(20)
    until(page, OPEN, "1")
    until(page, LISTED, "2")
    until(page, "gc.collect() and 0 or sum(type(each).__name__ == 'AttentionExplorer' for each in gc.get_objects())", "1")
    listening, there, grown = counted()
    assert listening < listeners + 100
    assert there < nodes + 500
    run(10, cell=3)
    *_, plain = counted()
    run(20, cell=3)
    *_, plainly = counted()
    beyond = (grown - heap) - (plainly - plain)
    assert beyond < 5e6 * 20 / 100, f"{grown - heap} bytes in 20 runs, a plain widget {plainly - plain}"
