"""Cells that are not a number, and maps of any size, on the page: a colour and a word of their own, never the strongest negative."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.archives import make_contents
from tests.support.plain_page import open_explorer
from workbench import AttentionExplorer, Inspection

pytestmark = pytest.mark.browser
WIDTHS = "() => [...document.querySelectorAll('.wb-ranked li:not([hidden]) .wb-bar')].map((bar) => parseFloat(bar.style.width))"
PIXELS = """(place) => {
  const canvas = document.querySelectorAll(".wb-canvas")[place];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let pink = [0, 0];
  for (let y = 0, i = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++, i += 4)
    if (data[i] === 0xe0 && data[i + 1] === 0x21 && data[i + 2] === 0x8a) pink[x < canvas.width / 2 ? 0 : 1] += 1;
  return pink.map((count) => count / (canvas.width * canvas.height / 2));
}"""


def explorer(factor=1.0, gaps=True):
    contents = make_contents(3, 5, grid=(8, 8))
    values = np.random.default_rng(0).normal(size=(3, 5, 8, 8)).astype(np.float32)
    if gaps:
        values[:, 0, :, :4] = np.nan  # half of the first label's maps
    contents.maps = {**contents.maps, "attention": values * np.float32(factor)}
    return AttentionExplorer(Inspection.of(contents), image=0, label=contents.categories[0], map="attention", spot=[0.1, 0.1], scale="map")


def test_cells_without_a_number_are_striped_and_named(page):
    open_explorer(page, explorer())
    left, right = page.evaluate(PIXELS, 1)
    assert 0.4 < left < 0.6  # every second stripe
    assert right == 0
    assert page.locator(".wb-nan:visible").first.inner_text() == "NaN"
    assert "Striped cells are not a number (NaN)" in page.locator(".wb-canvas").nth(1).get_attribute("aria-label")
    texts = page.locator(".wb-ranked .wb-score:visible").all_inner_texts()
    assert texts[-1] == "NaN"  # last, and without a bar
    assert "NaN" not in texts[:-1]
    widths = page.evaluate(WIDTHS)
    assert widths[-1] == 0
    assert max(widths) == pytest.approx(100, abs=0.1)
    assert len(set(widths)) == len(widths)
    assert page.locator(".wb-value").nth(1).inner_text() == "NaN"


def test_a_map_is_drawn_the_same_whatever_its_size(page):
    drawn = []
    for factor in (1.0, 1e-30, 1e30):
        tab = page.context.new_page()
        open_explorer(tab, explorer(factor, gaps=False))
        drawn.append((tab.evaluate("() => document.querySelectorAll('.wb-canvas')[1].toDataURL()"), tab.evaluate(WIDTHS)))
        tab.close()
    assert drawn[0][0] == drawn[1][0] == drawn[2][0]
    for _, widths in drawn[1:]:
        assert widths == pytest.approx(drawn[0][1], abs=0.01)
