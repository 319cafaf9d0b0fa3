"""The threshold lab on a plain page: every number on it equals what numpy says, with sliders, buttons, the curve and the keyboard."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.archives import HOSTILE_NAME, make_inspection
from tests.support.plain_page import open_lab
from tests.support.scored import make_scores
from workbench.metrics import PRESETS, Thresholds, best_thresholds, evaluate, precision_recall_f1
from workbench.widgets import ThresholdLab
from workbench.widgets.thresholds import percent

pytestmark = pytest.mark.browser
NAMES = ["boat", "cat", "dog", "emu", "fox", "gnu"]
MARGIN = {"left": 34, "right": 10, "top": 22, "bottom": 30}  # CSS pixels around the curve
SETTLED = 150  # ms, after which rows out of view have followed


@pytest.fixture
def lab():
    held = (*make_scores(500, 6, seed=1, levels=30), "held out")
    return ThresholdLab(*make_scores(500, 6, levels=30), NAMES, chosen_on=held, name="test", label="cat")


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def slide(page, name, *values):
    """Drag a slider through some values and let it go."""
    code = """(e, values) => {
      for (const v of values) { e.value = v; e.dispatchEvent(new Event("input")); }
      e.dispatchEvent(new Event("change"));
    }"""
    page.get_by_label(name, exact=True).evaluate(code, list(values))


def row(page, name):
    return page.locator(f".wb-thresholds tr[data-label='{NAMES.index(name)}'] td.wb-score").all_inner_texts()


def overall(page, place=0):
    return page.locator(".wb-overall tbody tr").nth(place).locator("td").all_inner_texts()


def flips(page):
    """{heading: number} of the groups that are shown."""
    heads = [head.inner_text() for head in page.locator(".wb-flips h4").all() if head.is_visible()]
    return {text.strip().rpartition(": ")[0]: int(text.rpartition(": ")[2].replace(",", "")) for text in heads}


def test_a_convention_that_searches_says_what_it_would_take(page, lab):
    open_lab(page, lab)
    images = lab.setting.measured
    for preset in PRESETS:
        page.get_by_label("Convention", exact=True).select_option(preset)
        threshold = evaluate(images.logits, images.targets, images.categories, preset)["threshold"]
        said = f"On these images the search takes {threshold:.3f} for all labels"
        assert (said in page.inner_text(".wb-meaning")) == (PRESETS[preset].threshold is None), preset


@pytest.mark.parametrize("preset", PRESETS)
def test_numbers_follow_the_sliders_in_every_convention(page, lab, preset):
    open_lab(page, lab)
    page.get_by_label("Convention", exact=True).select_option(preset)
    slide(page, "Threshold of cat", 0.3, 0.2)
    slide(page, "Threshold of gnu", 0.97)
    convention, images = PRESETS[preset], lab.setting.measured
    limits = np.array([0.5, 0.2, 0.5, 0.5, 0.5, 0.97])
    chances = 1 / (1 + np.exp(-images.logits.astype(np.float64)))
    said = chances > limits if convention.strict else chances >= limits
    known = images.targets != -1 if convention.unknown_in_f1 == "ignore" else np.ones(said.shape, bool)
    there = images.targets == 1
    expected = precision_recall_f1(said, there, known, convention.cf1, convention.empty)
    assert overall(page) == [percent(value) for value in expected.values()]
    page.wait_for_timeout(SETTLED)
    for c, name in enumerate(NAMES):
        hits, wrong, missed = (int((a & b & known)[:, c].sum()) for a, b in ((said, there), (said, ~there), (~said, there)))
        texts = row(page, name)
        assert texts[3:6] == [str(hits), str(wrong), str(missed)]
        if hits:
            assert texts[:3] == [
                percent(hits / (hits + wrong)),
                percent(hits / (hits + missed)),
                percent(2 * hits / (2 * hits + wrong + missed)),
            ]
        assert texts[6] == ("hand" if name in ("cat", "gnu") else "–")
    page.wait_for_timeout(SETTLED)
    lab.view_state = view_of(page)
    assert [percent(value) for value in lab.numbers["all"].values()] == overall(page), "the kernel counts the same"
    assert "2 labels set by hand with these images in view: optimistic" in page.inner_text(".wb-from")


def test_the_global_slider_moves_all_and_goes_back(page, lab):
    open_lab(page, lab)
    before = overall(page)
    assert before == overall(page, 1)
    slide(page, "Threshold of all labels", 0.25)
    assert view_of(page)["thresholds"] == [0.25] * 6
    assert overall(page) != before
    assert overall(page, 1) == before
    page.get_by_label("Threshold of dog, as a number").fill("0.125")
    page.keyboard.press("Tab")
    assert view_of(page)["thresholds"] == [0.25, 0.25, 0.125, 0.25, 0.25, 0.25]
    assert "they differ" in page.inner_text(".wb-global")
    page.get_by_role("button", name="Back to 0.5").click()
    assert overall(page) == before
    assert "hand" not in page.inner_text(".wb-from")


def test_flips_are_the_images_between_two_thresholds(page, lab):
    open_lab(page, lab)
    images = lab.setting.measured
    chances, truth = 1 / (1 + np.exp(-images.logits[:, 1].astype(np.float64))), images.targets[:, 1]
    slide(page, "Threshold of cat", 0.45, 0.4, 0.3)

    def counted(low, high):
        between = (chances >= low) & (chances < high)
        return [int((between & (truth == value)).sum()) for value in (1, 0, -1)]

    texts = ("Now found (FN → TP)", "New false alarms (TN → FP)", "Now predicted, truth unknown")
    assert list(flips(page).values()) == [number for place, number in enumerate(counted(0.3, 0.5)) if number or place < 2]
    assert set(flips(page)) <= set(texts), "one drag is one change"
    slide(page, "Threshold of cat", 0.4)
    missed, gone, _ = counted(0.3, 0.4)
    assert flips(page)["Now missed (TP → FN)"] == missed
    assert flips(page)["False alarms gone (FP → TN)"] == gone
    page.get_by_label("Flips since").select_option("reference")
    found, alarms, _ = counted(0.4, 0.5)
    assert (flips(page)[texts[0]], flips(page)[texts[1]]) == (found, alarms)
    shown = page.locator(".wb-flip-alarms .wb-chipless").all_inner_texts()
    expected = sorted((float(chances[i]), i) for i in range(500) if 0.4 <= chances[i] < 0.5 and truth[i] == 0)[:24]
    assert shown == [f"{images.ids[i]} · {chance:.3f}" for chance, i in expected]
    page.locator(".wb-flip-alarms .wb-chipless").nth(2).click()
    assert view_of(page)["image"] == images.ids[expected[2][1]]
    assert images.ids[expected[2][1]] in page.inner_text(".wb-picked")


@pytest.mark.parametrize(("criterion", "floor"), [("f1", None), ("precision", 0.75), ("recall", 0.9)])
@pytest.mark.parametrize("preset", ["sklearn", "srn"])
def test_the_best_are_those_of_python_on_the_held_out_images(page, lab, criterion, floor, preset):
    lab.show(convention=preset)
    open_lab(page, lab)
    page.get_by_label("Criterion of the best threshold").select_option(criterion)
    if floor:
        page.get_by_label("At least, in percent").fill(str(100 * floor))
        page.keyboard.press("Tab")
    page.get_by_role("button", name="all labels").click()
    held = lab.setting.chosen_on
    best = best_thresholds(held.logits, held.targets, criterion, floor, PRESETS[preset].unknown_in_f1)
    np.testing.assert_allclose(view_of(page)["thresholds"], np.where(np.isnan(best), 0.5, best), rtol=1e-6)
    if np.isnan(best).any():
        assert "No such threshold for" in page.inner_text(".wb-best")
    assert page.locator(".wb-warning:visible").count() == 0, "held out: nothing to warn of"
    assert "Best thresholds are chosen on “held out” (500 images)" in page.inner_text(".wb-best")


def test_the_file_that_the_page_saves_is_the_one_of_python(page, lab, tmp_path):
    open_lab(page, lab)
    for name in ("boat", "fox"):
        page.get_by_role("button", name=name, exact=True).click()
        page.locator(".wb-best").get_by_role("button", name="this label").click()
    slide(page, "Threshold of emu", 0.35)
    for split in ("test", "held out"):
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as JSON").click()
        download.value.save_as(tmp_path / "thresholds.json")
        found = Thresholds.read(tmp_path / "thresholds.json")
        lab.view_state = view_of(page)
        assert found == lab.thresholds
        assert found.split == split
        page.get_by_role("button", name="all labels").click()
    assert download.value.suggested_filename == "thresholds-test.json"


def test_the_working_point_stands_on_the_curve_and_a_click_takes_another(page, lab):
    open_lab(page, lab)
    slide(page, "Threshold of cat", 0.3)
    box = page.locator(".wb-curve").bounding_box()

    def colour(recall, precision):
        x = MARGIN["left"] + recall * (box["width"] - MARGIN["left"] - MARGIN["right"])
        y = box["height"] - MARGIN["bottom"] - precision * (box["height"] - MARGIN["top"] - MARGIN["bottom"])
        code = "(e, [x, y]) => [...e.getContext('2d').getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data].slice(0, 3)"
        return page.locator(".wb-curve").evaluate(code, [float(x), float(y)])

    lab.view_state = view_of(page)
    assert colour(lab.numbers["R"][1], lab.numbers["P"][1]) == [0xD5, 0x5E, 0x00]
    lab.show(thresholds=0.5)
    assert colour(lab.numbers["R"][1], lab.numbers["P"][1]) == [255, 255, 255], "hollow: before the last change"
    wanted = 0.8
    page.locator(".wb-curve").click(position={"x": MARGIN["left"] + wanted * (box["width"] - MARGIN["left"] - MARGIN["right"]), "y": 90})
    lab.view_state = view_of(page)
    assert lab.numbers["R"][1] == pytest.approx(wanted, abs=0.05)
    page.locator(".wb-curve-table summary").click()
    page.wait_for_selector(".wb-curve-table tbody tr:nth-child(8)")  # filled once the details have opened
    cells = page.locator(".wb-curve-table table").first.locator("tbody tr").nth(7).locator("td").all_inner_texts()
    lab.show(thresholds={"cat": float(cells[2])})
    assert cells[0] == "80.0"
    assert float(cells[1]) == pytest.approx(100 * lab.numbers["P"][1], abs=0.06)


def test_labels_come_in_the_order_that_is_asked_for(page, lab):
    open_lab(page, lab)
    names = lambda: page.locator(".wb-thresholds tbody th").all_inner_texts()  # noqa: E731
    assert names() == NAMES
    page.get_by_label("Order of the labels").select_option("frequency")
    present = (lab.setting.measured.targets == 1).sum(0)
    assert names() == [NAMES[c] for c in np.argsort(-present, kind="stable")]


def test_everything_can_be_done_with_the_keyboard(page, lab):
    open_lab(page, lab)
    page.evaluate("() => { window.past = []; document.addEventListener('keydown', (event) => window.past.push(event.key)); }")
    page.locator(".wb-explorer").focus()
    for key in ("ArrowDown", "ArrowLeft", "Shift+ArrowLeft", "c", "f"):
        page.keyboard.press(key)
    view = view_of(page)
    assert (view["label"], view["convention"], view["since"]) == ("dog", "mlgcn", "reference")
    assert view["thresholds"][2] == 0.39
    page.keyboard.press("b")
    assert [origin.split(":")[0] for origin in view_of(page)["origins"]] == ["reference", "reference", "chosen", *["reference"] * 3]
    page.keyboard.press("Shift+B")
    assert all(origin.startswith("chosen") for origin in view_of(page)["origins"])
    page.keyboard.press("0")
    assert view_of(page)["thresholds"] == [0.5] * 6
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    page.get_by_label("Threshold of dog", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert view_of(page)["thresholds"][2] == 0.505, "the slider's own keys"
    assert page.evaluate("() => window.past.filter((key) => key !== 'Shift')") == [], "no key goes on to JupyterLab"


def test_pictures_come_for_what_flips_and_names_stay_text(page):
    lab = ThresholdLab(make_inspection(80, 5, hostile=True, skill=0.5), label=HOSTILE_NAME)
    open_lab(page, lab)
    assert "optimistic" in page.inner_text(".wb-best .wb-warning")
    slide(page, f"Threshold of {HOSTILE_NAME}", 0.2)
    page.wait_for_function("() => document.querySelectorAll('.wb-tile img').length === document.querySelectorAll('.wb-tile').length")
    assert page.locator(".wb-tile").count() > 3
    page.wait_for_function("() => [...document.querySelectorAll('.wb-tile img')].every((img) => img.naturalWidth)")
    asked = [image for each in page.evaluate("() => window.asked") for image in each["images"]]
    assert len(asked) == len(set(asked)), "none twice"
    page.locator(".wb-tile").first.click()
    assert view_of(page)["image"] == page.locator(".wb-tile").first.get_attribute("title")
    assert HOSTILE_NAME in page.inner_text(".wb-status")
    assert page.locator("img[src=x]").count() == 0


def test_axe_finds_nothing_serious(page):
    lab = ThresholdLab(make_inspection(60, 5, hostile=True, skill=0.5), chosen_on=0.5)
    open_lab(page, lab)
    slide(page, "Threshold of sun", 0.3)
    page.locator(".wb-curve-table summary").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
        found = Axe().run(page, context=".wb-explorer").response["violations"]
        assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]


def test_several_views_share_the_thresholds_and_clean_up(page, lab):
    open_lab(page, lab)
    page.evaluate("() => { const el = document.createElement('div'); document.body.append(el); window.close_second = window.show(el); }")
    page.locator(".wb-explorer").first.focus()
    page.keyboard.press("ArrowLeft")
    texts = page.locator(".wb-status").all_inner_texts()
    assert texts[0].startswith("cat from 0.490")
    assert texts[0] == texts[1]
    page.evaluate("() => { window.close_explorer(); window.close_second(); }")
    assert page.evaluate("() => window.listeners()") == 0
