"""The embedding explorer on a plain page: what it shows and selects equals what numpy says, with the mouse, the form and the keyboard."""

import base64

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.archives import HOSTILE_NAME
from tests.support.embedded import make_embedded
from tests.support.plain_page import open_points
from workbench.widgets import EmbeddingExplorer

pytestmark = pytest.mark.browser
MARGIN = 14  # CSS pixels around the points


@pytest.fixture
def explorer():
    return EmbeddingExplorer(make_embedded(60, 6), category="roof")


def view_of(page):
    return page.evaluate("() => window.model.get('view_state')")


def picked(page):
    """Places of the selected points as the kernel would get them."""
    code = "() => { const v = window.model.get('picked'); return btoa(String.fromCharCode(...new Uint8Array(v.buffer))); }"
    return np.frombuffer(base64.b64decode(page.evaluate(code)), dtype=np.int32).tolist()


def where(page, explorer, epoch=3, projection="pca", model=0):
    """Where every point stands on the page, by numpy: float [P, 2]."""
    box = page.locator(".wb-over").nth(model).bounding_box()
    x0, y0, x1, y1 = explorer.points.models[model].extent(projection)
    values = explorer.points.models[model].coordinates(projection, epoch)
    unit = min((box["width"] - 2 * MARGIN) / (x1 - x0), (box["height"] - 2 * MARGIN) / (y1 - y0))
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return (values - middle) * [unit, -unit] + [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]


def lonely(places, distance=8):
    """Points without another within `distance` pixels."""
    away = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e9 * np.eye(len(places))
    return np.flatnonzero(away.min(axis=1) > distance)


def drag(page, outline):
    page.mouse.move(*outline[0])
    page.mouse.down()
    for x, y in outline[1:]:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


def pixel(page, x, y, model=0):
    code = """([model, x, y]) => {
      const canvas = document.querySelectorAll(".wb-points")[model];
      const box = canvas.getBoundingClientRect();
      const at = [(x - box.left) * canvas.width / box.width, (y - box.top) * canvas.height / box.height].map(Math.round);
      return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
    }"""
    return page.evaluate(code, [model, float(x), float(y)])


def test_points_stand_where_numpy_says_in_the_colours_of_the_category(page, explorer):
    open_points(page, explorer)
    places, labels = where(page, explorer), explorer.points.pairs[:, 1]
    own = labels == explorer.points.matched.categories.index("roof")
    for point in lonely(places, 14)[:20]:
        red, green, blue, alpha = pixel(page, *places[point])
        assert alpha == 255
        if own[point]:
            assert blue - red > 60, "the category stands out"
        else:
            assert max(red, green, blue) - min(red, green, blue) < 12, "the rest is grey"
            assert red < 230


@pytest.mark.parametrize("ratio", [1, 2])
def test_pointing_and_clicking_find_the_point(page, explorer, ratio):
    page.context.new_cdp_session(page).send(
        "Emulation.setDeviceMetricsOverride", {"width": 1400, "height": 1200, "deviceScaleFactor": ratio, "mobile": False}
    )
    open_points(page, explorer)
    places = where(page, explorer)
    for point in lonely(places)[:6]:
        image, label = explorer.points.pair(int(point))
        page.mouse.move(*places[point])
        assert page.inner_text(".wb-point h3") == label
        assert page.inner_text(".wb-id") == f"in image {image}"
    page.mouse.click(*places[point])
    assert (view_of(page)["image"], view_of(page)["label"]) == (image, label)
    assert page.inner_text(".wb-status").startswith(f"Point {image}, {label}: probability")
    page.wait_for_function("() => document.querySelector('.wb-portrait img')?.naturalWidth > 0")
    cells = dict(
        zip(page.locator(".wb-point tbody th").all_inner_texts(), page.locator(".wb-point tbody td").all_inner_texts(), strict=True)
    )
    assert float(cells["Margin"].replace("−", "-")) == pytest.approx(explorer.points.models[0].numbers()["margin"][point], abs=0.006)


