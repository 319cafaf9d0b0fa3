"""What a run folder says to whoever looks on: states, numbers and maps, whole, unfinished, damaged and gone."""

import json
import os
import shutil

import numpy as np
import pytest

from tests.support.run_folder import IMAGES, NAMES, history_row, make_probe, make_run
from workbench.errors import WorkbenchError
from workbench.following import Following, series
from workbench.lock import locked

RUNNING = {
    "pid": os.getpid(), "host": "here", "stage": "joint", "stage_epoch": 1, "stage_epochs": 3, "epoch": 3, "epochs": 5, "step": 4,
    "steps": 10, "images": 240, "images_in_all": 500, "images_per_second": 50.0, "loss": 0.7, "lr": 0.01,
}  # fmt: skip


def test_a_folder_that_is_not_there_is_new(tmp_path):
    facts = Following(tmp_path / "nowhere").facts()
    assert (facts["state"], facts["rows"], facts["epochs"], facts["pid"]) == ("new", 0, None, 0)


@pytest.mark.parametrize(
    ("status", "held", "state"),
    [
        ({"state": "training", **RUNNING}, True, "training"),
        ({"state": "evaluating", **RUNNING}, True, "evaluating"),
        ({"state": "stopped", **RUNNING}, True, "starting"),  # what the one before said
        ({"state": "training", **RUNNING, "pid": 1}, True, "starting"),
        ({"state": "training", **RUNNING}, False, "killed"),
        ({"state": "stopped", **RUNNING}, False, "stopped"),
        ({"state": "failed", "sentence": "The disk is full."}, False, "failed"),
        ({"state": "done"}, False, "done"),
        ({"state": "confused"}, False, "stopped"),
        ({}, False, "stopped"),
    ],
)
def test_the_state_follows_from_the_lock_and_what_was_said(tmp_path, status, held, state):
    folder = make_run(tmp_path / "run", 2, **status)
    training = Following(folder)
    if held:
        with locked(folder):
            facts = training.facts()
            assert facts["pid"] == os.getpid()
    else:
        facts = training.facts()
        assert (facts["pid"], facts["host"]) == (0, "")
    assert facts["state"] == state
    assert facts["sentence"] == ("The disk is full." if state == "failed" else "")
    assert (facts["rows"], facts["epochs"]) == (2, 5)


def test_a_lock_file_that_a_killed_process_left_locks_nothing(tmp_path):
    folder = make_run(tmp_path / "run", 2, state="training", **RUNNING)
    (folder / ".lock").write_text(str(os.getpid()))
    assert Following(folder).facts()["state"] == "killed"
    assert (folder / ".lock").exists(), "looking on changes nothing"


def test_an_old_run_without_a_status_is_finished_or_stopped(tmp_path):
    assert Following(make_run(tmp_path / "whole", 5)).facts()["state"] == "done"
    assert Following(make_run(tmp_path / "part", 4)).facts()["state"] == "stopped"


def test_the_time_left_counts_evaluations_where_an_epoch_of_the_stage_is_known(tmp_path):
    folder = make_run(tmp_path / "run", 2, state="training", **RUNNING)
    with locked(folder):
        # The third epoch is the first of its stage: 260 images at 50 a second.
        assert Following(folder).facts()["seconds_left"] == pytest.approx(5.2)
        (folder / "status.json").write_text(json.dumps({"state": "training", **RUNNING, "stage": "classifier"}))
        # Epochs of 100 images took 2 s each, evaluation included.
        assert Following(folder).facts()["seconds_left"] == pytest.approx(5.2 - 5.2 + 260 * 2 / 100)


def test_history_is_read_again_only_when_it_changed(tmp_path):
    folder = make_run(tmp_path / "run", 2)
    training = Following(folder)
    first = training.history()
    assert training.history() is first
    rows = [history_row(number) for number in (1, 2, 3)]
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row["epoch"] for row in training.history()] == [1, 2, 3]
    assert training.probed() == [1, 2], "the third epoch has no maps yet"
    make_probe(folder, 3)
    make_probe(folder, 4)
    assert training.probed() == [1, 2, 3], "the fourth is not finished"
    shutil.rmtree(folder)
    assert training.history() == []
    assert training.history() is training.history()
    assert training.facts()["state"] == "new"


def test_maps_of_a_label_after_an_epoch(tmp_path):
    folder = make_run(tmp_path / "run", 3)
    training, held = Following(folder), make_probe(folder, 2)
    found = training.probe(2, "house")
    assert np.array_equal(found.maps["attention"], held["maps.attention"][:, 2].astype(np.float32))
    assert np.array_equal(found.logits, held["logits.final"][:, 2])
    assert np.array_equal(found.targets, held["targets"][:, 2])
    assert list(found.maps) == ["attention", "evidence"]
    strongest = training.strongest("house")
    every = [make_probe(folder, epoch)["maps.evidence"][:, 2] for epoch in (1, 2, 3)]
    assert strongest["evidence"] == pytest.approx(max(float(np.abs(maps.astype(np.float32)).max()) for maps in every))
    assert len(training.pictures()) == IMAGES
    with pytest.raises(WorkbenchError, match='no label "moon"'):
        training.probe(2, "moon")
    with pytest.raises(WorkbenchError, match="no probe of epoch 7"):
        training.probe(7, "house")


def test_columns_of_the_history(tmp_path):
    columns = series(Following(make_run(tmp_path / "run", 3)).history())
    assert columns["loss"].tolist() == pytest.approx([2, 1, 2 / 3])
    assert columns["ap"].shape == (3, len(NAMES))
    assert np.isnan(columns["ap"][:, -1]).all()
    assert columns["ap"][2, 1] == pytest.approx(0.25)
    assert series([])["ap"].shape == (0, 0)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"state": 7, "pid": "x", "images": -1, "images_in_all": 1e999, "loss": true, "epoch": 10' + "0" * 400 + "}"],
)
def test_a_damaged_status_is_no_status(tmp_path, text):
    folder = make_run(tmp_path / "run", 2)
    (folder / "status.json").write_text(text)
    facts = Following(folder).facts()
    assert facts["state"] == "stopped"
    assert [facts[key] for key in ("images", "images_in_all", "loss", "epoch")] == [None] * 4


def test_damaged_files_meet_our_own_error(tmp_path):
    folder = make_run(tmp_path / "run", 2)
    (folder / "history.jsonl").write_text('{"epoch": 2, "stage": "a"}\n')
    with pytest.raises(WorkbenchError, match=r"history\.jsonl cannot be read"):
        Following(folder).facts()
    make_run(folder, 2)
    path = folder / "probe" / "epoch-0001.safetensors"
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[:-1], whole.replace(b"categories", b"kategories"), whole.replace(b"[8,5]", b"[5,8]")):
        path.write_bytes(damaged)
        with pytest.raises(WorkbenchError, match="epoch-0001"):
            Following(folder).probe(1, "sun")
    (folder / "probe" / "pictures.safetensors").write_bytes(b"no")
    with pytest.raises(WorkbenchError, match="pictures"):
        Following(folder).pictures()
