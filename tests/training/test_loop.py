import numpy as np
import pytest
import torch

from tests.training.colored_blocks import blocks_recipe
from workbench.errors import WorkbenchError
from workbench.training import Run, train


def test_a_small_problem_is_learned_and_every_epoch_leaves_a_row(tmp_path):
    rows = []
    run = train(blocks_recipe(epochs=5), tmp_path / "run", progress=False, on_epoch=lambda run, row: rows.append(row))
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert run.history == rows
    assert rows[-1]["validation.map"] > 0.97
    assert rows[0]["loss"] > 2 * rows[-1]["loss"]
    assert (rows[-1]["step"], rows[-1]["images"]) == (30, 5 * 48)
    assert run.done


def test_srn_goes_through_its_stages_with_the_same_keys_in_every_row_of_a_stage(tmp_path):
    run = train(blocks_recipe("srn"), tmp_path / "run", progress=False)
    rows = run.history
    assert [row["stage"] for row in rows] == ["classifier"] * 2 + ["attention", "regularisation"] + ["joint"] * 2
    assert {"loss.cls", "loss.sr", "loss.att"} <= rows[-1].keys()
    assert rows[-1]["loss"] == sum(rows[-1][f"loss.{name}"] for name in ("cls", "sr", "att"))
    assert rows[-1]["validation.map"] == rows[-1]["validation.map.final"]
    without_losses = [{key for key in row if not key.startswith("loss.")} for row in rows]
    assert all(keys == without_losses[0] for keys in without_losses)


def test_training_leaves_the_callers_random_numbers_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(blocks_recipe(epochs=1), tmp_path / "run", progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_a_finished_run_is_opened_not_trained_again(tmp_path):
    run = train(blocks_recipe(epochs=1), tmp_path / "run", progress=False)
    before = (run.folder / "last.safetensors").stat().st_mtime_ns
    again = train(blocks_recipe(epochs=1), tmp_path / "run", progress=False, on_epoch=lambda run, row: 1 / 0)
    assert (run.folder / "last.safetensors").stat().st_mtime_ns == before
    assert np.isclose(Run.open(again.folder).history[0]["loss"], run.history[0]["loss"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"stages.joint.losses.logits.attention": "bce"}, 'Stage "joint": The model gives no "logits.attention"'),
        ({"stages.joint.losses.logits.att": "focl"}, 'Stage "joint": logits.att: There is no loss "focl"'),
        ({"stages.joint.train": "atention"}, 'Stage "joint": .*Did you mean "attention"'),
        ({"scored": "finale"}, 'Did you mean "final"'),
        ({"model.options.gate": "nothing"}, "nothing"),
        ({"model.options.gates": "attention"}, 'Did you mean "gate"'),
    ],
)
def test_what_a_later_stage_could_not_do_is_refused_before_the_first_step(overrides, message, tmp_path):
    recipe = blocks_recipe("srn").with_overrides(overrides)
    with pytest.raises(WorkbenchError, match=message):
        train(recipe, tmp_path / "run", progress=False, on_epoch=lambda run, row: 1 / 0)


def test_scored_chooses_the_logits_that_validation_goes_by(tmp_path):
    run = train(blocks_recipe("srn", epochs=1, scored="cls"), tmp_path / "run", progress=False)
    assert all(row["validation.map"] == row["validation.map.cls"] for row in run.history)
    assert run.history[-1]["validation.map"] != run.history[-1]["validation.map.sr"]


def test_bfloat16_learns_too_and_keeps_float32_weights(tmp_path):
    run = train(blocks_recipe(epochs=4, precision="bf16-mixed"), tmp_path / "run", progress=False)
    assert run.history[-1]["validation.map"] > 0.9
    assert {value.dtype for value in run.model().parameters()} == {torch.float32}


def test_a_bar_is_drawn_only_where_it_is_asked_for_or_seen(tmp_path, capsys):
    import ipykernel  # noqa: F401, loaded is not running: a test of a notebook in the same process loads it too

    train(blocks_recipe(epochs=1), tmp_path / "silent", progress="auto")
    assert not capsys.readouterr().err
    train(blocks_recipe(epochs=1), tmp_path / "loud", progress=True)
    shown = capsys.readouterr().err
    assert "all 1/1" in shown
    assert "100%" in shown