def test_lasso_and_rectangle_select_what_is_inside(page, explorer):
    open_points(page, explorer)
    places = where(page, explorer)
    x, y = np.median(places, axis=0)
    drag(page, [(x - 150, y), (x, y - 150), (x + 150, y), (x, y + 150)])
    inside = np.abs(places - [x, y]).sum(axis=1)
    found = set(picked(page))
    assert set(np.flatnonzero(inside < 147)) <= found <= set(np.flatnonzero(inside < 153))
    assert len(found) > 10
    page.get_by_role("button", name="Rectangle").click()
    page.keyboard.down("Shift")
    drag(page, [(x + 20, y - 200), (x + 220, y + 220)])
    page.keyboard.up("Shift")
    box = (places[:, 0] > x + 20) & (places[:, 0] < x + 220) & (places[:, 1] > y - 200) & (places[:, 1] < y + 220)
    assert found <= set(picked(page)), "Shift adds"
    assert set(picked(page)) - found <= set(np.flatnonzero(box | (np.abs(places - [x + 20, y]).min(axis=1) < 2)))
    page.get_by_label("What a selection does").select_option("remove")
    drag(page, [(x - 400, y - 300), (x + 400, y + 300)])
    assert picked(page) == [point for point in picked(page) if np.abs(places[point] - [x, y]).max() > 298]


@pytest.mark.parametrize("tool", ["Lasso", "Rectangle"])
def test_what_is_being_drawn_is_seen_through(page, explorer, tool):
    open_points(page, explorer)
    page.get_by_role("button", name=tool).click()
    box = page.locator(".wb-over").bounding_box()
    at = [(box["x"] + share * box["width"], box["y"] + other * box["height"]) for share, other in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8))]
    page.mouse.move(*at[0])
    page.mouse.down()
    for place in at[1:]:
        page.mouse.move(*place, steps=4)
    inside = """() => {
      const over = document.querySelector('.wb-over');
      return [...over.getContext('2d').getImageData(Math.round(0.7 * over.width), Math.round(0.35 * over.height), 1, 1).data];
    }"""
    red, _, blue, alpha = page.evaluate(inside)
    page.mouse.up()
    assert 0.08 * 255 < alpha < 0.2 * 255, "translucent while it is drawn"
    assert blue > red, "and in the colour of the theme, not black"
    assert page.evaluate(inside)[3] == 0, "gone afterwards"


def test_the_form_selects_the_same_as_numpy(page, explorer):
    open_points(page, explorer)
    model, labels = explorer.points.models[0], explorer.points.pairs[:, 1]
    page.get_by_role("tab", name="Select by a form").click()
    page.get_by_label("Category of the points").select_option("tree")
    page.get_by_label("Decision about the points").select_option("FN")
    missed = (labels == 3) & (model.probability < 0.5)
    page.get_by_role("button", name="Select these points").click()
    assert picked(page) == np.flatnonzero(missed).tolist()
    page.get_by_role("button", name="Empty the form").click()
    page.get_by_label("Probability, from").fill("0.25")
    page.get_by_label("Probability, to").fill("0.8")
    page.get_by_label("x in the plane, from").fill("−0.5")
    page.get_by_label("Another number").select_option("margin")
    page.get_by_label("Number, to").fill("0,6")
    chosen = (model.probability >= 0.25) & (model.probability <= 0.8) & (model.numbers()["margin"] <= 0.6)
    chosen &= model.coordinates("pca", 3)[:, 0] >= -0.5
    page.keyboard.press("Enter")
    assert picked(page) == np.flatnonzero(chosen).tolist()
    assert page.inner_text(".wb-form .wb-count") == f"{chosen.sum()} points"
    page.get_by_label("Probability, to").fill("much")
    assert "is no number" in page.inner_text(".wb-form .wb-count")


def test_separation_follows_the_selection(page, explorer):
    explorer.selected = [explorer.points.pair(point) for point in range(20, 45)]
    open_points(page, explorer)
    rows = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in page.locator(".wb-separation tbody tr").all()}
    centres, labels = explorer.points.models[0].centres, explorer.points.pairs[:, 1]
    sets = {f"All {len(labels)} points": np.arange(len(labels)), "Selection (25)": np.arange(20, 45)}
    sets[f"“roof” ({(labels == 2).sum()})"] = np.flatnonzero(labels == 2)
    assert set(rows) == set(sets)
    for name, points in sets.items():
        intra, inter = centres.own[points].mean(), centres.others[points].mean()
        np.testing.assert_allclose([float(text) for text in rows[name][:3]], [intra, inter, inter / intra], atol=0.0051)
        assert rows[name][3] == f"{100 * np.mean(centres.own[points] < centres.nearest[points]):.0f} %"
    closest = np.argsort(np.where(np.arange(6) == 2, np.inf, centres.between[2]))[:5]
    assert page.locator(".wb-close button").all_inner_texts() == [explorer.points.matched.categories[int(label)] for label in closest]


