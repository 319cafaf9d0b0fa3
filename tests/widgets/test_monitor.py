"""The training monitor without a browser: what it starts, stops and takes up, and what it says when something is wrong."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.support.archives import HOSTILE_NAME
from tests.support.plain_page import answer
from tests.support.run_folder import NAMES, make_probe, make_run
from workbench.errors import WorkbenchError
from workbench.lock import locked
from workbench.widgets import TrainingMonitor, monitor, training_process

# Stands in for `workbench train`: takes the folder's lock, says that it trains, and waits for a signal.
TRAINER = """
import json, os, signal, socket, sys, time
from pathlib import Path
from workbench.lock import locked
from workbench.errors import WorkbenchError
arguments = sys.argv[2:]
folder = Path(arguments[arguments.index("-o") + 1] if "-o" in arguments else arguments[-1])
if "nowhere" in arguments:
    sys.exit("workbench train: There is no recipe \\"nowhere\\".")
if "slow" in arguments:
    time.sleep(60)
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
def say(state, **more):
    facts = {"state": state, "pid": os.getpid(), "host": socket.gethostname(), "stage": "joint", "epoch": 1, "epochs": 2, **more}
    (folder / "status.json").write_text(json.dumps(facts))
try:
    with locked(folder):
        (folder / "recipe.json").write_text(json.dumps({"name": "made", "stages": {"joint": {"epochs": 2}}}))
        say("training")
        while not asked and not (folder / "finish").exists():
            time.sleep(0.02)
        say("stopped" if asked else "done")
except WorkbenchError as error:
    print(f"workbench train: {error}", file=sys.stderr)
    sys.exit(2)
