"""Losses for independent yes-or-no labels: logits [B, C] against int8 targets [B, C] of 1 present, 0 absent, -1 unknown.

Each is its formula for one entry, between `counted` (which entries count) and `reduced` (how they add up).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor

from workbench.errors import WorkbenchError, did_you_mean
from workbench.losses.asymmetric import asl, focal
from workbench.losses.reduction import counted, reduced


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


# A name that ends in _mean has the mean over the entries as its default, the others the sum over the labels of an image.
CLASSIFICATION_LOSSES: dict[str, Callable[..., Tensor]] = {
    "bce": bce,
    "bce_mean": partial(bce, reduction="mean"),
    "focal": focal,
    "asl": asl,
}


def classification_loss(said: str) -> Callable[..., Tensor]:
    """The loss that a recipe names: ``"bce"``, or with options ``"asl:gamma_neg=2,clip=0"``.

    Raises: WorkbenchError for an unknown loss or option, with the nearest, or a value that is no number.
    """
    name, _, rest = said.partition(":")
    if name not in CLASSIFICATION_LOSSES:
        raise WorkbenchError(f'There is no loss "{name}".{did_you_mean(name, CLASSIFICATION_LOSSES)}')
    loss = CLASSIFICATION_LOSSES[name]
    known = [key for key in inspect.signature(loss).parameters if key not in ("logits", "targets", "reduction", "unknown")]
    options: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, _, value = part.partition("=")
        if key not in known:
            raise WorkbenchError(f'The loss "{name}" has no option "{key}".{did_you_mean(key, known) if known else " It takes none."}')
        try:
            options[key] = bool(float(value)) if key == "constant_weight" else float(value)
        except ValueError:
            raise WorkbenchError(f'The option "{key}" of the loss "{name}" is "{value}"; give a number.') from None
    return partial(loss, **options) if options else loss
