"""The what-if panel on a plain page: edits by mouse and by keyboard, answered by the widget's own handler with a model made of numpy."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from tests.support.archives import HOSTILE_NAME, make_inspection
from tests.support.bench import drag, edits_of, expected_rows, photo_at, rows, settle, stored
from tests.support.plain_page import open_explorer, wait_drawn
from tests.support.strips import Strips
from workbench.widgets import AttentionExplorer
from workbench.widgets.edits import covered

pytestmark = pytest.mark.browser


@pytest.fixture
def inspection():
    return make_inspection(6, 5)


@pytest.fixture
def predict(inspection):
    return Strips(inspection)


@pytest.fixture
def bench(page, inspection, predict):
    """The page with the panel open on image 2, its first answer there."""
    open_explorer(page, AttentionExplorer(inspection, image=2, label="sun", predict=predict, spot=None))
    settle(page)
    return page


@pytest.mark.parametrize("fill", ["mean", "blur"])
def test_a_box_changes_pictures_maps_and_bars(bench, inspection, predict, fill):
    bench.get_by_label("Cover with").select_option(fill)
    before = bench.evaluate("() => document.querySelectorAll('.wb-canvas')[1].getContext('2d').getImageData(0, 0, 400, 200).data.join()")
    drag(bench, 1, [(0.1, 0.2), (0.6, 0.9)])
    [edit] = edits_of(bench)
    np.testing.assert_allclose(edit["box"], [0.1, 0.2, 0.6, 0.9], atol=0.01)
    assert edit["fill"] == fill
    after = covered(stored(inspection), [edit])
    assert rows(bench) == expected_rows(inspection, predict, after)
    expected = covered(np.asarray(inspection.image(2)), [edit])
    for x, y in ((0.3, 0.5), (0.8, 0.9)):
        assert np.abs(photo_at(bench, x, y) - expected[int(y * 96), int(x * 96)]).max() < 24
    assert before != bench.evaluate(
        "() => document.querySelectorAll('.wb-canvas')[1].getContext('2d').getImageData(0, 0, 400, 200).data.join()"
    )
    assert bench.locator(".wb-canvas").first.get_attribute("aria-label").startswith("srn: Edited photo")
    assert bench.inner_text(".wb-edits").startswith("1 edit: box")
    assert "Edited picture: sun" in bench.inner_text(".wb-status")
    values = predict.maps(after)[:, 3, 2]
    bench.mouse.click(
        *(lambda box: (box["x"] + 2.5 / 7 * box["width"], box["y"] + 3.5 / 7 * box["height"]))(
            bench.locator(".wb-canvas").nth(1).bounding_box()
        )
    )
    names = bench.locator(".wb-ranked .wb-name:visible").all_inner_texts()
    assert names[0] == inspection.categories[int(np.argmax(values))], "the spot ranks the labels on the edited picture's maps"
    assert len(edits_of(bench)) == 1, "a click without a way is no edit"


def test_painting_covers_the_stroke(bench, inspection, predict):
    bench.get_by_role("button", name="Paint").click()
    drag(bench, 0, [(0.2, 0.3), (0.5, 0.3), (0.5, 0.7)], steps=12)
    [edit] = edits_of(bench)
    assert edit["do"] == "paint"
    assert len(edit["points"]) > 10
    width, height = bench.evaluate("() => { const c = document.querySelector('.wb-canvas'); return [c.width, c.height]; }")
    assert edit["radius"] == pytest.approx([0.05, 0.05 * width / height], rel=0.02)
    assert rows(bench) == expected_rows(inspection, predict, covered(stored(inspection), [edit]))
    mean = np.asarray(inspection.image(2)).reshape(-1, 3).mean(0)
    assert np.abs(photo_at(bench, 0.35, 0.3) - mean).max() < 6
    bench.get_by_label("Width of the brush").fill("0.1")
    box = bench.locator(".wb-canvas").first.bounding_box()
    bench.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"])
    settle(bench)
    assert len(edits_of(bench)[1]["points"]) == 1
    assert edits_of(bench)[1]["radius"][0] == pytest.approx(0.1)


def test_a_patch_of_another_place(bench, inspection, predict):
    bench.get_by_label("Cover with").select_option("patch")
    box = bench.locator(".wb-canvas").first.bounding_box()
    bench.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.75 * box["height"])
    assert edits_of(bench) == []
    drag(bench, 0, [(0.1, 0.1), (0.3, 0.5)])
    [edit] = edits_of(bench)
    np.testing.assert_allclose(edit["shift"], [0.75 - 0.2, 0.75 - 0.3], atol=0.01)
    assert rows(bench) == expected_rows(inspection, predict, covered(stored(inspection), [edit]))


def test_undo_before_and_reset(bench, inspection, predict):
    plain = photo_at(bench, 0.3, 0.5)
    unedited = rows(bench)
    drag(bench, 0, [(0.1, 0.2), (0.5, 0.9)])
    once = rows(bench)
    drag(bench, 0, [(0.6, 0.2), (0.9, 0.9)])
    assert len(edits_of(bench)) == 2
    bench.get_by_role("button", name="Undo").click()
    settle(bench)
    assert rows(bench) == once
    edited = photo_at(bench, 0.3, 0.5)
    bench.get_by_role("button", name="Before").click()
    np.testing.assert_array_equal(photo_at(bench, 0.3, 0.5), plain)
    assert rows(bench) == once, "the bars stay"
    bench.get_by_role("button", name="Before").click()
    np.testing.assert_array_equal(photo_at(bench, 0.3, 0.5), edited)
    bench.get_by_role("button", name="Reset").click()
    settle(bench)
    assert edits_of(bench) == []
    assert rows(bench) == unedited
    np.testing.assert_array_equal(photo_at(bench, 0.3, 0.5), plain)
    assert bench.get_by_role("button", name="Undo").is_disabled()


def test_edits_stay_with_their_image(bench, inspection):
    drag(bench, 0, [(0.1, 0.2), (0.5, 0.9)])
    bench.locator(".wb-explorer").focus()
    bench.keyboard.press("ArrowRight")
    settle(bench)
    assert edits_of(bench) == []
    assert bench.locator(".wb-canvas").first.get_attribute("aria-label").startswith("srn: Photo")
    bench.keyboard.press("ArrowLeft")
    settle(bench)
    assert len(edits_of(bench)) == 1
    bench.wait_for_function("() => window.saved.length")
    assert bench.evaluate("() => window.saved.at(-1).edits")[inspection.ids[2]]


def test_everything_by_keyboard(bench, inspection, predict):
    bench.evaluate("() => { window.past = []; document.addEventListener('keydown', (event) => window.past.push(event.key)); }")
    bench.locator(".wb-canvas").nth(1).focus()
    for key in ("Enter", " ", "ArrowRight", "ArrowDown", " "):
        bench.keyboard.press(key)
    settle(bench)
    [edit] = edits_of(bench)
    np.testing.assert_allclose(edit["box"], [3 / 7, 3 / 7, 5 / 7, 5 / 7], atol=1e-6)
    assert rows(bench) == expected_rows(inspection, predict, covered(stored(inspection), [edit]))
    for key in (" ", "ArrowRight", "Escape"):
        bench.keyboard.press(key)
    settle(bench)
    assert len(edits_of(bench)) == 1, "Escape drops what is being drawn"
    for key in ("t", " ", "ArrowLeft", "ArrowLeft", " "):
        bench.keyboard.press(key)
    settle(bench)
    assert [edit["do"] for edit in edits_of(bench)] == ["box", "paint"]
    bench.keyboard.press("b")
    assert bench.get_by_role("button", name="Before").get_attribute("aria-pressed") == "true"
    bench.keyboard.press("u")
    bench.keyboard.press("u")
    settle(bench)
    assert edits_of(bench) == []
    bench.keyboard.press("w")
    assert not bench.locator(".wb-whatif").is_visible()
    assert bench.evaluate("() => window.past") == []


def test_an_own_picture(bench, tmp_path, predict):
    own = tmp_path / "mine.png"
    Image.fromarray(np.full((300, 900, 3), (200, 40, 40), dtype=np.uint8)).save(own)
    drag(bench, 0, [(0.1, 0.2), (0.5, 0.9)])
    bench.locator(".wb-whatif input[type=file]").set_input_files(own)
    settle(bench)
    assert bench.inner_text(".wb-edits").startswith("2 edits: box (mean colour), own picture mine.png.")
    assert np.abs(photo_at(bench, 0.3, 0.5) - [200, 40, 40]).max() < 4
    shape = bench.evaluate("() => { const c = document.querySelector('.wb-canvas'); return c.width / c.height; }")
    assert shape == pytest.approx(3, abs=0.1)
    assert {row[1] for row in rows(bench)} == {row[2] for row in rows(bench)}, "before is the own picture without covers"
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    bench.locator(".wb-whatif input[type=file]").set_input_files(broken)
    bench.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('broken.png cannot be read')")
    bench.watch.waive("a picture that the test broke")


def test_one_question_at_a_time(bench):
    """While an answer is on its way nothing else is asked, so that a slow model does not fall behind the pen."""
    bench.evaluate("""() => {
      window.real = window.kernel;
      window.flying = 0;
      window.most = 0;
      window.kernel = async (question) => {
        window.flying += 1;
        window.most = Math.max(window.most, window.flying);
        await new Promise((resolve) => setTimeout(resolve, 100));
        const answer = await window.real(question);
        window.flying -= 1;
        return answer;
      };
    }""")
    drag(bench, 0, [(0.1, 0.1), (0.8, 0.8)], steps=12)
    assert bench.evaluate("() => window.most") == 1
    assert len(edits_of(bench)) == 1


def test_what_the_model_refuses_is_told_once(bench, inspection):
    bench.evaluate("""() => {
      window.real = window.kernel;
      const refusal = (question) => ({ message: { answer: "error", text: "The model is tired.", question }, data: null });
      window.kernel = async (question) => (question.ask === "whatif" ? refusal(question) : window.real(question));
    }""")
    box = bench.locator(".wb-canvas").first.bounding_box()
    bench.mouse.move(box["x"] + 20, box["y"] + 20)
    bench.mouse.down()
    bench.mouse.move(box["x"] + 90, box["y"] + 90)
    bench.mouse.up()
    bench.wait_for_function("() => document.querySelector('.wb-status').textContent === 'The model is tired.'")
    bench.wait_for_timeout(300)
    assert bench.evaluate("() => window.asked.filter((each) => each.ask === 'whatif').length") <= 4
    bench.evaluate("() => { window.kernel = window.real; }")
    bench.get_by_role("button", name="Undo").click()
    settle(bench)
    assert bench.locator(".wb-problem").count() == 0


def test_the_kernel_leads(bench, inspection, predict):
    edit = {"do": "box", "box": [0, 0, 1, 0.5], "fill": "mean"}
    bench.evaluate(
        "([id, edit]) => window.model.set('view_state', { ...window.model.get('view_state'), edits: { [id]: [edit] } })",
        [inspection.ids[2], edit],
    )
    settle(bench)
    assert rows(bench) == expected_rows(inspection, predict, covered(stored(inspection), [edit]))


def test_an_echo_of_the_kernel_does_not_undo_a_newer_edit(bench, inspection):
    drag(bench, 0, [(0.1, 0.2), (0.5, 0.9)])
    bench.wait_for_function("() => window.saved.length && Object.keys(window.saved.at(-1).edits).length")
    bench.evaluate("""() => {
      const root = document.querySelector(".wb-explorer");
      root.dispatchEvent(new KeyboardEvent("keydown", { key: "u", bubbles: true }));
      window.model.set("view_state", { ...window.model.get("view_state"), edits: window.saved.at(-1).edits });
    }""")
    bench.wait_for_function("() => Object.keys(window.saved.at(-1).edits).length === 0")
    settle(bench)
    assert edits_of(bench) == []


def test_several_models_answer_side_by_side(page):
    first, second = make_inspection(4, 5), make_inspection(4, 5, system="pooled", model_seed=1)
    open_explorer(
        page, AttentionExplorer({"a": first, "b": second}, predict=[Strips(first), Strips(second, list(second.categories)[::-1])])
    )
    settle(page)
    drag(page, 0, [(0.1, 0.2), (0.5, 0.9)])
    other = rows(page)
    page.locator(".wb-answer").first.click()
    assert rows(page) != other
    assert page.inner_text(".wb-beforeafter caption").startswith("a: the labels that changed most")


def test_without_a_model_it_says_so_and_the_rest_works(page, inspection):
    edit = {"do": "box", "box": [0, 0, 1, 0.5], "fill": "mean"}
    open_explorer(page, AttentionExplorer(inspection, image=2, edits={inspection.ids[2]: [edit]}))
    assert not page.locator(".wb-whatif").is_visible()
    before = photo_at(page, 0.3, 0.2)
    page.get_by_role("button", name="What if?").click()
    assert "There is no model at hand" in page.inner_text(".wb-whatif")
    np.testing.assert_array_equal(photo_at(page, 0.3, 0.2), before)
    page.locator(".wb-explorer").focus()
    page.keyboard.press("ArrowRight")
    wait_drawn(page)
    page.keyboard.press("w")
    assert not page.locator(".wb-whatif").is_visible()
    assert page.evaluate("() => window.asked.filter((each) => each.ask === 'whatif').length") == 0


def test_the_exported_page_says_that_there_is_no_model(page, inspection, predict, tmp_path):
    page.context.set_offline(True)
    explorer = AttentionExplorer(inspection, image=2, predict=predict)
    explorer.show(edits={inspection.ids[2]: [{"do": "box", "box": [0, 0, 1, 0.5], "fill": "mean"}]})
    page.goto(explorer.export_html(tmp_path / "page.html").as_uri())
    wait_drawn(page)
    assert "There is no model at hand" in page.inner_text(".wb-whatif")
    page.locator(".wb-explorer").focus()
    page.keyboard.press("ArrowRight")
    wait_drawn(page)


def test_axe_finds_nothing_serious_and_names_are_text(page):
    inspection = make_inspection(4, 5, hostile=True)
    open_explorer(page, AttentionExplorer(inspection, image=2, label=HOSTILE_NAME, predict=Strips(inspection)))
    settle(page)
    drag(page, 0, [(0.1, 0.2), (0.5, 0.9)])
    assert rows(page)[0][0] == HOSTILE_NAME
    assert page.locator("img[src=x]").count() == 0
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
        found = Axe().run(page, context=".wb-explorer").response["violations"]
        assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]


def test_cleaning_up(bench):
    bench.evaluate("() => window.close_explorer()")
    assert bench.evaluate("() => window.listeners()") == 0
