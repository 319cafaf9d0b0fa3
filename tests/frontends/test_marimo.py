"""marimo, for real: every explorer drawn, typed at, nested, in the dark, known to Python and back after a reload, in one editor."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.browser.conftest import Watch
from tests.support import everywhere
from tests.support.front_ends import FRONT_ENDS
from tests.support.marimo_server import running_marimo, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FRONT = FRONT_ENDS["marimo"]
SETUP = f"import html\nimport json\nimport marimo as mo\n{everywhere.SETUP}\nheard = []  # explorers whose view the browser changed"
OBSERVED = "{0} = {1}\n{0}.observe(lambda change: heard.append('{0}'), 'view_state')\n{0}"
AGAIN = 'turn = mo.ui.button(value=0, on_click=lambda value: value + 1, label="look again")\nturn'
NEST = """turn.value
mo.output.append({0})
mo.output.append(mo.hstack([{0}, mo.md("notes beside it")]))
mo.output.append(mo.ui.tabs({{"tab": {0}, "other": mo.md("nothing")}}))"""
STATES = "mo.Html('<pre id=heard>' + html.escape(json.dumps([turn.value, sorted(set(heard))])) + '</pre>')"
REACTIVE = "wrapped = mo.ui.anywidget(ThresholdLab('scenes.safetensors'))\nwrapped"
FOLLOWED = 'mo.Html("<pre id=followed>" + wrapped.value["view_state"]["label"] + "</pre>")'
CELLS = """() => [...document.querySelectorAll('[data-cell-id] .cm-content')].map((editor) => editor.textContent)"""
COLOURS = """(name) => workbench_find(name).map((root) => [root.style.colorScheme, root.dataset.colours, getComputedStyle(root).color])"""
SAVING = """window.addEventListener("keydown", (event) => {
  if (event.key === "s" && event.ctrlKey) setTimeout(() => { window.taken = event.defaultPrevented; });
}, true);"""
SPOKEN = "(name) => workbench_find(name)[0]?.querySelector('.wb-status').textContent"


def _heard(page) -> list[str]:
    """Explorers of which Python knows that the browser changed their view, asked anew: all cells that show one run again."""
    turn = page.evaluate("() => JSON.parse(document.querySelector('#heard').textContent)[0]")
    page.get_by_role("button", name="look again").first.click()
    page.wait_for_function("(turn) => JSON.parse(document.querySelector('#heard').textContent)[0] > turn", arg=turn, timeout=30_000)
    return json.loads(page.evaluate("() => document.querySelector('#heard').textContent"))[1]


def _all_drawn(page, region: str, views: int) -> list[bool]:
    drawn = "([name, views]) => workbench_find(name).length === views && workbench_find(name).every(workbench_drawn)"
    with suppress(Exception):  # what is lacking is said by the caller
        page.wait_for_function(drawn, arg=[region, views], timeout=20_000)
    return page.evaluate("(name) => workbench_find(name).map(workbench_drawn)", region)


@pytest.fixture(scope="module")
def seen(chromium, tmp_path_factory):
    """{(explorer, aspect): what is wrong, or ""}."""
    pytest.importorskip("marimo")
    folder = tmp_path_factory.mktemp("notebooks")
    everywhere.prepare(folder)
    stills = f"mo.vstack([{', '.join(f'{name}.snapshot()' for name in everywhere.MAKE)}])"
    cells = [
        SETUP,
        AGAIN,
        STATES,
        *(OBSERVED.format(*each) for each in everywhere.MAKE.items()),
        *map(NEST.format, everywhere.MAKE),
        stills,
        REACTIVE,
        FOLLOWED,
    ]
    notebook = write_notebook(folder / "all.py", cells)
    context = chromium.new_context(viewport={"width": 1400, "height": 1200}, reduced_motion="reduce")
    context.route(lambda url: not url.startswith(("http://127.0.0.1", "data:", "blob:")), lambda route: route.abort())
    page = context.new_page()
    page.add_init_script(everywhere.FINDER + SAVING)
    watch = Watch(page)
    found: dict[tuple[str, str], str] = {(name, aspect): "" for name in everywhere.MAKE for aspect in FRONT.aspects}
    with running_marimo(notebook, tmp_path_factory.mktemp("marimo")) as address:
        page.goto(address)
        everywhere.wait_drawn(page)
        page.wait_for_selector("#followed", timeout=60_000)
        views = {name: 1 + len(FRONT.nested) + (name == "thresholds") for name in everywhere.MAKE}
        for name, region in everywhere.NAMES.items():
            drawn = _all_drawn(page, region, views[name])
            for place, aspect in enumerate(("drawn", *FRONT.nested)):
                if drawn[place : place + 1] != [True]:
                    found[name, aspect] += f"drawn are {drawn} "
        figures = page.locator("figure.workbench-snapshot")
        for name, visible in zip(everywhere.MAKE, [figure.bounding_box() for figure in figures.all()], strict=True):
            if not visible or visible["height"] < 50:
                found[name, "still picture"] += f"its box is {visible} "
        before, heard = page.evaluate(CELLS), _heard(page)
        for name in everywhere.MAKE:
            left = everywhere.type_every_key(page, name)
            everywhere.change_view(page, name)
            after = page.evaluate(CELLS)
            if left or after != before:
                found[name, "every key"] += f"the focus left it at {left}, the cells are now {after} "
        page.evaluate("(name) => workbench_find(name)[0].focus()", region)
        page.keyboard.press("Control+s")
        page.wait_for_function("() => window.taken", timeout=10_000)  # by marimo, which asks for a name
        page.keyboard.press("Escape")
        page.wait_for_timeout(500)  # the last changes are on their way to the kernel
        heard = set(_heard(page)) - set(heard)
        spoken = {name: page.evaluate(SPOKEN, region) for name, region in everywhere.NAMES.items()}
        for name, region in everywhere.NAMES.items():
            if name not in heard:
                found[name, "state in Python"] += f"Python heard of {heard} "
            drawn = _all_drawn(page, region, views[name])
            if len(drawn) != views[name] or not all(drawn):
                found[name, "cell run again"] += f"drawn are {drawn} "
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("() => document.body.matches('.dark') || document.documentElement.matches('.dark')")
        page.wait_for_timeout(500)
        for name, region in everywhere.NAMES.items():
            colours = page.evaluate(COLOURS, region)
            if any(colour != ["dark", "own", "rgb(242, 243, 245)"] for colour in colours):
                found[name, "dark"] += f"its colours are {colours} "
        page.reload()
        everywhere.wait_drawn(page)
        for name, region in everywhere.NAMES.items():
            try:
                page.wait_for_function(f"([name, said]) => ({SPOKEN})(name) === said", arg=[region, spoken[name]], timeout=5000)
            except Exception:
                found[name, "state back"] += f"it said {spoken[name]!r}, now {page.evaluate(SPOKEN, region)!r}"
        label = page.evaluate("() => document.querySelector('#followed').textContent")
        page.evaluate("(name) => workbench_find(name).at(-1).focus()", everywhere.NAMES["thresholds"])
        page.keyboard.press("ArrowDown")
        page.wait_for_function("(label) => document.querySelector('#followed').textContent !== label", arg=label, timeout=10_000)
        if watch.errors or watch.foreign:
            found["attention", "drawn"] += f"the page logged {watch.errors} and asked for {watch.foreign}"
    context.close()
    return found


@pytest.mark.parametrize("aspect", FRONT.aspects)
@pytest.mark.parametrize("explorer", list(everywhere.MAKE))
def test_cell(seen, explorer, aspect):
    assert seen[explorer, aspect] == ""
