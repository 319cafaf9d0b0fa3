"""A kernel that does not answer: no picture of one image stands beside the names and scores of another, and it is said what to do."""

import numpy as np
import pytest

from tests.support.archives import make_inspection
from tests.support.layered import make_layered
from tests.support.moving import Weighing, make_editor
from tests.support.plain_page import open_explorer, open_lab, wait_drawn
from workbench.widgets import AttentionExplorer, LabelExplorer, MoveLab

pytestmark = pytest.mark.browser
SILENT = "() => { window.model.send = () => {}; }"
GONE = "() => { window.model.send = () => { throw new Error('Cannot send'); }; window.model.save_changes = window.model.send; }"
SEEN = """() => [...document.querySelectorAll('.wb-canvas, .wb-cell, .wb-value')]
  .filter((each) => each.checkVisibility({ visibilityProperty: true })).length"""
LATE = "() => performance.now = ((now) => () => now() + 5000)(performance.now.bind(performance))"


@pytest.fixture
def explorer(page):
    inspection = make_inspection(30, 5)
    open_explorer(page, AttentionExplorer(inspection, image=2, label="sun"))
    return inspection


@pytest.mark.parametrize("kernel", [SILENT, GONE])
def test_maps_of_another_image_are_never_shown(page, explorer, kernel):
    assert page.evaluate(SEEN) > 3
    page.evaluate(kernel)
    page.evaluate("() => window.model.set('view_state', { ...window.model.get('view_state'), image: 'scene-0020' })")
    assert page.evaluate(SEEN) == 0, "the maps of image 2 are not shown with the scores of image 20"
    p = explorer.probabilities()[20]
    assert page.locator(".wb-list .wb-score:visible").first.inner_text() == f"{np.max(p):.2f}", "scores are those of image 20"
    notice = page.locator(".wb-notice")
    assert "scene-0020" in notice.inner_text()
    page.evaluate(LATE)
    page.wait_for_function("() => document.querySelector('.wb-notice').textContent.includes('run the cell again')", timeout=3000)
    assert "run the cell again" in page.inner_text(".wb-status")
    page.evaluate("() => window.model.set('view_state', { ...window.model.get('view_state'), image: 'scene-0002' })")
    assert page.evaluate(SEEN) > 3, "what is at hand is shown again"
    assert not notice.is_visible()


def test_a_change_that_cannot_be_sent_is_told_and_none_is_thrown(page, explorer):
    page.evaluate(GONE)
    page.locator(".wb-explorer").focus()
    page.keyboard.press("g")
    page.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('run the cell again')")
    assert page.get_by_role("button", name="Cells").get_attribute("aria-pressed") == "true"


def test_a_late_answer_is_drawn(page, explorer):
    page.evaluate("() => { window.held = []; const { send } = window.model; window.model.send = (q) => window.held.push(() => send(q)); }")
    page.evaluate("() => window.model.set('view_state', { ...window.model.get('view_state'), image: 'scene-0020' })")
    assert page.locator(".wb-notice").inner_text() == "Waiting for the maps of image “scene-0020” …"
    page.evaluate("() => window.held.forEach((send) => send())")
    wait_drawn(page)
    assert page.evaluate(SEEN) > 3
    assert "scene-0020, sun" in page.inner_text(".wb-status")


def test_the_pair_of_labels_and_the_moving_object(page):
    open_explorer(page, LabelExplorer(make_layered(12, 6)), "labels")
    shown = page.locator(".wb-picture").get_attribute("data-image")
    page.evaluate(SILENT)
    page.locator(f".wb-pair .wb-chip:not([title='{shown}'])").last.click()
    assert not page.locator(".wb-picture").is_visible()
    assert "Waiting for the maps of image" in page.inner_text(".wb-pair figure")


def test_the_scene_of_another_object_is_not_shown(page):
    lab = MoveLab(Weighing(make_editor()))
    open_lab(page, lab, "moves")
    page.evaluate(SILENT)
    page.locator(".wb-explorer").focus()
    page.keyboard.press("o")
    for part in (".wb-scene", ".wb-sweep", ".wb-reach"):
        assert not page.locator(part).is_visible(), part
    assert page.inner_text(".wb-told").startswith("Waiting for")
