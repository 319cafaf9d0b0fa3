"""The exported threshold lab, opened from disk with the network off."""

import pytest

from tests.support.archives import HOSTILE_NAME, make_inspection
from workbench.metrics import Thresholds
from workbench.widgets import ThresholdLab

pytestmark = pytest.mark.browser


@pytest.fixture
def offline(page):
    page.context.set_offline(True)
    page.route("http*://**", lambda route: route.abort())
    return page


def test_it_works_from_disk(offline, tmp_path):
    lab = ThresholdLab(make_inspection(60, 5, hostile=True, skill=0.5), chosen_on=0.5, label=HOSTILE_NAME, name="scenes")
    offline.goto(lab.export_html(tmp_path / "page.html").as_uri())
    offline.wait_for_function("() => document.querySelector('.wb-status').textContent.includes('OF1')")
    assert offline.inner_text("h1") == "Threshold lab: scenes"
    assert offline.inner_text(".note") == "30 images of scenes."
    slider = offline.get_by_label(f"Threshold of {HOSTILE_NAME}", exact=True)
    slider.evaluate("(e) => { e.value = 0.1; e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change')); }")
    lab.show(thresholds={HOSTILE_NAME: 0.1})
    assert f"F1 {100 * lab.numbers['F1'][1]:.1f}; all labels CF1 {100 * lab.numbers['all']['CF1']:.1f}" in offline.inner_text(".wb-status")
    offline.wait_for_function("() => document.querySelectorAll('.wb-tile img').length > 2")
    offline.wait_for_function("() => [...document.querySelectorAll('.wb-tile img')].every((img) => img.naturalWidth > 0)")
    offline.locator(".wb-best").get_by_role("button", name="all labels").click()
    with offline.expect_download() as download:
        offline.get_by_role("button", name="Save as JSON").click()
    download.value.save_as(tmp_path / "thresholds.json")
    assert Thresholds.read(tmp_path / "thresholds.json").values == pytest.approx(lab.choose().values, rel=1e-6)
    assert offline.locator("img[src=x]").count() == 0
