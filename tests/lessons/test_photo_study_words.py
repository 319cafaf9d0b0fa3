"""The study on photos in words: what is said follows from the numbers, and its absence is said plainly."""

from __future__ import annotations

import copy

from workbench.lessons import photo_study


def figure(mean: float, half: float | None = 0.01) -> dict:
    return {"mean": mean, "half_width": half, "n": 3 if half is not None else 1, "values": [mean] * 3}


def entry(system: str, score: float, pointing: float, gain: dict | None = None) -> dict:
    found = {
        "class_activation": figure(pointing),
        "random map": figure(0.28),
        "centre blob": figure(0.63),
        "ground-truth mask": figure(1.0),
    }
    result = {"backbone": "frozen", "system": system, "mAP": figure(score), "pointing": found, "training_seconds": figure(40.0)}
    return result | ({"gain": gain} if gain else {})


def study() -> dict:
    summary = [
        entry("pooled", 0.83, 0.64),
        entry("srn", 0.80, 0.55, {"against": "pooled", "mAP": figure(-0.03)}),
        entry("csra", 0.833, 0.66, {"against": "pooled", "mAP": figure(0.003)}),
        entry("disc", 0.84, 0.60, {"against": "disc-off", "mAP": figure(0.02), "ratio": figure(0.5, 0.1)}),
    ]
    return {"rows": [{"seed": seed} for seed in (0, 1, 2)], "summary": summary}


def test_absence_and_emptiness_are_said():
    assert photo_study.ABSENT in repr(photo_study.table(None)).replace("\n", " ")
    assert photo_study.EMPTY in repr(photo_study.verdict({"rows": []})).replace("\n", " ")
    assert photo_study.gains(None) == {}


def test_the_table_holds_seeds_intervals_and_what_it_must_not_be_compared_with():
    table = photo_study.table(study())
    assert "NOT comparable with published VOC numbers" in table.caption
    assert "3 seeds" in table.caption
    assert table.rows[0] == ["pooled", "0.830 ± 0.010", "–", "class_activation 0.640 ± 0.010", "40"]
    assert table.rows[1][2] == "-3.0 ± 1.0 on pooled, worse"
    assert table.rows[2][2] == "+0.3 ± 1.0 on pooled, not told apart"


def test_the_verdict_follows_the_numbers():
    words = " ".join(photo_study.verdict(study()).paragraphs)
    assert "SRN worse; CSRA not told apart." in words
    assert "it is above that for pooled; CSRA" in words
    assert "raises the ratio inter / intra; its mAP is better (+2.0 ± 1.0 points)" in words
    assert photo_study.APART in words
    other = copy.deepcopy(study())
    for row in other["summary"]:
        row["pointing"]["centre blob"] = figure(0.9)
    other["summary"][3]["gain"] |= {"mAP": figure(0.001), "ratio": figure(-0.5, 0.1)}
    words = " ".join(photo_study.verdict(other).paragraphs)
    assert "none of the systems' best maps does" in words
    assert "lowers the ratio inter / intra; its mAP is not told apart" in words
    assert photo_study.gains(other) == {"srn": -1, "csra": 0}
