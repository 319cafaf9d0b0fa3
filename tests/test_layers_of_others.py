"""Grad-CAM on layers of other people's models, against the formula by hand: what a layer's output holds is established, or refused."""

from __future__ import annotations

import pytest
import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from tests.support import zoo
from tests.support.squares import Squares
from workbench import WorkbenchError
from workbench.analysis.attribution import Attribution, attribute, settled
from workbench.capture import subject_of

torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed: its layers were not looked at")
for package in ("timm", "transformers"):
    pytest.importorskip(package, reason=f"{package} is not installed: its layers were not looked at")
pytestmark = pytest.mark.slow
ROWS = [*zoo.of_torchvision(), *zoo.of_timm(), *zoo.of_hugging_face(), *zoo.of_torch()]
NAMES = ["red", "green", "blue"]


def by_hand(model, layer, arrange, images, label):
    """Grad-CAM of one label: the gradients' mean over the positions weights the channels; what is negative is cut off."""
    kept = []

    def keep(_module, _inputs, output):
        parts, form = tree_flatten(output)
        kept[:] = [(parts, form)]
        return tree_unflatten([part if part is None else part.clone() for part in parts], form)  # a later layer may write into what it gets

    handle = model.get_submodule(layer.partition("[")[0]).register_forward_hook(keep)
    output = model(images)
    handle.remove()
    logits = output if isinstance(output, torch.Tensor) else output.logits
    ((parts, form),) = kept
    tensors = [part for part in parts if part is not None]
    found = iter(torch.autograd.grad(logits[:, label].sum(), tensors, allow_unused=True, materialize_grads=True))
    gradients = [part if part is None else next(found) for part in parts]
    activations, gradient = (arrange(tree_unflatten(list(values), form)) for values in (parts, gradients))
    return (gradient.mean((2, 3), keepdim=True) * activations).sum(1).relu().detach()


@pytest.mark.parametrize(("name", "build", "layer", "size", "arrange"), ROWS, ids=[row[0] for row in ROWS])
def test_a_layer_gives_grad_cam_by_hand(name, build, layer, size, arrange):
    torch.manual_seed(0)
    model = build().eval()
    squares = Squares(2)
    subject = subject_of(model, lambda module, images: {}, categories=NAMES, size=size)
    wanted = settled(subject, Attribution("grad_cam", layer=layer))
    images = torch.from_numpy(squares.pixels(size).copy()).permute(0, 3, 1, 2).float() / 255
    for label in range(3):
        expected = by_hand(model, layer, arrange, images, label)
        assert expected.shape[2:] != (1, 1)
        found = attribute(subject, wanted, images, torch.full((2,), label))
        top = float(expected.max()) or 1.0
        torch.testing.assert_close(found / top, expected / top, atol=1e-5, rtol=0)


REFUSED = [  # layers without a grid of positions, and why
    ("pooled to one position", "avgpool", "one position, so there is no grid"),
    ("logits", "fc", r"no maps \[B, D, h, w\] and no tokens"),
]


@pytest.mark.parametrize(("why", "layer", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_layer_without_a_grid_is_refused(why, layer, words):
    model = torchvision.models.resnet18(num_classes=3).eval()
    subject = subject_of(model, lambda module, images: {}, categories=NAMES, size=64)
    with pytest.raises(WorkbenchError, match=words):
        settled(subject, Attribution("grad_cam", layer=layer))


def test_weights_between_positions_and_folded_windows_are_refused():
    torch.manual_seed(0)
    rows = {row[0]: row for row in ROWS}
    for name, layer, words in (
        ("timm vit", "blocks.1.attn.q_norm", "not established"),
        ("timm swin", "layers.1.blocks.0.attn", "mixes images with windows"),
        ("timm mixer", "blocks.0.mlp_tokens.fc2", "not established"),
    ):
        _, build, _, size, _ = rows[name]
        subject = subject_of(build().eval(), lambda module, images: {}, categories=NAMES, size=size)
        with pytest.raises(WorkbenchError, match=words):
            settled(subject, Attribution("grad_cam", layer=layer))


def test_a_caller_may_say_what_a_layer_holds():
    torch.manual_seed(0)
    rows = {row[0]: row for row in ROWS}
    for name, layout, words in (("timm vit registers", "tokens+5", None), ("swin", "NHWC", None), ("resnet18", "NCHW", None),
                                ("timm vit registers", "tokens+5, 4x6", None), ("timm vit registers", "tokens+4", "they cannot fill"),
                                ("swin", "tokens", 'which cannot be "tokens"'), ("timm vit", "NCHW", 'which cannot be "NCHW"'),
                                ("timm vit", "BTD", "is not understood; say")):  # fmt: skip
        _, build, layer, size, _ = rows[name]
        subject = subject_of(build().eval(), lambda module, images: {}, categories=NAMES, size=size)
        if words:
            with pytest.raises(WorkbenchError, match=words):
                settled(subject, Attribution("grad_cam", layer=layer, layout=layout))
        else:
            found, told = (settled(subject, Attribution("grad_cam", layer=layer, layout=given)).place[2] for given in (None, layout))
            assert found == told
