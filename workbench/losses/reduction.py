"""What every loss of yes-or-no labels does first and last: say which entries count, and add them up."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.errors import WorkbenchError, did_you_mean
from workbench.targets import checked_targets

REDUCTIONS = ("batch", "mean", "none")
UNKNOWN = ("ignore", "positive", "negative")


def counted(logits: Tensor, targets: Tensor, unknown: str) -> tuple[Tensor, Tensor, Tensor]:
    """Logits in at least float32, present as 1.0 / 0.0, and which entries count (bool), all [B, C].

    Logits that do not count become 0, so that not even an infinite one reaches the gradient.
    """
    if logits.shape != targets.shape:
        raise WorkbenchError(
            f"The logits are {list(logits.shape)} but the targets {list(targets.shape)}; both must be [images, categories]."
        )
    require_targets(targets)
    if unknown not in UNKNOWN:
        raise WorkbenchError(f'Unknown entries cannot be treated as "{unknown}".{did_you_mean(str(unknown), UNKNOWN)}')
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    present = targets > 0
    if unknown == "positive":
        present = present | (targets < 0)
    counts = targets >= 0 if unknown == "ignore" else torch.ones_like(present)
    return logits.masked_fill(~counts, 0.0), present.to(logits.dtype), counts


def require_targets(targets: Tensor) -> None:
    """Raise WorkbenchError for other values than 1, 0, -1. Only looked at where that is free: not on a device, nor while compiling."""
    if targets.device.type != "cpu" or torch.compiler.is_compiling() or targets.dtype == torch.bool:
        return
    if bool(((targets != 0) & (targets.abs() != 1)).any()):
        checked_targets(targets if targets.ndim == 2 else targets.reshape(len(targets), -1))


def reduced(each: Tensor, counts: Tensor, reduction: str) -> Tensor:
    """Add up a loss of each entry [B, C] over those that count. Without any, the loss is 0."""
    if reduction not in REDUCTIONS:
        raise WorkbenchError(f'There is no reduction "{reduction}".{did_you_mean(str(reduction), REDUCTIONS)}')
    each = each.masked_fill(~counts, 0.0)
    if reduction == "none":
        return each
    return each.sum() / (len(each) if reduction == "batch" else counts.sum().clamp(min=1))
