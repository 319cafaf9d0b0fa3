"""VS Code and Colab, simulated: every explorer in a page by the rules of their widget hosts (tests/support/widget_hosts.py says which)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.browser.conftest import Watch
from tests.support import everywhere
from tests.support.front_ends import FRONT_ENDS
from tests.support.widget_hosts import HOSTS, editor, replayed_kernel

pytestmark = [pytest.mark.browser, pytest.mark.slow]
COLOURS = "(name) => workbench_find(name).map((root) => [root.style.colorScheme, root.dataset.colours, getComputedStyle(root).color])"
SPOKEN = "(name) => workbench_find(name)[0]?.querySelector('.wb-status').textContent"
DRAWN = "(name) => workbench_find(name).map(workbench_drawn)"
STILL = "() => [...document.querySelectorAll('figure.workbench-snapshot')].map((figure) => figure.getBoundingClientRect().height > 50)"
BEYOND = """(name) => {
  const root = workbench_find(name)[0];
  const { width, right } = root.getBoundingClientRect();
  const out = [...root.querySelectorAll('*')].filter((node) => node.getBoundingClientRect().right > right);
  const beyond = root.scrollWidth - root.clientWidth;
  return [width <= innerWidth, beyond, out.slice(0, 6).map((node) => [node.tagName, node.className, node.title])];
}"""


def _made() -> dict:
    """Every explorer, made as a notebook's cells make it."""
    names: dict = {}
    exec(everywhere.SETUP, names)
    for name in everywhere.MAKE:
        exec(f"{name} = {everywhere.MAKE[name]}", names)
    return {name: names[name] for name in everywhere.MAKE}


def _open(page, host, cells) -> dict:
    """Show the host's page; {explorer: the frame that shows it}."""
    page.set_content(editor(host, cells))
    frames = {node.get_attribute("name"): node.content_frame() for node in page.query_selector_all("iframe")}
    return {name: frames["all" if host.together else name] for name in cells}


def _wait_drawn(frame, region, views):
    frame.frame_element().scroll_into_view_if_needed()  # what is far from view is not painted, with a frame for each cell
    frame.wait_for_function(
        "([name, views]) => workbench_find(name).slice(0, views).every(workbench_drawn) && workbench_find(name).length > 2",
        arg=[region, views],
    )


def _look(browser, title: str) -> dict[tuple[str, str], str]:
    host = HOSTS[title]
    found = {(name, aspect): "" for name in everywhere.MAKE for aspect in FRONT_ENDS[title].aspects}

    def note(name, aspect, well, problem):
        if not well:
            found[name, aspect] += f"{problem} "

    context = browser.new_context(viewport={"width": 1100, "height": 1200}, reduced_motion="reduce")
    page = context.new_page()
    watch = Watch(page)
    with replayed_kernel() as kernel:
        page.expose_function("to_kernel", kernel.hear)
        explorers = _made()
        cells = {name: (explorer.model_id, explorer._still().data) for name, explorer in explorers.items()}
        frames = _open(page, host, cells)
        for name, region in everywhere.NAMES.items():
            frame = frames[name]
            _wait_drawn(frame, region, 2)
            for aspect, drawn in zip(("drawn", "HBox"), frame.evaluate(DRAWN, region), strict=False):
                note(name, aspect, drawn, "not drawn")
            frame.evaluate("() => { for (const each of document.querySelectorAll('.widget-tab > [hidden]')) each.hidden = false; }")
            try:
                _wait_drawn(frame, region, 3)
            except Exception:
                note(name, "Tab", False, f"drawn are {frame.evaluate(DRAWN, region)}")
        for name in everywhere.MAKE:
            frame, changes = frames[name], []
            frame.frame_element().scroll_into_view_if_needed()
            explorers[name].observe(changes.append, "view_state")
            note(name, "still picture", not any(frame.evaluate(STILL)), "not hidden")
            typed = SimpleNamespace(evaluate=frame.evaluate, keyboard=page.keyboard)
            left = everywhere.type_every_key(typed, name)
            everywhere.change_view(typed, name)
            note(name, "every key", not left, f"the focus left it at {left}")
            heard = page.evaluate("() => window.keys.splice(0)")
            note(name, "every key", not heard, f"the editor heard {heard}")
            page.keyboard.press("Control+s")
            page.wait_for_timeout(300)
            heard = page.evaluate("() => window.keys.splice(0).map(({ type, key, ctrl }) => [type, key, ctrl])")
            note(name, "every key", ["keydown", "s", True] in heard, f"Ctrl+S: the editor heard {heard}")
            for _ in range(50):  # what is on its way to the kernel
                if changes:
                    break
                page.wait_for_timeout(100)
            note(name, "state in Python", bool(changes), "no change")
        for name in everywhere.MAKE:
            frames[name].evaluate(host.dark)
        page.evaluate("() => { document.body.style.background = '#1f1f1f'; }")
        page.wait_for_timeout(500)
        for name, region in everywhere.NAMES.items():
            frames[name].frame_element().scroll_into_view_if_needed()
            page.wait_for_timeout(200)
            colours = frames[name].evaluate(COLOURS, region)
            note(name, "dark", all(each == ["dark", "own", "rgb(242, 243, 245)"] for each in colours), f"its colours are {colours}")
        page.evaluate("() => { for (const frame of document.querySelectorAll('iframe')) frame.style.width = '320px'; }")
        page.wait_for_timeout(500)
        for name, region in everywhere.NAMES.items():
            frames[name].frame_element().scroll_into_view_if_needed()
            page.wait_for_timeout(200)
            fits, beyond, out = frames[name].evaluate(BEYOND, region)
            note(name, "narrow", fits and beyond <= 1, f"{beyond} px are out of view, of {out}")
            note(name, "narrow", frames[name].evaluate(DRAWN, region)[0], "not drawn")
        spoken = {name: frames[name].evaluate(SPOKEN, region) for name, region in everywhere.NAMES.items()}
        frames = _open(page, host, cells)
        for name, region in everywhere.NAMES.items():
            _wait_drawn(frames[name], region, 2)
            try:
                frames[name].wait_for_function(f"([name, said]) => ({SPOKEN})(name) === said", arg=[region, spoken[name]], timeout=5000)
            except Exception:
                note(name, "state back", False, f"it said {spoken[name]!r}, now {frames[name].evaluate(SPOKEN, region)!r}")
    frames = _open(page, host, {name: ("gone", still) for name, (_, still) in cells.items()})
    page.wait_for_timeout(500)
    for name in everywhere.MAKE:
        shown = frames[name].evaluate(STILL)
        note(name, "still picture", shown and all(shown), f"without a kernel: {shown}")
        note(name, "drawn", not watch.errors and not watch.foreign, f"the page logged {watch.errors} and asked for {watch.foreign}")
    context.close()
    for explorer in explorers.values():
        explorer.close()
    return found


@pytest.fixture(scope="module")
def looks(chromium, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    everywhere.prepare(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        return {title: _look(chromium, title) for title in HOSTS}


@pytest.mark.parametrize("explorer", list(everywhere.MAKE))
@pytest.mark.parametrize(("host", "aspect"), [(host, aspect) for host in HOSTS for aspect in FRONT_ENDS[host].aspects])
def test_cell(looks, host, explorer, aspect):
    assert looks[host][explorer, aspect] == ""
