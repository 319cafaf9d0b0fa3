"""MSRN as released: ResNet-101 with ImageNet weights at 448 px, the concat head, on a GPU.

From the released settings: mean cross-entropy plus the group loss; SGD with momentum 0.9 and weight decay 1e-4; learning rate 0.1, and
0.01 for the backbone and the convolutions behind its stages; both a tenth after 30 epochs, which 20 epochs, the length of all released
commands, never reach (it is here for `--set stages.all.epochs=40`); batches of 24 images on VOC and 12 on COCO, NUS-WIDE and Apparel, as
in the released commands (the program's own default is 16); crops of the original photo, of five sides from 0.6 to 1.0 of its shorter one,
at thirteen places, mirrored, resized to 448 px.

Deviations. bfloat16 takes the place of float16 with a loss scaler (the released one is made anew in each step, and its clipping comes
before the gradients, without effect). Biases and normalisation parameters have no weight decay. The label vectors are the shipped ones; the
released results used GloVe 6B of width 300, for which set model.options.vectors to the path of glove.6B.300d.txt. VOC's difficult objects
count as present in the loss and are left out of the average precision, as released.
"""

from __future__ import annotations

from workbench.training.recipe import DataSpec, Expected, ModelSpec, Recipe, Stage


def _recipe(name: str, data: DataSpec, ratio: float, batch_size: int, score: float | None, where: str = "") -> Recipe:
    losses: dict[str, str | float] = {"logits.final": "bce_mean", "loss.group": 1.0}
    stage = Stage(
        train=("all",),
        losses=losses,
        epochs=20,
        lr=0.1,
        batch_size=batch_size,
        momentum=0.9,
        weight_decay=1e-4,
        schedule="step",
        lr_drops=(30,),
        lr_factors={"trunk": 0.1, "layers": 0.1},
    )
    return Recipe(
        name,
        data,
        ModelSpec("msrn", "resnet101", "imagenet", {"head": "concat", "group_ratio": ratio}),
        {"all": stage},
        image_size=448,
        precision="bf16-mixed",
        augmentation="fixed_crops",
        unknown_in_loss="positive",
        expected=()
        if score is None
        else (Expected("validation.map", score, "published", f"arXiv 2106.11596, {where}; not reproduced by us"),),
    )


def voc2007() -> Recipe:
    """MSRN as released on VOC 2007: trained on trainval, scored on test."""
    data = DataSpec("voc2007", train="trainval", validation="test")
    return _recipe("voc2007-msrn", data, 0.2, 24, 0.948, "VOC 2007 test, ImageNet weights")


def coco2014() -> Recipe:
    """MSRN as released on COCO 2014: trained on train, scored on val."""
    data = DataSpec("coco2014", train="train", validation="val")
    return _recipe("coco2014-msrn", data, 0.05, 12, 0.834, "COCO 2014 val")


def nuswide() -> Recipe:
    """MSRN as released on NUS-WIDE, images without any of the 81 concepts left out: trained on train, scored on test.

    The graph comes from the training labels; the released count file of this data set is wrong.
    """
    data = DataSpec("nuswide", train="train", validation="test", options={"only_labelled": True})
    return _recipe("nuswide-msrn", data, 0.05, 12, 0.615, "NUS-WIDE")


def apparel() -> Recipe:
    """MSRN as released on Apparel; the division into train and test is ours, and there is no published figure to hold it against.

    The graph comes from the training labels; the released count file of this data set is wrong.
    """
    return _recipe("apparel-msrn", DataSpec("apparel", train="train", validation="test"), 0.2, 12, None)
