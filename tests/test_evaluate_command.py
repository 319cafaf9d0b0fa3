"""``workbench evaluate`` on a tiny run: what it prints, keeps and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import workbench
from workbench.cli import main
from workbench.errors import WorkbenchError
from workbench.metrics import average_precision
from workbench.reports.scores import Scores


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One epoch on 24 scenes of 32 px."""
    from dataclasses import replace

    from workbench.training import get_recipe, train

    recipe = get_recipe("scenes-pooled", {"data.options.count": "24", "image_size": "32", "stages.all.epochs": "1"})
    recipe = replace(recipe, data=replace(recipe.data, validation_options={"count": 16}))
    return train(recipe, tmp_path_factory.mktemp("evaluate") / "run", progress=False)


def thresholds_file(path, categories, split):
    values = [0.3] * len(categories)
    path.write_text(json.dumps({"schema": 1, "categories": list(categories), "thresholds": values, "criterion": "best F1", "split": split}))
    return str(path)


def test_result_and_scores_are_kept(run, capsys):
    for preset in ("sklearn", "srn"):
        assert main(["evaluate", str(run.folder), "--preset", preset, "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed == json.loads((run.folder / f"evaluation-{preset}.json").read_text())
    scores = Scores.read(run.folder)
    data = run.validation()
    assert scores.ids == data.ids
    np.testing.assert_array_equal(scores.targets, data.targets)
    expected = average_precision(scores.logits, scores.targets, "interpolated")
    assert printed["mAP"] == pytest.approx(np.nanmean(expected))


def test_thresholds_are_taken_and_named(run, tmp_path, capsys):
    path = thresholds_file(tmp_path / "t.json", run.validation().categories.names[::-1], "test")
    assert main(["evaluate", str(run.folder), "--thresholds", path]) == 0
    assert 'threshold: one for each label, chosen on "test", criterion: best F1' in capsys.readouterr().out
    assert main(["evaluate", str(run.folder), "--thresholds", "0.3"]) == 0
    assert "threshold: 0.3, given" in capsys.readouterr().out


def test_thresholds_of_the_same_images_or_other_categories_are_refused(run, tmp_path, capsys):
    names = run.validation().categories.names
    for split in ("val", run.validation().name):
        path = thresholds_file(tmp_path / "t.json", names, split)
        assert main(["evaluate", str(run.folder), "--thresholds", path]) == 2
        assert "the images to be scored" in capsys.readouterr().err
        if split == "val":  # another split is fine
            assert main(["evaluate", str(run.folder), "--thresholds", path, "--split", "test"]) == 0
            assert "scenes-test" in capsys.readouterr().out
    path = thresholds_file(tmp_path / "t.json", names[1:], "test")
    assert main(["evaluate", str(run.folder), "--thresholds", path]) == 2
    assert names[0] in capsys.readouterr().err


def test_damaged_scores_are_one_sentence(run, tmp_path):
    from workbench import WorkbenchError

    assert Scores.read(tmp_path) is None
    (tmp_path / "scores.safetensors").write_bytes(b"12345678{}")
    with pytest.raises(WorkbenchError, match="is damaged"):
        Scores.read(tmp_path)


def test_what_the_threshold_lab_saves_is_taken(run, tmp_path, capsys):
    from workbench.widgets import ThresholdLab

    scores = {}
    for split in ("test", "val"):
        assert main(["evaluate", str(run.folder), "--split", split]) == 0
        scores[split] = Scores.read(run.folder)
    lab = ThresholdLab(scores["val"], chosen_on=scores["test"])
    chosen = lab.choose("recall", 0.8)
    path = str(lab.save_thresholds(tmp_path / "thresholds.json"))
    capsys.readouterr()
    assert main(["evaluate", str(run.folder), "--split", "val", "--thresholds", path, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["all"] == lab.numbers["all"]
    assert result["chosen"] == f'chosen on "scenes-test", criterion: {chosen.criterion}'
    assert main(["evaluate", str(run.folder), "--split", "test", "--thresholds", path]) == 2
    assert "the images to be scored" in capsys.readouterr().err


def test_the_verb_is_the_command(run, capsys):
    assert main(["evaluate", str(run.folder), "--which", "last", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert workbench.evaluate(run, which="last") == workbench.evaluate(str(run.folder), which="last") == printed
    assert main(["evaluate", str(run.folder), "--which", "last"]) == 0
    assert capsys.readouterr().out == f"{workbench.evaluate(run, which='last')}\n"


def test_scores_of_any_model_beside_the_truth(run):
    kept = Scores.read(workbench.evaluate(run) and run.folder)
    whole = workbench.evaluate(kept.logits, kept.targets, categories=kept.categories, preset="srn")
    assert whole["AP"] == workbench.evaluate(run, preset="srn")["AP"]
    data = run.validation()
    assert workbench.evaluate(kept.logits, data, preset="srn") == whole
    assert (
        workbench.evaluate(torch.tensor(kept.logits, requires_grad=True), kept.targets.tolist(), categories=kept.categories, preset="srn")
        == whole
    )
    order = kept.categories.names[::-1]
    assert workbench.evaluate(kept.logits[:, ::-1].tolist(), data, categories=order)["mAP"] == pytest.approx(workbench.evaluate(run)["mAP"])
    assert repr(whole).startswith(f"{len(kept.ids)} images\nconvention srn")
    json.dumps(whole)


def test_an_archive_is_evaluated_by_its_own_truth(run):
    inspection = workbench.inspect(run, measure=False)
    scored = workbench.evaluate(inspection)
    assert scored["data"] == inspection.name
    assert scored["AP"] == workbench.evaluate(run)["AP"]


def test_arguments_that_do_not_belong_together_are_refused(run):
    logits, targets = np.zeros((3, 2)), np.eye(3, 2, dtype=int)
    for arguments, sentence in (
        ({"scored": logits}, "Scores alone cannot be evaluated"),
        ({"scored": logits, "targets": targets}, "give categories="),
        ({"scored": logits, "targets": targets[:2], "categories": ["a", "b"]}, r"Scores \[3, 2\] and targets \[2, 2\]"),
        ({"scored": logits, "targets": targets, "categories": ["a", "b"], "split": "test"}, "split= does not go with logits"),
        ({"scored": logits, "targets": [["a"], ["b"], ["a", "b"]], "categories": ["a", "b"]}, "The targets are no table of numbers"),
        ({"scored": [["high", "low"]] * 3, "targets": targets, "categories": ["a", "b"]}, "The scores are no table of numbers"),
        ({"scored": run, "targets": targets}, "targets= does not go with a run"),
        ({"scored": logits, "targets": targets, "categories": ["a", "b"], "preset": "msr"}, '"msrn"'),
        ({"scored": run, "preset": "msr"}, '"msrn"'),
        ({"scored": "no/such/run"}, "There is no run folder no/such/run"),
    ):
        with pytest.raises(WorkbenchError, match=sentence):
            workbench.evaluate(**arguments)