sys.exit(143 if asked else 0)
"""


@pytest.fixture(autouse=True)
def trainer(tmp_path, monkeypatch):
    script = tmp_path / "trainer.py"
    script.write_text(TRAINER)
    monkeypatch.setattr(training_process, "COMMAND", (str(script),))
    monkeypatch.setattr(monitor, "OFTEN", 30.0)  # the tests look themselves
    monkeypatch.setattr(monitor, "SELDOM", 30.0)


@pytest.fixture
def make(tmp_path):
    made = []

    def make(source="made", folder="run", **given):
        made.append(TrainingMonitor(source, folder=folder and tmp_path / folder, **given))
        return made[-1]

    yield make
    for each in made:
        if each._process is not None and each._process.running:
            each._process._process.kill()
            each._process._process.wait()
        each.close()


def until(each, *states):
    for _ in range(1500):
        each.look()
        if each.state in states:
            return
        time.sleep(0.02)
    raise AssertionError(f"{each.state} and not {states}")


def test_start_stop_resume_and_finish(make):
    training = make()
    assert (training.state, training.facts["can_start"]) == ("new", True)
    training.start()
    assert training.state == "starting"
    until(training, "training")
    assert training.facts["pid"] == training._process.pid
    assert os.getsid(training.facts["pid"]) != os.getsid(0), "what interrupts the kernel does not reach it"
    with pytest.raises(WorkbenchError, match="running already"):
        training.start()
    training.stop()
    assert training.wait(30) == "stopped"
    assert training.facts["problem"] == ""
    with pytest.raises(WorkbenchError, match="nothing to stop"):
        training.stop()
    training.start()
    until(training, "training")
    (training.folder / "finish").touch()
    assert training.wait(30) == "done"
    assert not training.facts["can_start"]
    with pytest.raises(WorkbenchError, match="is finished"):
        training.start()


def test_stopped_while_it_starts(make):
    training = make("slow")
    training.start()
    training.stop()
    assert training.state in ("stopping", "new")  # it may be gone before anybody looks
    assert training.wait(30) == "new"
    assert training.facts["problem"] == ""


def test_one_that_somebody_else_started_is_taken_up_and_stopped(make, tmp_path):
    other = subprocess.Popen([sys.executable, str(tmp_path / "trainer.py"), "train", "-o", str(tmp_path / "run"), "--", "made"])
    try:
        training = make()
        until(training, "training")
        assert training.facts["pid"] == other.pid
        by_folder = TrainingMonitor(tmp_path / "run")
        assert by_folder.state == "training"
        by_folder.close()
        training.stop()
        assert other.wait(30) == 143
        until(training, "stopped")
    finally:
        other.kill()
        other.wait()


def test_two_that_start_at_once_the_second_is_refused_with_a_sentence(make, tmp_path):
    first, second = make(), make()
    first.start()
    second.start()  # neither has the lock yet
    until(first, "training", "failed")
    until(second, "training", "failed")
    while first._process.running and second._process.running:
        time.sleep(0.02)
    refused = second if first._process.running else first
    refused.look()
    assert refused.state == "training", "the other one trains"
    assert "Another training is writing into" in refused.facts["problem"]
    refused.stop()
    assert refused.wait(30) == "stopped"


def test_what_went_wrong_is_one_sentence(make, tmp_path):
    training = make("nowhere")
    training.start()
    assert training.wait(30) == "failed"
    assert training.facts["problem"] == 'There is no recipe "nowhere".'
    assert training.facts["can_start"]
    assert "There is no recipe" in training.snapshot().words
    assert "There is no recipe" in repr(training)
    (tmp_path / "file").touch()
    below = make(folder="file/run")
    below.start()
    assert below.wait(30) == "failed"
    assert "is a file, or lies below one" in below.facts["problem"]


def test_a_killed_one_and_a_folder_that_is_gone(make):
    training = make()
    training.start()
    until(training, "training")
    os.kill(training.facts["pid"], signal.SIGKILL)
    assert training.wait(30) == "failed"
    assert "was killed (signal 9)" in training.facts["problem"]
    for path in training.folder.iterdir():
        path.unlink()
    training.folder.rmdir()
    training.look()
    assert training.series["stages"] == []
    assert training.facts["rows"] == 0


def test_on_another_machine_it_cannot_be_stopped_from_here(tmp_path, make):
    folder = make_run(tmp_path / "run", 1, state="training", pid=os.getpid(), host=f"not-{socket.gethostname()}", stage="joint")
    with locked(folder):
        training = make()
        assert training.state == "training"
        with pytest.raises(WorkbenchError, match="runs on another machine"):
            training.stop()


def test_a_run_folder_needs_no_recipe_and_takes_no_settings(tmp_path, make):
    folder = make_run(tmp_path / "elsewhere", 3)
    training = make(folder, folder=None)
    assert (training.folder, training.state, training.label) == (folder, "stopped", training.label)
    assert training._arguments[-2:] == ["--", str(folder)]
    with pytest.raises(WorkbenchError, match="a recipe of its own"):
        TrainingMonitor(folder, {"stages.joint.lr": 1})
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    with pytest.raises(WorkbenchError, match="There is no run in elsewhere"):
        training.start()


def test_a_run_is_found_from_any_folder_of_the_project_or_the_nearest_is_named(tmp_path, make, monkeypatch):
    for name in ("data", "notebooks"):
        (tmp_path / name).mkdir()
    folder = make_run(tmp_path / "runs" / "srn", 5, state="done")
    make_run(tmp_path / "runs" / "tour" / "pooled", 1)
    monkeypatch.chdir(tmp_path / "notebooks")
    for source in ("runs/srn", "../runs/srn", Path("runs/srn"), "srn"):
        training = make(source, folder=None)
        assert (training.folder.resolve(), training.state) == (folder, "done")
        assert training._arguments[-2:] == ["--", str(training.folder)]
    for wrong, nearest in (("runs/sr", "runs/srn"), ("runs/tour/poled", "runs/tour/pooled")):
        with pytest.raises(WorkbenchError, match=f'There is no run at {wrong}. Did you mean "{nearest}"'):
            TrainingMonitor(wrong)
    monkeypatch.chdir(tmp_path / "runs" / "srn")
    with pytest.raises(WorkbenchError, match=r"There is no run at nowhere/run. Known names: runs/srn, "):
        TrainingMonitor("nowhere/run")


def test_the_folder_is_looked_at_while_a_view_says_that_it_looks_on(tmp_path, make, monkeypatch):
    monkeypatch.setattr(monitor, "SELDOM", 0.01)
    folder = make_run(tmp_path / "run", 1)
    training = make()

    looks = []

    async def looked(times):
        looks.clear()
        for _ in range(1000):
            if len(looks) >= times:
                return True
            await asyncio.sleep(0.01)
        return False

    async def stood_still():
        looks.clear()
        await asyncio.sleep(0.2)
        return not looks

    async def follow():
        monkeypatch.setattr(training, "look", lambda: looks.append(TrainingMonitor.look(training)))
        answer(training, {"ask": "watch", "view": "a"})
        answer(training, {"ask": "watch", "view": "b"})
        make_run(folder, 2)
        assert await looked(3)
        assert len(training.series["stages"]) == 2
        answer(training, {"ask": "leave", "view": "a"})
        assert await looked(2), "the other view is still there"
        answer(training, {"ask": "leave", "view": "b"})
        assert await stood_still(), "the page is gone, and nothing is left behind"
        answer(training, {"ask": "watch", "view": "after a reload"})
        assert await looked(2)
        monkeypatch.setattr(training, "_watched", {"after a reload": 0.0})
        await asyncio.sleep(0.1)
        assert await stood_still(), "a page that has said nothing for long is gone"
        answer(training, {"ask": "watch", "view": "c"})
        training.close()
        assert await stood_still()

    with ThreadPoolExecutor(1) as apart:  # a browser test of the same process may have left a loop running in this thread
        apart.submit(asyncio.run, follow()).result()


def test_settings_reach_the_command_line(make, tmp_path):
    training = make(overrides={"stages.joint.lr": 0.5, "average": None, "sync": True, "parts": ("a", "b")}, workers=2)
    expected = ["--set", "stages.joint.lr=0.5", "--set", "average=none", "--set", "sync=true", "--set", "parts=a,b", "--json"]
    assert training._arguments == [*expected, "--workers", "2", "-o", str(tmp_path / "run"), "--", "made"]


def test_the_view_follows_what_there_is(tmp_path, make):
    folder = make_run(tmp_path / "run", 3)
    training = make(label="boat", epoch=2)
    assert (training.label, training.view_state["epoch"]) == ("boat", 2)
    for wrong, sentence in [
        ({"label": "moon"}, 'no label "moon"'),
        ({"epoch": 9}, "has no maps"),
        ({"map": "heat"}, 'no map "heat"'),
        ({"sort": "up"}, '"sort" cannot be'),
        ({"size": 3}, 'has no "size"'),
    ]:
        with pytest.raises(WorkbenchError, match=sentence):
            training.show(**wrong)
    training.show(image=1, epoch=None)
    assert training.image == "val-1"
    before = training.series
    training.look()
    assert training.series is before, "nothing new, nothing sent"
    make_run(folder, 4)
    training.look()
    assert training.series["probed"] == [1, 2, 3, 4]


def test_the_browser_gets_maps_pictures_and_sentences(tmp_path, make):
    folder = make_run(tmp_path / "run", 2)
    training, held = make(), make_probe(folder, 2)
    told = answer(training, {"ask": "maps", "epoch": 2, "label": "tree"})
    packet = told["message"]["packet"]
    assert [entry[0] for entry in packet["layout"]] == ["maps.attention", "maps.evidence", "logits", "targets"]
    assert packet["strongest"]["evidence"] >= np.abs(held["maps.evidence"][:, 1]).max()
    assert len(answer(training, {"ask": "pictures"})["message"]["packet"]["layout"]) == 8
    assert "has no probe of epoch 9" in answer(training, {"ask": "maps", "epoch": 9, "label": "tree"})["message"]["text"]
    assert "nothing to stop" in answer(training, {"ask": "stop"})["message"]["text"]
    assert "which is unknown" in answer(training, {"ask": "else"})["message"]["text"]


def test_the_still_picture_holds_the_numbers_and_no_markup_of_others(tmp_path, make):
    make_run(tmp_path / "run", 2, names=(HOSTILE_NAME, *NAMES[1:]), state="failed", sentence=HOSTILE_NAME)
    still = make(label=HOSTILE_NAME).snapshot()
    assert HOSTILE_NAME not in still.data
    assert HOSTILE_NAME.replace("<", "&lt;").replace(">", "&gt;") in still.data
    assert "<td>40.0</td><td>+5.0</td>" in still.data
    assert len(still.data) < 120_000
    empty = make(folder="other").snapshot()
    assert empty.words == "Training of made: not started."


def test_a_damaged_history_is_told(tmp_path, make):
    folder = make_run(tmp_path / "run", 2)
    training = make()
    (folder / "history.jsonl").write_text("{")
    training.look()
    assert training.state == "failed"
    assert "history.jsonl cannot be read" in training.facts["problem"]
    make_run(folder, 3)
    training.look()
    assert training.state == "stopped"


def test_facts_are_json_and_name_no_place_on_this_machine(tmp_path, make):
    make_run(tmp_path / "run", 2, state="stopped")
    assert str(tmp_path) not in json.dumps(make().facts)
