"""A run folder as version 0.1.0 left it, finished and stopped half-way: it opens, evaluates, is inspected, and goes on."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import workbench
from workbench.training import Run, train

FIXTURE = Path(__file__).parent / "fixtures" / "run-schema-1.zip"


@pytest.fixture
def runs(tmp_path):
    with zipfile.ZipFile(FIXTURE) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_the_fixture_is_small_and_names_no_machine():
    assert FIXTURE.stat().st_size < 100_000
    places = re.compile(rb"/ho" + rb"me/|/ro" + rb"ot/|/tm" + rb"p/|/Us" + rb"ers/")
    with zipfile.ZipFile(FIXTURE) as archive:
        for name in archive.namelist():
            assert not places.search(archive.read(name)), name
        recipe = json.loads(archive.read("finished/recipe.json"))
    assert recipe["schema"] == 1
    assert recipe["data"]["root"] is None


def test_it_opens(runs):
    run = Run.open(runs / "finished")
    assert run.done
    assert [row["stage"] for row in run.history] == ["head", "joint", "joint"]
    assert run.environment["workbench"] == "0.1.0"
    assert [len(files) for files in (run.probes, run.feature_probes)] == [3, 3]
    stopped = Run.open(runs / "stopped")
    assert not stopped.done
    assert (stopped.position.steps, stopped.position.rows) == (7, 2)


def test_its_model_still_says_what_it_said(runs):
    run = Run.open(runs / "finished")
    kept = load_file(run.probes[-1])
    with zipfile.ZipFile(FIXTURE) as archive:
        header = archive.read(f"finished/probe/{run.probes[-1].name}")
    ids = json.loads(json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]["probe"])["ids"]
    validation = run.validation()
    rows = [validation.ids.index(identifier) for identifier in ids]
    pixels = torch.from_numpy(validation.pixels(32)[rows].copy()).permute(0, 3, 1, 2).float() / 255
    assert torch.equal(kept["targets"], torch.from_numpy(validation.targets[rows]))
    model = run.model("last")
    with torch.no_grad():
        logits, out = model(pixels)
    torch.testing.assert_close(logits, kept["logits.cls"], rtol=0, atol=1e-3)
    torch.testing.assert_close(model.maps(out, "attention"), kept["maps.attention"].float(), rtol=0, atol=2e-3)


def test_it_is_evaluated(runs):
    run = Run.open(runs / "finished")
    result = workbench.evaluate(run.folder, which="last")
    assert result["mAP"] == pytest.approx(run.history[-1]["validation.map"], abs=0.02)
    assert (run.folder / "evaluation-sklearn.json").is_file()


def test_it_is_inspected(runs, tmp_path):
    inspection = workbench.inspect(Run.open(runs / "finished"), limit=4, measure=False)
    again = workbench.Inspection.open(inspection.save(tmp_path / "old.safetensors"))
    assert len(again) == 4
    assert "attention" in again.map_kinds
    assert np.isfinite(again.logits()).all()


def test_it_goes_on_to_what_it_would_have_become(runs):
    finished, stopped = Run.open(runs / "finished"), Run.open(runs / "stopped")
    before = {path.name: path.stat().st_mtime_ns for path in finished.folder.iterdir()}
    train(finished.recipe, finished.folder, progress=False)
    assert {path.name: path.stat().st_mtime_ns for path in finished.folder.iterdir()} == before, "what is done is left alone"
    run = train(stopped.recipe, stopped.folder, progress=False)
    assert run.done
    for one, other in zip(finished.history, run.history, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=2e-3)  # another torch adds up in another order, which training magnifies
    left, right = load_file(finished.weights("last")), load_file(run.weights("last"))
    for name, value in left.items():
        torch.testing.assert_close(right[name], value, rtol=2e-2, atol=5e-3, msg=name)
