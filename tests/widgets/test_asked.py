"""Messages that no page of ours sends: each is answered by one sentence that can be sent, soon and in little memory."""

import json
import logging
import tracemalloc

import numpy as np
import pytest

from tests.support.archives import make_inspection
from tests.support.embedded import make_embedded
from tests.support.strips import Strips
from tests.support.traced import make_templates
from workbench.errors import WorkbenchError
from workbench.widgets import AttentionExplorer, EmbeddingExplorer, TemplateExplorer
from workbench.widgets.edits import MOST_IN_ALL, checked_list, covered

STROKE = {"do": "paint", "points": [[0.5, 0.5]], "radius": [0.1, 0.1], "fill": "mean"}


@pytest.fixture
def explorer():
    inspection = make_inspection(4, 3)
    return AttentionExplorer(inspection, predict=Strips(inspection))


def answered(explorer, question):
    sent = []
    explorer._send = lambda message, buffers=None: sent.append(message["content"])
    explorer._handle_msg({"content": {"data": {"method": "custom", "content": question}}, "buffers": []})
    (content,) = sent
    json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    return content


@pytest.mark.parametrize(
    "question",
    [
        {"ask": "image"},  # was "KeyError: 'image'"
        {"ask": "image", "image": None},  # was a TypeError
        {"ask": "image", "image": float("nan")},  # was a ValueError, and went back as NaN
        {"ask": "image", "image": 10**400},
        {"ask": "thumbnails", "images": 3},
        {"ask": "\ud800"},  # the error could not be sent
        {"ask": "x" * 100_000},
        {"ask": ["image"]},
        {"ask": "whatif", "image": 0, "edits": [[[[0] * 3000] * 3000]]},  # nine million values took seconds
        {"image": 0},
        ["ask"],
        "ask",
        None,
        b"ask",
        {"ask": "whatif", "image": 0, "edits": [{"do": []}]},  # was a TypeError
        {"ask": "whatif", "image": 0, "edits": [{**STROKE, "radius": [10**400, 1]}]},  # was an OverflowError
        {"ask": "whatif", "image": 0, "edits": [[[[[[[[[[[[[]]]]]]]]]]]]]},
        {"ask": "upload", "key": ["k"], "data": "aaaa"},
        {"ask": "upload", "key": "k", "data": 10**9},
    ],
)
def test_a_sentence(explorer, question):
    content = answered(explorer, question)
    assert content["answer"] == "error"
    assert content["text"].startswith("WorkbenchError: ")
    assert len(content["text"]) < 1100
    assert len(json.dumps(content["question"])) < 5000


def test_the_browser_knows_its_question_again(explorer):
    question = {"ask": "image", "image": 99, "serial": "s7", "extra": b"x"}
    assert answered(explorer, question)["question"] == {"ask": "image", "image": 99, "serial": "s7"}


@pytest.mark.parametrize(
    "view", [{"alpha": float("nan")}, {"label": b"sun"}, {"map": []}, {"filter_label": "x" * 10**6}, {"spot": [2**70, 0]}]
)
def test_a_view_is_said_without_a_traceback(explorer, view, caplog):
    before = dict(explorer.view_state)
    with caplog.at_level(logging.WARNING):
        explorer._handle_msg({"content": {"data": {"method": "update", "state": {"view_state": view}, "buffer_paths": []}}, "buffers": []})
    assert explorer.status.startswith("WorkbenchError: ")
    assert len(explorer.status) < 1100
    assert explorer.view_state == before
    assert not caplog.records  # was "Exception in widget method ..." with a traceback


def test_a_selection_is_bytes():
    explorer = EmbeddingExplorer(make_embedded(12, 4))
    tracemalloc.start()
    for picked in (10**9, "12345678", [1, 2], b"abc", None):  # 10**9 was a gigabyte of zeros
        explorer.set_state({"picked": picked})
        assert explorer.status.startswith("WorkbenchError: ")
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_neurons_have_only_their_images():
    explorer = TemplateExplorer(make_templates())
    content = answered(explorer, {"ask": "thumbnails", "images": [0]})  # was an AssertionError
    assert content["text"] == "WorkbenchError: There is no image 0: there are 0 images, counted from 0."


def test_a_brush_takes_no_more_than_the_picture():
    picture = np.zeros((400, 400, 3), dtype=np.uint8)
    edits = checked_list([{**STROKE, "radius": [0.5, 0.001]}, {**STROKE, "fill": "patch", "shift": [1e18, -1e18]}])  # was an OverflowError
    tracemalloc.start()
    covered(picture, edits)  # the sheet of the first had 500 times as many rows as the picture
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()
    with pytest.raises(WorkbenchError, match="at most 20,000 points together"):
        checked_list([{**STROKE, "points": [[0.5, 0.5]] * 3000}] * (MOST_IN_ALL // 3000 + 1))
