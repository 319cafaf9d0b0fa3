"""A run knows its end from each of its files; what is lost is written again and said; nothing trained is written over without the word."""

import json
import shutil

import pytest

from tests.soak import prove_run_faults as faults
from tests.training.colored_blocks import blocks_recipe
from workbench import cli
from workbench.errors import WorkbenchError
from workbench.following import Following
from workbench.reports.collect import collect
from workbench.training import Run, loop, train
from workbench.training import environment as around

RECIPE, OTHER = faults.RECIPE, faults.OTHER
SAID_IF_FOREIGN = ("recipe.json", "history.jsonl", "last.safetensors", "best.safetensors", "state.safetensors")  # the others do not differ


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    faults.make(place)
    return place


@pytest.fixture
def finished(place, tmp_path):
    return shutil.copytree(place / "finished", tmp_path / "run")


@pytest.fixture
def stopped(place, tmp_path):
    return shutil.copytree(place / "stopped", tmp_path / "run")


@pytest.mark.parametrize("fault", faults.FAULTS)
@pytest.mark.parametrize("file", faults.FILES)
def test_a_finished_run_with_one_fault_stays_finished_and_its_weights_as_they_are(file, fault, place):
    for recipe in ("its own", "another"):
        outcome, said = faults.tried(faults.Case(((file, fault),), "finished", recipe), place)
        assert outcome == ("usable" if recipe == "its own" else "refused"), said
        silent = file == "status.json" or (fault == "other" and file not in SAID_IF_FOREIGN)
        if recipe == "its own" and not silent:
            assert file.partition("/")[0].partition(".")[0] in said, "it is said"


@pytest.mark.parametrize("file", ["history.jsonl", "environment.json", "state.safetensors", "recipe.json", "probe/pictures.safetensors"])
def test_what_other_files_keep_is_written_again(file, finished, capsys):
    whole = (finished / file).read_bytes()
    (finished / file).unlink()
    assert train(RECIPE, finished, progress=False).done
    assert f"{file.rpartition('/')[2]} was" in capsys.readouterr().err or file == "history.jsonl"
    if file != "state.safetensors":  # a finished one says only that
        assert (finished / file).read_bytes() == whole
    train(RECIPE, finished, progress=False)
    assert capsys.readouterr().err == "", "once"
    assert Following(finished).facts()["state"] == "done"


def test_without_its_state_a_finished_run_is_finished(finished, capsys):
    (finished / "state.safetensors").unlink()
    assert Run.open(finished).done
    before = faults.contents(finished)
    with pytest.raises(WorkbenchError, match=r"another recipe \(stages.all.lr is 0.005 there and 0.002 here.*--restart"):
        train(OTHER, finished, progress=False)
    assert cli.main(["train", str(finished)]) == 0
    assert "is written again" in capsys.readouterr().err
    assert faults.contents(finished) == before


def test_weights_that_nothing_can_go_on_from_are_left_alone(stopped):
    (stopped / "state.safetensors").unlink()
    before = faults.contents(stopped)
    with pytest.raises(WorkbenchError, match=r"holds 1 of 2 epochs, and state.safetensors, from which it would go on, is missing"):
        train(RECIPE, stopped, progress=False)
    assert faults.contents(stopped) == before


def test_the_word_begins_anew_and_keeps_what_was_there(finished, place, capsys):
    before = {path.relative_to(finished): path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    for number in (1, 2):
        run = train(OTHER if number == 1 else RECIPE, finished, progress=False, restart=True)
        assert f"is kept in {finished / f'earlier-{number}'}" in capsys.readouterr().err
        assert run.done
    aside = finished / "earlier-1"
    assert {path.relative_to(aside): path.read_bytes() for path in aside.rglob("*") if path.is_file()} == before
    assert faults.contents(finished / "earlier-2") == faults.contents(place / "other")
    assert faults.contents(finished) == faults.contents(place / "finished")
    assert Run.open(aside).done


@pytest.mark.parametrize("line", [0, 1])
def test_a_cut_line_of_the_history(line, finished, capsys):
    path = finished / "history.jsonl"
    whole = path.read_text()
    lines = whole.splitlines()
    path.write_text("\n".join([*lines[:line], lines[line][:40], *lines[line + 1 :]]) + "\n")
    assert [row["epoch"] for row in Run.open(finished).history] == [1, 2]
    assert len(collect(finished).history) == 2, "a report needs no repair"
    assert len(Following(finished).history()) == 2
    train(RECIPE, finished, progress=False)
    assert f"history.jsonl cannot be read from line {line + 1} on" in capsys.readouterr().err
    assert path.read_text() == whole


def test_rows_that_nothing_keeps_are_written_as_lost(stopped, place, monkeypatch, capsys):
    """As in a run of an earlier version, whose state has no copy of the history."""
    monkeypatch.setattr(Run, "kept", lambda self, rows: {})
    folder = stopped.with_name("old")

    def stop(run, row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, folder, progress=False, on_epoch=stop)
    monkeypatch.undo()
    held = (folder / "best.safetensors").read_bytes()
    (folder / "history.jsonl").write_text('{"stage": "all", "epo')
    with pytest.MonkeyPatch.context() as patch:
        import workbench.datasets

        patch.setattr(workbench.datasets, "load_dataset", faults.load_blocks)
        run = train(RECIPE, folder, progress=False)
    assert "what epoch 1 measured is lost" in capsys.readouterr().err
    assert [row.get("lost", False) for row in run.history] == [True, False]
    assert (folder / "best.safetensors").read_bytes() == held, "nobody can say that another epoch was better"
    assert (folder / "last.safetensors").read_bytes() == (place / "finished" / "last.safetensors").read_bytes()


def test_a_recipe_that_was_edited_is_said(stopped, capsys):
    path = stopped / "recipe.json"
    recipe = json.loads(path.read_text())
    recipe["stages"]["all"]["lr"] = 0.5
    path.write_text(json.dumps(recipe))
    assert cli.main(["train", str(stopped)]) == 2
    assert (
        "recipe.json was changed since it was trained (stages.all.lr is 0.005 there and 0.5 here); put it back" in capsys.readouterr().err
    )


def test_another_number_of_threads_is_said(stopped, monkeypatch, capsys):
    real = around.environment
    monkeypatch.setattr("workbench.training.run.environment", lambda: {**real(), "torch_threads": 7})
    train(RECIPE, stopped, progress=False)
    assert "it began with threads 1 and goes on with 7: it will end equal to about the fifth decimal" in capsys.readouterr().err


def test_a_first_try_that_failed_may_be_corrected(tmp_path, monkeypatch):
    def fails(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "loss_terms", fails)
        with pytest.raises(KeyboardInterrupt):
            train(blocks_recipe(), tmp_path / "run", progress=False)
    assert train(OTHER, tmp_path / "run", progress=False).done
