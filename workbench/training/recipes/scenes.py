"""Small models on drawn scenes, 64 px, on a CPU. All of them see the same number of images through the backbone.

The scenes are towns with two terraces, where what a disc, diamond or puff is called follows from the houses around it and neither its own
place nor theirs gives it away; the backbone is the narrow one, whose cells see 39 of the 64 pixels. Both are chosen because SRN should
help there: what relates the labels must come from the head. In towns with one street, or with the wide backbone, it helps less.
Lengths, learning rate and split of the epochs over SRN's stages were tuned on the validation scenes of seed 0. In float32, because
bfloat16 makes networks as small as these two to three times slower on a CPU.
"""

from __future__ import annotations

from functools import partial

from workbench.training.recipe import DataSpec, Expected, ModelSpec, Recipe, Stage

TRAINING_IMAGES = 2000
VALIDATION_IMAGES = 500
BUDGET = 20
"""Epochs over all stages: with the training images, the budget of every recipe here."""


def _data() -> DataSpec:
    options = {"count": TRAINING_IMAGES, "terraces": 1.0}
    return DataSpec("scenes", train="train", validation="val", options=options, validation_options={"count": VALIDATION_IMAGES})


def _measured(score: float) -> tuple[Expected, ...]:
    return (Expected("validation.map", score, "measured", "seed 0, best epoch, 2 CPU cores"),)


def _plain(system: str, expected: tuple[Expected, ...] = ()) -> Recipe:
    stage = Stage(train=("all",), losses={"logits.cls": "bce"}, epochs=BUDGET, lr=3e-3, optimizer="adamw", schedule="onecycle")
    return Recipe(f"scenes-{system}", _data(), ModelSpec(system, "small-narrow"), {"all": stage}, expected=expected)


def pooled() -> Recipe:
    """The baseline: average pooling and one linear layer."""
    return _plain("pooled", _measured(0.873))


def csra() -> Recipe:
    """Class-specific residual attention on the same backbone; one head and lambda 0.1 are the paper's on VOC 2007, the training is ours."""
    return _plain("csra")


def msrn() -> Recipe:
    """MSRN with the elementwise head, in one stage.

    The released training is SGD with a learning rate of 0.1 on a pretrained ResNet-101 at 448 px; these small networks start from nothing,
    so it is AdamW with one cycle, as for the others. The loss is the released one: mean cross-entropy plus the group loss. The label
    semantics learn at a tenth of the rate: at the full one their activations saturate at -1 within a few epochs, and all labels become one.
    """
    losses: dict[str, str | float] = {"logits.final": "bce_mean", "loss.group": 1.0}
    cycle = partial(Stage, optimizer="adamw", schedule="onecycle")
    stage = cycle(train=("all",), losses=losses, epochs=BUDGET, lr=3e-3, lr_factors={"semantics": 0.1})
    return Recipe("scenes-msrn", _data(), ModelSpec("msrn", "small-narrow"), {"all": stage}, expected=_measured(0.965))


def srn() -> Recipe:
    """SRN in its four stages.

    The paper trains a pretrained ResNet-101 at 224 px by SGD with a learning rate of 1e-3. These small networks start from nothing, so
    we use AdamW with one cycle of the learning rate in each stage. The joint stage uses the three-term loss of the authors' released
    scripts, L(y_cls) + L(y_sr) + L(y_att); the paper's own has two terms, L(y) + L(y_att).
    """
    cycle = partial(Stage, optimizer="adamw", schedule="onecycle")
    stages = {
        "classifier": cycle(train=("trunk", "classifier"), losses={"logits.cls": "bce"}, epochs=4, lr=3e-3),
        "attention": cycle(train=("attention",), losses={"logits.att": "bce"}, epochs=1, lr=3e-3),
        "regularisation": cycle(train=("regularisation",), losses={"logits.sr": "bce"}, epochs=1, lr=3e-3),
        "joint": cycle(train=("all",), losses={"logits.cls": "bce", "logits.sr": "bce", "logits.att": "bce"}, epochs=BUDGET - 6, lr=3e-3),
    }
    return Recipe("scenes-srn", _data(), ModelSpec("srn", "small-narrow"), stages, expected=_measured(0.964))
