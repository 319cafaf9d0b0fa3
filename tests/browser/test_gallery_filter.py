"""The filter of the images and the label in question agree, with numpy as the judge."""

import numpy as np
import pytest

from tests.support.archives import make_inspection
from tests.support.plain_page import open_explorer, wait_drawn
from workbench.widgets import AttentionExplorer

pytestmark = pytest.mark.browser


@pytest.fixture
def inspection():
    return make_inspection(40, 6, skill=0.4)


def states(inspection):
    predicted, there = inspection.logits() >= 0, inspection.targets
    found = np.where(there == 1, np.where(predicted, "TP", "FN"), np.where(predicted, "FP", "TN"))
    return np.where(there == -1, "unknown", found)


def now(page):
    view = page.evaluate("() => window.model.get('view_state')")
    return view["image"], view["label"]


@pytest.mark.parametrize("state", ["FP", "FN", "TP"])
def test_the_label_that_satisfies_the_filter_is_chosen(page, inspection, state):
    names, table = list(inspection.categories), states(inspection)
    image = int(np.flatnonzero((table == state).any(1) & (table[:, 0] != state))[0])
    open_explorer(page, AttentionExplorer(inspection, image=image, label=names[0]))
    page.get_by_label("State to filter by").select_option(state)
    wait_drawn(page)
    for _ in range(6):
        at, label = now(page)
        row = list(inspection.ids).index(at)
        assert table[row, names.index(label)] == state
        assert page.locator(".wb-question em").inner_text() == label
        page.locator(".wb-explorer").focus()
        page.keyboard.press("ArrowRight")
    wanted = [c for c in range(len(names)) if table[image, c] == state]
    page.get_by_label("State to filter by").select_option("all")
    page.evaluate(
        "(view) => window.model.set('view_state', { ...window.model.get('view_state'), ...view })",
        {"image": inspection.ids[image], "label": names[0]},
    )
    page.get_by_label("State to filter by").select_option(state)
    assert now(page)[1] == names[max(wanted, key=lambda c: inspection.logits()[image, c])], "of several the one of the highest score"


def test_a_label_that_satisfies_it_already_stays_and_a_named_one_is_taken(page, inspection):
    names, table = list(inspection.categories), states(inspection)
    image, column = next((i, c) for i in range(40) for c in range(6) if table[i, c] == "FP" and (table[i] == "FP").sum() > 1)
    open_explorer(page, AttentionExplorer(inspection, image=image, label=names[column]))
    page.get_by_label("State to filter by").select_option("FP")
    assert now(page) == (inspection.ids[image], names[column])
    page.get_by_label("Label to filter by").select_option("tree")
    assert now(page)[1] == "tree"
    row = list(inspection.ids).index(now(page)[0])
    assert table[row, names.index("tree")] == "FP"


def test_the_kernel_sets_a_filter(page, inspection):
    open_explorer(page, AttentionExplorer(inspection, image=0, label="ball"))
    page.evaluate("() => window.model.set('view_state', { ...window.model.get('view_state'), filter_state: 'FN' })")
    page.wait_for_function("() => window.saved.length")
    at, label = page.evaluate("() => [window.saved.at(-1).image, window.saved.at(-1).label]")
    assert states(inspection)[list(inspection.ids).index(at), list(inspection.categories).index(label)] == "FN"


def test_choices_that_lead_to_nothing_are_disabled(page, inspection):
    open_explorer(page, AttentionExplorer(inspection, image=0, label="sun"))
    table = states(inspection)
    options = page.get_by_label("State to filter by").locator("option").all()
    for option in options:
        state, none = option.get_attribute("value"), option.inner_text().endswith("· 0")
        assert option.is_disabled() == none
        if state in ("TP", "FP", "FN", "TN", "unknown"):
            assert none == (not (table == state).any())
    page.get_by_label("State to filter by").select_option("FP")
    for column, name in enumerate(inspection.categories):
        option = page.get_by_label("Label to filter by").locator(f"option[value={name}]")
        assert option.is_disabled() == (not (table[:, column] == "FP").any())
