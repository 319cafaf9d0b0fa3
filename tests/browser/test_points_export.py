"""The exported embedding explorer, opened from disk with the network off."""

import pytest

from tests.support.archives import HOSTILE_NAME
from tests.support.embedded import make_embedded
from workbench.widgets import EmbeddingExplorer

pytestmark = pytest.mark.browser


@pytest.fixture
def offline(page):
    page.context.set_offline(True)
    page.route("http*://**", lambda route: route.abort())
    return page


def test_it_works_from_disk(offline, tmp_path):
    explorer = EmbeddingExplorer(
        {"plain": make_embedded(20, 5, hostile=True), "apart": make_embedded(20, 5, hostile=True, model_seed=1)}, category=HOSTILE_NAME
    )
    explorer.selected = [explorer.points.pair(point) for point in (1, 4, 6)]
    offline.goto(explorer.export_html(tmp_path / "page.html").as_uri())
    offline.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('3 selected')")
    assert offline.inner_text("h1") == "Embedding explorer: plain and apart"
    assert offline.inner_text(".note").startswith(f"{len(explorer.points)} points of plain and apart.")
    offline.wait_for_function("() => document.querySelector('.wb-portrait img')?.naturalWidth > 0")
    lit = """() => {
      const data = document.querySelector(".wb-points").getContext("2d").getImageData(0, 0, 300, 300).data;
      return new Set(new Uint32Array(data.buffer)).size;
    }"""
    assert offline.evaluate(lit) > 3
    offline.get_by_label("Projection").select_option("tsne")
    offline.wait_for_function("() => document.querySelector('.wb-about').textContent.includes('Fitted jointly')")
    offline.locator(".wb-over").first.focus()
    offline.keyboard.press("a")
    own = (explorer.points.pairs[:, 1] == 1).sum()
    assert offline.inner_text(".wb-status").endswith(f"{own} selected")
    offline.get_by_role("tab", name="Pictures").click()
    offline.wait_for_function("() => [...document.querySelectorAll('.wb-tile img')].every((img) => img.naturalWidth > 0)")
    assert offline.locator("img[src=x]").count() == 0
