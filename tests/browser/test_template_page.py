"""The template explorer on a plain page: pairs, neurons, weights, words and images are those of numpy, with mouse and keys."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.plain_page import open_lab
from tests.support.traced import NAMES, make_fired, make_templates
from workbench.widgets import TemplateExplorer
from workbench.widgets.style import STYLE, levels, ramp
from workbench.widgets.traces import strengths
from workbench.widgets.traces_still import direction_words

pytestmark = pytest.mark.browser


@pytest.fixture
def explorer():
    return TemplateExplorer(make_templates(), *make_fired())


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def expected_words(explorer, neuron):
    view, found = explorer.view_state, explorer.templates
    read, moved = NAMES.index(view["other"]), NAMES.index(view["label"])
    inflow, outflow = float(found.inflow[neuron, read]), float(found.outflow[neuron, moved])
    signed = [f"{'−' if value < 0 else '+'}{abs(value):.3f}" for value in (inflow, outflow)]
    where = direction_words(found.template[neuron], inflow)
    return (
        f"Reads “{view['other']}” with weight {signed[0]} and {where}; that {'raises' if outflow > 0 else 'lowers'} "
        f"“{view['label']}” ({signed[1]})."
    )


def test_neurons_of_the_pair_and_what_one_of_them_does(page, explorer):
    open_lab(page, explorer, "traces")
    shown = [int(button.get_attribute("data-neuron")) for button in page.locator(".wb-neuron").all()]
    assert shown == explorer.neurons
    assert page.locator(".wb-card .wb-told").inner_text() == expected_words(explorer, 3)
    for select, name in (("Label that is read", "ball"), ("Label that is moved", "cat")):
        page.get_by_label(select).select_option(name)
    explorer.show(other="ball", label="cat")
    shown = [int(button.get_attribute("data-neuron")) for button in page.locator(".wb-neuron").all()]
    assert shown == explorer.neurons
    for place in (0, 3, 7):
        page.locator(".wb-neuron").nth(place).click()
        assert page.locator(".wb-card .wb-told").inner_text() == expected_words(explorer, shown[place])
    first = page.locator(".wb-weights").nth(0)
    row = explorer.templates.inflow[shown[7]]
    texts = [f"{'−' if row[label] < 0 else '+'}{abs(row[label]):.3f}" for label in np.argsort(-np.abs(row))]
    assert first.locator(".wb-score").all_inner_texts() == texts


def test_a_template_has_the_colours_of_python(page, explorer):
    open_lab(page, explorer, "traces")
    pixels = page.locator(".wb-large").evaluate("(e) => [...e.getContext('2d').getImageData(0, 0, e.width, e.height).data]")
    template = explorer.templates.template[3]
    top = float(np.abs(template).max())
    expected = ramp(STYLE["signed_palette"])[levels(template, -top, top)]
    found = np.array(pixels).reshape(*template.shape, 4)[..., :3]
    assert np.abs(found.astype(int) - expected).max() <= 12, "half a level apart at most"


def test_its_images_come_when_they_are_wanted(page, explorer):
    open_lab(page, explorer, "traces")
    names = lambda: [shot.get_attribute("title") for shot in page.locator(".wb-shot").all()]  # noqa: E731
    assert names() == ["7", "2", "9"]
    assert page.evaluate("() => window.asked") == [], "the first ones come with the opening"
    page.locator(".wb-neuron").nth(1).click()
    neuron = explorer.neurons[1]
    assert names() == [str(image) for image in explorer.images(neuron)]
    page.wait_for_function("() => document.querySelectorAll('.wb-shot img').length === document.querySelectorAll('.wb-shot').length")
    page.wait_for_function("() => [...document.querySelectorAll('.wb-shot img')].every((img) => img.naturalWidth === 96)")
    page.locator(".wb-shot").nth(1).click()
    assert view_of(page)["image"] == names()[1]
    assert f"image {names()[1]}" in page.locator(".wb-status").inner_text()


def test_a_click_on_the_matrix_chooses_the_pair(page, explorer):
    open_lab(page, explorer, "traces")
    box = page.locator(".wb-matrix").bounding_box()
    cell = (box["width"] - 96) / 4
    page.locator(".wb-matrix").click(position={"x": 96 + 2.5 * cell, "y": 96 + 3.5 * cell})
    view = view_of(page)
    assert (view["label"], view["other"], view["neuron"]) == ("cat", "ball", None)
    strength = strengths(explorer.templates).sum(0)
    assert f"From “ball” to “cat”: {strength[3, 2]:.3f}." in page.locator(".wb-traces").inner_text()
    page.get_by_label("Values of the matrix").select_option("share")
    share = strength[3, 2] / (strength[3].sum() - strength[3, 3])
    assert f"From “ball” to “cat”: {share:.3f}." in page.locator(".wb-traces").inner_text()
    explorer.view_state = view_of(page)


def test_keys_and_the_focus(page, explorer):
    open_lab(page, explorer, "traces")
    page.locator(".wb-explorer").focus()
    for key in ("ArrowDown", "ArrowRight", "n", "n", "p", "s"):
        page.keyboard.press(key)
    view = view_of(page)
    explorer.view_state = view
    assert (view["label"], view["sort"]) == ("ball", "name")
    assert view["neuron"] == explorer.neurons[1]
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")


def test_the_exported_page_needs_nobody(page, explorer, tmp_path):
    page.goto(explorer.export_html(tmp_path / "traces.html").as_uri())
    page.wait_for_function("() => document.querySelectorAll('.wb-shot img').length === 3")
    page.wait_for_function("() => [...document.querySelectorAll('.wb-shot img')].every((img) => img.naturalWidth === 96)")
    assert page.locator(".wb-card .wb-told").inner_text() == expected_words(explorer, 3)


def test_axe_finds_nothing_serious_and_views_clean_up(page, explorer):
    open_lab(page, explorer, "traces")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
        found = Axe().run(page, context=".wb-explorer").response["violations"]
        assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]
    page.evaluate("() => window.close_explorer()")
    assert page.evaluate("() => window.listeners()") == 0
