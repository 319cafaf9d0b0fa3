"""benchmarks/training.py: a small form of everything that it measures, the block to paste, and going on where it was stopped."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from benchmarks import loading, training
from benchmarks.training_systems import PARTS, SYSTEMS, Noise, compiled_steps, one_step
from workbench.lessons import speed

TINY = {"backbone": "small-narrow", "size": 32, "labels": 3, "batch": 4, "precision": "32-true"}
PARTS_OF = dict(zip(PARTS, (0.01, 0.3, 0.6, 0.09), strict=True))
ROWS = [
    {"plain": {"training": 0.4, "evaluation": 0.1, "parts": PARTS_OF}, "srn-paper": {"training": 0.5, "evaluation": 0.2, "parts": PARTS_OF}}
]


@pytest.fixture
def study():
    kept = {
        "device": "A processor",
        "threads": 2,
        "shape": TINY,
        "machine": {"packages": {"torch": "2.15.0"}},
        "rows": ROWS,
        "summary": training.summarise(ROWS, 4),
        "smoke": {"plain": {"batch": 2, "peak_mb": 5400.4, "seconds": 9.1, "finite": True}},
        "memory": {"plain": {"2": 800.0, "4": 900.0}},
        "compiled": {"plain": {"batch": 4, "first_step_seconds": 40.0, "times_plain_step": 0.9}, "srn-paper": {"error": "no compiler"}},
        "loading": {"images_per_second": 100.0, "workers": 3, "picture": [640, 480], "kilobytes": 160.0, "batch": 4, "size": 32},
    }
    return json.loads(json.dumps(kept))


def test_the_block_says_everything_that_was_measured(study):
    lines = training.block(study).splitlines()
    assert lines[3].split()[:5] == ["plain", "10.0", "1.00", "40.0", "1.00"]
    assert lines[4].split()[:5] == ["srn-paper", "8.0", "1.25", "20.0", "2.00"]
    text = "\n".join(lines)
    for part in (
        "1/30/60/9",
        "peak 5400 MB",
        "2: 800 MB, 4: 900 MB",
        "x 0.90 of the plain step's time, first step 40 s",
        "compiled: no comp",
    ):
        assert part in text
    assert "100 img/s with 3 workers" in text
    assert "10.0 x the fastest step, the network is the limit" in text
    study["loading"]["images_per_second"] = 5.0
    assert "0.5 x the fastest step, READING IS THE LIMIT" in training.block(study)
    for part in ("smoke", "memory", "compiled", "loading"):
        del study[part]
    assert len(training.block(study).splitlines()) == 5


def test_the_notebook_reads_what_the_benchmark_writes(study):
    assert "10.0 times as many" in repr(speed.loading([study])).replace("\n", " ")
    assert speed.memory(study).rows[0][2:] == ["0.70", "50"]
    assert speed.steps(study).rows[1][:3] == ["SRN (paper)", "8.0", "1.25"]
    assert len(speed.full_shape([study]).rows) == 1
    assert len(speed.compiled([study]).rows) == 2


def test_what_was_measured_is_kept_and_on_another_machine_begun_anew(tmp_path, capsys):
    path = tmp_path / "study.json"
    first = training.Study(path, {"device": "one", "threads": 2})
    first.kept["rows"].append(ROWS[0])
    first.save("repetition 1")
    assert "repetition 1" in capsys.readouterr().out
    assert training.Study(path, {"device": "one", "threads": 2}).kept["rows"] == ROWS
    assert training.Study(path, {"device": "two", "threads": 2}).kept["rows"] == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_one_step_of_each_system(name):
    found = one_step(name, "cpu", TINY, 2)
    assert found["finite"]
    assert found["batch"] == 2
    assert found["peak_mb"] > 50


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12 and later, about torch's own worker processes
def test_the_loader_alone(workers, monkeypatch):
    real = loading.write_pictures
    monkeypatch.setattr(loading, "write_pictures", lambda folder: real(folder, 3))
    found = loading.loading_speed(32, 2, "cpu", workers, batches=6)
    assert found["images_per_second"] > 0
    assert (found["workers"], found["batch"], found["size"]) == (workers, 2, 32)
    assert 120 < found["kilobytes"] < 200, "files as large as COCO's"


def test_noise_has_the_labels_of_a_photo():
    data = Noise(300, 80, 8)
    assert data.targets.sum(1).mean() == pytest.approx(2.9, abs=0.3)
    assert data.image(0).shape == (8, 8, 3)


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("c++")), reason="no C++ compiler: nothing was compiled")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_compiled_steps_are_timed_beside_plain_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    found = compiled_steps("plain", "cpu", TINY, 2, repeats=1)
    assert found["first_step_seconds"] > 0
    assert found["times_plain_step"] > 0
    torch.compiler.reset()
