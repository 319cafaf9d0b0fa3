"""Training curves from history rows."""

import base64
import io
import re

import pytest
from PIL import Image

from workbench.errors import WorkbenchError
from workbench.widgets import curves as module
from workbench.widgets import live_curves, training_curves


def rows(*stages):
    """Three epochs a stage of 100 images each, with falling losses and a rising mAP."""
    history = []
    for stage in stages:
        for epoch in range(3):
            step = len(history)
            terms = {"loss.cls": 2 / (1 + step), "loss.att": 1 / (1 + step)}
            scores = {"validation.map": 0.3 + 0.1 * step, "validation.map.cls": 0.2 + 0.1 * step, "validation.map.sr": None}
            history.append(
                {"stage": stage, "epoch": epoch, "images": 100 * (len(history) + 1), "loss": sum(terms.values()), **terms, **scores}
            )
    return history


def traces(figure):
    return {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}


def test_one_run_shows_its_terms_against_the_images_seen():
    history = rows("main", "joint")
    found = traces(training_curves(history))
    assert found["mAP"] == ([100, 200, 300, 400, 500, 600], [row["validation.map"] for row in history])
    assert found["loss.att"][1] == [row["loss.att"] for row in history]
    assert "map.sr" not in found, "a figure that was never measured has no curve"
    assert {"main", "joint"} <= {annotation.text for annotation in training_curves(history).layout.annotations}


def test_several_runs_show_one_curve_each():
    found = training_curves({"pooled": rows("main"), "<b>SRN</b>": rows("main", "joint")})
    assert [trace.name for trace in found.data] == ["pooled", "pooled", "&lt;b&gt;SRN&lt;/b&gt;", "&lt;b&gt;SRN&lt;/b&gt;"]


def test_the_bundle_cannot_share_and_has_a_still_picture_with_text():
    bundle = training_curves(rows("main")).bundle()
    assert bundle["application/vnd.plotly.v1+json"]["config"]["showSendToCloud"] is False
    assert bundle["text/plain"] == "Training curves. Training: 3 epochs, loss 3 to 1, mAP 0.500, best 0.500."
    assert f'alt="{bundle["text/plain"]}"' in bundle["text/html"]
    Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", bundle["text/html"]).group(1)))).verify()
    assert len(bundle["text/html"]) < 50_000


def test_one_display_is_refreshed(monkeypatch):
    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append((sorted(bundle), bundle["text/plain"]))

    monkeypatch.setattr(module, "display", lambda bundle, raw, display_id: shown.append((sorted(bundle), bundle["text/plain"])) or Handle())
    curves = live_curves("SRN")
    curves.update(rows("main")[:1])
    curves.update(rows("main"))
    assert [text.split(": ")[1].split(",")[0] for _, text in shown] == ["1 epochs", "3 epochs", "3 epochs"]
    # JupyterLab keeps plotly's renderer, which draws once, until the kind of the output changes.
    assert [module.PLOTLY in kinds for kinds, _ in shown] == [True, False, True]
    assert repr(curves) == shown[-1][1]


def test_no_epoch_yet_and_no_history():
    assert "no epoch yet" in training_curves([]).bundle()["text/plain"]
    with pytest.raises(WorkbenchError, match='history of "a" is not a list of rows'):
        training_curves({"a": "history.jsonl"})
