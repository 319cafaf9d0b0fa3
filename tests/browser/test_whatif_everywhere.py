"""A covered object: scores say before and after, colours keep their scale, and "before" shows no mark of the edits."""

import numpy as np
import pytest

from tests.support.archives import make_inspection
from tests.support.bench import drag, settle, stored
from tests.support.plain_page import open_explorer, wait_drawn
from tests.support.strips import Strips
from workbench.widgets import AttentionExplorer
from workbench.widgets.edits import covered

pytestmark = pytest.mark.browser
SCALE = """() => [...document.querySelectorAll('.wb-panes .wb-scale')]
  .map((bar) => [0, 2].map((end) => bar.children[end].textContent.replace('−', '-')))"""


@pytest.fixture
def inspection():
    return make_inspection(6, 5)


@pytest.fixture
def predict(inspection):
    return Strips(inspection)


@pytest.fixture
def bench(page, inspection, predict):
    open_explorer(page, AttentionExplorer(inspection, image=2, label="sun", predict=predict, spot=None))
    settle(page)
    return page


def shown(page):
    names = page.locator(".wb-list .wb-name:visible").all_inner_texts()
    return dict(zip(names, page.locator(".wb-list .wb-score:visible").all_inner_texts(), strict=True))


def probabilities(predict, pixels):
    return 1 / (1 + np.exp(-predict.logits(pixels)))


def test_headline_and_list_say_before_and_after(bench, inspection, predict):
    drag(bench, 0, [(0.02, 0.02), (0.98, 0.9)])
    [edit] = bench.evaluate("() => Object.values(window.model.get('view_state').edits)[0]")
    before, after = probabilities(predict, stored(inspection)), probabilities(predict, covered(stored(inspection), [edit]))
    assert np.abs(before - after).max() > 0.01
    expected = {name: f"{before[c]:.2f} → {after[c]:.2f}" for c, name in enumerate(inspection.categories)}
    assert shown(bench) == expected
    verdict = bench.inner_text(".wb-verdict")
    sun = list(inspection.categories).index("sun")
    assert verdict.strip().startswith(expected["sun"])
    assert "predicted" in verdict
    for word in ("correct", "missed", "false alarm"):
        assert word not in verdict, "of a photo that was edited the truth is not known"
    assert ("no longer" in verdict) == (before[sun] >= 0.5 > after[sun])
    order = bench.locator(".wb-list .wb-name:visible").all_inner_texts()
    said = [after[list(inspection.categories).index(name)] for name in order]
    predicted = [p for p in said if p >= 0.5]
    assert said == sorted(predicted, reverse=True) + sorted((p for p in said if p < 0.5), reverse=True)
    bench.get_by_role("button", name="Before").click()
    wait_drawn(bench)
    assert all("→" not in score for score in shown(bench).values()), "the picture as it was has its own scores"


def test_one_scale_before_and_after(bench, inspection, predict):
    open_scale = bench.evaluate(SCALE)
    drag(bench, 0, [(0.02, 0.02), (0.98, 0.9)])
    edited = bench.evaluate(SCALE)
    bench.get_by_role("button", name="Before").click()
    wait_drawn(bench)
    assert bench.evaluate(SCALE) == edited
    for (low, high), (least, most) in zip(open_scale, edited, strict=True):
        assert float(most) >= float(high) - 1e-9, "what was is still inside"
        assert float(least) <= float(low) + 1e-9
    assert "before and after the edits it is the same" in bench.inner_text(".wb-legend")
