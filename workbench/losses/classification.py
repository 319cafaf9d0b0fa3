"""Losses for independent yes-or-no labels: logits [B, C] against int8 targets [B, C] of 1 present, 0 absent, -1 unknown.

Each is its formula for one entry, between `counted` (which entries count) and `reduced` (how they add up).
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.errors import WorkbenchError, did_you_mean

REDUCTIONS = ("batch", "mean", "none")
UNKNOWN = ("ignore", "positive", "negative")


def bce(logits: Tensor, targets: Tensor, reduction: str = "batch", unknown: str = "ignore") -> Tensor:
    """Binary cross-entropy: softplus(x) - x where the label is present, softplus(x) where it is absent.

    Args:
        logits: [B, C], any float type; half precision is widened to float32 first.
        targets: [B, C], 1 present, 0 absent, -1 unknown.
        reduction: "batch" (sum over labels, divided by B: the convention of SRN, under which learning rates do not depend on C),
            "mean" (over the entries that count; torch's mean if none is unknown) or "none" ([B, C]).
        unknown: what -1 does: "ignore" (loss and gradient are exactly 0), "positive" or "negative".
    """
    logits, present, counts = counted(logits, targets, unknown)
    each = F.binary_cross_entropy_with_logits(logits, present, reduction="none")
    return reduced(each, counts, reduction)


def counted(logits: Tensor, targets: Tensor, unknown: str) -> tuple[Tensor, Tensor, Tensor]:
    """Logits in at least float32, present as 1.0 / 0.0, and which entries count (bool), all [B, C].

    Logits that do not count become 0, so that not even an infinite one reaches the gradient.
    """
    if logits.shape != targets.shape:
        raise WorkbenchError(
            f"The logits are {list(logits.shape)} but the targets {list(targets.shape)}; both must be [images, categories]."
        )
    if unknown not in UNKNOWN:
        raise WorkbenchError(f'Unknown entries cannot be treated as "{unknown}".{did_you_mean(str(unknown), UNKNOWN)}')
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    present = targets > 0
    if unknown == "positive":
        present = present | (targets < 0)
    counts = targets >= 0 if unknown == "ignore" else torch.ones_like(present)
    return logits.masked_fill(~counts, 0.0), present.to(logits.dtype), counts


def reduced(each: Tensor, counts: Tensor, reduction: str) -> Tensor:
    """Add up a loss of each entry [B, C] over those that count. Without any, the loss is 0."""
    if reduction not in REDUCTIONS:
        raise WorkbenchError(f'There is no reduction "{reduction}".{did_you_mean(str(reduction), REDUCTIONS)}')
    each = each.masked_fill(~counts, 0.0)
    if reduction == "none":
        return each
    return each.sum() / (len(each) if reduction == "batch" else counts.sum().clamp(min=1))


# A name that ends in _mean has the mean over the entries as its default, the others the sum over the labels of an image.
CLASSIFICATION_LOSSES = {"bce": bce, "bce_mean": partial(bce, reduction="mean")}
