"""An archive holds what the model said, for our models and for anybody's."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

import workbench
from tests.support.squares import Squares
from workbench import Inspection, MapKind, WorkbenchError, create_model
from workbench.capture import capture, predict, subject_of


class Foreign(nn.Module):
    """Somebody else's network: knows nothing of this library."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.classify = nn.Linear(8, 3)

    def forward(self, images):
        return self.classify(self.features(images).relu().mean((2, 3)))


def class_activation(model, images):
    return {"cam": torch.einsum("cd,bdhw->bchw", model.classify.weight, model.features(images).relu())}


@pytest.fixture(scope="module")
def squares():
    return Squares(24)


@pytest.mark.parametrize("name", ["pooled", "srn"])
def test_archive_equals_a_direct_forward(name, squares, tmp_path):
    torch.manual_seed(0)
    model = create_model(name, squares.categories, backbone="small", image_size=32).eval()
    inspection = workbench.inspect(model, squares, measure=False)
    images = torch.from_numpy(squares.pixels(32).copy()).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits, out = model(images)
    np.testing.assert_allclose(inspection.logits(), logits.numpy(), atol=1e-5)
    assert inspection.scored == model.scored
    for kind in model.map_kinds:
        expected = model.maps(out, kind.name).detach().numpy()
        for image in (0, 7):
            np.testing.assert_allclose(inspection.maps(kind.name, image)[1], expected[image], rtol=2e-3, atol=1e-4)
    opened = Inspection.open(inspection.save(tmp_path / "a.safetensors"))
    np.testing.assert_array_equal(opened.logits(), inspection.logits())
    np.testing.assert_array_equal(opened.targets, squares.targets)
    assert opened.ids == squares.ids
    assert [region.category for region in opened.regions(3)] == [region.category for region in squares.regions(3)]
    assert json.dumps(opened.provenance)


def test_srn_influence_is_kept_for_each_image_and_as_mean(squares):
    model = create_model("srn", squares.categories, backbone="small", image_size=32)
    inspection = workbench.inspect(model, squares, measure=False)
    (name,) = inspection.relation_titles
    each = np.stack([inspection.relations_of(name, image) for image in range(len(squares))])
    np.testing.assert_allclose(inspection.relations(name), each.mean(0), atol=1e-3)


def test_features_of_present_pairs(squares):
    model = create_model("srn", squares.categories, backbone="small", image_size=32)
    values, pairs = workbench.inspect(model, squares, measure=False).features()
    np.testing.assert_array_equal(pairs, np.argwhere(squares.targets == 1))
    assert len(values) == len(pairs)


def test_a_foreign_model_opens_in_the_same_archive(squares):
    torch.manual_seed(1)
    model = Foreign()
    inspection = workbench.inspect(
        model,
        squares,
        class_activation,
        categories=["blue", "red", "green"],
        size=32,
        map_kinds=[MapKind("cam", "CAM", "evidence", scale="signed")],
        prepare=lambda images: (images - 0.5) / 0.25,
    )
    images = (torch.from_numpy(squares.pixels(32).copy()).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    np.testing.assert_allclose(inspection.logits(), model(images).detach().numpy(), atol=1e-5)
    np.testing.assert_array_equal(inspection.targets, squares.targets[:, [2, 0, 1]])  # by name, not by position
    assert inspection.map_kinds["cam"].scale == "signed"
    assert set(inspection.measurements) >= {"pointing", "energy", "deletion", "sanity", "accuracy"}
    assert json.loads(json.dumps(inspection.measurements)) == inspection.measurements


def test_a_foreign_model_needs_maps_and_names(squares):
    with pytest.raises(WorkbenchError, match="declares no maps"):
        subject_of(Foreign(), categories=squares.categories)
    with pytest.raises(WorkbenchError, match="categories"):
        subject_of(Foreign(), class_activation)
    with pytest.raises(WorkbenchError, match=r"not logits \[B, 2\]"):
        subject_of(Foreign(), class_activation, categories=["a", "b"], size=32)
    with pytest.raises(WorkbenchError, match=r'Map "wrong" has shape'):
        subject_of(Foreign(), lambda model, images: {"wrong": model(images)}, categories=list(squares.categories), size=32)


def test_other_categories_are_refused_by_name(squares):
    model = create_model("pooled", workbench.Categories(["red", "green", "purple"]), image_size=32)
    with pytest.raises(WorkbenchError, match=r'"purple".*"blue"|"blue".*"purple"'):
        workbench.inspect(model, squares)


def test_true_and_top_labels_only(squares):
    model = create_model("pooled", squares.categories, image_size=32).eval()
    everything = capture(subject_of(model), squares)
    contents = capture(subject_of(model), squares, top_labels=0)
    kept = Inspection.of(contents)
    kind = model.map_kinds[0].name
    assert not kept.stores_all_labels(kind)
    for image in range(len(squares)):
        labels, values = kept.maps(kind, image)
        assert set(labels) == set(np.flatnonzero(squares.targets[image]))
        np.testing.assert_array_equal(values, everything.maps[kind][image][labels])
    one = Inspection.of(capture(subject_of(model), squares, top_labels=1))
    best = int(np.argmax(np.where(squares.targets[0] == 1, -np.inf, one.logits()[0])))
    if squares.targets[0].sum() < 3:
        assert best in one.maps(kind, 0)[0]


def test_pictures_without_labels(tmp_path):
    model = create_model("pooled", workbench.Categories(["a", "b"]), image_size=32)
    inspection = workbench.inspect(model, [np.zeros((20, 40, 3), np.uint8)])
    assert (inspection.targets == -1).all()
    assert inspection.sizes.tolist() == [[20, 40]]
    assert not inspection.has_regions
    with pytest.raises(WorkbenchError, match=r"nowhere\.jpg"):
        workbench.inspect(model, [tmp_path / "nowhere.jpg"])
    with pytest.raises(WorkbenchError, match="no images"):
        workbench.inspect(model, [])


def test_capture_leaves_the_mode_of_the_model(squares):
    model = create_model("srn", squares.categories, image_size=32).train()
    capture(subject_of(model), squares)
    assert model.training


def test_predict_is_the_scored_logits(squares):
    model = create_model("srn", squares.categories, image_size=32).eval()
    np.testing.assert_allclose(
        predict(subject_of(model), squares, batch_size=7), capture(subject_of(model), squares).logits["final"], atol=1e-5
    )
