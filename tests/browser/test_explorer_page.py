"""The explorer on a plain page: what it shows equals what numpy says, with the mouse and with the keyboard."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.archives import HOSTILE_NAME, make_contents, make_inspection
from tests.support.plain_page import open_explorer, wait_drawn
from workbench.inspection import Inspection
from workbench.widgets import AttentionExplorer
from workbench.widgets.style import STYLE, levels, ramp, value_range

pytestmark = pytest.mark.browser

STATE_NAMES = ("TP", "FP", "FN", "TN", "unknown")
PIXEL = """([place, x, y]) => {
  const canvas = document.querySelectorAll(".wb-canvas")[place];
  const at = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
  return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
}"""


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def states(inspection, logits=None):
    """State names [N, C] by numpy."""
    logits = inspection.logits() if logits is None else logits
    predicted, targets = logits >= 0, inspection.targets
    names = np.where(targets == 1, np.where(predicted, "TP", "FN"), np.where(predicted, "FP", "TN"))
    return np.where(targets == -1, "unknown", names)


def shown_labels(page):
    return page.locator(".wb-list .wb-name:visible").all_inner_texts()


def click_at(page, pane, x, y):
    box = page.locator(".wb-canvas").nth(pane).bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_labels_are_grouped_and_ranked_by_score(page):
    inspection = make_inspection(6, 10)
    open_explorer(page, AttentionExplorer(inspection, image=4))
    p, state = inspection.probabilities()[4], states(inspection)[4]
    order = np.argsort(-p, kind="stable")
    expected = (
        [i for i in order if p[i] >= 0.5] + [i for i in order if state[i] == "FN"] + [i for i in order if p[i] < 0.5 and state[i] != "FN"]
    )
    assert shown_labels(page) == [inspection.categories[i] for i in expected]
    assert page.locator(".wb-list .wb-score:visible").all_inner_texts() == [f"{p[i]:.2f}" for i in expected]
    assert [each.get_attribute("data-state") for each in page.locator(".wb-list .wb-state").all()] == [state[i] for i in expected]
    words = page.locator(".wb-list [role=option]").first.get_attribute("aria-label")
    assert words == f"{inspection.categories[expected[0]]}, {p[expected[0]]:.2f}, {STYLE['states'][state[expected[0]]]['word']}"


@pytest.mark.parametrize("kind", ["attention", "confidence", "weighted"])
def test_a_click_ranks_the_labels_that_look_there(page, kind):
    inspection = make_inspection(5, 6, grid=(7, 9))
    open_explorer(page, AttentionExplorer(inspection, image=2))
    click_at(page, 1 + list(inspection.map_kinds).index(kind), 0.7, 0.3)
    values = inspection.shown_maps(kind, 2)[1][:, int(0.3 * 7), int(0.7 * 9)]
    order = np.argsort(-values, kind="stable")
    assert page.locator(".wb-ranked .wb-name:visible").all_inner_texts() == [inspection.categories[i] for i in order]
    shown = [float(text.replace("−", "-")) for text in page.locator(".wb-ranked .wb-score:visible").all_inner_texts()]
    np.testing.assert_allclose(shown, values[order], rtol=0.06)
    assert "row 3, column 7 of 7 × 9" in page.inner_text(".wb-spot")
    assert view_of(page)["map"] == kind
    assert view_of(page)["spot"] == pytest.approx([0.7, 0.3], abs=0.01)


def test_the_map_alone_has_exactly_the_colours_of_the_style(page):
    inspection = make_inspection(3, 4)
    open_explorer(page, AttentionExplorer(inspection, image=1, label="roof", overlay="map", grid=True))
    for place, kind in enumerate(inspection.map_kinds.values(), start=1):
        values = inspection.shown_maps(kind.name, 1)[1][2]
        tops = [inspection.shown_maps(name, 1)[1][2].max() for name in ("attention", "weighted")]
        expected = ramp("viridis")[levels(values, *value_range(kind, float(max(tops))))]
        for row in range(7):
            for column in range(7):
                pixel = page.evaluate(PIXEL, [place, (column + 0.5) / 7, (row + 0.5) / 7])
                assert np.abs(np.array(pixel[:3]) - expected[row, column]).max() <= 2, (kind.name, row, column)


def test_smooth_maps_are_bilinear_and_signed_ones_blue_to_red(page):
    from PIL import Image

    inspection = make_inspection(3, 4, system="pooled")
    open_explorer(page, AttentionExplorer(inspection, image=0, label="sun", overlay="map", scale="map"))
    values = inspection.shown_maps("class_activation", 0)[1][0]
    width, height = page.evaluate("() => { const c = document.querySelectorAll('.wb-canvas')[1]; return [c.width, c.height]; }")
    field = np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR))
    expected = ramp("blue-red")[levels(field, *value_range(inspection.map_kinds["class_activation"], float(np.abs(values).max())))]
    for x, y in np.random.default_rng(0).uniform(0.02, 0.98, (40, 2)):
        pixel = page.evaluate(PIXEL, [1, x, y])
        assert np.abs(np.array(pixel[:3]) - expected[int(y * height), int(x * width)].astype(int)).max() <= 4


def test_heat_lets_the_picture_through_by_strength(page):
    inspection = make_inspection(3, 4)
    open_explorer(page, AttentionExplorer(inspection, image=0, label="sun", alpha=0.0, grid=False))
    box = page.evaluate("() => [...document.querySelectorAll('.wb-canvas')].map((c) => [c.width, c.height])")
    assert box[0] == box[1]
    photo = page.evaluate(PIXEL, [0, 0.5, 0.9])
    grey = page.evaluate(PIXEL, [1, 0.5, 0.9])
    assert grey[0] == grey[1] == grey[2]
    assert grey[0] == pytest.approx(0.3 * photo[0] + 0.59 * photo[1] + 0.11 * photo[2], abs=3)


def test_contour_encloses_the_top_fifth(page):
    contents = make_contents(2, 3, grid=(10, 10))
    ramp_map = np.tile(np.arange(10, dtype=np.float16), (10, 1)) / 10
    contents.maps = {name: np.broadcast_to(ramp_map, values.shape).copy() for name, values in contents.maps.items()}
    open_explorer(page, AttentionExplorer(Inspection.of(contents), image=0, overlay="contour", grid=True))
    line = np.array([int(STYLE["contour"]["line"][i : i + 2], 16) for i in (1, 3, 5)])
    pixels = [page.evaluate(PIXEL, [1, x, 0.55])[:3] for x in (0.3, 0.5, 0.7, 0.9)]
    at_edge = [page.evaluate(PIXEL, [1, 0.8 + delta, 0.55])[:3] for delta in (-0.004, 0, 0.004)]
    assert min(np.abs(np.array(pixel) - line).max() for pixel in at_edge) < 60, "two of ten columns are the top fifth"
    assert all(np.abs(np.array(pixel) - line).max() > 60 for pixel in pixels)


def test_filters_count_and_keep_what_numpy_says(page):
    inspection = make_inspection(60, 6)
    open_explorer(page, AttentionExplorer(inspection))
    state = states(inspection)
    before = states(inspection, inspection.logits("cls"))
    right, was = np.isin(state, ["TP", "TN"]), np.isin(before, ["TP", "TN"])
    known = inspection.targets >= 0
    tables = {name: state == name for name in STATE_NAMES} | {"fixed": known & right & ~was, "broken": known & ~right & was}
    for label in ["", "roof"]:
        page.get_by_label("Label to filter by").select_option(label)
        column = slice(None) if not label else [inspection.categories.index(label)]
        options = page.get_by_label("State to filter by").locator("option")
        shown = {each.get_attribute("value"): int(each.inner_text().split("· ")[1]) for each in options.all()}
        expected = {name: int(table[:, column].any(axis=1).sum()) for name, table in tables.items()}
        assert shown == {"all": 60, **expected}
        for name in ("FN", "fixed"):
            page.get_by_label("State to filter by").select_option(name)
            images = np.flatnonzero(tables[name][:, column].any(axis=1))
            assert page.inner_text(".wb-count").endswith(f"of {len(images)} images")
            assert inspection.position(view_of(page)["image"]) in images
            titles = [each.get_attribute("title") for each in page.locator(".wb-thumb").all()]
            assert set(titles) <= {inspection.ids[i] for i in images}
        page.get_by_label("State to filter by").select_option("all")


def test_a_row_that_nothing_fills_yet_names_no_label(page):
    inspection = make_inspection(6, 10)
    open_explorer(page, AttentionExplorer(inspection, image=4, spot=None))
    before = view_of(page)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.evaluate("() => document.querySelectorAll('.wb-ranked button, .wb-changes button').forEach((button) => button.click())")
    assert not errors
    assert view_of(page)["label"] == before["label"]


def test_an_empty_filter_says_so(page):
    contents = make_contents(4, 3, unknown=False)
    open_explorer(page, AttentionExplorer(Inspection.of(contents)))
    assert page.get_by_label("State to filter by").locator("option[value=unknown]").is_disabled(), "it leads to nothing"
    page.evaluate("() => window.model.set('view_state', { ...window.model.get('view_state'), filter_state: 'unknown' })")
    assert "No image is like that" in page.inner_text(".wb-count")


def test_fixed_and_broken_lists_equal_numpy_and_lead_to_their_images(page):
    inspection = make_inspection(40, 5)
    open_explorer(page, AttentionExplorer(inspection, label="ball"))
    for before in ("cls", "sr"):
        page.get_by_label("Compared with").select_option(before)
        truth = inspection.targets[:, 1]
        was = (inspection.logits(before)[:, 1] >= 0) == (truth == 1)
        now = (inspection.logits()[:, 1] >= 0) == (truth == 1)
        for name, images in (("fixed", ~was & now & (truth >= 0)), ("broken", was & ~now & (truth >= 0))):
            assert int(page.inner_text(f".wb-list-{name} strong")) == images.sum()
            titles = [each.get_attribute("title") for each in page.locator(f".wb-list-{name} .wb-chip").all()]
            assert titles == [f"{inspection.ids[i]}: ball" for i in np.flatnonzero(images)]
    page.get_by_label("all labels, not only the chosen one").check()
    changed = (inspection.logits() >= 0) != (inspection.logits("sr") >= 0)
    right = (inspection.logits() >= 0) == (inspection.targets == 1)
    fixed = (changed & right & (inspection.targets >= 0)).any(axis=1)
    assert int(page.inner_text(".wb-list-fixed strong")) == fixed.sum()
    chip = page.locator(".wb-list-fixed .wb-chip").last
    identifier, name = chip.get_attribute("title").split(": ")
    chip.click()
    assert (view_of(page)["image"], view_of(page)["label"]) == (identifier, name)


def test_influence_matrix_leads_to_labels_and_has_a_table(page):
    inspection = make_inspection(6, 5)
    open_explorer(page, AttentionExplorer(inspection, image=2, label="sun"))
    page.get_by_role("tab", name="Which labels push which").click()
    mean = inspection.relations("regularisation")
    raised = [(inspection.categories[i], mean[0, i]) for i in np.argsort(-mean[0]) if mean[0, i] > 0]
    assert page.locator(".wb-pushes > div").first.locator(".wb-name").all_inner_texts() == [name for name, _ in raised]
    page.locator(".wb-influence summary").click()
    page.wait_for_selector(".wb-influence table")
    cells = page.locator(".wb-influence table tbody td").all_inner_texts()
    np.testing.assert_allclose([float(text.replace("−", "-")) for text in cells[0::2]], mean[0], rtol=0.06)
    np.testing.assert_allclose([float(text.replace("−", "-")) for text in cells[1::2]], mean[:, 0], rtol=0.06)
    page.get_by_label("Mean or this image").select_option("image")
    own = inspection.relations_of("regularisation", 2)
    cells = page.locator(".wb-influence table tbody td").all_inner_texts()
    np.testing.assert_allclose([float(text.replace("−", "-")) for text in cells[0::2]], own[0], rtol=0.06)
    matrix = page.locator(".wb-matrix")
    box = matrix.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)
    assert "Seeing “boat”" in page.inner_text(".wb-told")
    page.mouse.click(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)
    assert view_of(page)["label"] == "boat"
    matrix.focus()
    page.mouse.move(2, 2)
    for key in ("ArrowUp", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert view_of(page)["label"] == "roof"


def test_a_map_that_is_not_stored_is_said(page):
    inspection = make_inspection(4, 12, top=1)
    stored = inspection.maps("attention", 0)[0]
    missing = next(i for i in range(12) if i not in stored)
    open_explorer(page, AttentionExplorer(inspection, image=0, label=inspection.categories[missing]))
    assert page.locator(".wb-missing:visible").count() == 3
    assert f"{len(stored)} labels have a map here" in page.inner_text(".wb-spot") or "Point at a map" in page.inner_text(".wb-spot")
    page.locator(".wb-list").get_by_text(inspection.categories[int(stored[0])], exact=True).click()
    assert page.locator(".wb-missing:visible").count() == 0


def test_a_hostile_name_is_text_everywhere(page):
    open_explorer(page, AttentionExplorer(make_inspection(8, 5, hostile=True), label=HOSTILE_NAME))
    for tab in ("What changed the answer", "Which labels push which"):
        page.get_by_role("tab", name=tab).click()
        page.locator(".wb-more summary:visible").first.click()
    assert HOSTILE_NAME in page.inner_text(".wb-question")
    assert HOSTILE_NAME in page.inner_text(".wb-list")
    assert page.locator("img[src=x]").count() == 0


def test_models_side_by_side_sorted_by_disagreement(page):
    first = make_inspection(20, 5, system="pooled", model_seed=1)
    second = make_inspection(20, 5, model_seed=2, order=np.random.default_rng(1).permutation(20))
    explorer = AttentionExplorer({"pooled": first, "SRN": second})
    open_explorer(page, explorer)
    rows = np.array([second.position(identifier) for identifier in first.ids])
    gap = np.abs(first.probabilities() - second.probabilities()[rows])
    assert page.locator(".wb-row").count() == 2
    titles = [each.get_attribute("title") for each in page.locator(".wb-thumb").all()]
    assert titles == [first.ids[i] for i in np.argsort(-gap.max(axis=1), kind="stable")[: len(titles)]]
    page.get_by_label("Order of the images").select_option("label disagreement")
    label = explorer.matched.categories.index(view_of(page)["label"])
    titles = [each.get_attribute("title") for each in page.locator(".wb-thumb").all()]
    assert titles == [first.ids[i] for i in np.argsort(-gap[:, label], kind="stable")[: len(titles)]]
    click_at(page, 1, 0.5, 0.5)
    assert page.locator(".wb-cell:visible").count() == 6, "one cursor in the panes of both models"
    assert view_of(page)["model"] == 0
    assert page.get_by_label("Compared with").locator("option").all_inner_texts() == ["SRN"]


def test_as_the_model_saw_it(page):
    open_explorer(page, AttentionExplorer(make_inspection(3, picture=(96, 96), frame=(16, 16)), image=0))
    shape = "() => { const c = document.querySelector('.wb-canvas'); return c.width / c.height; }"
    assert page.evaluate(shape) != pytest.approx(1, abs=0.05), "the source's shape"
    page.get_by_role("button", name="As the model saw it").click()
    assert page.evaluate(shape) == pytest.approx(1, abs=0.02), "the frame's shape"
    inside = [page.evaluate(PIXEL, [0, (3 + delta) / 16, 0.53]) for delta in (0.2, 0.5, 0.8)]
    assert inside[0] == inside[1] == inside[2], "one pixel of the frame has one colour"


def test_outlines_are_drawn_on_demand(page):
    inspection = make_inspection(6, 6)
    image = int(np.flatnonzero(inspection.targets[:, 0] == 1)[0])
    open_explorer(page, AttentionExplorer(inspection, image=image, label="sun", spot=None))
    read = "() => document.querySelector('.wb-canvas').getContext('2d').getImageData(0, 0, 500, 500).data.reduce((a, b) => a + b, 0)"
    plain = page.evaluate(read)
    page.get_by_role("button", name="Outline").click()
    assert page.evaluate(read) != plain
    page.get_by_role("button", name="Outline").click()
    assert page.evaluate(read) == plain


def test_axe_finds_nothing_serious(page):
    open_explorer(page, AttentionExplorer([make_inspection(8, hostile=True), make_inspection(8, hostile=True, model_seed=1)]))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
        for tab in page.get_by_role("tab").all():
            tab.click()
            found = Axe().run(page, context=".wb-explorer").response["violations"]
            assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]
    page.keyboard.press("?")
    found = Axe().run(page, context=".wb-explorer").response["violations"]
    assert not [each["id"] for each in found if each["impact"] in ("serious", "critical")]


def test_pictures_arrive_on_demand_and_errors_are_told(page):
    open_explorer(page, AttentionExplorer(make_inspection(30)))
    asked = page.evaluate("() => window.asked.filter((each) => each.ask === 'image').map((each) => each.image)")
    here = page.evaluate("() => window.model.get('view_state').image")
    assert len(asked) <= 3, "only the neighbours are fetched ahead"
    page.evaluate(
        "() => { window.kernel = async (question) => ({ message: { answer: 'error', text: 'The disk is gone.', question }, data: null }); }"
    )
    page.locator(".wb-explorer").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.wb-status').textContent === 'The disk is gone.'")
    assert view_of(page)["image"] != here
    assert page.locator(".wb-problem").count() == 1
    assert page.evaluate("() => window.asked.length") < 20, "what failed is not asked for again and again"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => !document.querySelector('.wb-problem')")


def test_several_views_of_one_model_and_cleaning_up(page):
    open_explorer(page, AttentionExplorer(make_inspection(5)))
    page.evaluate("""() => {
      const el = document.createElement("div");
      document.body.append(el);
      window.close_second = window.show(el);
    }""")
    wait_drawn(page)
    page.locator(".wb-explorer").first.focus()
    page.keyboard.press("m")
    assert page.locator(".wb-explorer").nth(1).locator(".wb-active .wb-title").inner_text() == "Confidence σ(S)"
    page.evaluate("() => { window.close_explorer(); window.close_second(); }")
    assert page.evaluate("() => window.listeners()") == 0
    assert page.locator(".wb-explorer").count() == 0
