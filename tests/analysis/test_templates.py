"""Tracing a neuron of SRN's regularisation is the linear part of what the network computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workbench.analysis.templates import activations, top_images, trace
from workbench.errors import WorkbenchError
from workbench.models import create_model


@pytest.fixture
def model():
    torch.manual_seed(0)
    made = create_model("srn", ["a", "b", "c"], backbone="small-narrow", image_size=32)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
    return made.eval()


def test_inflow_template_and_outflow_are_the_networks_derivative_where_every_relu_is_open(model):
    net = model.regularisation
    for name in ("sr1", "sr2", "sr3"):
        getattr(net, name)[1].bias.data.fill_(50)  # far above zero: every ReLU passes
    found = trace(model)
    u = torch.rand(1, 3, *net.grid, requires_grad=True)
    y, out = net(u)
    neuron = 5
    (gradient,) = torch.autograd.grad(out["sr3"][0, neuron], u, retain_graph=True)
    expected = found.inflow[neuron][:, None, None] * found.template[neuron]
    assert np.allclose(gradient[0].numpy(), expected, atol=1e-5)
    (slope,) = torch.autograd.grad(y[0, 2], out["sr3"])
    assert slope[0, neuron].item() == pytest.approx(found.outflow[neuron, 2], abs=1e-6)


def test_strengths_add_up_in_a_loop_and_name_the_neurons(model):
    found = trace(model)
    size = [np.linalg.norm(template) for template in found.template]
    each = [abs(found.outflow[k, 0]) * size[k] * abs(found.inflow[k, 1]) for k in range(len(size))]
    assert found.strengths()[0, 1] == pytest.approx(sum(each), rel=1e-4)
    assert found.neurons_between("b", "a", 1) == [int(np.argmax(each))]
    with pytest.raises(WorkbenchError):
        found.neurons_between("b", "z")


def test_slant_tells_which_way_a_template_grows(model):
    found = trace(model)
    height, width = found.template.shape[1:]
    found.template[0] = np.arange(height)[:, None]
    found.template[1] = -np.arange(width)[None]
    found.template[2] = 3
    assert np.allclose(found.slant()[:3], [[0, 1], [-1, 0], [0, 0]], atol=1e-6)


def test_top_images_fire_most_and_silent_ones_are_left_out(model):
    pixels = np.random.default_rng(0).integers(0, 255, (10, 32, 32, 3), dtype=np.uint8)
    pixels.setflags(write=False)  # as data sets give them
    fired = activations(model, pixels)
    assert fired.shape == (10, len(trace(model).template))
    assert top_images(np.array([[0.0], [3], [1]]), 0) == [1, 2]


def test_another_model_is_refused():
    with pytest.raises(WorkbenchError, match="SRN"):
        trace(create_model("pooled", ["a"], backbone="small-narrow", image_size=32))
