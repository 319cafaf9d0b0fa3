"""A predictor says what the model says, and brings the scenes along where there are some."""

import numpy as np
import pytest
import torch
from torch import nn

import workbench
from tests.support.squares import Squares
from workbench import Inspection, WorkbenchError, create_model
from workbench.datasets.scenes import Scenes
from workbench.prediction import Predictor, predictor
from workbench.subject import subject_of


class Foreign(nn.Module):
    """Somebody else's network: logits of three labels, and what its convolution saw."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 3, 4, stride=4)

    def forward(self, images):
        return self.features(images).mean((2, 3))


def features_of(model, images):
    return {"features": model.features(images)}


@pytest.fixture(scope="module")
def scenes():
    return Scenes("val", count=3, size=32, cache=False)


@pytest.fixture(scope="module")
def model(scenes):
    torch.manual_seed(0)
    return create_model("srn", scenes.categories, backbone="small", image_size=32).eval()


def test_it_says_what_the_archive_says(model, scenes):
    inspection = workbench.inspect(model, scenes, measure=False)
    logits, maps = predictor(model)(scenes.pixels(32))
    np.testing.assert_allclose(logits, inspection.logits(), atol=1e-5)
    assert set(maps) == set(inspection.map_kinds)
    for kind, values in maps.items():
        np.testing.assert_allclose(values[1], inspection.maps(kind, 1)[1], rtol=2e-3, atol=1e-3)
        assert values.dtype == np.float32
    assert list(predictor(model).categories) == list(scenes.categories)


def test_it_answers_in_evaluation_mode_and_leaves_the_model_in_its_own(model, scenes):
    ask = predictor(model)
    first = ask(scenes.pixels(32))[0]
    model.train()
    np.testing.assert_array_equal(ask(scenes.pixels(32))[0], first)
    assert all(part.training for part in model.modules())
    model.eval()


def test_a_foreign_model(scenes):
    squares = Squares(2)
    ask = workbench.predictor(Foreign(), features_of, categories=["a", "b", "c"], size=16, prepare=lambda images: images - 0.5)
    logits, maps = ask(squares.pixels(16))
    assert logits.shape == (2, 3)
    assert maps["features"].shape == (2, 3, 4, 4)
    assert ask.scenes is None
    logits, maps = workbench.predictor(Foreign(), categories=["a", "b", "c"], size=16)(squares.pixels(16))
    assert (logits.shape, maps) == ((2, 3), {})


def test_pictures_of_another_shape_and_type_are_made_to_fit(model):
    ask = Predictor(subject_of(model))
    expected = ask(np.full((1, 32, 32, 3), 255, np.uint8))[0]
    for images in (np.full((1, 16, 16, 3), 255, np.uint8), np.full((32, 32, 3), 255, np.uint8), np.ones((1, 32, 32, 3))):
        np.testing.assert_allclose(ask(images)[0], expected, atol=1e-5)
    with pytest.raises(WorkbenchError, match="divide it by 255"):
        ask(np.full((1, 32, 32, 3), 200.0))


def test_scenes_come_from_the_data_set_or_from_the_archive(model, scenes, tmp_path):
    path = workbench.inspect(model, scenes, measure=False).save(tmp_path / "a.safetensors")
    for source in (scenes, scenes.subset([1]), Inspection.open(path)):
        np.testing.assert_array_equal(predictor(model, scenes=source).scenes(scenes.ids[1]).render(32), scenes.image(1))
    with pytest.raises(WorkbenchError, match="cannot be moved"):
        predictor(model, scenes=Squares(2))
    with pytest.raises(WorkbenchError, match="does not say how its scenes were drawn"):
        predictor(model, scenes=_without_origin(path))


def _without_origin(path):
    inspection = Inspection.open(path)
    del inspection.provenance["scenes"]
    return inspection


def test_older_archives_name_the_recipe_only(model, scenes, tmp_path):
    inspection = _without_origin(workbench.inspect(model, scenes, measure=False).save(tmp_path / "a.safetensors"))
    inspection.provenance["recipe"] = "scenes-srn"
    drawn = predictor(model, scenes=inspection).scenes("val-000001")
    np.testing.assert_array_equal(drawn.render(32), Scenes("val", count=3, size=32, cache=False).image(1))
    inspection.provenance["recipe"] = "voc2007-msrn"
    with pytest.raises(WorkbenchError, match="not made from drawn scenes"):
        predictor(model, scenes=inspection)
