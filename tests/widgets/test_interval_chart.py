"""The interval chart: what it draws live, and the still figure that stands in for it."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from workbench import WorkbenchError
from workbench.widgets.plots import interval_chart
from workbench.widgets.style import STYLE

POINTS = [
    {"panel": "rule", "row": "few", "series": "SRN", "mean": 0.8, "half_width": 0.05, "values": [0.78, 0.82]},
    {"panel": "rule", "row": "few", "series": "<b>pooled</b>", "mean": 0.6, "half_width": 0.1, "values": [0.55, 0.65]},
    {"panel": "coin", "row": "few", "series": "SRN", "mean": 0.5, "half_width": None},
    {"panel": "coin", "row": "few", "series": "<b>pooled</b>", "mean": 0.5, "half_width": 0.02},
]


def test_dots_and_intervals_are_the_numbers():
    figure = interval_chart(POINTS, "AP")
    drawn = {(trace.name, trace.xaxis or "x"): (trace.x[0], trace.error_x.array[0]) for trace in figure.data if trace.name}
    assert drawn["SRN", "x"] == (0.8, 0.05)
    assert drawn["SRN", "x2"] == (0.5, 0)
    assert drawn["&lt;b&gt;pooled&lt;/b&gt;", "x"] == (0.6, 0.1)
    low, high = figure.layout.xaxis.range
    assert low < 0.48
    assert high > 0.85
    assert len({trace.marker.symbol for trace in figure.data if trace.name}) == 2, "shapes differ, not only colours"


def test_nothing_is_shared_and_text_stays_text():
    bundle = interval_chart(POINTS, "AP").bundle()
    assert bundle["application/vnd.plotly.v1+json"]["config"]["showSendToCloud"] is False
    assert "<b>" not in bundle["text/html"]
    assert "SRN 0.500 (one value, no interval)" in bundle["text/plain"]


def test_still_picture_has_words_a_table_and_the_series_colours():
    still = interval_chart(POINTS, "AP").bundle()["text/html"]
    assert re.search(r'alt="[^"]{40,}"', still)
    assert "0.800 ± 0.050" in still
    picture = Image.open(io.BytesIO(base64.b64decode(re.search('base64,([^"]+)', still)[1]))).convert("RGB")
    pixels = np.asarray(picture).reshape(-1, 3).astype(int)
    for colour in STYLE["models"][:2]:
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(pixels - wanted).max(axis=1) < 12).sum() > 100
    assert len(still) < 40_000


def test_bad_points_are_refused():
    with pytest.raises(WorkbenchError, match="no points"):
        interval_chart([], "AP")
    with pytest.raises(WorkbenchError, match='lacks "mean"'):
        interval_chart([{"panel": "a", "row": "b", "series": "c"}], "AP")
    with pytest.raises(WorkbenchError, match="at most 4 series"):
        interval_chart([{**POINTS[0], "series": str(number)} for number in range(5)], "AP")