def test_table_and_pictures_list_the_selection_in_order(page, explorer):
    explorer.selected = [explorer.points.pair(point) for point in range(60)]
    open_points(page, explorer)
    margin = explorer.points.models[0].numbers()["margin"][:60]
    expected = [explorer.points.pair(int(point)) for point in np.argsort(margin, kind="stable")]
    rows = page.locator(".wb-table:visible tbody tr").all()
    assert [(row.locator("th").inner_text(), row.locator("td").first.inner_text()) for row in rows] == expected
    rows[4].locator("button").click()
    assert (view_of(page)["image"], view_of(page)["label"]) == expected[4]
    page.get_by_role("tab", name="Pictures").click()
    page.get_by_label("Order of the points").nth(1).select_option("-own")
    own = explorer.points.models[0].numbers()["own"][:60]
    images = list(dict.fromkeys(explorer.points.pair(int(point))[0] for point in np.argsort(-own, kind="stable")))
    titles = [tile.get_attribute("title").split(":")[0] for tile in page.locator(".wb-tile").all()]
    assert titles == images[:48]
    page.wait_for_function("() => [...document.querySelectorAll('.wb-tile img')].every((img) => img.naturalWidth)")


def test_decisions_have_the_colours_of_the_style(page):
    explorer = EmbeddingExplorer(make_embedded(60, 6), colour="state")
    images = explorer.points.pairs[:, 0]
    label = int(np.argmax((explorer.points.models[0].states == 1).sum(axis=0)))
    explorer.show(category=explorer.points.matched.categories[label])
    open_points(page, explorer)
    places = where(page, explorer)
    states = explorer.points.models[0].states[images, label]
    for point in lonely(places, 16)[:25]:
        if states[point] > 1:
            continue  # open shapes have no middle
        red, green, blue = pixel(page, *places[point])[:3]
        assert (green > red + 60) if states[point] == 0 else (red > blue + 60)
    expected = int((states == 1).sum())
    page.get_by_role("button", name="false alarm").click()
    assert len(picked(page)) == expected


def test_two_models_show_one_selection(page):
    explorer = EmbeddingExplorer({"plain": make_embedded(40, 5, apart=0.5), "apart": make_embedded(40, 5, model_seed=1)})
    open_points(page, explorer)
    places = [where(page, explorer, model=model) for model in (0, 1)]
    x, y = np.median(places[1], axis=0)
    before = [pixel(page, *places[model][point], model) for model in (0, 1) for point in lonely(places[model], 12)[:12]]
    drag(page, [(x - 60, y - 60), (x + 60, y - 60), (x + 60, y + 60), (x - 60, y + 60)])
    chosen = set(picked(page))
    assert chosen
    after = [pixel(page, *places[model][point], model) for model in (0, 1) for point in lonely(places[model], 12)[:12]]
    shown = [int(point) in chosen for model in (0, 1) for point in lonely(places[model], 12)[:12]]
    for old, new, is_chosen in zip(before, after, shown, strict=True):
        assert (sum(new) <= sum(old) + 6) if is_chosen else (sum(new) > sum(old)), "what is not selected fades in both plots"
    assert page.locator(".wb-separation tbody tr").count() == 6
    page.get_by_role("button", name="plain", exact=True).click()
    assert view_of(page)["model"] == 0


def test_other_projections_come_on_demand_and_epochs_move_the_points(page, explorer):
    open_points(page, explorer)
    page.get_by_label("Projection").select_option("tsne")
    page.wait_for_function("() => document.querySelector('.wb-points').style.visibility === ''")
    assert [each for each in page.evaluate("() => window.asked") if each["ask"] == "points"] == [{"ask": "points", "projection": "tsne"}]
    page.get_by_label("Epoch", exact=True).fill("1")
    places = where(page, explorer, 1, "tsne")
    point = int(lonely(places)[0])
    page.mouse.move(*places[point])
    assert page.inner_text(".wb-id") == f"in image {explorer.points.pair(point)[0]}"
    assert page.inner_text(".wb-epoch") == "joint 2 (2 of 4)"
    assert "Fitted jointly" in page.inner_text(".wb-about")


