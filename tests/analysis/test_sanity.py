"""The randomised-weights check finds out a map that ignores the weights, and leaves one that follows them alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.squares import Squares
from workbench import Inspection
from workbench.analysis.randomise import blocks, cascade
from workbench.analysis.sanity import randomised, rank_correlation, sanity
from workbench.capture import capture, subject_of


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, images):
        return self.scores(images).mean((2, 3))

    def scores(self, images):
        return self.second(self.norm(self.first(images)).relu())


def maps(model, images):
    blind = images.mean(1, keepdim=True).expand(-1, 3, -1, -1)  # the picture itself, whatever the weights are
    noise = model.scores(images) * 0 + torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(int(1e6 * model.second.bias[0].abs())))
    return {"blind": blind, "by weights alone": noise}


def test_verdicts():
    torch.manual_seed(0)
    squares = Squares(30)
    net = Net()

    def wrap(module):
        return subject_of(module, maps, categories=list(squares.categories), size=32)

    subject = wrap(net)
    result = sanity(subject, wrap, squares, Inspection.of(capture(subject, squares)))["sanity"]
    assert result["blind"]["verdict"] == "insensitive"
    assert result["blind"]["rank_correlation"] == pytest.approx(1, abs=1e-3)
    assert result["by weights alone"]["verdict"] == "sensitive"
    assert result["by weights alone"]["rank_correlation"] < 0.2
    assert result["blind"]["n"] == int((squares.targets == 1).sum())
    assert [step["down to"] for step in result["blind"]["cascade"]] == ["second", "norm", "first"]
    assert result["blind"]["cascade"][-1]["rank_correlation"] == result["blind"]["rank_correlation"]


def test_randomised_changes_every_weight_of_a_copy_and_forgets_statistics():
    net = Net()
    net.norm.running_mean.fill_(3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.random.get_rng_state()
    fresh = randomised(net)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    for name in ("first.weight", "first.bias", "second.weight"):
        assert not torch.equal(fresh.state_dict()[name], before[name])
    assert fresh.norm.running_mean.abs().sum() == 0


def test_rank_correlation_equals_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, (6, 40)), rng.normal(size=(6, 40))
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(rank_correlation(first, second), expected, atol=1e-12)
    assert rank_correlation(np.ones((1, 5)), np.arange(5)[None])[0] == 0


def test_one_image_is_not_enough():
    squares = Squares(1)
    subject = subject_of(Net(), maps, categories=list(squares.categories), size=32)
    assert sanity(subject, lambda module: subject, squares, Inspection.of(capture(subject, squares))) == {}


def test_the_cascade_goes_from_the_logits_down_and_leaves_nothing():
    net = Net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    steps = list(cascade(net, 3))
    assert [name for name, _ in steps] == ["second", "norm", "first"]
    changed = [{name for name, value in fresh.state_dict().items() if not torch.equal(value, before[name])} for _, fresh in steps]
    assert changed[0] == {"second.weight", "second.bias"}
    assert changed[0] <= changed[1] <= changed[2]
    assert changed[2] >= {"first.weight", "first.bias"}
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert len(list(cascade(net, 2))) == 2
    assert torch.equal(list(cascade(net, 2))[-1][1].first.weight, list(cascade(net, 2))[-1][1].first.weight)


def test_layers_of_a_block_fall_together_and_bare_parameters_fall_too():
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.full((4,), 3.0))
            self.body = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
            self.head = nn.Linear(4, 2)

    module = Tokens()
    assert [name for name, _ in blocks(module)] == ["", "body", "head"]
    fresh = randomised(module)
    assert not torch.equal(fresh.token, module.token)
    assert not torch.equal(fresh.body[0].weight, module.body[0].weight)
