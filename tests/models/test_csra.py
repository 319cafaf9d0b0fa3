import math

import pytest
import torch

from tests.support.models import NAMES, pictures, settled
from workbench.models import create_model
from workbench.models.csra import TEMPERATURES, CSRAModel


def slow_logits(model, x):
    """Image by image, head by head, label by label."""
    weight = model.classifiers.weight[:, :, 0, 0].unflatten(0, (len(model.temperatures), -1))  # [heads, C, D]
    logits = torch.zeros(len(x), len(NAMES))
    for image, cells in enumerate(x.flatten(2).transpose(1, 2)):  # [P, D]
        for head, temperature in enumerate(model.temperatures):
            for label in range(len(NAMES)):
                score = cells @ (weight[head, label] / weight[head, label].square().sum().sqrt())  # [P]
                if math.isinf(temperature):
                    attended = score.max()
                else:
                    share = torch.exp(temperature * score) / torch.exp(temperature * score).sum()
                    attended = (share * score).sum()
                logits[image, label] += score.mean() + model.residual_weight * attended
    return logits


@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 3, "residual_weight": 0.7}, {"temperature": "max"}, *({"heads": heads} for heads in TEMPERATURES)],
    ids=str,
)
def test_logits_equal_the_slow_definition(options):
    model = settled("csra", **options)
    images = pictures(3)
    torch.testing.assert_close(model(images)[0], slow_logits(model, model.backbone(images)[-1]), rtol=1e-4, atol=1e-4)


def test_one_heads_feature_gives_the_logit_by_the_classifier():
    """logit = m . (mean feature + lambda * attended feature), the form of the paper's last equation."""
    model = settled("csra", residual_weight=0.4)
    logits, out = model(pictures(3))
    unit = torch.nn.functional.normalize(model.classifiers.weight[:, :, 0, 0], dim=1)
    torch.testing.assert_close((out["features"] * unit).sum(2), logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{"temperature": "max"}, {"heads": 6}], ids=str)
def test_class_activation_adds_up_to_the_logit(options):
    model = settled("csra", **options)
    logits, out = model(pictures(3))
    torch.testing.assert_close(model.maps(out, "class_activation").sum((2, 3)), logits, rtol=0, atol=1e-5)
    assert model.logit_bias("cls").tolist() == [0] * len(NAMES)


def test_an_infinite_temperature_looks_at_one_cell_and_a_high_one_nearly_so():
    images = pictures(2)
    maximum, hot = settled("csra", temperature="max"), settled("csra", temperature=1000.0)
    attention = maximum(images)[1]["maps.attention"]
    assert ((attention == 0) | (attention == 1)).all()
    torch.testing.assert_close(hot(images)[0], maximum(images)[0], rtol=1e-3, atol=1e-3)


def test_without_the_residual_it_is_average_pooling():
    model = settled("csra", residual_weight=0.0)
    logits, out = model(pictures())
    torch.testing.assert_close(logits, out["logits.base"])


def test_the_settings_of_the_paper_and_of_the_released_commands_build():
    """VOC 2007: one head, 0.1; COCO with a ResNet-101: 6 heads to train, 4 to evaluate, 0.5; from CutMix: 6 heads, 0.4."""
    defaults = create_model("csra", NAMES)
    assert (len(defaults.temperatures), defaults.residual_weight) == (1, 0.1)
    for heads, weight in ((6, 0.5), (4, 0.5), (6, 0.4)):
        model = create_model("csra", NAMES, heads=heads, residual_weight=weight)
        assert (len(model.temperatures), model.residual_weight) == (heads, weight)
        assert model.temperatures[-1] == float("inf")
        assert f"{weight} " in CSRAModel.__doc__ or f"{weight}," in CSRAModel.__doc__
