"""What moves the scores today more than heads do: the training. *Our settings*, from parts that others published.

Asymmetric loss (arXiv 2009.14119), a running average of the weights with a warm-up, AdamW with one cycle of the learning rate,
RandAugment (arXiv 1909.13719) and cutout (arXiv 1708.04552), on the plainest model there is: ResNet-101, average pooling, one linear
layer, at 448 px on a GPU. Not run by us on all of COCO, so there is no figure to expect.
"""

from __future__ import annotations

from workbench.training.recipe import DataSpec, ModelSpec, Recipe, Stage


def coco2014() -> Recipe:
    """The pooled baseline under a modern training, our settings: COCO 2014, trained on train, scored on val."""
    stage = Stage(
        train=("all",),
        losses={"logits.cls": "asl:gamma_neg=4,gamma_pos=0,clip=0.05"},
        epochs=30,
        lr=2e-4,
        batch_size=56,
        optimizer="adamw",
        weight_decay=1e-4,
        schedule="onecycle",
    )
    return Recipe(
        "coco2014-modern",
        DataSpec("coco2014", train="train", validation="val"),
        ModelSpec("pooled", "resnet101", "imagenet"),
        {"all": stage},
        image_size=448,
        precision="bf16-mixed",
        augmentation="modern",
        average=0.9997,
    )
