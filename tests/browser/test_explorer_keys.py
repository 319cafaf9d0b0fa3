"""Everything can be done with the keyboard, and no key that the explorer takes goes on to JupyterLab."""

import numpy as np
import pytest

from tests.support.archives import make_inspection
from tests.support.plain_page import open_explorer
from workbench.widgets import AttentionExplorer

pytestmark = pytest.mark.browser


@pytest.fixture
def inspection():
    return make_inspection(10, 6)


@pytest.fixture
def keys(page, inspection):
    """The page with an explorer in focus, and a list of the keys that got past it."""
    open_explorer(page, AttentionExplorer(inspection, image=4, label="sun", spot=None))
    page.evaluate("() => { window.past = []; document.addEventListener('keydown', (event) => window.past.push(event.key)); }")
    page.locator(".wb-explorer").focus()
    return page


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def press(page, *names):
    for name in names:
        page.keyboard.press(name)
    return view_of(page)


def test_arrows_change_image_and_label(keys, inspection):
    assert press(keys, "ArrowRight")["image"] == inspection.ids[5]
    assert press(keys, "ArrowLeft", "ArrowLeft")["image"] == inspection.ids[3]
    labels = keys.locator(".wb-list .wb-name:visible").all_inner_texts()
    here = labels.index("sun")
    assert press(keys, "ArrowDown")["label"] == labels[min(here + 1, len(labels) - 1)]
    assert press(keys, *["ArrowUp"] * 10)["label"] == labels[0]
    assert press(keys, *["ArrowLeft"] * 10)["image"] == inspection.ids[0], "the strip does not wrap around"
    assert keys.evaluate("() => window.past") == []


def test_single_keys(keys):
    assert press(keys, "m")["map"] == "confidence"
    assert press(keys, "m", "m")["map"] == "attention"
    assert press(keys, "[")["alpha"] == pytest.approx(0.7)
    assert press(keys, "]", "]", "]", "]")["alpha"] == 1
    assert press(keys, "o")["overlay"] == "contour"
    assert press(keys, "g", "r", "v")["grid"] is True
    assert view_of(keys)["regions"] is view_of(keys)["as_seen"] is True
    press(keys, "x")
    assert keys.evaluate("() => window.past") == [], "JupyterLab would cut the cell on x"
    press(keys, "Control+b")
    assert "b" in keys.evaluate("() => window.past"), "JupyterLab's own shortcuts still work"


def test_a_cursor_in_the_picture_moves_by_cells(keys, inspection):
    keys.locator(".wb-canvas").nth(1).focus()
    assert press(keys, "Enter")["spot"] == pytest.approx([3.5 / 7, 3.5 / 7])
    assert press(keys, "ArrowRight", "ArrowDown")["spot"] == pytest.approx([4.5 / 7, 4.5 / 7])
    assert view_of(keys)["image"] == inspection.ids[4], "the arrows moved the cursor, not the image"
    values = inspection.shown_maps("attention", 4)[1][:, 4, 4]
    names = keys.locator(".wb-ranked .wb-name:visible").all_inner_texts()
    assert names == [inspection.categories[i] for i in np.argsort(-values, kind="stable")]
    assert press(keys, *["ArrowRight"] * 9)["spot"][0] == pytest.approx(6.5 / 7), "it stays inside"
    assert press(keys, "Escape")["spot"] is None
    assert press(keys, "ArrowRight")["image"] == inspection.ids[5]


def test_help_opens_and_gives_the_focus_back(keys):
    press(keys, "?")
    assert keys.get_by_role("dialog").is_visible()
    assert keys.evaluate("() => document.activeElement.textContent") == "Close"
    press(keys, "ArrowRight")
    assert view_of(keys)["image"] == "scene-0004", "behind the help nothing moves"
    press(keys, "Escape")
    assert not keys.get_by_role("dialog").is_visible()
    assert keys.evaluate("() => document.activeElement.className") == "wb-explorer"


def test_tabs_and_buttons_without_a_mouse(keys):
    keys.get_by_role("tab").first.focus()
    assert press(keys, "ArrowRight")["panel"] == "influence"
    assert keys.get_by_role("tab", name="Which labels push which").get_attribute("aria-selected") == "true"
    keys.get_by_role("button", name="Cells").focus()
    assert press(keys, "Enter")["grid"] is True
    keys.get_by_label("Strength of the overlay").focus()
    assert press(keys, "ArrowLeft")["alpha"] == pytest.approx(0.75)
    assert view_of(keys)["image"] == "scene-0004"


def test_focus_is_visible_and_the_status_line_speaks(keys):
    outline = keys.evaluate("() => getComputedStyle(document.querySelector('.wb-explorer')).outlineStyle")
    keys.keyboard.press("Tab")
    assert keys.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none", outline
    status = keys.locator("[role=status]")
    assert status.get_attribute("aria-live") == "polite"
    assert "scene-0004, sun, Attention A" in status.inner_text()
    for canvas in keys.locator(".wb-canvas").all():
        assert canvas.get_attribute("role") == "img"
        assert "scene-0004" in canvas.get_attribute("aria-label")


def test_changes_reach_the_kernel_a_little_later_and_once(keys):
    press(keys, *["ArrowRight"] * 4)
    keys.wait_for_function("() => window.saved.length > 0")
    keys.wait_for_timeout(300)
    assert keys.evaluate("() => window.saved.length") <= 2
    assert keys.evaluate("() => window.saved.at(-1).image") == "scene-0008"
