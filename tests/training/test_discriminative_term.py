"""The discriminative loss inside a training."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from tests.training.colored_blocks import blocks_recipe
from workbench.errors import WorkbenchError
from workbench.training import Recipe, train
from workbench.training.recipe import Discriminative


def with_loss(system, epochs=2, **settings):
    recipe = blocks_recipe(system, epochs, feature_images=20)
    stage = recipe.last_stage
    stages = {**recipe.stages, stage: replace(recipe.stages[stage], discriminative=Discriminative(**settings))}
    return replace(recipe, stages=stages)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(with_loss("disentangled", 3, weight=0.5, ramp_epochs=2), tmp_path_factory.mktemp("disc") / "run", progress=False)


def test_it_is_logged_apart_and_added_with_its_ramped_weight(run):
    rows = run.history
    for row in rows:
        assert row["loss"] == pytest.approx(row["loss.cls"] + row["loss.discriminative"])
        assert row["discriminative.pull"] + row["discriminative.push"] == pytest.approx(row["discriminative.loss"], rel=1e-5)
        assert row["discriminative.anchors"] > 5
    assert rows[2]["loss.discriminative"] == pytest.approx(0.5 * rows[2]["discriminative.loss"], rel=1e-5)
    shares = [row["loss.discriminative"] / row["discriminative.loss"] for row in rows]
    assert 0.1 < shares[0] < 0.2  # mean of 1/12 ... 6/12 of the weight, and the very first batch has hardly an anchor
    assert 0.35 < shares[1] < 0.42


def test_the_centres_stand_beside_the_checkpoint_with_the_names_of_their_rows(run):
    path = run.folder / "centres.safetensors"
    held = load_file(path)
    assert held["centres"].shape == (3, 128)
    assert held["seen"].all()
    torch.testing.assert_close(held["centres"].norm(dim=1), torch.ones(3))
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["categories"])["names"] == ["red", "green", "blue"]


def test_class_features_of_the_first_validation_images_are_kept_after_each_epoch(run):
    validation = run.validation()
    assert len(run.feature_probes) == 3
    held = load_file(run.feature_probes[-1])
    pairs = np.argwhere(validation.targets[:20] == 1)
    np.testing.assert_array_equal(held["features.pairs"].numpy(), pairs)
    images = torch.from_numpy(validation.pixels(32)[:20].copy()).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        _, out = run.model("last")(images)
    expected = out["features"][pairs[:, 0], pairs[:, 1]]
    torch.testing.assert_close(held["features.values"].float(), expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("system", ["csra", "srn", "disentangled"])
@pytest.mark.parametrize("settings", [{}, {"form": "two_terms"}, {"on": "logits"}], ids=["default", "two terms", "logits"])
def test_every_model_with_features_takes_it(system, settings, tmp_path):
    run = train(with_loss(system, 1, **settings), tmp_path / "run", progress=False)
    assert run.history[-1]["discriminative.loss"] > 0
    width = 3 if "on" in settings else {"csra": 128, "srn": 96, "disentangled": 128}[system]
    assert load_file(run.folder / "centres.safetensors")["centres"].shape == (3, width)


def test_a_model_without_features_is_refused_before_the_first_step_unless_logits_are_meant(tmp_path):
    with pytest.raises(WorkbenchError, match=r'Stage "all": The discriminative loss needs class features.*disentangled'):
        train(with_loss("pooled", 1), tmp_path / "run", progress=False)
    assert "discriminative.loss" in train(with_loss("pooled", 1, on="logits"), tmp_path / "logits", progress=False).history[-1]


def test_a_weight_of_zero_only_measures(tmp_path):
    plain = train(blocks_recipe("disentangled", 1), tmp_path / "plain", progress=False)
    measured = train(with_loss("disentangled", 1, weight=0.0), tmp_path / "measured", progress=False)
    assert measured.history[0]["discriminative.loss"] > 0
    before, after = load_file(plain.weights("last")), load_file(measured.weights("last"))
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_the_settings_go_through_json_and_overrides():
    recipe = with_loss("srn")
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    changed = recipe.with_overrides({"stages.joint.discriminative.weight": "0.3", "stages.joint.discriminative.form": "two_terms"})
    assert changed.stages["joint"].discriminative == Discriminative(weight=0.3, form="two_terms")
    with pytest.raises(WorkbenchError, match=r'Did you mean "stages\.joint\.discriminative\.weight"'):
        recipe.with_overrides({"stages.joint.discriminative.wieght": "1"})
    value = recipe.to_json()
    value["stages"]["joint"]["discriminative"]["tau"] = 1
    with pytest.raises(WorkbenchError, match=r'no "tau" in stages\.joint\.discriminative'):
        Recipe.from_json(value)
    with pytest.raises(WorkbenchError, match="give 0 or more"):
        Discriminative(weight=-1)
    with pytest.raises(WorkbenchError, match='Did you mean "logits"'):
        Discriminative(on="logit")
