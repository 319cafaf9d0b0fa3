"""Running class centres: what each class looked like lately, so that an anchor without a partner in its batch still has a positive.

At batch 16 only about half of COCO's present pairs share their label with another image of the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.errors import WorkbenchError
from workbench.losses.discriminative import EPSILON, unit


class ClassCentres(nn.Module):
    """One direction a class, an exponential moving average of the unit vectors of its present pairs; buffers, never trained.

    Args:
        labels: C.
        width: D.
        momentum: share that the old centre keeps at each update.

    Attributes:
        centres: float32 [C, D], of length one where seen, else 0.
        seen: bool [C].
    """

    centres: Tensor
    seen: Tensor

    def __init__(self, labels: int, width: int, momentum: float = 0.9) -> None:
        super().__init__()
        if not 0 <= momentum < 1:
            raise WorkbenchError(f"The centres' momentum is {momentum}; give a number from 0 to below 1.")
        self.momentum = momentum
        self.register_buffer("centres", torch.zeros(labels, width))
        self.register_buffer("seen", torch.zeros(labels, dtype=torch.bool))

    @torch.no_grad()
    def update(self, z: Tensor, label: Tensor) -> None:
        """Move the centres of the classes that occur towards the mean of their vectors; to be called after the loss.

        Does nothing in evaluation mode. With several processes every one has to call it, if only with no pair; all end with the same
        centres.

        Args:
            z: [n, D], of length one; label: int64 [n].
        """
        if not self.training:
            return
        sums = torch.zeros_like(self.centres).index_add_(0, label, z.to(self.centres.dtype))
        counts = torch.zeros(len(sums), dtype=sums.dtype, device=sums.device).index_add_(0, label, torch.ones_like(label, dtype=sums.dtype))
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(sums)
            torch.distributed.all_reduce(counts)
        mean = sums / counts.clamp(min=1)[:, None]
        moved = torch.where(self.seen[:, None], self.momentum * self.centres + (1 - self.momentum) * mean, mean)
        directed = (counts > 0) & (moved.norm(dim=1) > EPSILON)  # opposite vectors cancel out, which says nothing
        self.centres.copy_(torch.where(directed[:, None], unit(moved), self.centres))
        self.seen |= directed
