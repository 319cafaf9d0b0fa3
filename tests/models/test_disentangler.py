import numpy as np
import pytest
import torch

from tests.support.models import NAMES, pictures, settled
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.labels.vectors import LabelVectors
from workbench.models import create_model, load_model, save_model
from workbench.models.disentangler import ClassDisentangler

VECTORS = np.arange(15, dtype=np.float32).reshape(5, 3)


@pytest.mark.parametrize(("attention", "squash"), [("cam", "softmax"), ("cam", "sigmoid"), ("semantic", "softmax")])
def test_features_are_the_projected_map_pooled_with_each_class_own_attention(attention, squash):
    torch.manual_seed(0)
    vectors = torch.from_numpy(VECTORS) if attention == "semantic" else None
    module = ClassDisentangler(6, 5, 4, attention=attention, squash=squash, temperature=1.5, vectors=vectors).double()
    x = torch.randn(2, 6, 3, 2, dtype=torch.float64)
    features, out = module(x)
    assert features.shape == (2, 5, 4)
    for image in range(2):
        for label in range(5):
            cells = [x[image, :, row, column] for row in range(3) for column in range(2)]
            if attention == "cam":
                scores = [module.scores.weight[label, :, 0, 0] @ cell + module.scores.bias[label] for cell in cells]
            else:
                query = module.query(module.vectors[label])
                scores = [query @ (module.key.weight[:, :, 0, 0] @ cell) / 4**0.5 for cell in cells]
            heights = [1.5 * score for score in scores]
            weights = torch.stack([height.sigmoid() if squash == "sigmoid" else height.exp() for height in heights])
            weights = weights / weights.sum()
            values = torch.stack([module.values.weight[:, :, 0, 0] @ cell + module.values.bias for cell in cells])
            torch.testing.assert_close(features[image, label], (weights[:, None] * values).sum(0), rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(out["maps.attention"][image, label].flatten().double(), weights, rtol=1e-5, atol=1e-6)


def test_a_class_reads_its_own_features_alone():
    model = settled("disentangled")
    _, out = model(pictures(2))
    features = out["features"].detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model.rows(features)[:, 2].sum(), features)
    assert (gradient[:, [0, 1, 3, 4]] == 0).all()
    assert (gradient[:, 2] != 0).any()


def test_given_vectors_follow_their_names_are_not_trained_and_stay_in_the_checkpoint(tmp_path):
    names = list(reversed(NAMES))
    given = LabelVectors(Categories(names), VECTORS)
    model = create_model("disentangled", NAMES, attention="semantic", vectors=given)
    np.testing.assert_array_equal(model.disentangler.vectors, VECTORS[::-1])
    assert "disentangler.vectors" not in dict(model.named_parameters())
    assert (model.config["vectors"], model.config["vector_width"]) == ("stored", 3)
    again = load_model(save_model(model.eval(), tmp_path / "model.safetensors"))
    assert torch.equal(again(pictures())[0], model(pictures())[0])
    learned = create_model("disentangled", NAMES, attention="semantic", vector_width=7)
    assert dict(learned.named_parameters())["disentangler.vectors"].shape == (5, 7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "camera"}, 'Did you mean "cam"'),
        ({"squash": "softmx"}, 'Did you mean "softmax"'),
        ({"temperature": 0}, "above 0"),
        ({"vectors": "shipped"}, "choose it"),
        ({"attention": "semantic", "vectors": VECTORS.tolist()}, "no names"),
    ],
)
def test_what_cannot_be_used_is_refused(options, message):
    with pytest.raises(WorkbenchError, match=message):
        create_model("disentangled", NAMES, **options)
