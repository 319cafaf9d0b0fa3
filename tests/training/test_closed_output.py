"""A training goes on when nobody reads what it says any more."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.commands.said import Patient, patient_output
from workbench.training import Run
from workbench.training.stopping import listening, stop_request

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_closed_pipe_does_not_end_a_training(tmp_path):
    command = [sys.executable, "-m", "tests.support.blocks_training", "train", "blocks", "-o", str(tmp_path / "run")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"epoch 1")
    process.stdout.close()
    process.stderr.close()
    assert process.wait(120) == 0
    run = Run.open(tmp_path / "run")
    assert run.done
    assert len(run.history) == run.recipe.total_epochs > 1


def test_a_stream_without_a_reader_takes_everything_in_silence(monkeypatch):
    reader, writer = os.pipe()
    stream = Patient(os.fdopen(writer, "w", buffering=1))
    os.close(reader)
    for _ in range(3):
        assert stream.write("nobody reads this\n") == 18
        stream.flush()
    assert stream.encoding
    stream.close()


def test_results_still_meet_a_closed_pipe(monkeypatch):
    """`workbench recipes | head -1` ends there, as other commands do."""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(sys, "stdout", os.fdopen(writer, "w", buffering=1))
    with pytest.raises(BrokenPipeError), patient_output(also_results=False):
        print("nobody reads this")
    with patient_output(also_results=True):
        print("nobody reads this")
    sys.stdout.close()


def test_under_nohup_a_closed_terminal_says_nothing():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening("workbench train"), stop_request() as request:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not request.signal
    finally:
        signal.signal(signal.SIGHUP, before)
