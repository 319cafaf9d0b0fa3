"""``workbench watch`` and what ``workbench train`` prints: the same facts, in words."""

import json
import os
import threading

import pytest

from tests.support.run_folder import history_row, make_probe, make_run
from workbench.cli import main
from workbench.commands import watch
from workbench.lock import locked


def test_a_finished_run_is_told_and_left(tmp_path, capsys):
    folder = make_run(tmp_path / "run", 5, state="done")
    assert main(["watch", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"scenes-made in {folder}"
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["3/5", "4/5", "5/5"]
    assert "worst AP: tree 15.0 (-5.0), boat 35.0 (-5.0)" in lines[-2]
    assert lines[-1] == "finished"


@pytest.mark.parametrize(("state", "code"), [("stopped", 0), ("failed", 1), ("training", 1)])
def test_the_exit_code_says_how_it_ended(tmp_path, capsys, state, code):
    folder = make_run(tmp_path / "run", 2, state=state, sentence="No memory left.")
    assert main(["watch", str(folder)]) == code
    last = capsys.readouterr().out.splitlines()[-1]
    assert {"stopped": "stopped after 2 of 5", "failed": "failed: No memory left.", "training": "ended without a word"}[state] in last


def test_a_running_one_is_followed_to_its_end(tmp_path, capsys, monkeypatch):
    folder = make_run(tmp_path / "run", 1, state="training", pid=os.getpid(), stage="classifier", stage_epoch=2, stage_epochs=2, epoch=2)
    monkeypatch.setattr(watch, "SECONDS", 0.05)
    begun = threading.Event()

    def train():
        with locked(folder):
            begun.set()
            shown.wait(20)
            make_probe(folder, 2)
            rows = [history_row(number) for number in (1, 2)]
            (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            (folder / "status.json").write_text(json.dumps({"state": "stopped"}))

    shown = threading.Event()
    monkeypatch.setattr(watch.time, "sleep", lambda _: shown.set() or training.join(20))
    training = threading.Thread(target=train)
    training.start()
    begun.wait(20)
    assert main(["watch", str(folder)]) == 0
    training.join(20)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1/5", "2/5"]
    assert lines[-1].startswith("stopped after 2 of 5 epochs")


def test_as_json(tmp_path, capsys):
    folder = make_run(tmp_path / "run", 2, state="stopped")
    assert main(["watch", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["rows"], found["last"]["epoch"]) == ("stopped", 2, 2)


def test_no_run_is_one_sentence(tmp_path, capsys):
    assert main(["watch", str(tmp_path / "nowhere")]) == 2
    assert "There is no run in" in capsys.readouterr().err
