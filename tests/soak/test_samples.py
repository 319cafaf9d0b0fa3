"""Of each long proof the fixed sample that CI tries, and the machinery that tries all of it: stopped, gone on with, at another commit."""

from __future__ import annotations

import json

import pytest

from tests.soak import __main__ as soak
from tests.soak.registry import PROOFS, Proof, listed, load, proof
from tests.soak.trying import tried

LONGEST = 60.0  # seconds of processor time of a sample


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[getattr(pytest.mark, mark) for mark in known.marks]) for name, known in load().items()]
)
def test_a_sample_of_each_proof(name):
    piece = tried(load()[name], 0, load()[name].sample)
    if "skipped" in piece:
        pytest.skip(piece["skipped"])
    assert "failed" not in piece, f"{piece['failed']}\nagain: python -m tests.soak {name} --seed 0 --count {piece['count']}"
    assert piece["processor_seconds"] < LONGEST


@pytest.fixture
def proofs():
    """Two small ones: one that holds, one that fails from its fourth case on, in its third piece."""
    seen = []

    def holds(seed, count):
        seen.append((seed, count))
        return {"odd": seed % 2}

    def fails(seed, count):
        assert seed < 3, f"seed {seed}"

    made = {
        "holds": Proof("holds", "It holds.", holds, 25, 10, 10, False, ()),
        "fails": Proof("fails", "It fails.", fails, 4, 1, 1, False, ()),
    }
    return made, seen


def test_pieces_cover_the_whole_and_are_added_up(proofs, tmp_path, monkeypatch, capsys):
    made, seen = proofs
    monkeypatch.setattr(soak, "commit", lambda: "abc")
    out = tmp_path / "robustness.json"
    assert soak.soak(made, out, ["holds"])
    study = json.loads(out.read_text())
    assert seen == [(1, 10), (2, 10), (3, 5)]
    assert {key: study["proofs"]["holds"][key] for key in ("whole", "tried", "failed", "found")} == {
        "whole": 25, "tried": 25, "failed": 0, "found": {"odd": 2},
    }  # fmt: skip
    assert study["commit"] == "abc"
    assert study["machine"]["cores"]
    assert not study["finished"]
    assert not soak.soak(made, out, ["holds", "fails"])
    assert len(seen) == 3, "what is written down is not tried again"
    study = json.loads(out.read_text())
    assert study["finished"]
    assert [piece.get("failed") for piece in study["proofs"]["fails"]["pieces"]] == [
        None, None, "AssertionError: seed 3\nassert 3 < 3", "AssertionError: seed 4\nassert 4 < 3",
    ]  # fmt: skip


def test_it_goes_on_where_it_was_stopped_and_begins_anew_at_another_commit(proofs, tmp_path, monkeypatch, capsys):
    made, seen = proofs
    out = tmp_path / "robustness.json"
    monkeypatch.setattr(soak, "commit", lambda: "abc")
    real = soak.tried

    def stopped(known, seed, count):
        if seed == 3:
            raise KeyboardInterrupt
        return real(known, seed, count)

    monkeypatch.setattr(soak, "tried", stopped)
    with pytest.raises(KeyboardInterrupt):
        soak.soak(made, out, ["holds"])
    monkeypatch.setattr(soak, "tried", real)
    assert soak.soak(made, out, ["holds"])
    assert seen == [(1, 10), (2, 10), (3, 5)]
    monkeypatch.setattr(soak, "commit", lambda: "def")
    assert soak.soak(made, out, ["holds"])
    assert seen[3:] == seen[:3]
    assert "is of commit abc; this is def" in capsys.readouterr().out


def test_a_proof_that_ends_its_process_has_failed(monkeypatch):
    from tests.soak import trying

    monkeypatch.setattr(trying.sys, "executable", "false")
    assert tried(Proof("gone", "It is gone.", lambda *_: None, 1, 1, 1, True, ()), 1, 1)["failed"] == "the process ended with code 1"


def test_items_of_a_list_are_all_met_once():
    items = list("abcdefg")
    met = [item for seed in range(1, 5) for item in listed(items, seed, 2)]
    assert met == items
    assert listed(items, 0, 2) == listed(items, 0, 2)


def test_a_proof_says_what_it_proves():
    with pytest.raises(AssertionError, match="does not say what it proves"):
        proof(whole=1, sample=1)(lambda seed, count: None)
    assert all(known.says.endswith(".") for known in PROOFS.values())
