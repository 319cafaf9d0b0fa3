"""A view from the browser that cannot be is taken back, in the kernel and in the browser, and the status line says why."""

import numpy as np
import pytest

from tests.support.archives import make_inspection
from tests.support.embedded import make_embedded
from tests.support.moving import Weighing, make_editor
from tests.support.traced import make_fired, make_templates
from workbench.widgets import AttentionExplorer, EmbeddingExplorer, LabelExplorer, MoveLab, TemplateExplorer, ThresholdLab

MAKE = {
    "attention": lambda: AttentionExplorer(make_inspection(6, 5)),
    "embedding": lambda: EmbeddingExplorer(make_embedded(12, 5)),
    "labels": lambda: LabelExplorer(make_inspection(6, 5)),
    "thresholds": lambda: ThresholdLab(make_inspection(20, 5)),
    "moves": lambda: MoveLab(Weighing(make_editor(3))),
    "traces": lambda: TemplateExplorer(make_templates(), *make_fired()),
}
BAD = [
    {"image": "nowhere"},
    {"label": "nothing"},
    {"label": ["sun"]},
    {"image": 10**9},
    {"image": -(10**9)},
    {"no such entry": 1},
    [],
    "view",
    None,
]


@pytest.mark.parametrize("kind", list(MAKE))
def test_it_is_taken_back_and_said(kind, monkeypatch):
    explorer = MAKE[kind]()
    sent = []
    monkeypatch.setattr(type(explorer), "send_state", lambda self, key=None: sent.append(key))
    seen = []
    explorer.observe(lambda change: seen.append(change), "view_state")
    before, words = dict(explorer.view_state), explorer.snapshot().words
    refused = 0
    for bad in BAD:
        sent.clear()
        explorer.set_state({"view_state": bad})  # what is said ends there: no traceback beside it
        if explorer.status:
            refused += 1
            assert explorer.status.startswith("WorkbenchError: "), bad
            assert ["view_state"] in sent, "the browser is told what holds"
            assert explorer.view_state == before
            assert explorer.snapshot().words == words
            assert not seen, "nobody hears of it"
        else:
            explorer.view_state = before
            seen.clear()
    assert refused >= 6
    explorer.set_state({"view_state": before})
    assert explorer.status == "", "a view that can be clears it"


def test_a_selection_of_points_that_are_not_there(monkeypatch):
    explorer = MAKE["embedding"]()
    for bad in (np.array([10**6], dtype=np.int32).tobytes(), b"abc"):
        explorer.set_state({"picked": bad})
        assert explorer.status.startswith("WorkbenchError: ")
        assert explorer.selected == []
        assert explorer.picked == b""


def test_what_the_kernel_says_is_not_the_browsers_to_change():
    explorer = MAKE["attention"]()
    opening = explorer.opening
    explorer.set_state({"opening": {}, "still": "x"})
    assert explorer.opening is opening
    assert explorer.still != "x"


@pytest.mark.parametrize(("kind", "bad"), [("traces", {"image": False}), ("thresholds", {"origins": 0})])
def test_what_is_of_another_type_is_said(kind, bad):
    explorer = MAKE[kind]()
    explorer.set_state({"view_state": bad})  # were a TraitError and a TypeError
    assert explorer.status.startswith("WorkbenchError: ")
