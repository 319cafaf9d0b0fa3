"""Focal and asymmetric loss against outputs of published code, and against their formulas where those end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.support.shared_data import reference
from workbench.errors import WorkbenchError
from workbench.losses import asl, bce, classification_loss, focal
from workbench.training.stages import loss_terms

CASES = {
    "asl_default": {},
    "asl_default_fullgrad": {"constant_weight": False},
    "asl_gamma0": {"gamma_neg": 0, "gamma_pos": 0},
    "asl_gamma0_clip0": {"gamma_neg": 0, "gamma_pos": 0, "clip": 0},
    "asl_focal2": {"gamma_neg": 2, "gamma_pos": 2, "clip": 0},
    "asl_focal2_fullgrad": {"gamma_neg": 2, "gamma_pos": 2, "clip": 0, "constant_weight": False},
}


def computed(loss, logits, targets, **options):
    """Values [N, C] and the gradient of their sum."""
    logits = torch.tensor(logits, requires_grad=True)
    each = loss(logits, torch.tensor(targets).to(torch.int8), reduction="none", **options)
    each.sum().backward()
    return each.detach().numpy(), logits.grad.numpy()


@pytest.mark.parametrize("case", CASES)
def test_asl_equals_the_published_loss_and_gradient(case):
    data = reference("losses.npz")
    each, gradient = computed(asl, data["logits"], data["targets"], **CASES[case])
    assert each.sum() == pytest.approx(float(data[case]), abs=1e-6)
    np.testing.assert_allclose(gradient, data[f"{case}_grad"], atol=1e-6)
    if f"{case}_each" in data:
        np.testing.assert_allclose(each, data[f"{case}_each"], atol=1e-6)


@pytest.mark.parametrize("case", ["default", "gamma0", "gamma0_clip0", "focal2"])
def test_asl_equals_the_published_loss_at_extreme_logits(case):
    data = reference("losses.npz")
    each, gradient = computed(asl, data["extreme_logits"][:, None], data["extreme_targets"][:, None], **CASES[f"asl_{case}"])
    np.testing.assert_allclose(each[:, 0], data[f"extreme_{case}_each"], atol=1e-6)
    np.testing.assert_allclose(gradient[:, 0], data[f"extreme_{case}_grad"], atol=1e-6)


def test_without_eps_asl_is_exact_cross_entropy_however_large_the_logit():
    data = reference("losses.npz")
    logits, targets = data["extreme_logits"][:, None], data["extreme_targets"][:, None]
    each, gradient = computed(asl, logits, targets, gamma_neg=0, gamma_pos=0, clip=0, eps=0)
    np.testing.assert_allclose(each[:, 0], data["extreme_bce_each"], atol=1e-9)
    np.testing.assert_allclose(gradient, 1 / (1 + np.exp(-logits)) - targets, atol=1e-12)


def test_focal_and_bce_equal_the_published_sums():
    data = reference("losses.npz")
    each, gradient = computed(focal, data["logits"], data["targets"])
    assert each.sum() == pytest.approx(float(data["focal_sum"]), abs=1e-6)
    np.testing.assert_allclose(gradient, data["focal_sum_grad"], atol=1e-6)
    each, gradient = computed(bce, data["logits"], data["targets"])
    assert each.sum() == pytest.approx(float(data["bce_sum"]), abs=1e-6)
    assert each.mean() == pytest.approx(float(data["mlsm_mean"]), abs=1e-6)
    np.testing.assert_allclose(each.mean(axis=1), data["mlsm_each_image"], atol=1e-6)


def test_alpha_weighs_present_and_absent_entries():
    logits, targets = np.array([[0.3, -1.0]]), np.array([[1, 0]])
    plain, weighted = (computed(focal, logits, targets, alpha=alpha)[0] for alpha in (-1.0, 0.25))
    np.testing.assert_allclose(weighted, plain * [[0.25, 0.75]])
    np.testing.assert_allclose(computed(focal, logits, targets, gamma=0.0)[0], computed(bce, logits, targets)[0])


def test_options_are_said_in_a_recipe():
    logits = torch.tensor([[0.5, -2.0], [1.0, 3.0]])
    targets = torch.tensor([[1, 0], [-1, 0]], dtype=torch.int8)
    terms = loss_terms({"logits.cls": logits}, targets, {"logits.cls": "asl:gamma_neg=2, clip=0"}, "ignore")
    assert terms["logits.cls"] == asl(logits, targets, gamma_neg=2, clip=0)
    assert classification_loss("bce") is bce
    assert classification_loss("asl:constant_weight=0")(logits, targets) == asl(logits, targets, constant_weight=False)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("als", 'Did you mean "asl"'),
        ("asl:gama_neg=2", 'Did you mean "gamma_neg"'),
        ("asl:clip=much", 'option "clip".*"much"'),
        ("bce:clip=0", 'no option "clip"'),
        ("asl:clip=-1", "clip is -1"),
    ],
)
def test_losses_that_cannot_be_are_refused(said, words):
    with pytest.raises(WorkbenchError, match=words):
        loss_terms({"logits.cls": torch.zeros(1, 1)}, torch.zeros(1, 1, dtype=torch.int8), {"logits.cls": said}, "ignore")
