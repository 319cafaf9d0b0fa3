"""The move lab on a plain page: scores, pictures and truth on it are those of numpy, with slider, curve, pictures and keys."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.moving import Weighing, make_editor
from tests.support.plain_page import open_lab
from workbench.datasets.scenes import CATEGORIES
from workbench.widgets import MoveLab

pytestmark = pytest.mark.browser
EDGE = {"left": 44, "right": 12, "top": 24, "bottom": 52}  # CSS pixels around the curve
MODELS = ("SRN", "pooled")


@pytest.fixture
def lab():
    editor = make_editor()
    return MoveLab({"SRN": Weighing(editor), "pooled": Weighing(editor, seed=1)})


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def status(page):
    return page.locator(".wb-status").inner_text()


def expected_status(lab, place):
    view, found = lab.view_state, lab.sweep()
    label = CATEGORIES.index(view["label"])
    values = [(found.probabilities(model) if view["scale"] == "probability" else found.logits[model])[place, label] for model in (0, 1)]
    scores = ", ".join(f"{name} {value:.2f}" for name, value in zip(MODELS, values, strict=True))
    truth = "true" if found.targets[place, label] else "not true"
    return f"{view['thing']} at {round(100 * found.places[place])} %: {view['label']} {scores}, {truth} there"


def wait_for(page, lab):
    lab.view_state = view_of(page)
    page.wait_for_function("(thing) => document.querySelector('.wb-status').textContent.startsWith(thing)", arg=lab.view_state["thing"])


def test_the_slider_goes_along_the_sweep(page, lab):
    open_lab(page, lab, "moves")
    start = lab.sweep().start
    assert status(page) == expected_status(lab, start)
    first = page.locator(".wb-scene").get_attribute("src")
    slider = page.get_by_label("Place of the object")
    for place in (0, start + 1):
        slider.evaluate("(e, value) => { e.value = value; e.dispatchEvent(new Event('input')); }", place)
        assert status(page) == expected_status(lab, place)
        assert page.locator(".wb-scene").get_attribute("src") != first
    page.wait_for_function("() => document.querySelector('.wb-scene').naturalWidth > 100")
    assert page.locator(".wb-was").is_visible()
    page.get_by_role("button", name="Back").click()
    assert view_of(page)["place"] is None
    assert not page.locator(".wb-was").is_visible()


def test_another_experiment_is_asked_for_once_and_shown(page, lab):
    open_lab(page, lab, "moves")
    thing = next(title for title in lab.objects if not title.startswith("every"))
    page.get_by_label("Object to move").select_option(thing)
    wait_for(page, lab)
    assert status(page) == expected_status(lab, lab.sweep().start)
    page.get_by_role("button", name="left and right").click()
    page.get_by_label("Label to watch").select_option("cat")
    page.get_by_role("button", name="logit").click()
    wait_for(page, lab)
    page.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('cat')")
    assert status(page) == expected_status(lab, lab.sweep().start)
    page.get_by_role("button", name="up and down").click()
    asked = [(each["image"], each["thing"], each["axis"]) for each in page.evaluate("() => window.asked")]
    assert asked == [(lab.view_state["image"], thing, axis) for axis in ("down", "across")]
    page.locator("summary", has_text="As a table").click()
    lab.view_state = view_of(page)
    values = lab.sweep().logits[:, :, CATEGORIES.index("cat")]
    page.wait_for_selector(".wb-table tbody tr")
    rows = [line.locator("td").all_inner_texts() for line in page.locator(".wb-table tbody tr").all()]
    assert [row[1:] for row in rows] == [[f"{one:.3f}", f"{two:.3f}"] for one, two in values.T]


def test_a_click_on_the_curve_puts_the_object_there(page, lab):
    open_lab(page, lab, "moves")
    found = lab.sweep()
    box = page.locator(".wb-sweep").bounding_box()
    inner = box["width"] - EDGE["left"] - EDGE["right"]
    wanted = 0.83
    page.locator(".wb-sweep").click(position={"x": EDGE["left"] + wanted * inner, "y": 60})
    place = int(np.argmin(np.abs(found.places - wanted)))
    assert view_of(page)["place"] == place
    label = CATEGORIES.index(lab.view_state["label"])
    y = EDGE["top"] + (1 - found.probabilities(0)[place, label]) * (box["height"] - EDGE["top"] - EDGE["bottom"])
    code = "(e, [x, y]) => [...e.getContext('2d').getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data].slice(0, 3)"
    colours = [page.locator(".wb-sweep").evaluate(code, [EDGE["left"] + found.places[place] * inner, float(y)])]
    truth = [
        page.locator(".wb-sweep").evaluate(code, [EDGE["left"] + (found.places[each] + 0.005) * inner, box["height"] - EDGE["bottom"] + 8])
        for each in range(len(found.places))
    ]
    assert colours[0] in ([0x00, 0x72, 0xB2], [0xD5, 0x5E, 0x00]), "the dot of a model"
    assert [colour == [0x00, 0x9E, 0x73] for colour in truth] == [bool(each) for each in found.targets[:, label]]


def test_labels_are_listed_by_how_far_they_move(page, lab):
    open_lab(page, lab, "moves")
    reach = np.max([np.ptp(lab.sweep().probabilities(model), axis=0) for model in (0, 1)], axis=0)
    names = page.locator(".wb-reach .wb-name").all_inner_texts()
    order = np.argsort(-reach, kind="stable")
    assert sorted(names) == sorted(CATEGORIES)
    np.testing.assert_allclose([reach[CATEGORIES.index(name)] for name in names], reach[order], atol=1e-6)
    flips = [name for name in CATEGORIES if np.ptp(lab.sweep().targets[:, CATEGORIES.index(name)])]
    marked = [row.locator(".wb-name").inner_text() for row in page.locator(".wb-reach .wb-label").all() if "◆" in row.inner_text()]
    assert sorted(marked) == sorted(flips)
    page.locator(".wb-reach .wb-label").nth(4).click()
    assert view_of(page)["label"] == names[4]
    assert page.evaluate("() => document.activeElement.dataset.label") == names[4], "the focus stays"


def test_keys_and_a_click_on_an_object(page, lab):
    open_lab(page, lab, "moves")
    page.locator(".wb-explorer").focus()
    start = lab.sweep().start
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert view_of(page)["place"] == start + 1
    for key in ("a", "l", "ArrowDown", "o"):
        page.keyboard.press(key)
    view = view_of(page)
    assert (view["axis"], view["scale"], view["place"], view["thing"]) == ("across", "logit", None, lab.objects[1])
    target = next(each for each in lab.describe([view["image"]])["objects"][0] if not each["title"].startswith(("every", view["thing"])))
    scene = page.locator(".wb-moved").bounding_box()
    x0, y0, x1, y1 = target["box"]
    page.mouse.click(scene["x"] + (x0 + x1) / 2 * scene["width"], scene["y"] + (y0 + y1) / 2 * scene["height"])
    assert view_of(page)["thing"] == target["title"]
    page.keyboard.press("n")
    assert view_of(page)["image"] != view["image"]
    wait_for(page, lab)
    assert status(page).startswith(f"{lab.objects[0]} at ")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")


def test_the_exported_page_needs_nobody(page, lab, tmp_path):
    path = lab.export_html(tmp_path / "moves.html", images=[lab.view_state["image"]])
    page.goto(path.as_uri())
    page.wait_for_function("() => document.querySelector('.wb-explorer .wb-status')?.textContent")
    assert status(page) == expected_status(lab, lab.sweep().start)
    thing = lab.objects[-1]
    page.get_by_label("Object to move").select_option(thing)
    page.wait_for_function("(thing) => document.querySelector('.wb-status').textContent.startsWith(thing)", arg=thing)
    lab.show(thing=thing)
    assert status(page) == expected_status(lab, lab.sweep().start)


def test_axe_finds_nothing_serious_and_views_clean_up(page, lab):
    open_lab(page, lab, "moves")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
        found = Axe().run(page, context=".wb-explorer").response["violations"]
        assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]
    page.evaluate("() => window.close_explorer()")
    assert page.evaluate("() => window.listeners()") == 0
