"""What every model promises, on every kind of backbone: one row here is all that a new model needs."""

import json

import pytest
import torch

from tests.support.models import NAMES, pictures, settled
from workbench.errors import WorkbenchError
from workbench.models import MODELS, create_model, load_model, save_model

FORMS = {
    "pooled-average": ("pooled", {}),
    "pooled-max": ("pooled", {"pooling": "max"}),
    "pooled-mean": ("pooled", {"pooling": "mean"}),
    "csra": ("csra", {}),
    "csra-max": ("csra", {"temperature": "max"}),
    "csra-4-heads": ("csra", {"heads": 4, "residual_weight": 0.4}),
    "disentangled": ("disentangled", {}),
    "disentangled-sigmoid": ("disentangled", {"squash": "sigmoid", "temperature": 2.0, "width": 40}),
    "disentangled-semantic": ("disentangled", {"attention": "semantic"}),
    "disentangled-shipped": ("disentangled", {"attention": "semantic", "vectors": "shipped"}),
    "srn": ("srn", {}),
    "srn-released": ("srn", {"variant": "released"}),
    "srn-scale": ("srn", {"normalisation": "scale"}),
    "srn-shuffled": ("srn", {"gate": "shuffled"}),
    "srn-none": ("srn", {"gate": "none"}),
    "msrn": ("msrn", {}),
    "msrn-concat": ("msrn", {"head": "concat"}),
    "msrn-last": ("msrn", {"layers": "last", "use_groups": False}),
    "msrn-no-groups": ("msrn", {"use_groups": False, "vectors": "learned"}),
}
BACKBONES = {"small": 64, "small-narrow": 64, "resnet18": 96, "efficientnet-lite0": 96}


@pytest.fixture(scope="module", params=FORMS)
def model(request):
    name, options = FORMS[request.param]
    return settled(name, **options)


def test_every_model_has_a_row_here():
    assert {name for name, _ in FORMS.values()} == set(MODELS)


def test_the_same_keys_in_training_and_evaluation_and_plain_tensors(model):
    evaluation = model.eval()(pictures(2))[1]
    training = model.train()(pictures(2))[1]
    model.eval()
    assert list(evaluation) == list(training)
    assert all(isinstance(value, torch.Tensor) for value in evaluation.values())


def test_logits_are_the_scored_ones_and_all_declared_ones_are_there(model):
    logits, out = model(pictures(3))
    assert logits.shape == (3, len(NAMES))
    assert torch.equal(logits, out[f"logits.{model.scored}"])
    assert {key for key in out if key.startswith("logits.")} == {f"logits.{kind.name}" for kind in model.logit_kinds}
    assert all(out[f"logits.{kind.name}"].shape == logits.shape for kind in model.logit_kinds)


def test_declared_maps_are_there_and_are_what_they_are_declared_to_be(model):
    _, out = model(pictures(3))
    logit_names = {kind.name for kind in model.logit_kinds}
    assert model.map_kinds, "an explorer needs at least one map"
    for kind in model.map_kinds:
        maps = model.maps(out, kind.name)
        assert maps.shape[:2] == (3, len(NAMES))
        assert maps.ndim == 4
        shown = torch.sigmoid(maps) if kind.transform == "sigmoid" else maps
        if kind.scale in ("unit", "magnitude"):
            assert shown.min() >= 0
        else:
            assert shown.min() < 0
        if kind.scale == "unit":
            assert shown.max() <= 1
        total = shown.sum((2, 3))
        if kind.sums_to == "one":
            torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-5)
        elif kind.sums_to == "logit - bias":
            torch.testing.assert_close(total, out[f"logits.{kind.logit}"] - model.logit_bias(kind.logit), rtol=0, atol=1e-5)
        assert kind.logit in logit_names | {None}
        assert kind.layer in model.backbone.names


def test_parts_add_up_to_the_logits_and_their_maps_to_the_parts(model):
    logits, out = model(pictures(3))
    parts = model.decompose(out)
    assert list(parts) == [kind.name for kind in model.part_kinds]
    if parts:
        torch.testing.assert_close(torch.stack(list(parts.values())).sum(0), logits, rtol=0, atol=1e-5)
    for kind in model.part_kinds:
        if kind.maps:
            torch.testing.assert_close(model.maps(out, kind.maps).sum((2, 3)), parts[kind.name], rtol=0, atol=1e-5)


