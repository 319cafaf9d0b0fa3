"""The layer view on a plain page: parts that add up, layers and channels as numpy has them, places with the keyboard."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.archives import HOSTILE_NAME, make_contents
from tests.support.layered import LAYERS, WIDTH, make_layered
from tests.support.plain_page import open_explorer
from workbench.inspection import Inspection, PartKind
from workbench.widgets import AttentionExplorer
from workbench.widgets.layers import summed

pytestmark = pytest.mark.browser


def number(text):
    return float(text.replace("−", "-"))


def values_of(page):
    return [number(text) for text in page.locator(".wb-layers .wb-pane:visible .wb-value").all_inner_texts()]


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def test_parts_are_shown_down_to_the_remainder_and_add_up(page):
    inspection = make_layered(4, remainder=True)
    open_explorer(page, AttentionExplorer(inspection, image=2, label="roof"))
    rows = page.locator(".wb-parts tbody tr").all()
    shown = {row.locator("th").inner_text(): number(row.locator("td").first.inner_text()) for row in rows}
    assert list(shown) == [kind.title for kind in inspection.part_kinds.values()] + ["= y"]
    for kind in inspection.part_kinds.values():
        assert shown[kind.title] == pytest.approx(float(inspection.parts(kind.name)[2, 2]), rel=0.06)
    assert shown["= y"] == pytest.approx(float(inspection.logits()[2, 2]), abs=0.006)
    pieces = page.evaluate(
        "() => [...document.querySelectorAll('.wb-piece')].map((b) => [parseFloat(b.style.left), parseFloat(b.style.width)])"
    )
    assert all(left >= -0.01 and left + width <= 100.5 for left, width in pieces)


@pytest.mark.parametrize("family", ["local", "group"])
def test_each_layer_tells_its_value_at_the_spot(page, family):
    inspection = make_layered(4)
    open_explorer(page, AttentionExplorer(inspection, image=1, label="ball", spot=[0.7, 0.3], family=family))
    layers = [inspection.shown_maps(f"{family}.{layer}", 1)[1][1] for layer in LAYERS]
    cells = [values[int(0.3 * len(values)), int(0.7 * len(values))] for values in layers]
    whole = summed([values.astype(float) for values in layers])[int(0.3 * 16), int(0.7 * 16)]
    np.testing.assert_allclose(values_of(page), [*cells, whole], rtol=0.06, atol=2e-3)
    column = ["local", "group"].index(family)
    table = [row.locator("td").nth(column).inner_text() for row in page.locator(".wb-place tbody tr").all()]
    np.testing.assert_allclose([number(text) for text in table], cells, rtol=0.06, atol=2e-3)
    assert "row 5, column 12 of 16 × 16" in page.inner_text(".wb-place")


def test_one_scale_for_all_layers_or_one_each(page):
    open_explorer(page, AttentionExplorer(make_layered(3), image=0, label="sun"))
    ends = lambda: page.locator(".wb-layers .wb-scale span:nth-child(3)").all_inner_texts()  # noqa: E731
    assert len(set(ends())) == 1
    page.get_by_label("Scale of the colours").select_option("map")
    assert len(set(ends())) > 2
    assert "Each map has its own scale" in page.inner_text(".wb-more")


def test_a_channel_becomes_the_attention_of_the_label_and_of_its_group(page):
    inspection = make_layered(5, with_channels=2)
    open_explorer(page, AttentionExplorer(inspection, image=4, label="tree", spot=[0.6, 0.6], panel="layers"))
    page.get_by_role("button", name="One channel").click()
    assert view_of(page)["image"] == inspection.ids[0], "an image whose channels are stored"
    page.get_by_label("Channel", exact=True).evaluate("(e) => { e.value = 7; e.dispatchEvent(new Event('input')); }")
    page.get_by_label("Group", exact=True).select_option("2")
    page.wait_for_function("() => !document.querySelector('.wb-panes.wb-waiting')")
    raw = [values[0, 7].astype(float) for values in inspection.channels(0).layers.values()]
    at = lambda values: values[int(0.6 * len(values)), int(0.6 * len(values))]  # noqa: E731
    expected = [at(values) for values in raw]
    for steer in (inspection.table("label_embedding").values[3, 7], inspection.table("group_embedding").values[2, 7]):
        soft = [np.exp(values * steer) / np.exp(values * steer).sum() * values.size for values in raw]
        expected += [at(values) for values in soft]
    np.testing.assert_allclose(values_of(page), expected, rtol=0.06)
    page.evaluate("() => window.model.set('view_state', {...window.model.get('view_state'), image: 'scene-0003'})")
    page.wait_for_function("() => document.querySelector('.wb-layers .wb-missing:not([hidden])')")
    assert "stored for 2 images only: scene-0000, scene-0001" in page.inner_text(".wb-more")


def test_groups_of_the_label(page):
    inspection = make_layered(3)
    open_explorer(page, AttentionExplorer(inspection, label="boat"))
    shares = [number(row.locator("td").first.inner_text()) for row in page.locator(".wb-membership tbody tr").all()]
    np.testing.assert_allclose(shares, inspection.table("assignment").values[4], atol=0.006)


def test_a_cursor_moves_over_a_layer_with_the_keys(page):
    open_explorer(page, AttentionExplorer(make_layered(3), image=0, label="sun", spot=None))
    page.locator(".wb-layers .wb-title").nth(2).click()
    assert view_of(page)["map"] == "local.stage-4"
    page.locator(".wb-layers .wb-canvas").nth(2).focus()
    for key in ("Enter", "ArrowRight"):
        page.keyboard.press(key)
    assert view_of(page)["spot"] == pytest.approx([3.5 / 4, 2.5 / 4]), "by cells of that layer"


def test_a_model_without_layers_shows_its_bars(page):
    contents = make_contents(3, 4, system="pooled")
    cells = contents.maps["class_activation"].astype(np.float64).sum(axis=(2, 3))
    contents.parts = {"cells": cells.astype(np.float32), "bias": (contents.logits["final"] - cells).astype(np.float32)}
    contents.part_kinds = (PartKind("cells", "Cells", "", maps="class_activation"), PartKind("bias", "Bias"))
    contents.decomposes = "final"
    open_explorer(page, AttentionExplorer(Inspection.of(contents)))
    assert page.locator(".wb-parts tbody th").all_inner_texts() == ["Cells", "Bias", "= y"]
    assert page.locator(".wb-layers:visible").count() == 0


def test_names_are_text_and_axe_is_content(page):
    open_explorer(page, AttentionExplorer(make_layered(3, hostile=True), label=HOSTILE_NAME))
    for way in ("Group", "One channel"):
        page.get_by_role("button", name=way, exact=True).click()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
            found = Axe().run(page, context=".wb-explorer").response["violations"]
            assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]
    assert page.locator("img[src=x]").count() == 0
    assert page.get_by_label("Channel", exact=True).get_attribute("max") == str(WIDTH - 1)
