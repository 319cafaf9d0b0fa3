"""The words about MSRN's part of the atlas follow the numbers, whichever way they point."""

from __future__ import annotations

import itertools
import json

import pytest

from benchmarks.msrn_atlas import ARMS, FULL, SEEDS, summarise
from workbench.datasets.scenes import CATEGORIES
from workbench.lessons import lesson
from workbench.lessons.msrn_atlas import ABSENT, chart, gains_table, hypothesis, points, probe_table, verdict, word

LAYERS = ("stage-2", "stage-3", "stage-4")


def study(graph=0.0, layers=0.0, groups=0.0, small=0.0, off=0.0, spread=0.01, seeds=SEEDS, best="stage-2"):
    """An atlas in which each part adds that much AP, the graph `small` more on small instances, and `off` where labels come alone."""
    runs = []
    for arm, together, seed in itertools.product(ARMS, (0.8, 0.0), seeds):
        value = 0.5 + spread * [0.0, 1.0, -1.0][(seed + ARMS.index(arm)) % 3]
        less = 0.0
        if arm != "pooled":
            has_graph, has_groups, depth = arm.split("-")
            less = small if has_graph == "graph" and together else 0.0
            value += (graph if together else off) * (has_graph == "graph") + groups * (has_groups == "groups") + layers * (depth == "all")
        row = {"arm": arm, "cooccurrence": together, "seed": seed, "mAP": value, "theme_AP": value, "relational_AP": value}
        row |= {"theme_AP_small": value + less, "theme_AP_large": value}
        if arm == FULL:
            scores = {layer: dict.fromkeys(CATEGORIES, 0.9 if layer == best else 0.5) for layer in LAYERS}
            row["probes"] = {layer: dict.fromkeys(("any", "small", "large"), scores[layer]) for layer in LAYERS}
        runs.append(row)
    return {"hypothesis": "graphs help", "runs": runs, "summary": summarise(runs), "machine": {"cores": 2}}


def text(found) -> str:
    return repr(verdict(found)).replace("\n", " ")


def test_a_hypothesis_that_holds():
    said = text(study(graph=0.3, layers=0.3, small=0.1, spread=0.0001))
    assert "by +30.0 ± 0.0: it raises it, as expected" in said
    assert "more than on large ones: more on small ones, as expected" in said
    assert "as expected, nothing beyond the interval" in said
    assert "(better, as expected)" in said
    assert "0 of 8 gains lie beyond their interval, as expected" in said
    assert "54 trainings, 3 seeds" in said


def test_a_hypothesis_that_fails():
    said = text(study(graph=-0.3, layers=-0.3, groups=0.2, off=0.3, spread=0.0001))
    assert "the opposite of what was expected" in said
    assert "a change beyond the interval, which was not expected" in said
    assert "8 of 8 gains lie beyond their interval, not what was expected" in said


def test_what_the_seeds_cannot_tell_apart():
    found = study(graph=0.01, spread=0.1)
    assert "not told apart from nothing" in text(found)
    assert "not told apart" in repr(gains_table(found))
    assert word(found, "graph", "theme_AP", True) == "not told apart"


def test_one_seed_shows_nothing():
    found = study(graph=0.3, seeds=(0,))
    assert "one seed shows nothing" in text(found)
    assert "not shown with one seed" in text(found)
    assert "no interval" in repr(gains_table(found))


@pytest.mark.parametrize(("best", "halves"), [("stage-2", "one half"), ("stage-4", "one half"), ("stage-3", "neither half")])
def test_probes_name_the_best_layer(best, halves):
    found = study(best=best)
    assert f"relational: {best.replace('-', ' ')}" in text(found)
    assert f"so {halves} of what was expected" in text(found)
    assert "0.900 ± 0.000" in repr(probe_table(found))


def test_unfinished():
    part = study()
    part["runs"] = [run for run in part["runs"] if run["arm"] == "pooled"]
    part["summary"] = summarise(part["runs"])
    assert "has not been measured in both settings yet" in text(part)
    assert ABSENT in repr(chart(part)).replace("\n", " ")


def test_chart_shows_points_of_ap():
    found = study(graph=0.3, spread=0.0001)
    (point,) = [
        p for p in points(found) if (p["panel"], p["row"], p["series"]) == ("labels go together", "the label graph", "theme labels")
    ]
    assert point["mean"] == pytest.approx(30, abs=0.1)
    assert "the label graph: " in chart(found).bundle()["text/plain"]


def test_without_a_study():
    for show in (hypothesis, chart, gains_table, probe_table, verdict):
        assert repr(show(None)).replace("\n", " ").startswith(ABSENT[:60])
    assert word(None, "graph", "theme_AP", True) == "not told apart"
    assert "graphs help" in repr(hypothesis(study()))


def test_the_question_reads_the_study(tmp_path, monkeypatch):
    from tests.support.layered import make_layered

    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "msrn_atlas.json").write_text(json.dumps(study(graph=0.3, spread=0.0001)))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    check = lesson("02_msrn", make_layered(6))
    assert check.q12("better").passed
    assert "+30.0" in check.q12("worse").text


def test_what_was_not_expected_of_small_instances_is_said():
    found = study()
    assert "Not expected" not in text(found)
    found["summary"][-1]["gains"]["groups"]["more_on_small"] = {"mean": 0.058, "half_width": 0.035, "n": 3, "values": [0.058] * 3}
    world = "labels go together" if found["summary"][-1]["cooccurrence"] else "each comes on its own"
    assert f"differ beyond the interval in what they get of the groups, where {world} (+5.8 ± 3.5)" in text(found)
