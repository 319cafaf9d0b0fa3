"""Networks with fresh weights, layer by layer from the logits down (cascading randomisation, Adebayo et al., NeurIPS 2018)."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

__all__ = ["cascade", "randomised"]

FRESH_SEED = 104729  # far from the seeds people train with: the same seed would give back the weights that training began with


def blocks(module: nn.Module) -> list[tuple[str, list[nn.Module]]]:
    """Layers with weights of their own, in the order of their definition, those of one block together: [(name of the block, layers)]."""
    found: list[tuple[str, list[nn.Module]]] = []
    for name, layer in module.named_modules():
        if not any(True for _ in layer.parameters(recurse=False)):
            continue
        block = name.rpartition(".")[0] or name
        if found and found[-1][0] == block:
            found[-1][1].append(layer)
        else:
            found.append((block, [layer]))
    return found


def cascade(module: nn.Module, steps: int, seed: int = FRESH_SEED) -> Iterator[tuple[str, nn.Module]]:
    """Copies of `module` of which more and more drew fresh weights, from the last defined block to the first: (how far, copy).

    Args:
        steps: at most so many copies; the last one has no trained weight left.
    """
    if not blocks(module):
        return
    fresh = copy.deepcopy(module)
    found = blocks(fresh)[::-1]
    devices = sorted({weight.device.index or 0 for weight in fresh.parameters() if weight.device.type == "cuda"})
    for part in np.array_split(np.arange(len(found)), min(steps, len(found))):
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed + int(part[0]))
            for place in part:
                for layer in found[place][1]:
                    _redraw(layer)
        yield found[part[-1]][0] or type(module).__name__, copy.deepcopy(fresh).eval()


def randomised(module: nn.Module, seed: int = FRESH_SEED) -> nn.Module:
    """A copy of `module` in which every layer drew fresh weights (and forgot its running statistics)."""
    *_, (_, fresh) = cascade(module, 1, seed)
    return fresh


def _redraw(layer: nn.Module) -> None:
    """Fresh weights as the layer itself draws them; else noise with the mean and spread of those that it has (tokens, positions)."""
    for name in ("reset_parameters", "_reset_parameters"):
        reset = getattr(layer, name, None)
        if callable(reset):
            reset()
            return
    with torch.no_grad():
        for weight in layer.parameters(recurse=False):
            spread = float(weight.float().std()) if weight.numel() > 1 else 0.0
            weight.normal_(float(weight.float().mean()), spread or 1e-2)
