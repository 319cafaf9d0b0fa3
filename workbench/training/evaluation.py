"""The figures of the validation split that a history row holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from workbench.metrics import average_precision, mean_average_precision
from workbench.training.batches import evaluation_plan
from workbench.training.features import Source
from workbench.training.processes import Processes

BATCH_SIZE = 64


def answer(fabric: Fabric, model: nn.Module, inputs: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """What a model says, in full precision, past the wrapper that keeps the processes of a training in step."""
    with fabric.autocast():
        logits, out = model(inputs)
    return logits.float(), {key: value.float() if value.is_floating_point() else value for key, value in out.items()}


@torch.no_grad()
def validation_figures(
    model: Callable[[Any], Any],
    source: Source,
    targets: np.ndarray,
    scored: str,
    unknown: str,
    keep: Callable[[np.ndarray, dict[str, Tensor]], None] | None = None,
    processes: Processes | None = None,
    names: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Plain average precision of every set of logits.

    Args:
        model: in evaluation mode.
        source: the validation images.
        targets: int8 [N, C].
        scored: name of the logits that count, one of those that the model gives.
        unknown: what a target of -1 does.
        keep: called with the indices [B] of each batch and the model's intermediates.
        processes: share the batches; each comes back with the figures of all. A batch is the same as in a single process, and so are
            its logits, to the last digit.
        names: of the sets of logits, which a process without a batch cannot see for itself.

    Returns: ``validation.map`` and ``validation.ap`` (by category) of the scored logits, ``validation.map.<name>`` of each where there are
        several; None where no category has a present image.
    """
    logits: dict[str, list[np.ndarray]] = {name: [] for name in names}
    plan = evaluation_plan(len(targets), BATCH_SIZE)
    rank, count = (processes.rank, processes.count) if processes else (0, 1)
    own = plan[rank::count]
    for indices, inputs in zip(own, source.inputs(own, None), strict=True):
        _, out = model(inputs)
        if keep:
            keep(indices, out)
        for key, value in out.items():
            if key.startswith("logits."):
                logits.setdefault(key.removeprefix("logits."), []).append(value.float().cpu().numpy())
    precision = {
        name: average_precision(_all_rows(parts, plan, targets.shape[1], processes), targets, unknown=unknown)
        for name, parts in logits.items()
    }
    figures: dict[str, Any] = {"validation.map": _finite(mean_average_precision(precision[scored]))}
    if len(precision) > 1:
        figures |= {f"validation.map.{name}": _finite(mean_average_precision(values)) for name, values in precision.items()}
    figures["validation.ap"] = [_finite(value) for value in precision[scored]]
    return figures


def _all_rows(parts: list[np.ndarray], plan: list[np.ndarray], columns: int, processes: Processes | None) -> np.ndarray:
    """The logits [N, C] in the order of the images, from the batches [B, C] that this process and the others had."""
    own = np.concatenate(parts) if parts else np.zeros((0, columns), dtype=np.float32)
    if processes is None or processes.count == 1:
        return own
    rows = np.empty((sum(map(len, plan)), columns), dtype=np.float32)
    for rank, held in enumerate(processes.gathered(own)):
        if batches := plan[rank :: processes.count]:
            rows[np.concatenate(batches)] = held
    return rows


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if math.isfinite(value) else None
