"""What backbones declare about themselves must be true of the maps that they return."""

import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.support.models import pictures
from workbench.errors import WorkbenchError
from workbench.models import create_backbone
from workbench.models.receptive_field import receptive_fields

NAMES = ["small", "small-narrow", "resnet18", "resnet50", "efficientnet-lite0"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [64, 97])
def test_channels_strides_and_grids_are_as_declared(name, size):
    backbone = create_backbone(name).eval()
    with torch.no_grad():
        maps = backbone(pictures(1, size))
    assert len(maps) == len(backbone.names) == len(backbone.channels) == len(backbone.strides) == len(backbone.receptive_fields)
    for stage, found in enumerate(maps):
        assert found.shape[1] == backbone.channels[stage]
        assert tuple(found.shape[2:]) == backbone.grid(size, stage) == (-(-size // backbone.strides[stage]),) * 2


def seen_pixels(backbone, stage: int, size: int) -> tuple[int, int]:
    """Height and width of what the middle cell of a stage's map depends on, by its gradient.

    All weights are made positive and all batch normalisation an identity, so that no path is switched off.
    """
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        elif isinstance(module, nn.MaxPool2d):  # passes one winner on; an average passes all
            module.forward = lambda x, m=module: nn.functional.avg_pool2d(x, m.kernel_size, m.stride, m.padding)
        elif isinstance(module, nn.ReLU6):
            module.forward = torch.relu
    backbone = backbone.double().eval()
    image = torch.full((1, 3, size, size), 0.9, dtype=torch.float64, requires_grad=True)
    found = backbone(image)[stage]
    middle = found.shape[2] // 2
    found[0, :, middle, middle].sum().backward()
    touched = image.grad[0].abs().sum(0) > 0
    rows, columns = touched.any(1).nonzero().flatten(), touched.any(0).nonzero().flatten()
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


@pytest.mark.parametrize(
    ("name", "stage", "size"),
    [
        *(("small", stage, 160) for stage in range(4)),
        *(("small-narrow", stage, 96) for stage in range(4)),
        ("resnet18", 0, 128),
        ("resnet18", 2, 480),
        ("resnet50", 1, 256),
        ("efficientnet-lite0", 2, 160),
    ],
)
def test_receptive_fields_are_what_the_gradient_reaches(name, stage, size):
    backbone = create_backbone(name)
    assert seen_pixels(backbone, stage, size) == (backbone.receptive_fields[stage],) * 2


def test_receptive_field_of_three_layers_by_hand():
    assert receptive_fields([nn.Conv2d(1, 1, 3, dilation=2), nn.Conv2d(1, 1, 3, stride=2), nn.MaxPool2d(2)]) == (5, 7, 9)


def test_the_two_small_ones_differ_in_their_view_alone():
    wide, narrow = create_backbone("small"), create_backbone("small-narrow")
    shapes = [{name: tuple(value.shape) for name, value in backbone.state_dict().items()} for backbone in (wide, narrow)]
    assert shapes[0] == shapes[1]
    assert [multiplications(backbone) for backbone in (wide, narrow)] == [multiplications(wide)] * 2
    assert wide.strides == narrow.strides == (2, 4, 8, 8)
    assert wide.receptive_fields[-1] > 64 > 64 * 2 / 3 > narrow.receptive_fields[-1]
    assert wide.receptive_fields[-2] > narrow.receptive_fields[-2]


def multiplications(backbone) -> int:
    total = 0

    def count(module, _inputs, output):
        nonlocal total
        total += module.weight[0].numel() * output.numel()

    handles = [module.register_forward_hook(count) for module in backbone.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        backbone.eval()(pictures(1))
    for handle in handles:
        handle.remove()
    return total


def test_frozen_maps_are_those_of_evaluation_and_leave_no_trace():
    backbone = create_backbone("small").train()
    backbone.stages[0].eval()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    modes = [module.training for module in backbone.modules()]
    images = pictures(3)
    maps = backbone.frozen_maps(images, -2, wanted=(0,))
    assert sorted(maps) == [0, 2]
    assert not any(value.requires_grad for value in maps.values())
    assert [module.training for module in backbone.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())
    whole = backbone.eval()(images)
    for stage, found in maps.items():
        torch.testing.assert_close(found, whole[stage])
    continued = backbone({stage: found.half() for stage, found in maps.items()})
    assert continued[1] is None
    torch.testing.assert_close(continued[3], whole[3], rtol=1e-2, atol=1e-2)
    with pytest.raises(WorkbenchError, match="raise through_stage"):
        backbone.frozen_maps(images, 1, wanted=(2,))


@pytest.mark.parametrize("bad", [torch.zeros(3, 64, 64), torch.zeros(1, 1, 64, 64), torch.zeros(1, 3, 64, 64, dtype=torch.uint8)])
def test_images_of_another_form_are_refused_in_a_sentence(bad):
    with pytest.raises(WorkbenchError, match="a model takes float"):
        create_backbone("small")(bad)


# --- weights files ---


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_from_files_in_torchvisions_layout(tmp_path, suffix):
    import torchvision

    network = torchvision.models.resnet18(weights=None).eval()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": {f"module.{name}": value for name, value in network.state_dict().items()}}, path)
    else:
        save_file(network.state_dict(), path)
    backbone = create_backbone("resnet18", str(path)).eval()
    images = pictures(1, 96)
    with torch.no_grad():
        x = network.maxpool(network.relu(network.bn1(network.conv1(backbone.normalised(images)))))
        for stage, layer in enumerate((network.layer1, network.layer2, network.layer3, network.layer4)):
            x = layer(x)
            torch.testing.assert_close(backbone(images)[stage], x)


def test_pixels_are_normalised_as_imagenet_models_expect():
    from torchvision.models import ResNet18_Weights

    transform = ResNet18_Weights.IMAGENET1K_V1.transforms(crop_size=32, resize_size=32)
    image = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    torch.testing.assert_close(create_backbone("resnet18").normalised(image / 255), transform(image))


def test_imagenet_weights_are_torchvisions_first_set(monkeypatch):
    import torchvision
    from torchvision.models import ResNet18_Weights

    network = torchvision.models.resnet18(weights=None)
    asked = []

    def deliver(self, **options):
        asked.append((self, options))
        return network.state_dict()

    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", deliver)
    backbone = create_backbone("resnet18", "imagenet")
    assert asked[0][0] is ResNet18_Weights.IMAGENET1K_V1
    assert asked[0][1]["check_hash"]
    assert torch.equal(backbone.stages[3][1].conv2.weight, network.layer4[1].conv2.weight)

    def offline(self, **options):
        raise OSError("no network")

    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", offline)
    with pytest.raises(WorkbenchError, match=r"could not be downloaded \(no network\); get https://\S+ where"):
        create_backbone("resnet18", "imagenet")


def test_wrong_weights_are_told_in_a_sentence_that_names_the_file(tmp_path):
    def refused(path, words):
        with pytest.raises(WorkbenchError, match=words) as caught:
            create_backbone("small", str(path))
        assert str(path) in str(caught.value)

    refused(tmp_path / "absent.pth", "no weights file")
    truncated = tmp_path / "truncated.safetensors"
    truncated.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    refused(truncated, "cannot be read as weights")
    truncated = tmp_path / "truncated.pth"
    torch.save(create_backbone("small").stages.state_dict(), truncated)
    truncated.write_bytes(truncated.read_bytes()[:2000])
    refused(truncated, "it may be truncated")
    code = tmp_path / "code.pth"
    torch.save(create_backbone("small"), code)
    refused(code, "holds more than tensors")
    number = tmp_path / "number.pth"
    torch.save({"lr": 3}, number)
    refused(number, "not a table of named tensors")
    other = tmp_path / "other.safetensors"
    tensors = create_backbone("small").stages.state_dict()
    del tensors["0.0.weight"]
    tensors["0.1.weight"] = torch.zeros(7)
    tensors["extra"] = torch.zeros(1)
    save_file(tensors, other)
    refused(other, r"missing: 0\.0\.weight; unexpected: extra; of another shape: 0\.1\.weight \[7\] for \[24\]")


# --- timm ---


def test_without_timm_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(WorkbenchError, match="pip install timm"):
        create_backbone("timm:resnet26")


@pytest.mark.parametrize("name", ["resnet10t", "convnext_atto"])
def test_timm_stages_are_timms_own_features(name):
    timm = pytest.importorskip("timm", reason="timm is not installed; `pip install timm` to check timm:<name> backbones")
    backbone = create_backbone(f"timm:{name}").eval()
    reference = timm.create_model(name, features_only=True, pretrained=False).eval()
    reference.load_state_dict(dict(zip(reference.state_dict(), backbone.stages.state_dict().values(), strict=True)))
    images = pictures(1, 64)
    with torch.no_grad():
        for ours, theirs in zip(backbone(images), reference(backbone.normalised(images)), strict=True):
            torch.testing.assert_close(ours, theirs)
    with pytest.raises(WorkbenchError, match="choose a convolutional network"):
        create_backbone("timm:vit_tiny_patch16_224")
