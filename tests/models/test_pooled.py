import numpy as np
import pytest
import torch

from tests.support.models import NAMES, pictures, settled
from workbench.models.pooled import class_activation, pool


def slow_class_activation(x, weight, pooling):
    """Cell by cell, channel by channel, as the definition says."""
    images, channels, height, width = x.shape
    maps = np.zeros((images, len(weight), height, width))
    for image in range(images):
        for label in range(len(weight)):
            for channel in range(channels):
                cells = x[image, channel]
                average = weight[label, channel] * cells / cells.size
                maximum = np.zeros_like(cells)
                maximum[np.unravel_index(cells.argmax(), cells.shape)] = weight[label, channel] * cells.max()
                maps[image, label] += {"average": average, "max": maximum, "mean": (average + maximum) / 2}[pooling]
    return maps


@pytest.mark.parametrize("pooling", ["average", "max", "mean"])
def test_class_activation_equals_the_slow_definition(pooling):
    generator = np.random.default_rng(0)
    x, weight = generator.normal(size=(2, 5, 3, 4)), generator.normal(size=(6, 5))
    found = class_activation(torch.from_numpy(x).float(), torch.from_numpy(weight).float(), pooling)
    np.testing.assert_allclose(found.numpy(), slow_class_activation(x, weight, pooling), atol=1e-5)


@pytest.mark.parametrize("pooling", ["average", "max", "mean"])
def test_it_sums_to_the_logit_minus_its_bias(pooling):
    model = settled("pooled", pooling=pooling)
    logits, out = model(pictures(4))
    maps = model.maps(out, "class_activation")
    torch.testing.assert_close(maps.sum((2, 3)), logits - model.fc.bias, rtol=0, atol=1e-5)


def test_a_channel_gives_all_it_has_to_the_cell_that_won():
    x = torch.zeros(1, 2, 3, 3)
    x[0, 0, 1, 2], x[0, 0, 0, 0], x[0, 1, 2, 0] = 5.0, 4.0, 3.0
    maps = class_activation(x, torch.tensor([[2.0, -1.0]]), "max")[0, 0]
    expected = torch.zeros(3, 3)
    expected[1, 2], expected[2, 0] = 10.0, -3.0
    assert torch.equal(maps, expected)


def test_ties_go_to_one_cell_and_the_sum_still_holds():
    maps = class_activation(torch.ones(1, 1, 2, 2), torch.ones(1, 1), "max")
    assert maps.flatten().tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(("pooling", "by_hand"), [("average", (2.5, 0.25)), ("max", (4.0, 1.0)), ("mean", (3.25, 0.625))])
def test_pooling_by_hand(pooling, by_hand):
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 1.0]]]])
    assert pool(x, pooling).tolist() == [list(by_hand)]


def test_it_has_no_class_features_and_no_costly_map_in_out():
    _, out = settled("pooled")(pictures())
    assert "features" not in out
    assert not any(key.startswith("maps.") for key in out)
    assert out["logits.cls"].shape == (2, len(NAMES))
