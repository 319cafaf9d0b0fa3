"""Models of the field on the bench, built from their configuration without a download: name a layer, or give a function."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.support.squares import Squares
from workbench import AttentionExplorer, Inspection, WorkbenchError, create_model, inspect
from workbench.analysis.attribution import Attribution

NAMES = ["red", "green", "blue"]
MEASURES = {"pointing", "energy", "relevance_rank", "iou@0.2", "iou@0.5", "deletion", "insertion", "sanity", "leakage"}


def looked_at(model, tmp_path, **options):
    """An archive of three squares, through a file, opened in the explorer."""
    made = inspect(model.eval(), Squares(3), categories=NAMES, size=64, **options)
    inspection = Inspection.open(made.save(tmp_path / "own.safetensors"))
    assert set(inspection.measurements) >= MEASURES
    for kind in inspection.map_kinds:
        values = np.stack([inspection.shown_maps(kind, image)[1].max(axis=0) for image in range(3)])
        assert np.isfinite(values).all()
        assert np.ptp(values) > 0, f"{kind} is the same everywhere"
        assert inspection.measurements["sanity"][kind]["verdict"]
        assert inspection.measurements["sanity"][kind]["cascade"]
    assert AttentionExplorer(inspection).view_state["map"] == next(iter(inspection.map_kinds))
    return inspection


def test_a_classifier_of_torchvision(tmp_path):
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    inspection = looked_at(
        models.resnet18(num_classes=3), tmp_path, maps="layer4", attributions=[Attribution("feature_ablation", grid=(4, 4))]
    )
    assert list(inspection.map_kinds) == ["grad_cam.layer4", "feature_ablation"]
    assert inspection.grid("grad_cam.layer4") == (2, 2)
    assert inspection.map_kinds["grad_cam.layer4"].layer == "layer4"
    assert set(inspection.measurements["agreement"]["feature_ablation"]["with"]) == {"grad_cam.layer4"}


def test_a_vision_transformer_of_timm(tmp_path):
    timm = pytest.importorskip("timm", reason="timm is not installed: no timm ViT was put on the bench")
    torch.manual_seed(0)
    options = {"img_size": 64, "patch_size": 16, "embed_dim": 48, "depth": 3, "num_heads": 3, "num_classes": 3}
    model = timm.models.VisionTransformer(**options)
    inspection = looked_at(model, tmp_path, maps={"deep": "blocks.2.norm1"})
    assert inspection.grid("deep") == (4, 4)
    with pytest.raises(WorkbenchError, match=r'No score follows the cells of "blocks\.2".*name an earlier layer'):
        inspect(model, Squares(2), categories=NAMES, size=64, maps="blocks.2")


def test_a_multi_label_classifier_of_hugging_face(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed: no Hugging Face model was put on the bench")
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=3,
        intermediate_size=96,
        image_size=64,
        patch_size=16,
        num_labels=3,
        problem_type="multi_label_classification",
        attn_implementation="eager",
    )
    model = transformers.ViTForImageClassification(config)

    def from_class_token(network, images):
        """Attention of the class token in the last layer, the same for every label."""
        attention = network(images, output_attentions=True).attentions[-1].mean(dim=1)[:, 0, 1:]
        return attention.unflatten(1, (4, 4))[:, None].expand(-1, 3, -1, -1)

    layer = next(name for name, _ in model.named_modules() if name.endswith("2.layernorm_before"))
    inspection = looked_at(model, tmp_path, maps={"attention": from_class_token, "cam": layer}, prepare=lambda images: 2 * images - 1)
    assert list(inspection.map_kinds) == ["attention", "cam"]
    assert inspection.maps("attention", 0)[1].sum(axis=(1, 2)).max() < 1


def test_a_layer_beside_the_maps_of_a_model_of_ours():
    torch.manual_seed(0)
    model = create_model("pooled", NAMES, image_size=32)
    inspection = inspect(model, Squares(4), maps="backbone.stages.2", attributions=["integrated_gradients"], measure=False)
    assert list(inspection.map_kinds)[-2:] == ["grad_cam.backbone.stages.2", "integrated_gradients"]
    assert inspection.measurements == {}


def test_pictures_without_labels_are_explained_for_the_best_scored(tmp_path):
    models = pytest.importorskip("torchvision.models")
    pictures = [Squares(2).image(index) for index in range(2)]
    inspection = inspect(models.resnet18(num_classes=3).eval(), pictures, categories=NAMES, size=64, maps="layer3", top_labels=1)
    best = inspection.logits().argmax(axis=1)
    assert [inspection.maps("grad_cam.layer3", image)[0].tolist() for image in range(2)] == [[label] for label in best.tolist()]


def test_a_model_without_maps_is_told_what_to_name():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 3))
    with pytest.raises(WorkbenchError, match="name a layer, such as maps="):
        inspect(network, Squares(2), categories=NAMES, size=8)
    with pytest.raises(WorkbenchError, match='Sequential has no layer "layer4"'):
        inspect(network, Squares(2), categories=NAMES, size=8, maps="layer4")
