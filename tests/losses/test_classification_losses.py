import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from workbench.errors import WorkbenchError
from workbench.losses import CLASSIFICATION_LOSSES, bce


def example(unknown=True, seed=0):
    generator = np.random.default_rng(seed)
    logits = torch.from_numpy(generator.normal(0, 3, (6, 5)))
    targets = torch.from_numpy(generator.integers(-1 if unknown else 0, 2, (6, 5)).astype(np.int8))
    return logits, targets


def slow_each(logits, targets, unknown):
    each = np.zeros(logits.shape)
    for image in range(logits.shape[0]):
        for label in range(logits.shape[1]):
            target = int(targets[image, label])
            if target == -1:
                if unknown == "ignore":
                    continue
                target = 1 if unknown == "positive" else 0
            probability = 1 / (1 + math.exp(-float(logits[image, label])))
            each[image, label] = -math.log(probability if target else 1 - probability)
    return each


@pytest.mark.parametrize("unknown", ["ignore", "positive", "negative"])
def test_bce_equals_a_slow_loop(unknown):
    logits, targets = example()
    each = slow_each(logits, targets, unknown)
    counted = (targets >= 0).sum().item() if unknown == "ignore" else targets.numel()
    np.testing.assert_allclose(bce(logits, targets, "none", unknown), each, atol=1e-12)
    np.testing.assert_allclose(bce(logits, targets, "batch", unknown), each.sum() / 6, atol=1e-12)
    np.testing.assert_allclose(bce(logits, targets, "mean", unknown), each.sum() / counted, atol=1e-12)


def test_without_unknowns_mean_is_torchs_and_batch_is_c_times_that():
    logits, targets = example(unknown=False)
    theirs = F.binary_cross_entropy_with_logits(logits, targets.double())
    torch.testing.assert_close(bce(logits, targets, "mean"), theirs)
    torch.testing.assert_close(bce(logits, targets), 5 * theirs)


def test_unknown_entries_have_no_gradient_even_at_infinite_logits():
    logits, targets = example()
    logits[targets == -1] = torch.tensor([math.inf, -math.inf, math.nan], dtype=logits.dtype).repeat(10)[: int((targets == -1).sum())]
    logits.requires_grad_()
    loss = bce(logits, targets)
    loss.backward()
    assert loss.isfinite()
    assert (logits.grad[targets == -1] == 0).all()
    assert (logits.grad[targets != -1] != 0).all()


def test_the_gradient_is_probability_minus_target_over_b():
    logits, targets = example(unknown=False)
    logits.requires_grad_()
    bce(logits, targets).backward()
    torch.testing.assert_close(logits.grad, (torch.sigmoid(logits.detach()) - targets) / 6)


def test_extreme_logits_stay_exact():
    logits = torch.tensor([[1000.0, -1000.0, 40.0, -40.0]], requires_grad=True)
    each = bce(logits, torch.tensor([[1, 0, 0, 1]], dtype=torch.int8), "none")
    assert each.tolist() == [[0, 0, 40, 40]]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened(dtype):
    logits, targets = example()
    found = bce(logits.to(dtype), targets)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, bce(logits.to(dtype).float(), targets))
    with torch.autocast("cpu", torch.bfloat16):
        assert bce(logits.to(dtype), targets).dtype == torch.float32


def test_nothing_known_is_zero_and_not_a_division_by_zero():
    logits = torch.randn(3, 4, requires_grad=True)
    targets = torch.full((3, 4), -1, dtype=torch.int8)
    for reduction in ("batch", "mean"):
        loss = bce(logits, targets, reduction)
        loss.backward()
        assert loss == 0
    assert (logits.grad == 0).all()


def test_arguments_are_left_as_they_were():
    logits, targets = example()
    before = logits.clone(), targets.clone()
    for unknown in ("ignore", "positive", "negative"):
        bce(logits, targets, unknown=unknown)
    assert torch.equal(logits, before[0])
    assert torch.equal(targets, before[1])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reduction": "sum"}, 'no reduction "sum"'),
        ({"unknown": "ignored"}, 'Did you mean "ignore"'),
        ({"shape": 4}, r"\[6, 4\].*\[6, 5\]"),
    ],
)
def test_bad_arguments_are_one_sentence(options, words):
    logits, targets = example()
    logits = logits[:, : options.pop("shape", 5)]
    with pytest.raises(WorkbenchError, match=words):
        bce(logits, targets, **options)


@pytest.mark.parametrize("name", CLASSIFICATION_LOSSES)
def test_every_loss_takes_the_same_arguments(name):
    logits, targets = example()
    loss = CLASSIFICATION_LOSSES[name]
    each = loss(logits, targets, reduction="none", unknown="ignore")
    assert each.shape == logits.shape
    assert (each[targets == -1] == 0).all()
    entries = (targets >= 0).sum() if name.endswith("_mean") else 6
    torch.testing.assert_close(loss(logits, targets), each.sum() / entries)
