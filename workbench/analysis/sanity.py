"""Randomised-weights check (Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018): a map that survives when every weight is
replaced by noise does not show what the model learned.

Spearman correlation, over the cells of one label, between the map of the trained model and that of the same network with fresh weights.
Smooth maps correlate by chance (two unrelated 6x6 maps: .30 on average), so the same figure for *different* images stands beside it.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from workbench.capture import Subject, batch_of
from workbench.datasets.base import MultiLabelDataset
from workbench.inspection import Inspection

FRESH_SEED = 104729  # far from the seeds people train with: the same seed would give back the weights that training began with
INSENSITIVE_FROM = 0.5  # mean |rank correlation| from which a map is called insensitive to the weights
MEANINGS = {
    "sensitive": "fresh weights give an unrelated map, as they should",
    "partly sensitive": "fresh weights give a map more alike than chance: part of it comes from the picture, not from what was learned",
    "insensitive": "fresh weights give nearly the same map: it does not show what the model learned",
}


def randomised(module: nn.Module, seed: int = FRESH_SEED) -> nn.Module:
    """A copy of `module` in which every layer drew fresh weights (and forgot its running statistics)."""
    fresh = copy.deepcopy(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in fresh.modules():
            reset = getattr(layer, "reset_parameters", None)
            if callable(reset):
                reset()
    return fresh.eval()


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rho of each pair of maps: [M, P], [M, P] -> [M]; ties share their rank; 0 where a map is constant."""
    a, b = _ranks(first), _ranks(second)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(a)), where=scale > 0)


def sanity(
    subject: Subject, rebuild: Any, dataset: MultiLabelDataset, inspection: Inspection, limit: int = 60, seed: int = FRESH_SEED
) -> dict[str, Any]:
    """The check for every map kind, on the present labels of the first `limit` images.

    Args:
        rebuild: makes a Subject of a module, as `subject` was made; called with the randomised copy.

    Returns: {"sanity": {kind: {"rank_correlation", "baseline", "interval", "verdict", "meaning", "n"}}}; "interval" is the half
        width of the 95 % interval of the difference between the two.
    """
    count = min(limit, len(inspection))
    image, label = np.nonzero(inspection.targets[:count] == 1)
    if count < 2 or not len(image):
        return {}
    other: Subject = rebuild(randomised(subject.module, seed))
    device = next(subject.module.parameters()).device
    pixels = dataset.pixels(subject.size)
    with torch.no_grad():
        maps = {name: [] for name in inspection.map_kinds}  # type: dict[str, list[np.ndarray]]
        for begin in range(0, count, 32):
            for name, value in other.observe(batch_of(pixels, range(begin, min(begin + 32, count)), device)).maps.items():
                if name in maps:
                    maps[name].append(value.float().cpu().numpy())
    result = {}
    for kind in inspection.map_kinds:
        fresh = np.concatenate(maps[kind])  # [N, C, h, w], raw: ranks do not change under a sigmoid
        trained = np.stack([_stored(inspection, kind, i, c) for i, c in zip(image.tolist(), label.tolist(), strict=True)])
        same = np.abs(rank_correlation(trained, fresh[image, label].reshape(len(image), -1)))
        elsewhere = np.abs(rank_correlation(trained, fresh[(image + 1 + image % (count - 1)) % count, label].reshape(len(image), -1)))
        interval = 1.96 * float((same - elsewhere).std(ddof=1) / np.sqrt(len(same))) if len(same) > 1 else float("inf")
        verdict = _verdict(float(same.mean()), float(elsewhere.mean()), interval)
        result[kind] = {
            "rank_correlation": float(same.mean()),
            "baseline": float(elsewhere.mean()),
            "interval": interval,
            "verdict": verdict,
            "meaning": MEANINGS[verdict],
            "n": len(image),
        }
    return {"sanity": result}


def _verdict(same: float, baseline: float, interval: float) -> str:
    if same >= INSENSITIVE_FROM and same > baseline + interval:
        return "insensitive"
    return "partly sensitive" if same > baseline + interval else "sensitive"


def _stored(inspection: Inspection, kind: str, image: int, label: int) -> np.ndarray:
    stored, values = inspection.maps(kind, image)
    return values[np.flatnonzero(stored == label)[0]].astype(np.float32).ravel()


def _ranks(values: np.ndarray) -> np.ndarray:
    """Average ranks along the last axis: [M, P] -> float64 [M, P]."""
    result = np.empty(values.shape, dtype=np.float64)
    for row, cells in enumerate(values):
        _, inverse, counts = np.unique(cells, return_inverse=True, return_counts=True)
        last = np.cumsum(counts)
        result[row] = (last - (counts - 1) / 2)[inverse]
    return result
