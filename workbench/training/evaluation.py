"""The figures of the validation split that a history row holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.metrics import average_precision, mean_average_precision
from workbench.training.batches import evaluation_plan
from workbench.training.features import Source

BATCH_SIZE = 64


@torch.no_grad()
def validation_figures(
    model: Callable[[Any], Any],
    source: Source,
    targets: np.ndarray,
    scored: str,
    unknown: str,
    keep: Callable[[np.ndarray, dict[str, Tensor]], None] | None = None,
) -> dict[str, Any]:
    """Plain average precision of every set of logits.

    Args:
        model: in evaluation mode.
        source: the validation images.
        targets: int8 [N, C].
        scored: name of the logits that count, one of those that the model gives.
        unknown: what a target of -1 does.
        keep: called with the indices [B] of each batch and the model's intermediates.

    Returns: ``validation.map`` and ``validation.ap`` (by category) of the scored logits, ``validation.map.<name>`` of each where there are
        several; None where no category has a present image.
    """
    logits: dict[str, list[np.ndarray]] = {}
    plan = evaluation_plan(len(targets), BATCH_SIZE)
    for indices, inputs in zip(plan, source.inputs(plan, None), strict=True):
        _, out = model(inputs)
        if keep:
            keep(indices, out)
        for key, value in out.items():
            if key.startswith("logits."):
                logits.setdefault(key.removeprefix("logits."), []).append(value.float().cpu().numpy())
    precision = {name: average_precision(np.concatenate(parts), targets, unknown=unknown) for name, parts in logits.items()}
    figures: dict[str, Any] = {"validation.map": _finite(mean_average_precision(precision[scored]))}
    if len(precision) > 1:
        figures |= {f"validation.map.{name}": _finite(mean_average_precision(values)) for name, values in precision.items()}
    figures["validation.ap"] = [_finite(value) for value in precision[scored]]
    return figures


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if math.isfinite(value) else None
