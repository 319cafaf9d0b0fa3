"""SRN on the data of its paper: ResNet-101 with ImageNet weights at 224 px, four stages, on a GPU.

Zhu et al., CVPR 2017, arXiv 1702.05891. Theirs, as their author says in public: the four stages and what each trains; SGD with a learning
rate of 1e-3; the sum of the cross-entropies of an image's labels; the three-term joint loss of the released scripts,
L(y_cls) + L(y_sr) + L(y_att) (the paper's own has two terms). Images are squashed to a square, as in the released test code.

Ours: momentum, weight decay, batch size, lengths, drops of the learning rate and the crops, which we could not check against the paper;
torchvision's ResNet-101 in place of their pre-activation one, whose pretraining the author calls very important; bfloat16; batch
normalisation behind the convolutions of the attention and of the regularisation. Published figures take the interpolated average
precision (`workbench evaluate --preset srn`); the validation figure of a training is the plain one.
"""

from __future__ import annotations

from functools import partial

from workbench.training.recipe import DataSpec, Expected, ModelSpec, Recipe, Stage


def _recipe(name: str, data: DataSpec, score: float | None = None, **changes: str) -> Recipe:
    step = partial(Stage, lr=1e-3, batch_size=96, momentum=0.9, weight_decay=5e-4, schedule="step")
    joint: dict[str, str | float] = {"logits.cls": "bce", "logits.sr": "bce", "logits.att": "bce"}
    stages = {
        "classifier": step(train=("trunk", "classifier"), losses={"logits.cls": "bce"}, epochs=12, lr_drops=(8,)),
        "attention": step(train=("attention",), losses={"logits.att": "bce"}, epochs=6, lr_drops=(4,)),
        "regularisation": step(train=("regularisation",), losses={"logits.sr": "bce"}, epochs=6, lr_drops=(4,)),
        "joint": step(train=("all",), losses=joint, epochs=12, lr_drops=(8,)),
    }
    figure = () if score is None else (Expected("mAP, preset srn", score, "published", "arXiv 1702.05891; not reproduced by us"),)
    return Recipe(
        name,
        data,
        ModelSpec("srn", "resnet101", "imagenet"),
        stages,
        image_size=224,
        precision="bf16-mixed",
        augmentation="crops",
        expected=figure,
        **changes,  # type: ignore[arg-type]
    )


def coco2014() -> Recipe:
    """SRN on COCO 2014: trained on train, scored on val; images without any label are kept, as there (82,783 and 40,504)."""
    return _recipe("coco2014-srn", DataSpec("coco2014", train="train", validation="val"), 0.771)


def nuswide() -> Recipe:
    """SRN on NUS-WIDE, images without any of the 81 concepts left out: trained on train, scored on test."""
    data = DataSpec("nuswide", train="train", validation="test", options={"only_labelled": True})
    return _recipe("nuswide-srn", data, 0.620)


def wider() -> Recipe:
    """SRN on WIDER-Attribute: person boxes, trained on trainval, scored on test. Unspecified counts as absent in the loss, not in AP."""
    return _recipe("wider-srn", DataSpec("wider", train="trainval", validation="test"), unknown_in_loss="negative")
