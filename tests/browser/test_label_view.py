"""The label explorer on a plain page and from disk: pairs, images, graph and table as numpy has them, by mouse and by keys."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.archives import HOSTILE_NAME, make_inspection
from tests.support.layered import make_layered
from tests.support.plain_page import open_explorer
from workbench.widgets import LabelExplorer
from workbench.widgets.style import levels, ramp

pytestmark = pytest.mark.browser


def open_labels(page, *arguments, **options):
    explorer = LabelExplorer(*arguments, **options)
    open_explorer(page, explorer, "labels")
    return explorer


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def cell_at(page, explorer, row, column):
    """Middle of a cell of the matrix, in pixels of the page."""
    order = explorer.together.order(view_of(page)["sort"])
    box = page.locator(".wb-matrix").bounding_box()
    cell = (box["width"] - 96) / len(order)
    return box["x"] + 96 + cell * (order.index(column) + 0.5), box["y"] + 96 + cell * (order.index(row) + 0.5)


def test_a_click_on_a_pair_shows_its_images(page):
    inspection = make_inspection(40, 6)
    explorer = open_labels(page, inspection, sort="stored")
    page.mouse.click(*cell_at(page, explorer, 3, 1))
    assert (view_of(page)["label"], view_of(page)["other"]) == ("tree", "ball")
    a, b = inspection.targets[:, 3], inspection.targets[:, 1]
    expected = {"both": (a == 1) & (b == 1), "first": (a == 1) & (b == 0), "second": (a == 0) & (b == 1)}
    for key, images in expected.items():
        titles = [each.get_attribute("title") for each in page.locator(f".wb-pair-{key} .wb-chip").all()]
        assert titles == [inspection.ids[i] for i in np.flatnonzero(images)][:24]
        assert f": {images.sum()} image" in page.inner_text(f".wb-pair-{key} h4")
    page.locator(".wb-pair-second .wb-chip").last.click()
    image = view_of(page)["image"]
    assert image in [inspection.ids[i] for i in np.flatnonzero(expected["second"])]
    page.wait_for_function("(image) => document.querySelector('.wb-picture').dataset.image === image", arg=image)
    assert "Counted from the 40 images of this archive" in page.inner_text(".wb-labels-main")


def test_beside_correlations_stand_the_images_in_which_the_model_errs(page):
    inspection = make_inspection(40, 5)
    explorer = open_labels(page, inspection, label="sun", other="roof", values="error")
    known, columns = explorer.together, [explorer.together.names.index(name) for name in ("sun", "roof")]
    truth, said = (inspection.targets[:, columns] == 1).all(1), known.decided[:, columns].all(1)
    judged = (inspection.targets[:, columns] >= 0).all(1)
    for key, images in {"both": truth & said, "first": ~truth & said & judged, "second": truth & ~said}.items():
        titles = [each.get_attribute("title") for each in page.locator(f".wb-pair-{key} .wb-chip").all()]
        assert titles == [inspection.ids[i] for i in np.flatnonzero(images)][:24]
    assert f"correlation {known.correlation[tuple(columns)]:.2f}" in page.inner_text(".wb-told")


@pytest.mark.parametrize("values", ["counts", "conditional", "neighbours", "error"])
def test_cells_have_the_colours_of_their_numbers(page, values):
    explorer = open_labels(page, make_layered(20, 5), sort="name", values=values)
    known = explorer.together
    top = 1.0 if values != "counts" else float((known.counts - np.diag(np.diag(known.counts))).max())
    signed = values == "error"
    expected = ramp("blue-red" if signed else "viridis")[levels(known.values(values), -top if signed else 0, top)]
    box = page.locator(".wb-matrix").bounding_box()
    for row in range(5):
        for column in range(5):
            if row == column or (known.names[row], known.names[column]) == (view_of(page)["label"], view_of(page)["other"]):
                continue
            x, y = cell_at(page, explorer, row, column)
            pixel = page.evaluate(
                """([x, y]) => {
                  const canvas = document.querySelector(".wb-matrix");
                  const ratio = canvas.width / canvas.clientWidth;
                  return [...canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data];
                }""",
                [x - box["x"], y - box["y"]],
            )
            assert np.abs(np.array(pixel[:3]) - expected[row, column]).max() <= 2, (row, column)


def test_the_table_holds_the_numbers_and_leads_to_pairs(page):
    explorer = open_labels(page, make_layered(20, 5), label="roof", sort="name")
    page.locator(".wb-all-pairs summary").click()
    page.wait_for_selector(".wb-all-pairs table")
    known = explorer.together
    for row in page.locator(".wb-all-pairs tbody tr").all():
        other = known.names.index(row.locator("th").inner_text())
        count, share, back, listens, heard = row.locator("td").all_inner_texts()
        assert int(count) == known.counts[2, other]
        assert (float(share), float(back)) == pytest.approx((known.conditional[2, other], known.conditional[other, 2]), abs=0.006)
        assert (listens == "yes", heard == "yes") == (known.neighbours[2, other], known.neighbours[other, 2])
    page.locator(".wb-all-pairs").get_by_role("button", name="boat").click()
    assert view_of(page)["other"] == "boat"


def test_the_graph_has_the_arrows_of_the_archive_or_of_the_threshold(page):
    explorer = open_labels(page, make_layered(20, 6), picture="graph")
    edges = explorer.together.neighbours & ~np.eye(6, dtype=bool)
    assert f"6 labels and {edges.sum()} arrows" in page.locator(".wb-graph").get_attribute("aria-label")
    assert page.get_by_label("Threshold of an arrow").is_hidden()


def test_without_neighbours_the_threshold_makes_the_arrows(page):
    explorer = open_labels(page, make_inspection(40, 6), picture="graph")
    for threshold in (0.4, 0.6):
        page.get_by_label("Threshold of an arrow").evaluate("(e, t) => { e.value = t; e.dispatchEvent(new Event('input')); }", threshold)
        edges = (explorer.together.conditional >= threshold) & ~np.eye(6, dtype=bool)
        assert f"and {edges.sum()} arrows" in page.locator(".wb-graph").get_attribute("aria-label")


def test_everything_by_keys_and_nothing_gets_past(page):
    explorer = open_labels(page, make_layered(20, 6), sort="name", label="ball", other="boat")
    page.evaluate("() => { window.past = []; document.addEventListener('keydown', (event) => window.past.push(event.key)); }")
    names = sorted(explorer.together.names)
    page.locator(".wb-explorer").focus()
    page.keyboard.press("ArrowDown")
    assert view_of(page)["label"] == names[1]
    page.keyboard.press("ArrowRight")
    assert view_of(page)["other"] == names[3]
    for key in ("v", "g", "s", "x"):
        page.keyboard.press(key)
    view = view_of(page)
    assert (view["values"], view["picture"], view["sort"]) == ("conditional", "graph", "frequency")
    page.locator(".wb-graph").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    order = [explorer.together.names[place] for place in explorer.together.order("frequency")]
    assert view_of(page)["other"] == order[(order.index(names[3]) + 1) % 6]
    assert view_of(page)["label"] == names[3], "the partner became the first label"
    page.keyboard.press("g")
    page.locator(".wb-matrix").focus()
    here = view_of(page)
    down = order[min(5, order.index(here["label"]) + 1)]
    page.keyboard.press("ArrowDown")
    assert f"“{down}”" in page.inner_text(".wb-told")
    page.keyboard.press("Enter")
    assert (view_of(page)["label"], view_of(page)["other"]) == (down, here["other"])
    assert page.evaluate("() => window.past") == []


@pytest.mark.parametrize("make", [make_layered, make_inspection])
def test_names_are_text_and_axe_is_content(page, make):
    open_labels(page, make(12, 6, hostile=True), label=HOSTILE_NAME)
    page.locator(".wb-all-pairs summary").click()
    for picture in ("Graph", "Matrix"):
        page.get_by_role("button", name=picture).click()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
            found = Axe().run(page, context=".wb-explorer").response["violations"]
            assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]
    assert page.locator("img[src=x]").count() == 0
    assert HOSTILE_NAME in page.inner_text(".wb-question")


def test_it_cleans_up(page):
    open_labels(page, make_inspection(4))
    page.evaluate("() => window.close_explorer()")
    assert page.evaluate("() => window.listeners()") == 0
    assert page.locator(".wb-explorer").count() == 0


def test_the_page_works_from_disk(page, tmp_path):
    explorer = LabelExplorer(make_layered(12, 6, hostile=True), sort="stored")
    page.context.set_offline(True)
    page.goto(explorer.export_html(tmp_path / "page.html").as_uri())
    page.wait_for_function("() => document.querySelector('.wb-picture[data-image]')")
    page.mouse.move(300, 300)
    page.locator(".wb-explorer").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => [...document.querySelectorAll('.wb-chip img')].some((img) => img.naturalWidth)")
    assert "Training counts kept with the model" in page.inner_text(".wb-labels-main")
