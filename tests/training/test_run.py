import json
import math
import os
from importlib.metadata import version

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training.colored_blocks import blocks_recipe
from workbench.errors import WorkbenchError
from workbench.training import Run, loop, train


@pytest.fixture
def run(tmp_path):
    return train(blocks_recipe("srn", epochs=1), tmp_path / "run", progress=False)


def test_the_folder_is_complete_and_holds_no_pickle(run):
    names = {path.name for path in run.folder.iterdir()}
    assert names == {
        "recipe.json",
        "environment.json",
        "data.safetensors",
        "history.jsonl",
        "last.safetensors",
        "best.safetensors",
        "state.safetensors",
        "status.json",
        "probe",
    }
    assert [path.name for path in run.probes] == [f"epoch-{number:04d}.safetensors" for number in (1, 2, 3, 4)]
    environment = run.environment
    assert environment["packages"]["torch"] == version("torch")
    assert environment["torch_threads"] == 1
    assert str(run.folder) not in json.dumps(environment)


def test_the_model_comes_back_and_gives_the_scores_of_the_history(run):
    from workbench.metrics import average_precision, mean_average_precision

    validation = run.validation()
    images = torch.from_numpy(validation.pixels(32).copy()).permute(0, 3, 1, 2).float() / 255
    for which in ("best", "last"):
        with torch.no_grad():
            logits, _ = run.model(which)(images)
        score = mean_average_precision(average_precision(logits.numpy(), validation.targets))
        assert score == pytest.approx(run.history[-1]["validation.map"], abs=0.01)


def test_best_is_the_best_epoch_of_the_last_stage(tmp_path):
    kept = {}

    def keep(run, row):
        kept[row["epoch"]] = (run.folder / "last.safetensors").read_bytes()

    run = train(blocks_recipe("srn", epochs=4), tmp_path / "run", progress=False, on_epoch=keep)
    joint = [row for row in run.history if row["stage"] == "joint"]
    best = max(joint, key=lambda row: row["validation.map"])
    assert (run.folder / "best.safetensors").read_bytes() == kept[best["epoch"]]


def test_probe_holds_maps_logits_and_features_of_fixed_images(run):
    tensors = [load_file(path) for path in run.probes]
    assert len({frozenset(held) for held in tensors}) == 1
    assert torch.equal(tensors[0]["targets"], tensors[-1]["targets"])
    last = tensors[-1]
    images, categories = last["targets"].shape
    assert last["maps.attention"].shape == (images, categories, 4, 4)
    assert last["maps.attention"].dtype == torch.float16
    assert torch.allclose(last["maps.attention"].float().sum((2, 3)), torch.ones(images, categories), atol=2e-3)
    assert len(last["features.pairs"]) == int((last["targets"] == 1).sum())
    assert not torch.equal(tensors[0]["maps.attention"], last["maps.attention"])


