"""MSRN against numbers that the released code computed from weights and inputs made by a rule."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.bare_backbone import bare_backbone
from tests.support.fill import fill
from tests.support.shared_data import reference, shared
from workbench.categories import Categories
from workbench.labels import LabelGraph, LabelVectors
from workbench.models.msrn import MSRNModel
from workbench.models.msrn_attention import _centred, _weights
from workbench.models.msrn_inputs import take_released

CHANNELS = (512, 1024, 2048)
SHAPES = {
    "label_embed.layers.0.W": (256, 300),
    "label_embed.layers.0.a": (600, 1),
    "label_embed.layers.1.W": (300, 512),
    "label_embed.layers.1.a": (1024, 1),
    "group_embed.layers.0.embed.W": (512, 512),
    "group_embed.layers.0.embed.a": (1024, 1),
    "fc_label.weight": (256, 300),
    "fc_label.bias": (256,),
    "fc1.bias": (2048,),
}
FILES = ("synthetic", "voc", "coco")
PRECISIONS = {torch.float64: 1e-6, torch.float32: 5e-5}


@cache
def file(name):
    if name != "synthetic":  # that one is small and here
        return reference(f"msrn_{name}.npz")
    with np.load(Path(__file__).parent / "data" / "msrn_synthetic.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def counted(name) -> LabelGraph:
    """The counts behind a file: its own, or those published for the data set, whose rows are in the same alphabetical order."""
    if name == "synthetic":
        counts, singles = file(name)["counts_adj"], file(name)["counts_nums"]
        return LabelGraph(Categories(f"label {row}" for row in range(len(singles))), counts, singles)
    with np.load(shared("data", "label_vectors", f"{name}.npz"), allow_pickle=False) as published:
        return LabelGraph(Categories(str(label) for label in published["names"]), published["adj"], published["nums"])


def tensors(name, head) -> dict[str, torch.Tensor]:
    """The parameters of a file in the released layout, those of the other head left out."""
    known = file(name)
    labels, groups = int(known["num_classes"]), int(known["num_groups"])
    shapes = {
        **SHAPES,
        "group_embed.layers.0.assign_mat.W": (512, groups),
        "group_embed.layers.0.assign_mat.a": (2 * groups, 1),
        "fc1.weight": (2048, 1536 * (labels + groups)),
        "fc2.weight": (labels, 2048),
        "fc2.bias": (labels,),
        "W": (labels, 3072),
        "B": (labels,),
    }
    shapes |= {f"ProjectM.{layer}.weight": (512, width, 1, 1) for layer, width in enumerate(CHANNELS)}
    shapes |= {f"ProjectM.{layer}.bias": (512,) for layer in range(3)}
    other = ("W", "B") if head == "concat" else ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
    filled = {}
    for row, (key, scale) in enumerate(zip(known["param_names"], known["param_scales"], strict=True)):
        if key in other:
            continue
        values = fill(f"msrn_{name}", str(key), shapes[str(key)], float(scale))
        first, last, mean = known["param_check"][row]
        assert (values.flat[0], values.flat[-1]) == (np.float32(first), np.float32(last))
        assert values.mean(dtype=np.float64) == pytest.approx(mean, abs=1e-9)
        filled[str(key)] = torch.from_numpy(values)
    return filled


def built(name, dtype, head="elementwise", **options) -> MSRNModel:
    known = file(name)
    graph = counted(name)
    vectors = fill(f"msrn_{name}", "label_vectors", (1, len(graph.categories), 300), 1.0)[0]
    ratio = float(known["pool_ratio"])
    options = {"graph": graph, "vectors": LabelVectors(graph.categories, vectors), "group_ratio": ratio, "head": head, **options}
    model = MSRNModel(graph.categories, bare_backbone((256, *CHANNELS)), 448, **options)
    assert model.width == 512
    assert take_released(model, tensors(name, head), "the file", skip=("resnet_101.",)) == ()
    return model.to(dtype).eval().requires_grad_(False)


def layers(name, dtype):
    sizes, batch = file(name)["sizes"], int(file(name)["batch"])
    return [
        torch.from_numpy(fill(f"msrn_{name}", f"f{layer + 1}", (batch, width, *sizes[layer]), 1.0)).to(dtype)
        for layer, width in enumerate(CHANNELS)
    ]


@pytest.fixture(scope="module", params=[(name, dtype) for name in FILES for dtype in PRECISIONS], ids=lambda p: f"{p[0]}-{p[1]}")
def elementwise(request):
    name, dtype = request.param
    model = built(name, dtype)
    model.semantics.reduce.bias.requires_grad_()  # so that there is a graph to take gradients through
    logits, out = model.read(layers(name, dtype))
    return file(name), model, logits, out, PRECISIONS[dtype]


def close(found, expected, within):
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=within)


@pytest.mark.parametrize("name", FILES)
def test_the_graph_agrees(name):
    known, graph = file(name), counted(name)
    released, conditional = graph.adjacency(0.4, "released"), graph.adjacency(0.4, "conditional")
    np.testing.assert_allclose(released.reweighted, known["A"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(released.normalised, known["Ahat"], rtol=0, atol=1e-6)
    assert np.array_equal(released.neighbours, known["Ahat"] > 0)
    for adjacency, key in ((released, "neighbours_released"), (conditional, "neighbours_conditional")):
        assert np.array_equal(adjacency.neighbours.sum(axis=1) - 1, known[key])


def test_label_semantics_agree(elementwise):
    known, _, _, out, within = elementwise
    close(out["label_embedding"], known["E"], within)
    close(out["assignment"], known["S"], within)
    close(out["group_embedding"], known["Eg"], within)
    assert np.array_equal(out["assignment"].argmax(1).numpy(), known["group_of_label"])
    close(out["loss.group"], known["group_loss"], within)


def test_pooled_features_of_each_layer_agree(elementwise):
    known, model, _, out, within = elementwise
    step = int(known["channel_step"])
    for letter, key in (("o", "features"), ("q", "group_features")):
        for layer, pooled in enumerate(out[key].split(model.width, 2), start=1):
            close(pooled[..., ::step], known[f"{letter}{layer}"], within)
            sums = torch.stack([pooled.sum(2), pooled.square().sum(2)])
            close(sums, known[f"{letter}{layer}_sums"], 20 * within)


def test_the_attention_agrees_in_its_mean_over_channels(elementwise):
    known, model, _, out, within = elementwise
    for layer, projected in enumerate(model.channel_maps(out).values(), start=1):
        for key, queries in (("map", out["label_embedding"]), ("gmap", out["group_embedding"])):
            centred, _ = _centred(projected.flatten(2))
            mean = torch.stack([_weights(image, queries.T).mean(0).T for image in centred])
            close(mean, known[f"{key}{layer}"], within)


def test_logits_and_gradients_of_the_elementwise_head_agree(elementwise):
    known, _, logits, out, within = elementwise
    close(logits, known["logits_elementwise"], within)
    step = int(known["channel_step"])
    for value, key in ((logits.sum(), "grad_E_elementwise"), (out["loss.group"], "grad_E_group_loss")):
        (gradient,) = torch.autograd.grad(value, out["label_embedding"], retain_graph=True)
        close(gradient[:, ::step], known[key], within)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("synthetic", torch.float64),
        ("synthetic", torch.float32),
        pytest.param("voc", torch.float64, marks=pytest.mark.slow),
        pytest.param("voc", torch.float32, marks=pytest.mark.slow),
        pytest.param("coco", torch.float32, marks=pytest.mark.slow),  # in float64 its first layer alone would take 2 GB
    ],
)
def test_logits_and_gradients_of_the_concat_head_agree(name, dtype):
    known, model = file(name), built(name, dtype, "concat")
    model.semantics.reduce.bias.requires_grad_()
    logits, out = model.read(layers(name, dtype))
    close(logits, known["logits_concat"], PRECISIONS[dtype])
    (gradient,) = torch.autograd.grad(logits.sum(), out["label_embedding"])
    close(gradient[:, :: int(known["channel_step"])], known["grad_E_concat"], PRECISIONS[dtype])


@pytest.mark.parametrize("name", FILES)
def test_the_other_edge_direction_agrees(name):
    known, model = file(name), built(name, torch.float64, edge_direction="conditional")
    close(model.semantics()["label_embedding"][:, :: int(known["channel_step"])], known["E_conditional"], 1e-6)