def test_maps_of_chosen_labels_are_rows_of_all_maps(model):
    _, out = model(pictures(2))
    for kind in model.map_kinds:
        every = model.maps(out, kind.name)
        torch.testing.assert_close(model.maps(out, kind.name, [3, 0]), every[:, [3, 0]])
        torch.testing.assert_close(model.maps(out, kind.name, torch.tensor([2])), every[:, [2]])
    with pytest.raises(WorkbenchError, match="no map"):
        model.maps(out, "attenton")


def test_features_are_one_vector_a_label(model):
    _, out = model(pictures(2))
    if "features" in out:
        assert out["features"].shape[:2] == (2, len(NAMES))
        assert out["features"].ndim == 3


def test_parts_hold_every_parameter_exactly_once(model):
    held = [id(parameter) for modules in model.parts.values() for module in modules for parameter in module.parameters()]
    assert len(held) == len(set(held))
    assert set(held) == {id(parameter) for parameter in model.parameters()}
    assert {"trunk", "classifier"} <= set(model.parts)


@pytest.mark.parametrize("size", [(64, 64), (65, 65), (63, 97), (40, 128)])
def test_odd_sizes_and_a_batch_of_one(model, size):
    logits, out = model(pictures(1, *size))
    assert logits.shape == (1, len(NAMES))
    assert logits.isfinite().all()
    for kind in model.map_kinds:
        assert model.maps(out, kind.name).isfinite().all()


def test_a_training_step_with_a_batch_of_two(model):
    model.train()
    try:
        logits, _ = model(pictures(2))
        gradients = torch.autograd.grad(logits.square().sum(), [p for p in model.parameters() if p.requires_grad], allow_unused=True)
        assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)
    finally:
        model.eval()


def test_an_image_does_not_depend_on_its_batch(model):
    images = pictures(4)
    torch.testing.assert_close(model(images)[0][2:3], model(images[2:3])[0], rtol=1e-4, atol=1e-5)


def test_bf16_autocast_and_channels_last_stay_close(model):
    images = pictures(2)
    exact = model(images)[0]
    with torch.autocast("cpu", torch.bfloat16):
        logits, out = model.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
        maps = [model.maps(out, kind.name) for kind in model.map_kinds]
    model.to(memory_format=torch.contiguous_format)
    assert all(value.isfinite().all() for value in maps)
    assert (logits.float() - exact).abs().max() < 0.15 * max(1.0, float(exact.detach().abs().max()))


def test_frozen_maps_in_place_of_images_give_the_same(model):
    images = pictures(3)
    logits, out = model(images)
    for last in (model.used_stages[0], len(model.backbone.stages) - 1):
        cached = model.backbone.frozen_maps(images, last, [stage for stage in model.used_stages if stage <= last])
        again, out_again = model(cached)
        torch.testing.assert_close(again, logits)
        assert list(out_again) == list(out)


def test_relations_are_one_square_an_image(model):
    for name, relations in model.relations(pictures(2)).items():
        assert relations.shape == (2, len(NAMES), len(NAMES)), name
        assert relations.isfinite().all()


def test_config_is_json_and_builds_the_same_model(model):
    again = create_model(**json.loads(json.dumps(model.config)))
    assert again.config == model.config
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again.eval()(pictures())[0], model(pictures())[0])
    assert again.map_kinds == model.map_kinds


def test_saved_and_loaded_is_the_same(model, tmp_path):
    path = save_model(model, tmp_path / "deep" / "model.safetensors")
    again = load_model(path, model.categories, model.config["name"])
    assert not again.training
    assert again.config == model.config
    images = pictures()
    assert torch.equal(again(images)[0], model(images)[0])
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_works_on_every_backbone(name, backbone):
    model = create_model(name, NAMES, backbone, image_size=BACKBONES[backbone]).eval()
    logits, out = model(pictures(1, BACKBONES[backbone]))
    assert logits.shape == (1, len(NAMES))
    for kind in model.map_kinds:
        grid = tuple(model.maps(out, kind.name).shape[2:])
        assert grid == model.map_grid(kind.name, BACKBONES[backbone])


@pytest.mark.slow
@pytest.mark.parametrize("form", ["pooled-average", "csra", "srn"])
def test_compiled_gives_the_same(form):
    name, options = FORMS[form]
    model = settled(name, **options)
    images = pictures()
    torch.testing.assert_close(torch.compile(model, backend="aot_eager")(images)[0], model(images)[0], rtol=1e-4, atol=1e-5)
