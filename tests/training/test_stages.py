import pytest
import torch

from tests.training.colored_blocks import blocks_recipe
from workbench.errors import WorkbenchError
from workbench.models import create_model
from workbench.training import train
from workbench.training.recipe import Stage
from workbench.training.stages import frozen_throughout, loss_terms, make_optimizer, make_schedule, set_modes, trained_parts


def srn():
    return create_model("srn", ["a", "b", "c"], backbone="small-narrow", image_size=32)


def by_part(model):
    """All tensors of each part, buffers and so the statistics of normalisations included."""
    return {
        name: {f"{number}.{key}": value.clone() for number, module in enumerate(modules) for key, value in module.state_dict().items()}
        for name, modules in model.parts.items()
    }


def same(left, right):
    return all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("stage", ["classifier", "attention", "regularisation", "joint"])
def test_frozen_parts_stay_the_same_bit_for_bit_over_an_epoch(stage, tmp_path):
    recipe = blocks_recipe("srn", epochs=1)
    before = {}

    def look(run, row):
        model = run.model("last")
        parts = by_part(model)
        if row["stage"] == stage:
            trained = trained_parts(model, recipe.stages[stage])
            reference = before or by_part(initial())
            for name in parts:
                assert same(parts[name], reference[name]) == (name not in trained), name
            seen.append(stage)
        before.clear()
        before.update(parts)

    def initial():
        from tests.training.colored_blocks import ColoredBlocks
        from workbench.training.loop import build_model

        return build_model(recipe, ColoredBlocks("train", 8))

    seen: list[str] = []
    train(recipe, tmp_path / "run", progress=False, on_epoch=look)
    assert seen == [stage]


def test_frozen_means_no_gradient_and_evaluation_mode():
    model = srn()
    set_modes(model, {"attention"})
    for name, modules in model.parts.items():
        for module in modules:
            assert all(inner.training == (name == "attention") for inner in module.modules())
            assert all(parameter.requires_grad == (name == "attention") for parameter in module.parameters())
    set_modes(model, set(model.parts))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_parameter_groups_hold_the_trained_parameters_once_and_spare_the_biases_from_decay():
    model = srn()
    stage = Stage(("classifier", "trunk"), {"logits.cls": "bce"}, 1, lr=0.1, weight_decay=0.01, lr_factors={"trunk": 0.5})
    groups = make_optimizer(model, stage).param_groups
    held = [parameter for group in groups for parameter in group["params"]]
    wanted = [p for name in ("trunk", "classifier") for module in model.parts[name] for p in module.parameters()]
    assert len(held) == len(wanted)
    assert {id(p) for p in held} == {id(p) for p in wanted}
    assert all((p.ndim > 1) == (group["weight_decay"] > 0) for group in groups for p in group["params"])
    trunk = {id(p) for module in model.parts["trunk"] for p in module.parameters()}
    assert all(group["lr"] == pytest.approx(0.05 if id(group["params"][0]) in trunk else 0.1) for group in groups)
    assert {id(p) for p in frozen_throughout(model, {"one": stage})} == {id(p) for p in model.parameters()} - {id(p) for p in wanted}


@pytest.mark.parametrize(("schedule", "middle_is_high"), [("constant", True), ("cosine", True), ("onecycle", True)])
def test_schedules_stay_below_the_stages_rate_and_cosine_and_one_cycle_end_near_zero(schedule, middle_is_high):
    stage = Stage(("all",), {"logits.cls": "bce"}, 1, lr=0.1, schedule=schedule)
    optimizer = make_optimizer(srn(), stage)
    scheduler = make_schedule(optimizer, stage, steps=20)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step() if len(rates) < 20 else None
    assert max(rates) <= 0.1 + 1e-9
    assert rates[6] > 0.05
    assert (rates[-1] < 0.002) == (schedule != "constant")


def test_a_step_schedule_falls_to_a_tenth_after_the_named_epochs():
    stage = Stage(("all",), {"logits.cls": "bce"}, 4, lr=0.1, schedule="step", lr_drops=(1, 3))
    optimizer = make_optimizer(srn(), stage)
    scheduler = make_schedule(optimizer, stage, steps=12)
    rates = []
    for _ in range(12):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0.1] * 3 + [0.01] * 6 + [0.001] * 3)
    with pytest.raises(WorkbenchError, match="give lr_drops first"):
        Stage(("all",), {"logits.cls": "bce"}, 4, lr=0.1, schedule="step")
    with pytest.raises(WorkbenchError, match="whole epochs"):
        Stage(("all",), {"logits.cls": "bce"}, 4, lr=0.1, schedule="step", lr_drops=("soon",))


def test_loss_terms_are_the_named_ones_and_weights_multiply():
    out = {"logits.cls": torch.zeros(2, 3), "loss.group": torch.tensor(4.0)}
    targets = torch.tensor([[1, 0, -1], [1, 1, 0]], dtype=torch.int8)
    terms = loss_terms(out, targets, {"logits.cls": "bce", "loss.group": 0.25}, "ignore")
    assert terms["logits.cls"].item() == pytest.approx(5 * 0.693147 / 2, rel=1e-5)
    assert terms["loss.group"].item() == 1.0
    mean = loss_terms(out, targets, {"logits.cls": "bce_mean"}, "ignore")["logits.cls"]
    assert mean.item() == pytest.approx(0.693147, rel=1e-5)
    for losses, hint in (
        ({"logits.clss": "bce"}, '"logits.cls"'),
        ({"logits.cls": "bcee"}, '"bce"'),
    ):
        with pytest.raises(WorkbenchError, match=hint):
            loss_terms(out, targets, losses, "ignore")


def test_a_part_that_the_model_lacks_is_refused():
    with pytest.raises(WorkbenchError, match='Did you mean "attention"'):
        trained_parts(srn(), Stage(("atention",), {"logits.cls": "bce"}, 1, 0.1))
