"""benchmarks/gpu.py in miniature on the processor: every piece works, what was measured is kept, a failing piece costs no other."""

from __future__ import annotations

import json

import pytest

from benchmarks import gpu

FACTS = {"device": "a processor", "shape": gpu.MINIATURE, "machine": {"packages": {"torch": "2"}, "commit": "abc"}}


@pytest.mark.slow
def test_every_piece_in_miniature(tmp_path):
    pieces = gpu.Pieces("cpu", gpu.MINIATURE, tmp_path)
    kept = gpu.measure(tmp_path / "gpu.json", pieces, FACTS, 1, [piece for piece in gpu.SECONDS if piece not in ("compiled", "tests")])
    assert not {key: entry["where"] for key, entry in kept["pieces"].items() if "error" in entry}
    assert {f"systems.{name}" for name in gpu.NAMES} < set(kept["pieces"])
    for piece in ("train", "evaluate", "inspect"):
        assert kept["pieces"][piece]["images_per_second"] > 0
    assert kept["pieces"]["attention"]["times_less"]["megabytes"] > 1
    assert sum(kept["pieces"]["profile"]["shares"].values()) <= 1.001
    text = gpu.block(json.loads((tmp_path / "gpu.json").read_text()))
    assert all(name in text for name in gpu.NAMES)
    assert "tests             not measured" in text


class Few:
    """Pieces that say how often they were asked."""

    small, device = False, "cpu"

    def __init__(self):
        self.asked, self.broken = [], True

    def __getattr__(self, piece):
        def work(*names):
            self.asked.append(piece)
            if piece == "attention" and self.broken:
                raise RuntimeError("no such kernel")
            return {"images_per_second": {"training": 1.0, "evaluation": 2.0}, "peak_mb": None}

        return work


def test_it_goes_on_where_it_was_stopped_and_tries_again_what_failed(tmp_path):
    path, pieces = tmp_path / "gpu.json", Few()
    kept = gpu.measure(path, pieces, FACTS, 60, ["attention", "profile", "systems"])
    assert len(pieces.asked) == 2 + len(gpu.NAMES)
    assert kept["pieces"]["attention"]["error"] == "RuntimeError: no such kernel"
    assert "no such kernel" in gpu.block(kept)
    pieces.asked, pieces.broken = [], False
    kept = gpu.measure(path, pieces, FACTS, 60, ["attention", "profile", "systems"])
    assert pieces.asked == ["attention"]
    assert "error" not in kept["pieces"]["attention"]
    pieces.asked = []
    gpu.measure(path, pieces, {**FACTS, "device": "another"}, 60, ["profile"])
    assert pieces.asked == ["profile"]


def test_nothing_is_begun_that_would_end_too_late(tmp_path):
    pieces = Few()
    gpu.measure(tmp_path / "gpu.json", pieces, FACTS, 0.55, [])
    assert set(pieces.asked) == {"systems", "attention", "profile", "evaluate", "inspect"}
    assert sum(seconds for piece, seconds in gpu.SECONDS.items() if piece not in ("systems", "compiled")) + 6 * 30 < 9 * 60
