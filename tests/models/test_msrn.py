import gzip
import json
import pickle

import numpy as np
import pytest
import torch

from tests.support.models import NAMES, pictures, settled
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.labels import LabelGraph, LabelVectors
from workbench.models import create_model, load_model, save_model
from workbench.models.msrn_attention import attend_channels, contributions

TARGETS = np.array([[1, 1, 0, 0, -1], [1, 1, 1, 0, 0], [1, 0, 0, 1, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0]], dtype=np.int8)


def graph() -> LabelGraph:
    return LabelGraph.from_targets(Categories(NAMES), TARGETS)


def vectors(width: int = 12, seed: int = 0) -> LabelVectors:
    return LabelVectors(Categories(NAMES), np.random.default_rng(seed).normal(size=(len(NAMES), width)))


def plain(x, q):
    """The formula as it stands, every entry of n in memory."""
    x = x.flatten(2)
    n = torch.softmax(q[None, :, :, None] * x[:, None], 3)
    return (n * x[:, None]).sum(3), n


# Attention


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_attention_is_the_plain_formula_and_so_is_its_gradient(scale, monkeypatch):
    monkeypatch.setattr("workbench.models.msrn_attention.CHUNK_CPU", 40)  # several parts, the last one smaller
    x = (scale * torch.randn(2, 5, 3, 4, dtype=torch.float64) + 100).requires_grad_()
    q = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 4, 5, dtype=torch.float64)
    lean, slow = attend_channels(x, q), plain(x, q)[0]
    torch.testing.assert_close(lean, slow)
    ours, theirs = (torch.autograd.grad((value * weight).sum(), (x, q)) for value in (lean, slow))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-8, atol=1e-8)


def test_pooled_features_are_the_gradient_of_logsumexp():
    x, q = torch.randn(2, 6, 5, 5, dtype=torch.float64), torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    energy = torch.logsumexp(x.flatten(2)[:, None] * q[None, :, :, None], 3)  # [B, K, D]
    for image in range(2):
        (gradient,) = torch.autograd.grad(energy[image].sum(), q, retain_graph=True)
        torch.testing.assert_close(attend_channels(x, q)[image], gradient, rtol=0, atol=1e-12)


def test_attention_stays_in_float32_where_all_else_is_bfloat16():
    x, q = torch.randn(2, 8, 6, 6), torch.randn(5, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = attend_channels(x.requires_grad_(), q)
        found.sum().backward()
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, plain(x, q)[0], rtol=0, atol=1e-5)
    narrow = torch.randn(2, 8, 6, 6, dtype=torch.bfloat16, requires_grad=True)
    attend_channels(narrow, q).sum().backward()
    assert narrow.grad.dtype == torch.bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: the attention was checked on the CPU alone")
