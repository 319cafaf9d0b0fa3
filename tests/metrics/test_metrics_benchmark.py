"""The benchmark's yardsticks compute what ours computes."""

from __future__ import annotations

from benchmarks.metrics import CLOSE, measure
from workbench.metrics import PRESETS


def test_three_ways_agree():
    result = measure(images=300, labels=5, some=60, rounds=1)
    assert max(result["largest_difference"].values()) < CLOSE
    assert {f"everything, {preset}" for preset in PRESETS} < set(result["seconds"])
    assert all(0 <= figures["least"] <= figures["median"] for figures in result["seconds"].values())  # such small ones round to 0


def test_a_wrong_yardstick_is_noticed(monkeypatch):
    monkeypatch.setattr("benchmarks.metrics.average_precision_score", lambda targets, scores, average: targets.mean(axis=0))
    assert measure(images=300, labels=5, some=60, rounds=1)["largest_difference"]["scikit-learn"] > CLOSE
