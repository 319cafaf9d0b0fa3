"""The training monitor on a plain page: numbers, curves and pixels of a run folder, the buttons, the keyboard, and hostile names."""

import json

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.archives import HOSTILE_NAME
from tests.support.plain_page import open_monitor, tell_monitor
from tests.support.run_folder import KINDS, NAMES, make_probe, make_run
from workbench.widgets import TrainingMonitor, monitor
from workbench.widgets.style import levels, ramp

pytestmark = pytest.mark.browser
PLACE = {
    "stage": "joint", "stage_epoch": 3, "stage_epochs": 3, "epoch": 5, "epochs": 5, "step": 4, "steps": 10, "images": 440,
    "images_in_all": 500, "images_per_second": 81.46, "seconds_left": 150.0, "loss": 0.524, "lr": 0.004,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    return make_run(tmp_path / "my-run", 4, state="stopped", epochs=5)


@pytest.fixture
def make(monkeypatch):
    monkeypatch.setattr(monitor, "SELDOM", 60.0)  # the tests look themselves
    made = []

    def make(*given, **named):
        made.append(TrainingMonitor(*given, **named))
        return made[-1]

    yield make
    for each in made:
        each.close()


def tell(page, training, **facts):
    page.evaluate("(facts) => window.tell({ facts })", {**training.facts, **facts})


def tiles(page):
    return page.locator(".wb-tile-value").all_inner_texts()


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def rows(page):
    return {
        row.locator("th").inner_text(): row.locator("td.wb-score").all_inner_texts()
        for row in page.locator(".wb-scores-list tbody tr").all()
    }


def drawn(page, epoch, label):
    page.wait_for_selector(f".wb-probe[data-drawn='{epoch} {label}']")


def test_state_numbers_and_buttons(page, make, folder):
    training = make(folder)
    open_monitor(page, training)
    assert page.inner_text(".wb-badge") == "stopped"
    assert page.inner_text(".wb-where") == "4 of 5 epochs"
    assert page.get_by_role("button", name="Resume").is_enabled()
    assert tiles(page) == ["–", "–", "–", "60.0 (+5.0)", "60.0", "–"]
    tell(page, training, state="training", **PLACE)
    assert page.inner_text(".wb-where") == "joint 3/3 · epoch 5 of 5 · step 4 of 10"
    assert tiles(page) == ["81.5", "3 min", "0.524", "60.0 (+5.0)", "60.0", "4.0e−3"]
    assert page.locator(".wb-progress").get_attribute("aria-valuenow") == "88"
    page.get_by_role("button", name="Stop and save").click()
    assert page.evaluate("() => window.asked.at(-1)") == {"ask": "stop"}
    page.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('there is nothing to stop')")
    assert page.get_by_role("button", name="Stop and save").is_enabled(), "it was refused, and may be tried again"
    tell(page, training, state="stopping", **PLACE)
    assert page.get_by_role("button", name="Stop and save").is_disabled()
    tell(page, training, state="failed", problem="No memory left.", can_start=True)
    assert page.inner_text(".wb-run-state [role=alert]") == "No memory left."
    tell(page, training, state="done", can_start=False)
    assert not page.locator(".wb-do").is_visible()
    assert page.locator(".wb-progress").get_attribute("aria-valuenow") == "100"


def test_before_the_first_epoch(page, make, tmp_path):
    training = make("scenes-srn", folder=tmp_path / "new")
    open_monitor(page, training)
    assert page.inner_text(".wb-badge") == "not started"
    assert page.get_by_role("button", name="Start").is_enabled()
    assert page.locator(".wb-probe-card").count() == 0
    tell(page, training, state="starting")
    assert page.inner_text(".wb-where") == ""
    make_run(tmp_path / "new", 1, state="stopped", epochs=5)
    training.look()
    tell_monitor(page, training)
    page.evaluate("(view) => window.model.set('view_state', view)", training.view_state)
    drawn(page, 1, training.label)
    assert list(rows(page)) == list(NAMES)


def test_scores_of_labels_and_their_order(page, make, folder):
    open_monitor(page, make(folder))
    assert rows(page) == {
        "sun": ["50.0", "+5.0"], "tree": ["20.0", "−5.0"], "house": ["70.0", "+5.0"], "boat": ["40.0", "−5.0"], "cloud": ["–", "–"],
    }  # fmt: skip
    for sort, order in {
        "low": ["tree", "boat", "sun", "house", "cloud"],
        "high": ["house", "sun", "boat", "tree", "cloud"],
        "name": ["boat", "cloud", "house", "sun", "tree"],
    }.items():
        page.get_by_label("Order of the labels").select_option(sort)
        assert list(rows(page)) == order
    for sort, first in {"fell": {"tree", "boat"}, "rose": {"sun", "house"}}.items():
        page.get_by_label("Order of the labels").select_option(sort)
        found = list(rows(page))
        assert (set(found[:2]), found[-1]) == (first, "cloud")
    assert view_of(page)["sort"] == "rose"


def test_the_curves_stand_where_the_numbers_are(page, make, folder):
    open_monitor(page, make(folder, label="house"))
    loss, ap = page.locator(".wb-lines").all()
    across, down = (points(loss.locator("polyline").last)).T
    assert np.diff(across) == pytest.approx(np.diff(across)[0], abs=0.11)
    floor, top = 210 - 32, 12
    assert down == pytest.approx(floor - (floor - top) * np.array([2, 1, 2 / 3, 0.5]) / 2, abs=0.06)
    lines = ap.locator("polyline").all()
    assert points(lines[-1])[:, 1] == pytest.approx(floor - (floor - top) * np.array([0.45, 0.5, 0.55, 0.6]), abs=0.06)
    assert points(lines[0])[:, 1] == pytest.approx(floor - (floor - top) * np.array([0.55, 0.6, 0.65, 0.7]), abs=0.06), "the label's"
    assert loss.locator(".wb-stage-name").all_text_contents() == ["classifier", "joint"]
    assert page.locator(".wb-told-epoch").all_inner_texts() == [
        "Epoch 4 (joint): loss 0.5, cls 0.375, sr 0.125",
        "Epoch 4 (joint): mAP 60.0, AP of house 70.0",
    ]
    page.locator(".wb-curves summary").click()
    page.wait_for_selector(".wb-curves tbody tr")
    table = page.locator(".wb-curves tbody tr").all_inner_texts()
    assert table[0].split("\t") == ["4", "joint", "0.5", "60.0", "80", "2 s"]
    assert len(table) == 4
    box = loss.bounding_box()
    page.mouse.click(box["x"] + across[1], box["y"] + 60)
    assert view_of(page)["epoch"] == 2
    drawn(page, 2, "house")


def test_the_epoch_that_runs_is_a_hollow_dot(page, make, folder):
    training = make(folder)
    open_monitor(page, training)
    assert page.locator(".wb-hollow").count() == 0
    tell(page, training, state="training", **PLACE)
    dot = page.locator(".wb-hollow")
    last = points(page.locator(".wb-lines").first.locator("polyline").last)
    step = last[3, 0] - last[2, 0]
    assert float(dot.get_attribute("cx")) == pytest.approx(last[3, 0] + 0.4 * step, abs=0.2)


def test_maps_are_painted_on_one_scale_for_all_epochs(page, make, folder):
    training = make(folder, label="house", map="evidence")
    training.show(epoch=1)
    open_monitor(page, training)
    drawn(page, 1, "house")
    page.wait_for_function("() => document.querySelector('.wb-probe .wb-scale').textContent.length > 2")
    top = max(float(np.abs(make_probe(folder, epoch)["maps.evidence"][:, 2].astype(np.float32)).max()) for epoch in (1, 2, 3, 4))
    low, high = page.locator(".wb-probe .wb-scale span").all_inner_texts()
    assert float(high) == pytest.approx(top, rel=0.05)
    assert low.replace("−", "-") == f"-{high}"
    # At the middle of a cell the colour is that of its value, over the grey of the picture.
    values = make_probe(folder, 1)["maps.evidence"][3, 2].astype(np.float32)
    cell = np.unravel_index(np.abs(values).argmax(), values.shape)
    place = levels(values[cell], -top, top)
    weight = 0.8 * abs(2 * place / 255 - 1)
    pixel = (
        page.locator(".wb-probe-card canvas")
        .nth(3)
        .evaluate(
            "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]",
            [48 * int(cell[1]) + 24, 48 * int(cell[0]) + 24],
        )
    )
    colour = ramp("blue-red")[place].astype(float)
    grey = (np.array(pixel[:3]) - weight * colour) / (1 - weight)
    assert np.ptp(grey) < 6, "what is left is grey"
    logit = make_probe(folder, 1)["logits.final"][:, 2]
    shown = [float(text.split()[-1]) for text in page.locator(".wb-probe-verdict").all_inner_texts()]
    assert shown == pytest.approx(1 / (1 + np.exp(-logit)), abs=0.006)


def test_keys(page, make, folder):
    training = make(folder, label="house")
    open_monitor(page, training)
    page.locator(".wb-explorer").focus()
    page.keyboard.press("ArrowDown")
    assert view_of(page)["label"] == "boat"
    page.keyboard.press("ArrowLeft")
    assert view_of(page)["epoch"] == 3
    drawn(page, 3, "boat")
    page.keyboard.press("m")
    assert view_of(page)["map"] == KINDS[1].name
    page.keyboard.press("ArrowRight")
    assert view_of(page)["epoch"] is None, "the last one is followed"
    make_run(folder, 5, state="done")
    training.look()
    tell_monitor(page, training)
    drawn(page, 5, "boat")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("n")
    assert view_of(page)["epoch"] is None
    page.keyboard.press("s")
    assert view_of(page)["sort"] == "name"
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()


def test_a_training_quicker_than_the_answers_still_shows_maps(page, make, folder):
    training = make(folder, label="house")
    open_monitor(page, training)
    drawn(page, 4, "house")
    page.evaluate("() => { window.held = []; window.model.send = (question) => window.held.push(question); }")
    for finished in (5, 6, 7):
        make_run(folder, finished, state="done")
        training.look()
        tell_monitor(page, training)
    assert page.evaluate("() => window.held") == [{"ask": "maps", "epoch": 5, "label": "house"}], "one question at a time"
    assert page.locator(".wb-probe").get_attribute("data-drawn") == "4 house", "what is here stays meanwhile"
    assert "7 of 7" in page.inner_text(".wb-epoch")


def test_a_changed_view_reaches_the_kernel_and_closing_leaves_nothing(page, make, folder):
    training = make(folder, label="house")
    open_monitor(page, training)
    page.get_by_role("button", name="sun").click()
    page.wait_for_function("() => window.saved.length")
    training.view_state = page.evaluate("() => window.saved.at(-1)")
    assert training.label == "sun"
    page.locator(".wb-probe-card").nth(2).click()
    page.wait_for_function("() => window.saved.at(-1).image")
    training.view_state = page.evaluate("() => window.saved.at(-1)")
    assert training.image == "val-2"
    page.evaluate("() => window.close_explorer()")
    assert page.evaluate("() => window.listeners()") == 0


def test_names_are_text_and_axe_is_content(page, make, tmp_path):
    names, stages = (HOSTILE_NAME, *NAMES[1:]), {HOSTILE_NAME: 2, "joint": 3}
    folder = make_run(tmp_path / "run", 3, names=names, stages=stages, state="failed", sentence=HOSTILE_NAME, stage=HOSTILE_NAME)
    (folder / "recipe.json").write_text(json.dumps({"name": HOSTILE_NAME, "stages": {}}))
    training = make(folder, label=HOSTILE_NAME)
    open_monitor(page, training)
    page.wait_for_selector(".wb-probe[data-drawn]")
    assert page.locator(".wb-explorer img").count() == 0
    assert HOSTILE_NAME in page.inner_text(".wb-question")
    assert HOSTILE_NAME in page.inner_text(".wb-run-state [role=alert]")
    tell(page, training, state="training", **{**PLACE, "stage": HOSTILE_NAME})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
        page.evaluate("(dark) => { document.body.style.background = dark ? '#16181c' : '#fff'; }", scheme == "dark")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
        ground = page.evaluate("() => getComputedStyle(document.querySelector('.wb-explorer')).backgroundColor")
        assert ground == ("rgb(22, 24, 28)" if scheme == "dark" else "rgb(255, 255, 255)")
        serious = [each["id"] for each in found if each["impact"] in ("serious", "critical")]
        assert not serious, [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def points(polyline):
    """The points of a line, float [n, 2]."""
    return np.array([[float(part) for part in pair.split(",")] for pair in polyline.get_attribute("points").split()])
