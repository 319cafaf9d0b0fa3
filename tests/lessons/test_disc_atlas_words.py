"""The words about the discriminative loss follow the numbers, whichever way they point."""

from __future__ import annotations

import itertools

import pytest

from benchmarks.atlas_summary import interval
from benchmarks.disc_atlas import HOSTS, LOOK_ALIKE, MEASURES, summarise
from workbench.lessons.disc_atlas import (
    ABSENT,
    chart,
    differences_table,
    hypothesis,
    per_class_table,
    points,
    verdict,
)


def study(gains: dict[tuple, float], seeds: int = 3, spread: float = 0.002) -> dict:
    """An atlas in which the loss changes a measure by its gain, named by (measure,), (host, measure) or (host, look_alike, measure)."""
    runs = []
    for seed, look_alike, host, loss in itertools.product(range(seeds), LOOK_ALIKE, HOSTS, (False, True)):
        run = {"host": host, "look_alike": look_alike, "loss": loss, "seed": seed}
        for measure in MEASURES:
            gain = sum(gains.get(key, 0.0) for key in ((measure,), (host, measure), (host, look_alike, measure)))
            run[measure] = 0.5 + loss * gain + spread * ((seed + loss) % 3)
        run["AP"] = {"cat": run["look_alike_AP"], "pond": run["cooccurring_AP"]}
        runs.append(run)
    return {"hypothesis": "it separates", "runs": runs, "summary": summarise(runs), "machine": {"cores": 2}}


def said(atlas: dict) -> str:
    return repr(verdict(atlas)).replace("\n", " ")


def test_a_hypothesis_that_holds():
    gains = {("ratio",): 2.0, ("disentangled", 1.0, "look_alike_AP"): 0.05}
    text = said(study(gains))
    assert "(1) Separation: that part holds" in text
    assert "higher beyond the interval in 6 of 6" in text
    assert "+1.0 was expected, and that holds" in text
    assert "in the means less, as expected" in text
    assert "Nowhere does it rise by more than a point" in text
    assert "do not gain holds: none gains beyond the interval; the risk that they lose does not show here" in text
    assert "Of the 6 settings whose classes stand further apart, mAP is better beyond the interval in 0 and worse in 0." in text
    assert "In the remaining 6 of them the picture changed" in text


def test_a_hypothesis_that_fails_everywhere():
    gains = {
        ("ratio",): -0.3,
        ("disentangled", "look_alike_AP"): -0.05,
        ("srn", "mAP"): 0.1,
        ("msrn", "cooccurring_AP"): 0.1,
        ("srn", "cooccurring_AP"): -0.1,
    }
    text = said(study(gains))
    assert "that part does not hold everywhere" in text
    assert "higher beyond the interval in 0 of 6 settings, lower in 6" in text
    assert "was expected, and that does not hold" in text
    assert "not less, unlike what was expected" in text
    assert "rises by more than a point in SRN, animals look alike; SRN, animals differ, which was not expected" in text
    assert "does not hold everywhere: some gain; the risk that they lose shows" in text
    assert "did not rise beyond the interval anywhere" in text


def test_separation_that_pays():
    text = said(study({("ratio",): 1.0, ("mAP",): 0.005}, spread=0.0005))
    assert "mAP is better beyond the interval in 6 and worse in 0. In the remaining 0 of them" in text


def test_one_seed_shows_nothing():
    one = study({("ratio",): 2.0, ("disentangled", "look_alike_AP"): 0.05}, seeds=1)
    text = said(one)
    assert "does not hold everywhere" in text
    assert "not told apart in 6" in text
    assert "that is not shown" in text
    assert "1 seed makes wide intervals" in text
    assert "no interval" in repr(differences_table(one))
    assert "no interval" in repr(per_class_table(one))


def test_an_unfinished_atlas():
    part = study({})
    part["runs"] = [run for run in part["runs"] if run["host"] == "srn" and run["look_alike"] == 0]
    part["summary"] = summarise(part["runs"])
    assert "have not been measured yet" in said(part)
    assert "holds no pair" in said({**part, "summary": []})


def test_without_a_study():
    for shown in (hypothesis(None), chart(None), verdict(None), differences_table(None), per_class_table(None)):
        assert "studies/disc_atlas.json is not there" in repr(shown).replace("\n", " ")
    assert ABSENT.endswith("`python -m benchmarks.disc_atlas`.")


def test_chart_and_tables_hold_every_setting():
    atlas = study({("mAP",): 0.1, ("disentangled", 1.0, "look_alike_AP"): 0.2})
    assert len(points(atlas)) == 3 * 6 * 2
    assert "loss on" in chart(atlas).bundle()["text/plain"]
    assert [row[0] for row in differences_table(atlas).rows][:2] == ["disentangled, animals look alike", "disentangled, animals differ"]


def test_the_interval_of_a_label_is_the_atlas_own():
    atlas = study({("disentangled", 1.0, "look_alike_AP"): 0.2})
    row = next(row for row in atlas["summary"] if (row["host"], row["look_alike"]) == ("disentangled", 1.0))
    expected = interval(row["on_minus_off"]["look_alike_AP"]["values"])
    cell = per_class_table(atlas).rows[0][1]
    assert cell.startswith(f"{100 * expected['mean']:+.1f} ± {100 * expected['half_width']:.1f}")
    assert float(cell.split()[0]) == pytest.approx(20, abs=0.3)
