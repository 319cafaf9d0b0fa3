"""The training monitor draws the history of every recipe: real ones, of stages that have different losses and leave gaps."""

import json
import math

import numpy as np
import pytest

from tests.support.histories import HISTORIES
from tests.support.plain_page import open_monitor, tell_monitor
from tests.support.run_folder import make_run
from workbench.widgets import TrainingMonitor

pytestmark = pytest.mark.browser
ROWS = json.loads(HISTORIES.read_text())
FLOOR, TOP, LEFT, RIGHT = 210 - 32, 12, 40, 12  # pixels of a chart


def test_every_recipe_has_its_history():
    pytest.importorskip("torch")
    from workbench.training import RECIPES, get_recipe

    assert ROWS.keys() == RECIPES.keys(), "run python -m tests.support.histories"
    for name, rows in ROWS.items():
        assert list(dict.fromkeys(row["stage"] for row in rows)) == list(get_recipe(name).stages)
    assert any("loss.sr" in rows[-1] and "loss.sr" not in rows[0] for rows in ROWS.values()), "a term that begins later"
    assert any("loss.cls" in rows[0] and "loss.cls" not in rows[2] for rows in ROWS.values() if len(rows) > 2), "a term that pauses"


def lines_of(rows, chart):
    """The lines of a chart, {name: values}, NaN where a row has none: the total, and the parts where there are several."""
    whole, prefix, scale = ("loss", "loss.", 1) if chart == 0 else ("validation.map", "validation.map.", 100)
    parts = list(dict.fromkeys(key for row in rows for key in row if key.startswith(prefix)))
    wanted = [whole, *(parts if len(parts) > 1 else [])]
    return {key: [scale * row[key] if row.get(key) is not None else math.nan for row in rows] for key in wanted}


def runs_of(values):
    """Epochs, from 0, that follow each other without a gap."""
    finite = np.flatnonzero(np.isfinite(values))
    return np.split(finite, np.flatnonzero(np.diff(finite) > 1) + 1) if len(finite) else []


def round_up(value):
    power = 10.0 ** math.floor(math.log10(value))
    return next(each * power for each in (1, 2, 4, 8, 10) if each * power >= value * 0.999)


def points(node, name):
    return np.array([[float(part) for part in pair.split(",")] for pair in node.get_attribute(name).split()])


def test_its_curves_stand_where_the_numbers_are(page, tmp_path):
    folder = make_run(tmp_path / "run", 0)
    training = TrainingMonitor(folder)
    open_monitor(page, training)
    for name, rows in ROWS.items():
        (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "recipe.json").write_text(json.dumps({"name": name, "stages": {"all": {"epochs": len(rows)}}}))
        training.look()
        tell_monitor(page, training)
        assert f"{len(rows)} of {len(rows)} epochs finished" in page.inner_text(".wb-explorer .wb-status"), name
        for chart, picture in enumerate(page.locator(".wb-lines").all()):
            lines = lines_of(rows, chart)
            finite = [value for values in lines.values() for value in values if math.isfinite(value)]
            high = round_up(max(finite)) if chart == 0 else 100
            width = float(picture.get_attribute("width"))
            drawn = [points(line, "points") for line in picture.locator("polyline").all()]
            expected = [
                np.stack(
                    [LEFT + (width - LEFT - RIGHT) * (run + 1) / len(rows), FLOOR - (FLOOR - TOP) * np.array(values)[run] / high], axis=1
                )
                for values in lines.values()
                for run in runs_of(values)
                if len(run) > 1
            ]
            assert len(drawn) == len(expected), (name, lines)
            for line in expected:
                near = min(np.abs(line - other).max() for other in drawn if other.shape == line.shape)
                assert near < 0.11, (name, line)
            single = sum(len(run) == 1 for values in list(lines.values())[1:] for run in runs_of(values))
            assert picture.locator("circle").count() == sum(map(math.isfinite, next(iter(lines.values())))) + single, name
        stages = list(dict.fromkeys(row["stage"] for row in rows))
        assert page.locator(".wb-lines").first.locator(".wb-stage-name").all_text_contents() == stages
    training.close()