def test_the_player_ends_at_the_last_epoch_and_does_not_glide_when_motion_is_unwanted(page, explorer):
    open_points(page, explorer)
    seen = """() => { window.seen = new Set(); const look = () => { window.seen.add(document.querySelector(".wb-epoch").textContent);
      requestAnimationFrame(look); }; look(); }"""
    page.evaluate(seen)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => window.model.get('view_state').epoch === 3 && document.querySelector('.wb-play').textContent.includes('Play')"
    )
    titles = page.evaluate("() => [...window.seen]")
    assert set(titles) == {f"joint {epoch + 1} ({epoch + 1} of 4)" for epoch in range(4)}
    page.emulate_media(reduced_motion="no-preference")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.wb-epoch').textContent.startsWith('joint 2')")
    page.get_by_role("button", name="Pause").click()
    assert view_of(page)["epoch"] in (1, 2)


def test_everything_can_be_done_with_the_keyboard(page, explorer):
    open_points(page, explorer)
    page.evaluate("() => { window.past = []; document.addEventListener('keydown', (event) => window.past.push(event.key)); }")
    page.locator(".wb-over").focus()
    labels = explorer.points.pairs[:, 1]
    own = np.flatnonzero(labels == 2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert (view_of(page)["image"], view_of(page)["label"]) == explorer.points.pair(int(own[0]))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert view_of(page)["image"] == explorer.points.pair(int(own[2]))[0]
    page.keyboard.press("Enter")
    assert picked(page) == [own[2]]
    page.keyboard.press("Enter")
    assert picked(page) == []
    page.keyboard.press("a")
    assert picked(page) == own.tolist()
    page.keyboard.press("Escape")
    assert picked(page) == []
    for key in ("o", "p", "[", "t", "+", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    view = view_of(page)
    assert (view["colour"], view["projection"], view["epoch"], view["tool"]) == ("state", "tsne", 2, "rectangle")
    assert view["zoom"][0] < 0.5
    assert view["zoom"][2] == 1.5
    page.keyboard.press("0")
    assert view_of(page)["zoom"] is None
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    assert page.evaluate("() => window.past.filter((key) => key !== 'Shift')") == [], "no key goes on to JupyterLab"


def test_a_hostile_name_is_text_everywhere(page):
    explorer = EmbeddingExplorer(make_embedded(20, 5, hostile=True), category=HOSTILE_NAME)
    open_points(page, explorer)
    for tab in page.get_by_role("tab").all():
        tab.click()
    for colour in ("state", "number"):
        page.get_by_label("Colour by").select_option(colour)
    assert HOSTILE_NAME in page.inner_text(".wb-separation")
    assert page.locator("img[src=x]").count() == 0


def test_a_sample_is_said(page):
    explorer = EmbeddingExplorer(make_embedded(60, 6), most=40)
    open_points(page, explorer)
    assert page.inner_text(".wb-about").startswith(f"A random sample of 40 of {explorer.points.stored} points.")


def test_axe_finds_nothing_serious(page):
    explorer = EmbeddingExplorer([make_embedded(20, 5, hostile=True), make_embedded(20, 5, hostile=True, model_seed=1)])
    explorer.selected = [explorer.points.pair(point) for point in range(9)]
    open_points(page, explorer)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
        for tab in page.get_by_role("tab").all():
            tab.click()
            found = Axe().run(page, context=".wb-explorer").response["violations"]
            assert not [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]


def test_several_views_share_a_selection_and_clean_up(page, explorer):
    open_points(page, explorer)
    page.evaluate("() => { const el = document.createElement('div'); document.body.append(el); window.close_second = window.show(el); }")
    page.locator(".wb-explorer").first.focus()
    page.keyboard.press("a")
    counts = page.locator(".wb-separation .wb-chosen th").all_inner_texts()
    assert len(counts) == 2
    assert counts[0] == counts[1]
    page.evaluate("() => { window.close_explorer(); window.close_second(); }")
    assert page.evaluate("() => window.listeners()") == 0


def test_errors_of_the_kernel_are_told(page, explorer):
    open_points(page, explorer)
    page.evaluate(
        "() => { window.kernel = async (question) => ({ message: { answer: 'error', text: 'The disk is gone.', question }, data: null }); }"
    )
    page.get_by_label("Projection").select_option("tsne")
    page.wait_for_function("() => document.querySelector('.wb-status').textContent === 'The disk is gone.'")
    assert page.locator(".wb-problem").count() == 1
