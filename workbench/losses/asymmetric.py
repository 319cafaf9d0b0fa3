"""Losses that turn down easy entries: focal and asymmetric. Same arguments as `workbench.losses.classification.bce`, and options.

Focal: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, arXiv 1708.02002, as torchvision computes it.
Asymmetric: Ridnik et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021, arXiv 2009.14119. As in the authors' code the
focusing weight is a constant to the gradient, and a probability below `eps` counts as `eps`: there the loss stays at -log(eps), without
gradient, where the exact cross-entropy goes on growing. Both can be switched off.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.errors import WorkbenchError
from workbench.losses.reduction import counted, reduced


def focal(
    logits: Tensor, targets: Tensor, reduction: str = "batch", unknown: str = "ignore", gamma: float = 2.0, alpha: float = -1.0
) -> Tensor:
    """Cross-entropy times (1 - p)^gamma, p the probability of what is true.

    Args:
        alpha: weight of present entries, 1 - alpha that of absent ones; negative: none.
    """
    _check(gamma=gamma)
    logits, present, counts = counted(logits, targets, unknown)
    each = F.binary_cross_entropy_with_logits(logits, present, reduction="none")
    wrong = torch.sigmoid(torch.where(present > 0, -logits, logits))  # 1 - p
    each = each * wrong**gamma
    if alpha >= 0:
        each = each * torch.where(present > 0, alpha, 1 - alpha)
    return reduced(each, counts, reduction)


def asl(
    logits: Tensor,
    targets: Tensor,
    reduction: str = "batch",
    unknown: str = "ignore",
    gamma_neg: float = 4.0,
    gamma_pos: float = 1.0,
    clip: float = 0.05,
    eps: float = 1e-8,
    constant_weight: bool = True,
) -> Tensor:
    """-log(q) (1 - q)^gamma with q = p where the label is present, q = min(1 - p + clip, 1) where it is absent.

    Args:
        gamma_neg, gamma_pos: focusing of absent and of present entries.
        clip: probabilities below it are no error at all for an absent label.
        eps: least q inside the logarithm; 0 takes the logarithm as it is.
        constant_weight: no gradient through (1 - q)^gamma.
    """
    _check(gamma_neg=gamma_neg, gamma_pos=gamma_pos, clip=clip, eps=eps)
    logits, present, counts = counted(logits, targets, unknown)
    positive = present > 0
    signed = torch.where(positive, logits, -logits)
    right = torch.sigmoid(signed)
    shifted = torch.where(positive, right, (right + clip).clamp(max=1)) if clip else right
    # Without eps the logarithm comes from the logit, so that no probability has to be told from 0.
    if eps:
        log = shifted.clamp(min=eps).log()
    else:
        log = F.logsigmoid(signed) if not clip else torch.where(positive, F.logsigmoid(signed), (right + clip).clamp(max=1).log())
    weight = (1 - (shifted.detach() if constant_weight else shifted)) ** torch.where(positive, gamma_pos, gamma_neg).to(logits.dtype)
    return reduced(-log * weight, counts, reduction)


def _check(**options: float) -> None:
    for name, value in options.items():
        if not value >= 0:
            raise WorkbenchError(f"{name} is {value}; give 0 or more.")