def test_a_folder_with_another_recipes_run_is_refused_and_left_alone(run):
    before = {path: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    with pytest.raises(WorkbenchError, match=r"another recipe \(stages.joint.lr is 0.005 there and 0.1 here\)"):
        train(run.recipe.with_overrides({"stages.joint.lr": "0.1"}), run.folder, progress=False)
    assert {path: path.stat().st_mtime_ns for path in run.folder.iterdir()} == before


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(WorkbenchError, match="holds other files"):
        train(blocks_recipe(), tmp_path, progress=False)
    with pytest.raises(WorkbenchError, match="is a file"):
        train(blocks_recipe(), tmp_path / "thesis.tex", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_folders_that_are_no_runs_are_refused(run, tmp_path):
    with pytest.raises(WorkbenchError, match="There is no run folder"):
        Run.open(tmp_path / "nowhere")
    with pytest.raises(WorkbenchError, match=r"no recipe\.json"):
        Run.open(tmp_path)
    path = run.folder / "recipe.json"
    recipe = json.loads(path.read_text())
    for damaged, message in (
        (json.dumps({**recipe, "schema": 7}), "schema 7"),
        ("{", "is damaged"),
        ("[]", "schema None"),
        (json.dumps({**recipe, "stages": {"a": {"epochs": 1}}}), "missing from stages.a"),
    ):
        path.write_text(damaged)
        with pytest.raises(WorkbenchError, match=message) as caught:
            Run.open(run.folder)
        assert "recipe.json" in str(caught.value)


def test_a_checkpoint_of_another_model_is_refused(run, tmp_path):
    other = train(blocks_recipe("pooled", epochs=1), tmp_path / "other", progress=False)
    (run.folder / "best.safetensors").write_bytes(other.weights("best").read_bytes())
    with pytest.raises(WorkbenchError, match=r'best.safetensors holds .*"pooled"'):
        run.model()
    run.weights("last").unlink()
    with pytest.raises(WorkbenchError, match=r"last.safetensors is not there"):
        run.model("last")
    with pytest.raises(WorkbenchError, match='not "first"'):
        run.model("first")


def test_a_state_of_another_model_or_a_damaged_one_is_refused(tmp_path, monkeypatch):
    def stop(run, row):
        raise KeyboardInterrupt

    for system in ("pooled", "srn"):
        with pytest.raises(KeyboardInterrupt):
            train(blocks_recipe(system), tmp_path / system, progress=False, on_epoch=stop)
    state = tmp_path / "srn" / "state.safetensors"
    state.write_bytes((tmp_path / "pooled" / "state.safetensors").read_bytes())
    with pytest.raises(WorkbenchError, match=r"state.safetensors is of another training \(name is blocks-pooled there"):
        train(blocks_recipe("srn"), tmp_path / "srn", progress=False)
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(WorkbenchError, match=r"state.safetensors, from which it would go on, is damaged"):
        train(blocks_recipe("srn"), tmp_path / "srn", progress=False)
    save_file({}, state, metadata={"state": "{}"})
    with pytest.raises(WorkbenchError, match=r"state.safetensors, from which it would go on, is damaged"):
        train(blocks_recipe("srn"), tmp_path / "srn", progress=False)


def test_best_before_the_last_stage_is_refused_with_a_reason(tmp_path):
    def look(run, row):
        if row["stage"] == "classifier":
            with pytest.raises(WorkbenchError, match='last stage, "joint"'):
                run.model()
            assert not run.done
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(blocks_recipe("srn"), tmp_path / "run", progress=False, on_epoch=look)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_its_place(bad, tmp_path, monkeypatch):
    real, calls = loop.loss_terms, 0

    def spoiled(*arguments):
        nonlocal calls
        calls += torch.is_grad_enabled()  # the check ahead of the first step does not count
        terms = real(*arguments)
        return {key: value * bad for key, value in terms.items()} if calls == 9 else terms

    monkeypatch.setattr(loop, "loss_terms", spoiled)
    with pytest.raises(
        WorkbenchError, match=rf'logits.cls became {bad} in stage "classifier", epoch 2, step 3, images .*stages.classifier.lr'
    ):
        train(blocks_recipe("srn"), tmp_path / "run", progress=False)
    assert len(Run.open(tmp_path / "run").history) == 1


def test_taking_up_a_run_clears_away_what_killed_writers_left(tmp_path):
    run = Run.start(blocks_recipe(), tmp_path / "run")
    left = [".last.safetensors.x1y2z3", ".tmpnjv2Hs", "probe/.epoch-0001.safetensors.abc", "probe/.tmpAAAAAA"]
    for name in left:  # as earlier versions left them
        (run.folder / name).write_bytes(b"half")
        os.utime(run.folder / name, (1e9, 1e9))
    killed = run.folder / "probe" / ".epoch-0001.safetensors.abc.part"
    killed.mkdir()
    (killed / "epoch-0001.safetensors").write_bytes(b"half")
    (killed / ".lock").write_text("1")
    Run.start(blocks_recipe(), tmp_path / "run")
    assert not any((run.folder / name).exists() for name in left)
    assert not killed.exists()
    assert (run.folder / "recipe.json").exists()


def test_msrn_takes_its_graph_from_the_training_split_and_keeps_it(tmp_path):
    from workbench.labels import LabelGraph

    run = train(blocks_recipe("msrn", epochs=1), tmp_path / "run", progress=False)
    training = run.training()
    expected = LabelGraph.from_targets(training.categories, training.targets)
    model = run.model("last")
    assert (model.graph.counts == expected.counts).all()
    assert (model.graph.singles == expected.singles).all()
    assert (model.semantics.neighbours.numpy() == expected.adjacency().neighbours).all()
    row = run.history[-1]
    assert row["loss"] == pytest.approx(row["loss.final"] + row["loss.group"])
    assert row["loss.group"] > 0