def test_attention_on_a_gpu_is_that_of_the_cpu():
    x, q = torch.randn(2, 64, 14, 14), torch.randn(20, 64)
    results = []
    for device in ("cpu", "cuda"):
        maps, queries = x.to(device).requires_grad_(), q.to(device).requires_grad_()
        pooled = attend_channels(maps, queries)
        pooled.square().sum().backward()
        results.append([value.detach().cpu() for value in (pooled, maps.grad, queries.grad)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_contributions_are_the_weighted_cells():
    x, q = torch.randn(2, 6, 3, 4), torch.randn(5, 6)
    _, n = plain(x, q)
    shares = n * x.flatten(2)[:, None]  # [B, K, D, P]
    own, mixed = torch.randn(2, 5, 6), torch.randn(2, 7, 5, 6)
    torch.testing.assert_close(contributions(x, q, own).flatten(2), torch.einsum("bkd,bkdp->bkp", own, shares), rtol=1e-4, atol=1e-5)
    found = contributions(x, q, mixed, mixing=True)
    torch.testing.assert_close(found.flatten(2), torch.einsum("brkd,bkdp->brp", mixed, shares), rtol=1e-4, atol=1e-5)


# What is shown


def test_parts_add_up_to_the_logit_and_layers_to_the_sum():
    model = settled("msrn", graph=graph())
    _, out = model(pictures(3))
    local = sum(model.maps(out, f"local.{name}").sum((2, 3)) for name in model.layer_names)
    torch.testing.assert_close(model.maps(out, "local.sum").sum((2, 3)), local, rtol=0, atol=1e-5)
    assert model.maps(out, "local.sum").shape[2:] == model.maps(out, f"local.{model.layer_names[0]}").shape[2:]
    everything = local + sum(model.maps(out, f"group.{name}").sum((2, 3)) for name in model.layer_names) + model.head.bias
    torch.testing.assert_close(everything, out["logits.final"], rtol=0, atol=1e-5)


def test_the_share_of_a_feature_that_is_zero_is_its_limit():
    model = settled("msrn", layers="last", use_groups=False)
    model.projections[0].weight.data.zero_()
    model.projections[0].bias.data.zero_()
    _, out = model(pictures(2))
    assert out["features"].abs().max() == 0
    torch.testing.assert_close(out["logits.final"], model.head.bias.expand(2, -1))
    assert model.maps(out, "local.stage-4").isfinite().all()
    weights = model.head.weights(out, "local", 0, range(len(NAMES)))
    torch.testing.assert_close(weights, model.head.weight.expand(2, -1, -1))


def test_concat_maps_are_the_gradient_times_the_input():
    model = settled("msrn", head="concat")
    logits, out = model(pictures(2))
    features = {key: out[key].detach().requires_grad_() for key in ("features", "group_features")}
    again = model.head({**out, **features})
    torch.testing.assert_close(again, logits)
    for part, key in (("local", "features"), ("group", "group_features")):
        expected = torch.zeros(len(model.layer_names), *logits.shape)
        for label in range(len(NAMES)):
            (gradient,) = torch.autograd.grad(again[:, label].sum(), features[key], retain_graph=True)
            shares = (gradient * features[key]).unflatten(2, (-1, model.width)).sum((1, 3))  # [B, L]
            expected[:, :, label] = shares.T.detach()
        for layer, name in enumerate(model.layer_names):
            torch.testing.assert_close(model.maps(out, f"{part}.{name}").sum((2, 3)), expected[layer], rtol=0, atol=1e-5)
    assert model.decompose(out)["remainder"].abs().max() > 1e-4


def test_tables_name_labels_and_groups():
    model = settled("msrn", graph=graph(), group_ratio=0.4)
    tables = model.tables()
    assert list(tables) == ["label_embedding", "group_embedding", "assignment", "cooccurrence", "neighbours"]
    assert tables["assignment"].values.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert (tables["assignment"].rows, tables["assignment"].columns) == (NAMES, ["group 1", "group 2"])
    assert tables["cooccurrence"].values[0, 1] == 3
    assert tables[model.channel_steering].values.shape == (len(NAMES), model.width)
    assert list(settled("msrn", use_groups=False).tables()) == ["label_embedding"]


# Graph and vectors


def test_the_graph_decides_who_listens_and_can_be_switched_off():
    with_graph, without = settled("msrn", graph=graph()), settled("msrn", graph=graph(), use_graph=False)
    assert with_graph.semantics.neighbours.sum() > len(NAMES)
    assert torch.equal(without.semantics.neighbours, torch.eye(len(NAMES), dtype=torch.bool))
    assert torch.equal(settled("msrn").semantics.neighbours, without.semantics.neighbours)
    logits = [model(pictures(2))[0] for model in (with_graph, without)]
    assert not torch.allclose(*logits)


def test_a_graph_and_vectors_in_another_order_give_the_same_model():
    mixed = Categories(NAMES[::-1])
    model = settled("msrn", graph=graph(), vectors=vectors())
    again = settled("msrn", graph=graph().ordered_as(mixed), vectors=vectors().of(mixed))
    torch.testing.assert_close(model(pictures(2))[0], again(pictures(2))[0])


def test_the_groups_can_be_switched_off_and_cost_nothing_then():
    _, out = settled("msrn", use_groups=False)(pictures(2))
    assert out["loss.group"] == 0
    assert not {"group_features", "group_embedding", "assignment"} & set(out)


def test_a_checkpoint_needs_neither_graph_nor_vector_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("".join(f"{name} {row} 1.5 -2\n" for row, name in enumerate(NAMES)))
    model = settled("msrn", graph=graph(), vectors=str(path))
    assert model.config["vector_width"] == 3
    json.dumps(model.config)
    save_model(model, tmp_path / "model.safetensors")
    path.unlink()
    again = load_model(tmp_path / "model.safetensors")
    assert torch.equal(again(pictures(2))[0], model(pictures(2))[0])
    assert np.array_equal(again.graph.counts, graph().counts)


def test_learned_vectors_are_trained():
    model = settled("msrn", vectors="learned", vector_width=20).train()
    (gradient,) = torch.autograd.grad(model(pictures(2))[0].square().sum(), model.semantics.vectors)
    assert gradient.shape == (len(NAMES), 20)
    assert gradient.abs().max() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vectors": LabelVectors(Categories(["sun", "moon"]), np.ones((2, 3)))}, r'no vector for "ball" and 3 more'),
        ({"vectors": np.ones((5, 300))}, "a ndarray, which carries no names"),
        ({"vectors": vectors(), "vector_width": 300}, "width 12, and this model takes 300"),
        ({"vectors": "nowhere.txt"}, "There is no word vector file nowhere.txt"),
        ({"vectors": "stored"}, "needs their vector_width"),
        ({"graph": LabelGraph(Categories(["sun", "moon"]), np.zeros((2, 2), int), np.zeros(2, int))}, 'the label graph lacks "ball"'),
        ({"graph": np.zeros((5, 5))}, "a ndarray, which carries no names"),
        ({"graph": "nowhere.json"}, "There is no label graph at nowhere.json"),
        ({"head": "concatenate"}, 'Did you mean "concat"'),
        ({"group_ratio": 0}, "group_ratio is 0"),
        ({"threshold": 0}, "The threshold is 0"),
        ({"edge_direction": "both"}, "no edge direction"),
    ],
)
def test_bad_input_is_a_sentence(options, message):
    with pytest.raises(WorkbenchError, match=message):
        create_model("msrn", NAMES, **options)


@pytest.mark.parametrize("written", ["pickle", "gzip cut short", "safetensors cut short", "numbers missing"])
def test_a_damaged_or_pickled_vector_file_is_a_sentence(tmp_path, written):
    path = tmp_path / ("v.safetensors" if written.startswith("safe") else "v.txt")
    text = "".join(f"{name} 1 2 3\n" for name in NAMES)
    if written == "pickle":
        path.write_bytes(pickle.dumps({name: np.ones(3) for name in NAMES}))
    elif written == "gzip cut short":
        path.write_bytes(gzip.compress(text.encode())[:-12])
    elif written == "numbers missing":
        path.write_text(text.replace("tree 1 2 3", "tree 1 2"))
    else:
        vectors().save(path)
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(WorkbenchError, match=r"v\.(txt|safetensors)"):
        create_model("msrn", NAMES, vectors=str(path))
