"""``status.json``: what a training says of itself while it runs, and how it says that it ended."""

import json
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest

from tests.training.colored_blocks import blocks_recipe
from workbench.errors import WorkbenchError
from workbench.following import Following
from workbench.training import status, train
from workbench.training.state import Position
from workbench.training.stopping import Stopped


def said(folder):
    return json.loads((folder / "status.json").read_text())


@pytest.fixture
def every_step(monkeypatch):
    """No second has to go by between two versions; every one of them is kept."""
    versions = []
    write = status.Status.write

    def keep(self, *given):
        write(self, *given)
        versions.append(said(self.run.folder))

    monkeypatch.setattr(status, "SECONDS", 0.0)
    monkeypatch.setattr(status.Status, "write", keep)
    return versions


def test_it_says_where_the_training_is(tmp_path, every_step):
    recipe = blocks_recipe("srn", epochs=2)
    run = train(recipe, tmp_path / "run", progress=False)
    states = [each["state"] for each in every_step]
    assert states[0] == "starting"
    assert states[-1] == "done"
    assert states.count("training") == 6 * recipe.total_epochs, "48 images in batches of 8"
    assert "evaluating" in states
    third = next(each for each in every_step if each["state"] == "training" and each["epoch"] == 3)
    expected = {"stage": "attention", "stage_epoch": 1, "stage_epochs": 1, "epochs": 6, "step": 1, "steps": 6, "images": 104}
    assert {key: third[key] for key in expected} == expected
    assert (third["images_in_all"], third["pid"], third["processes"]) == (288, os.getpid(), 1)
    last = [each for each in every_step if each.get("epoch") == 6 and each["state"] == "training"][-1]
    assert last["step"] == 6
    assert last["loss"] == pytest.approx(run.history[-1]["loss"])
    assert last["images_per_second"] > 0
    assert Following(run.folder).facts()["state"] == "done"
    assert not [path.name for path in run.folder.iterdir() if path.name.startswith(".")]


def test_it_is_written_at_most_once_a_second(tmp_path, monkeypatch):
    run = train(blocks_recipe(epochs=1), tmp_path / "run", progress=False)
    now, written = [100.0], []
    monkeypatch.setattr(status, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))
    kept, write = status.Status(run, 1), status.Status.write
    monkeypatch.setattr(status.Status, "write", lambda self, state: (written.append(now[0]), write(self, state)))
    for step in range(1, 101):
        now[0] += 0.3
        kept.tell("training", Position(images=8 * step), 6, 48)
    assert written[0] == pytest.approx(100.3)
    assert np.diff(written) == pytest.approx(1.2)
    assert said(run.folder)["images_per_second"] == pytest.approx(8 / 0.3, abs=0.1)


def test_a_stop_and_a_failure_are_told(tmp_path, monkeypatch):
    def stop(run, row):
        raise Stopped(15)

    with pytest.raises(Stopped):
        train(blocks_recipe(), tmp_path / "run", progress=False, on_epoch=stop)
    assert (said(tmp_path / "run")["state"], said(tmp_path / "run")["epoch"]) == ("stopped", 2)

    def fail(run, row):
        raise WorkbenchError("The sky fell.")

    with pytest.raises(WorkbenchError):
        train(blocks_recipe(), tmp_path / "other", progress=False, on_epoch=fail)
    facts = Following(tmp_path / "other").facts()
    assert (facts["state"], facts["sentence"]) == ("failed", "The sky fell.")


def test_a_status_that_cannot_be_written_stops_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise WorkbenchError("The disk is full.")

    monkeypatch.setattr(status, "atomic", full)
    run = train(blocks_recipe(epochs=1), tmp_path / "run", progress=False)
    assert run.done
    assert not (run.folder / "status.json").exists()


def test_looking_on_needs_no_data_set(tmp_path):
    run = train(blocks_recipe("srn", epochs=1), tmp_path / "run", progress=False)
    training = Following(run.folder)
    assert training.probed() == [1, 2, 3, 4]
    header = training.header(4)
    assert list(header["kinds"]) == ["attention", "confidence", "weighted"]
    assert header["kinds"]["attention"].sums_to == "one"
    probe = training.probe(4, "green")
    assert probe.maps["attention"].sum((1, 2)) == pytest.approx(1, abs=2e-3)
    assert len(training.pictures()) == len(probe.targets) == len(header["ids"])
    before = (run.folder / "probe" / "pictures.safetensors").stat().st_mtime_ns
    again = train(blocks_recipe("srn", epochs=1), run.folder, progress=False)
    assert (again.folder / "probe" / "pictures.safetensors").stat().st_mtime_ns == before
