import json
from dataclasses import replace

import pytest
import torch

from tests.training.colored_blocks import blocks_recipe
from workbench.errors import WorkbenchError
from workbench.training import RECIPES, Recipe, get_recipe
from workbench.training.recipe import Expected, Stage
from workbench.training.stages import make_schedule


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_json_and_goes_by_its_name(name):
    recipe = get_recipe(name)
    assert recipe.name == name
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@pytest.mark.parametrize("data", ["scenes", "voc-study"])
def test_recipes_on_the_same_data_have_the_same_budget(data):
    recipes = [get_recipe(name) for name in RECIPES if name.startswith(f"{data}-")]
    assert len(recipes) >= 4
    assert len({recipe.images_through_backbone(2476) for recipe in recipes}) == 1
    assert len({json.dumps(recipe.to_json()["data"]) for recipe in recipes}) == 1


def test_budget_is_epochs_of_all_stages_times_images():
    recipe = blocks_recipe("srn", epochs=3)
    assert recipe.images_through_backbone() == (3 + 1 + 1 + 3) * 48
    assert recipe.images_through_backbone(10) == 80
    with pytest.raises(WorkbenchError, match="pass their number"):
        get_recipe("voc-study-srn").images_through_backbone()


def test_overrides_are_read_as_the_type_that_stands_there():
    recipe = blocks_recipe("srn").with_overrides(
        {
            "stages.joint.lr": "1e-4",
            "stages.joint.epochs": "7",
            "stages.joint.train": "attention, classifier",
            "stages.joint.losses.logits.att": "0.5",
            "stages.joint.lr_factors.trunk": "0.1",
            "data.options.count": "20",
            "data.options.relation": "0",
            "model.weights": "pypi",
            "model.options.gate": "none",
            "model.options.variant": "released",
            "data.root": "none",
            "seed": 3,
        }
    )
    joint = recipe.stages["joint"]
    assert (joint.lr, joint.epochs, joint.train) == (1e-4, 7, ("attention", "classifier"))
    assert joint.losses["logits.att"] == 0.5
    assert joint.lr_factors == {"trunk": 0.1}
    assert recipe.data.options == {"count": 20, "relation": 0}
    assert (recipe.model.weights, recipe.model.options) == ("pypi", {"gate": None, "variant": "released"})
    assert (recipe.data.root, recipe.seed) == (None, 3)
    assert list(recipe.stages) == ["classifier", "attention", "regularisation", "joint"]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("stages.jiont.lr", "stages.joint"),
        ("stages.joint.learning_rate", "There is no"),
        ("stages.joint.epoch", "stages.joint.epochs"),
        ("stage.joint.lr", "stages"),
        ("presicion", "precision"),
        ("model.backbon", "model.backbone"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(key, hint):
    with pytest.raises(WorkbenchError, match=hint) as caught:
        blocks_recipe("srn").with_overrides({key: "1"})
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("stages.joint.epochs", "2.5", "takes int"),
        ("stages.joint.epochs", "two", "takes int"),
        ("stages.joint.lr", "fast", "takes float"),
        ("stages.joint.optimizer", "adam", 'Did you mean "adamw"'),
        ("precision", "16", "bf16-mixed"),
        ("stages.joint", "1", "group of settings"),
        ("stages", "1", "group of settings"),
        ("seed.more", "1", "too deep"),
        ("seed", "-1", "at least 0"),
        ("stages.joint.lr", "0", "positive"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(key, value, message):
    with pytest.raises(WorkbenchError, match=message):
        blocks_recipe("srn").with_overrides({key: value})


def test_an_overridden_recipe_promises_nothing():
    recipe = replace(blocks_recipe(), expected=(Expected("validation.map", 0.9, "measured"),))
    assert recipe.with_overrides({}).expected
    assert recipe.with_overrides({"seed": "0"}).expected
    assert not recipe.with_overrides({"seed": "1"}).expected
    with pytest.raises(WorkbenchError, match='Did you mean "measured"'):
        Expected("validation.map", 0.9, "measurd")


def test_a_recipe_without_epochs_or_losses_is_refused():
    with pytest.raises(WorkbenchError, match="no epoch"):
        blocks_recipe(epochs=0)
    with pytest.raises(WorkbenchError, match="at least one loss"):
        Stage(("all",), {}, 1, 0.1)
    assert blocks_recipe("srn").with_overrides({"stages.joint.epochs": "0"}).last_stage == "regularisation"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 99}, "schema 99"),
        ({"sead": 1}, 'no "sead" in the recipe.*"seed"'),
        ({"data": {"name": "blocks", "train": "train"}}, '"validation" is missing from data'),
        ({"model": "srn"}, '"model" in the recipe'),
    ],
)
def test_a_foreign_recipe_file_is_refused(change, message):
    with pytest.raises(WorkbenchError, match=message):
        Recipe.from_json({**blocks_recipe().to_json(), **change})


def test_unknown_recipes_are_refused_with_the_nearest_name():
    with pytest.raises(WorkbenchError, match='Did you mean "scenes-srn"'):
        get_recipe("scene-srn")


@pytest.mark.parametrize(("name", "batch"), [("voc2007-msrn", 24), ("coco2014-msrn", 12), ("nuswide-msrn", 12), ("apparel-msrn", 12)])
def test_msrn_trains_as_its_released_commands_do(name, batch):
    recipe = get_recipe(name)
    stage = recipe.stages[recipe.last_stage]
    assert (stage.epochs, stage.batch_size, recipe.image_size, recipe.augmentation) == (20, batch, 448, "fixed_crops")
    assert (stage.optimizer, stage.lr, stage.momentum, stage.weight_decay) == ("sgd", 0.1, 0.9, 1e-4)
    assert (stage.lr_factors, stage.schedule, stage.lr_drops) == ({"trunk": 0.1, "layers": 0.1}, "step", (30,))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = make_schedule(optimizer, stage, steps=20)
    for _ in range(20):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr() == [0.1], "the drop after 30 epochs is never reached"


def test_every_system_of_the_papers_has_its_recipes():
    official = [name for name, make in RECIPES.items() if make().model.backbone == "resnet101"]
    assert {"coco2014-srn", "nuswide-srn", "wider-srn", "coco2014-msrn", "voc2007-msrn", "nuswide-msrn", "apparel-msrn"} <= set(official)
    assert {"coco2014-disc", "voc2007-disc", "voc2012-disc", "coco2014-modern"} <= set(official)
