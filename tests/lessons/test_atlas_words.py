"""The words about the claim atlas follow the numbers, whichever way they point."""

from __future__ import annotations

import itertools
import json

import pytest

from benchmarks.atlas_summary import summarise
from workbench import WorkbenchError
from workbench.lessons import read_study, run_folder
from workbench.lessons.atlas import ABSENT, chart, differences_table, hypothesis, points, probe_table, side, verdict

ARMS = ("pooled", "srn", "shuffled", "control")


def study(gains: dict[tuple[float, str], float], spread: float = 0.01, seeds: int = 3, base: float = 0.5) -> dict:
    """An atlas in which an arm's AP is `base` plus its gain at that relation."""
    runs = []
    wiggle = [0.0, spread, -spread, spread / 2, -spread / 2]
    for relation, images, backbone, arm, seed in itertools.product(
        (1.0, 0.0), ("few", "many"), ("small-narrow", "small"), ARMS, range(seeds)
    ):
        noise = wiggle[(seed + ARMS.index(arm)) % 5]
        value = base + gains.get((relation, arm), 0.0) + noise
        runs.append(
            {"arm": arm, "relation": relation, "images": images, "backbone": backbone, "seed": seed, "relational_AP": value, "mAP": value}
        )
    probe = {"relation 1, terraces 1": {"sun": 0.5}}
    return {"hypothesis": "SRN helps", "runs": runs, "summary": summarise(runs), "position_probe": probe, "machine": {"cores": 2}}


def test_a_hypothesis_that_holds():
    text = repr(verdict(study({(1.0, "srn"): 0.4, (1.0, "control"): 0.1}))).replace("\n", " ")
    assert "first part of the hypothesis holds" in text
    assert "second part holds: SRN is better than the matched control" in text
    assert "third part holds: without the rule 0 of 12" in text
    assert "“pooled baseline”: with the rule (4 settings) better in 4, worse in 0, not told apart in 0" in text


def test_a_hypothesis_that_fails_everywhere():
    gains = {(1.0, "srn"): 0.1, (1.0, "control"): 0.3, (0.0, "srn"): -0.2}
    text = repr(verdict(study(gains))).replace("\n", " ")
    assert "first part of the hypothesis does not hold" in text
    assert "second part does not hold: SRN is worse than the matched control" in text
    assert "third part does not hold everywhere: without the rule 12 of 12" in text
    assert "without the rule (4 settings) better in 0, worse in 4, not told apart in 0" in text


def test_what_the_seeds_cannot_tell_apart():
    text = repr(verdict(study({(1.0, "srn"): 0.02, (1.0, "control"): 0.01}, spread=0.1))).replace("\n", " ")
    assert "second part is not shown" in text
    assert "not told apart in 4" in text


def test_one_seed_shows_nothing():
    one = study({(1.0, "srn"): 0.4}, seeds=1)
    text = repr(verdict(one)).replace("\n", " ")
    assert "second part is not shown" in text
    assert "third part is not shown" in text
    assert "1 seed makes wide intervals" in text
    assert "no interval" in repr(differences_table(one))


def test_an_unfinished_atlas():
    part = study({})
    part["runs"] = [run for run in part["runs"] if run["relation"] == 0]
    part["summary"] = summarise(part["runs"])
    assert "not been measured yet" in repr(verdict(part)).replace("\n", " ")


def test_sides_of_zero():
    assert side({"mean": 0.2, "half_width": 0.1}) == 1
    assert side({"mean": -0.2, "half_width": 0.1}) == -1
    assert side({"mean": 0.1, "half_width": 0.1}) == 0
    assert side({"mean": 0.5, "half_width": None}) == 0


def test_without_a_study():
    for shown in (hypothesis(None), chart(None), verdict(None), differences_table(None), probe_table(None)):
        assert "studies/atlas.json is not there" in repr(shown).replace("\n", " ")


def test_chart_and_tables_hold_every_setting():
    atlas = study({(1.0, "srn"): 0.3})
    assert len(points(atlas)) == 8 * 4
    shown = chart(atlas).bundle()
    assert shown["text/html"].count("<tr>") == 8 * 4 + 1
    assert "with the rule, few images, small receptive field: SRN 0.8" in shown["text/plain"]
    assert len(differences_table(atlas).rows) == 8
    assert probe_table(atlas).rows == [["relation 1, terraces 1", "0.50"]]


def test_reading_studies(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    assert read_study("atlas") is None
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "atlas.json").write_text("{")
    with pytest.raises(WorkbenchError, match=r"atlas\.json is damaged"):
        read_study("atlas")
    (tmp_path / "studies" / "atlas.json").write_text("[]")
    with pytest.raises(WorkbenchError, match="is not a study"):
        read_study("atlas")
    (tmp_path / "studies" / "atlas.json").write_text(json.dumps({"hypothesis": "h"}))
    assert read_study("atlas") == {"hypothesis": "h"}
    assert ABSENT.endswith("`python -m benchmarks.atlas`.")


def test_settings_name_their_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    assert run_folder("01_srn", {"seed": 1}) == tmp_path / "runs" / "01_srn-seed-1"
    assert run_folder("01_srn", {"data.options.relation": 0.5, "seed": 2}).name == "01_srn-relation-0.5-seed-2"
    assert "/" not in run_folder("01_srn", {"data.root": "../../x"}).name
