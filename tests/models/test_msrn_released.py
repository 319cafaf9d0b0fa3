"""A checkpoint of the released MSRN under the names of the published file: the whole model's logits equal an independent restatement."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision

from tests.support.models import NAMES
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.labels import LabelGraph, LabelVectors
from workbench.models import create_model
from workbench.models.msrn_inputs import load_released
from workbench.models.torchvision_backbones import IMAGENET_DEVIATION, IMAGENET_MEAN

LABELS, GROUPS, WIDTH = len(NAMES), 1, 512
CHANNELS = (128, 256, 512)  # of a ResNet-18, which stands in for the published ResNet-101: the names are the same, there are fewer blocks


def graph():
    present = (np.random.default_rng(4).random((60, LABELS)) < 0.5).astype(np.int8)
    return LabelGraph.from_targets(Categories(NAMES), present)


VECTORS = np.random.default_rng(5).normal(size=(LABELS, 300)).astype(np.float32)


def built(head="concat"):
    vectors = LabelVectors(Categories(NAMES), VECTORS)
    options = {"graph": graph(), "vectors": vectors, "head": head, "group_ratio": 0.2}
    return create_model("msrn", NAMES, backbone="resnet18", image_size=448, **options).eval()


@pytest.fixture(scope="module")
def published():
    """The published names and layouts, filled with random numbers."""
    torch.manual_seed(6)
    trunk = torchvision.models.resnet18(weights=None)
    for module in trunk.modules():  # statistics that are not those of a fresh network
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    state = {f"resnet_101.{name}": value for name, value in trunk.state_dict().items() if not name.startswith("fc.")}
    for number, width in enumerate(CHANNELS[:2], start=1):
        state[f"resnet_101.conv_buffer{number}.weight"] = torch.randn(width, width, 1, 1) * width**-0.5
        state[f"resnet_101.conv_buffer{number}.bias"] = torch.randn(width) * 0.1
    shapes = {
        "fc_label.weight": (256, 300),
        "fc_label.bias": (256,),
        "label_embed.layers.0.W": (256, 300),
        "label_embed.layers.0.a": (600, 1),
        "label_embed.layers.1.W": (300, WIDTH),
        "label_embed.layers.1.a": (2 * WIDTH, 1),
        "group_embed.layers.0.embed.W": (WIDTH, WIDTH),
        "group_embed.layers.0.embed.a": (2 * WIDTH, 1),
        "group_embed.layers.0.assign_mat.W": (WIDTH, GROUPS),
        "group_embed.layers.0.assign_mat.a": (2 * GROUPS, 1),
        "fc1.weight": (2048, 3 * WIDTH * (LABELS + GROUPS)),
        "fc1.bias": (2048,),
        "fc2.weight": (LABELS, 2048),
        "fc2.bias": (LABELS,),
        "W": (LABELS, 6 * WIDTH),
        "B": (LABELS,),
    }
    for layer, width in enumerate(CHANNELS):
        shapes |= {f"ProjectM.{layer}.weight": (WIDTH, width, 1, 1), f"ProjectM.{layer}.bias": (WIDTH,)}
    for name, shape in shapes.items():
        state[name] = torch.randn(shape) * (0.1 if len(shape) == 1 else shape[0 if name.endswith((".W", ".a")) else 1] ** -0.5)
    return state


def expected(state, images):
    """Logits of the concat head, restated from the description of the released network."""
    trunk = torchvision.models.resnet18(weights=None).eval()
    prefix = "resnet_101."
    own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix) and "conv_buffer" not in name}
    trunk.load_state_dict(own, strict=False)
    x = (images - torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)) / torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1)
    x = trunk.layer1(trunk.maxpool(trunk.relu(trunk.bn1(trunk.conv1(x)))))
    layers = []
    for number, layer in enumerate((trunk.layer2, trunk.layer3, trunk.layer4), start=1):
        x = layer(x)
        buffer = f"{prefix}conv_buffer{number}"
        y = F.conv2d(x, state[f"{buffer}.weight"], state[f"{buffer}.bias"]) if number < 3 else x
        layers.append(F.max_pool2d(y, 2))
    heard = torch.from_numpy(graph().adjacency(0.4, "released").neighbours)

    def attend(nodes, name):
        hidden = nodes @ state[f"{name}.W"]
        pairs = torch.cat([hidden[:, None].expand(-1, LABELS, -1), hidden[None].expand(LABELS, -1, -1)], 2)
        scores = F.leaky_relu((pairs @ state[f"{name}.a"])[..., 0], 0.2).masked_fill(~heard, -torch.inf)
        return F.elu(scores.softmax(1) @ hidden + hidden)

    labels = torch.from_numpy(VECTORS) @ state["fc_label.weight"].T + state["fc_label.bias"]
    labels = attend(attend(labels, "label_embed.layers.0"), "label_embed.layers.1")
    features, assignment = (attend(labels.relu(), f"group_embed.layers.0.{part}") for part in ("embed", "assign_mat"))
    queries = torch.cat([labels, assignment.softmax(1).T @ features])
    pooled = []
    for number, layer in enumerate(layers):
        maps = F.conv2d(layer, state[f"ProjectM.{number}.weight"], state[f"ProjectM.{number}.bias"]).flatten(2)
        weights = (maps[:, None] * queries[None, :, :, None]).softmax(3)
        pooled.append((weights * maps[:, None]).sum(3))
    hidden = torch.cat(pooled, 2).tanh().flatten(1) @ state["fc1.weight"].T + state["fc1.bias"]
    return F.leaky_relu(hidden, 0.01) @ state["fc2.weight"].T + state["fc2.bias"]


@torch.no_grad()
def test_the_whole_published_model_loads(published, tmp_path):
    images = torch.rand(2, 3, 448, 448, generator=torch.Generator().manual_seed(7))
    model, path = built(), tmp_path / "checkpoint.pth.tar"
    torch.save({"epoch": 20, "arch": "msrn", "state_dict": published, "best_score": torch.tensor(83.4)}, path)
    wanted = expected(published, images)
    assert (model(images)[0] - wanted).abs().max() > 0.1
    assert load_released(model, path) == ("W", "B")
    torch.testing.assert_close(model(images)[0], wanted, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "name", ["resnet_101.conv1.weight", "resnet_101.layer4.1.bn2.running_var", "resnet_101.conv_buffer2.bias", "fc_label.bias"]
)
def test_a_part_that_is_missing_is_never_left_as_it_was(published, tmp_path, name):
    path = tmp_path / "checkpoint.pth"
    torch.save({key: value for key, value in published.items() if key != name}, path)
    with pytest.raises(WorkbenchError, match=rf"lacks {name.replace('.', '[.]')};"):
        load_released(built(), path)
    assert load_released(built(), path, skip=(name,)) == ("W", "B")


def test_what_is_left_out_is_named_and_another_model_is_refused(published, tmp_path):
    path = tmp_path / "checkpoint.pth"
    torch.save({"state_dict": {f"module.{key}": value for key, value in {**published, "features.0.weight": torch.zeros(3)}.items()}}, path)
    model = built("elementwise")
    unused = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "features.0.weight")
    assert load_released(model, path) == unused
    torch.testing.assert_close(model.head.weight, published["W"])
    trunk = {name for name in published if name.startswith("resnet_101.")}
    small = create_model("msrn", NAMES, backbone="resnet18", image_size=64, head="elementwise", vectors="learned")
    assert set(load_released(small, path, skip=("resnet_101.",))) == {*trunk, *unused}
    with pytest.raises(WorkbenchError, match=r"lacks resnet_101\.\S+, .* on this backbone"):
        load_released(create_model("msrn", NAMES, vectors="learned", head="elementwise"), path)
    torch.save({**published, "W": torch.zeros(4, 4)}, path)
    with pytest.raises(WorkbenchError, match=r"made for another MSRN \(W \[4, 4\] for"):
        load_released(model, path)
    torch.save({key: value for key, value in published.items() if not key.startswith("fc1")}, path)
    with pytest.raises(WorkbenchError, match=r"lacks fc1\.weight, fc1\.bias; it is not MSRN .* with the head \"concat\""):
        load_released(built(), path)
