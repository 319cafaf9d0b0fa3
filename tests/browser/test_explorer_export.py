"""The exported page, opened from disk with the network off."""

import numpy as np
import pytest

from tests.support.archives import make_inspection
from workbench.widgets import AttentionExplorer

pytestmark = pytest.mark.browser


@pytest.fixture
def offline(page):
    page.context.set_offline(True)
    page.route("http*://**", lambda route: route.abort())
    return page


def open_file(page, path):
    page.goto(path.as_uri())
    page.wait_for_function("() => document.querySelector('.wb-panes:not(.wb-waiting)') && document.querySelector('.wb-legend').textContent")


def test_it_works_from_disk(offline, tmp_path):
    inspection = make_inspection(12, 6, hostile=True)
    open_file(offline, AttentionExplorer(inspection, image=3, spot=None).export_html(tmp_path / "page.html"))
    assert offline.locator(".wb-status").inner_text().startswith("Image scene-0003")
    offline.wait_for_function("() => [...document.querySelectorAll('.wb-thumb img')].filter((img) => img.naturalWidth).length === 12")
    offline.locator(".wb-explorer").focus()
    offline.keyboard.press("ArrowRight")
    offline.wait_for_function("() => document.querySelector('.wb-panes:not(.wb-waiting)')")
    box = offline.locator(".wb-canvas").nth(1).bounding_box()
    offline.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"])
    values = inspection.shown_maps("attention", 4)[1][:, 6, 0]
    names = offline.locator(".wb-ranked .wb-name:visible").all_inner_texts()
    assert names == [inspection.categories[i] for i in np.argsort(-values, kind="stable")]
    lit = "() => document.querySelectorAll('.wb-canvas')[1].getContext('2d').getImageData(20, 20, 1, 1).data[3]"
    assert offline.evaluate(lit) == 255


def test_a_cut_page_shows_what_it_kept(offline, tmp_path):
    explorer = AttentionExplorer([make_inspection(30, 20, grid=(28, 28)), make_inspection(30, 20, grid=(28, 28), model_seed=1)])
    open_file(offline, explorer.export_html(tmp_path / "page.html", cap_mb=1.5))
    assert "The page was cut at 1.5 MB" in offline.inner_text(".note")
    kept = int(offline.inner_text(".note").split()[0])
    assert offline.inner_text(".wb-count").endswith(f"of {kept} images")
    assert offline.locator(".wb-row").count() == 2


def test_its_policy_stops_what_was_not_written_by_us(offline, tmp_path):
    path = AttentionExplorer(make_inspection(2)).export_html(tmp_path / "page.html")
    text = path.read_text().replace("</main>", "</main><script>window.intruder = true;</script>")
    path.write_text(text)
    open_file(offline, path)
    assert offline.evaluate("() => window.intruder") is None
    assert len(offline.watch.errors) == 1
    assert "Content Security Policy" in offline.watch.errors.pop()
