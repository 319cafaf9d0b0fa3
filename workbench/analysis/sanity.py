"""Randomised-weights check (Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018): a map that survives when every weight is
replaced by noise does not show what the model learned.

Weights are replaced from the logits down, layer by layer; after each step, Spearman correlation, over the cells of one label, between the
map of the trained model and that of the randomised one. The verdict is on the last step, where nothing learned is left. Smooth maps
correlate by chance (two unrelated 6x6 maps: .30 on average), so the same figure for *different* images stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from workbench.analysis.randomise import FRESH_SEED, cascade, randomised
from workbench.capture import Subject, batch_of
from workbench.datasets.base import MultiLabelDataset
from workbench.inspection import Inspection
from workbench.metrics.references import present_pairs

__all__ = ["FRESH_SEED", "MEANINGS", "randomised", "rank_correlation", "sanity"]

STEPS = 4  # of the cascade
EXPLAINED = 24  # pairs that a kind is checked on that is made label by label, which takes many runs of the model
INSENSITIVE_FROM = 0.5  # mean |rank correlation| from which a map is called insensitive to the weights
MEANINGS = {
    "sensitive": "fresh weights give an unrelated map, as they should",
    "partly sensitive": "fresh weights give a map more alike than chance: part of it comes from the picture, not from what was learned",
    "insensitive": "fresh weights give nearly the same map: it does not show what the model learned",
}


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rho of each pair of maps: [M, P], [M, P] -> [M]; ties share their rank; 0 where a map is constant."""
    a, b = average_ranks(first), average_ranks(second)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(a)), where=scale > 0)


def sanity(
    subject: Subject,
    rebuild: Any,
    dataset: MultiLabelDataset,
    inspection: Inspection,
    limit: int = 60,
    seed: int = FRESH_SEED,
    steps: int = STEPS,
) -> dict[str, Any]:
    """The check for every map kind, on the present labels of the first `limit` images.

    Args:
        rebuild: makes a Subject of a module, as `subject` was made; called with the randomised copies.
        steps: of the cascade, at most; fewer where the network has fewer blocks.

    Returns: {"sanity": {kind: {"rank_correlation", "baseline", "interval", "verdict", "meaning", "n", "cascade"}}}; "interval" is the half
        width of the 95 % interval of the difference between the two, "cascade" lists {"down to", "rank_correlation"} step by step.
    """
    image, label = present_pairs(inspection, limit)
    most = {kind: EXPLAINED if kind in subject.explain else len(image) for kind in inspection.map_kinds}
    pairs = {kind: _Pairs(inspection, kind, image[: most[kind]], label[: most[kind]]) for kind in inspection.map_kinds}
    pairs = {kind: each for kind, each in pairs.items() if len(set(each.image.tolist())) > 1}
    pixels = dataset.pixels(subject.size)
    levels: dict[str, list[dict[str, Any]]] = {kind: [] for kind in pairs}
    judged: dict[str, Any] = {}
    for name, module in cascade(subject.module, steps, seed) if pairs else ():
        for kind, fresh in _maps_again(rebuild(module), pairs, pixels).items():
            same = np.abs(rank_correlation(pairs[kind].trained, fresh))
            elsewhere = np.abs(rank_correlation(pairs[kind].trained, fresh[pairs[kind].other]))
            levels[kind].append({"down to": name, "rank_correlation": float(same.mean())})
            judged[kind] = _judged(same, elsewhere)
    return {"sanity": {kind: {**judged[kind], "cascade": levels[kind]} for kind in judged}} if judged else {}


class _Pairs:
    """Present (image, label) pairs of which a kind of map is stored: image, label int [M]; trained, raw float32 [M, P]; other int [M]."""

    def __init__(self, inspection: Inspection, kind: str, image: np.ndarray, label: np.ndarray) -> None:
        kept, trained = [], []
        for place, (each, wanted) in enumerate(zip(image.tolist(), label.tolist(), strict=True)):
            stored, values, _ = inspection.stored_maps(kind, each)
            for found in np.flatnonzero((stored == wanted) & np.isfinite(values).all(axis=(1, 2))):
                kept.append(place)
                trained.append(values[found].astype(np.float32).ravel())
        self.image, self.label = image[kept], label[kept]
        self.trained = np.stack(trained) if trained else np.zeros((0, 1), dtype=np.float32)
        self.other = _elsewhere(self.image, self.label)


def _judged(same: np.ndarray, elsewhere: np.ndarray) -> dict[str, Any]:
    interval = 1.96 * float((same - elsewhere).std(ddof=1) / np.sqrt(len(same))) if len(same) > 1 else float("inf")
    verdict = _verdict(float(same.mean()), float(elsewhere.mean()), interval)
    return {
        "rank_correlation": float(same.mean()),
        "baseline": float(elsewhere.mean()),
        "interval": interval,
        "verdict": verdict,
        "meaning": MEANINGS[verdict],
        "n": len(same),
    }


def _verdict(same: float, baseline: float, interval: float) -> str:
    if same >= INSENSITIVE_FROM and same > baseline + interval:
        return "insensitive"
    return "partly sensitive" if same > baseline + interval else "sensitive"


def _maps_again(subject: Subject, pairs: Mapping[str, _Pairs], pixels: np.ndarray, batch_size: int = 32) -> dict[str, np.ndarray]:
    """Maps of the pairs from another subject, raw, [M, P] by kind: ranks do not change under a sigmoid."""
    seen: dict[str, list[np.ndarray]] = {kind: [] for kind in pairs if kind not in subject.explain}
    result = {}
    with torch.no_grad():
        images = max((int(pairs[kind].image.max()) + 1 for kind in seen), default=0)
        for begin in range(0, images, batch_size):
            maps = subject.observe(batch_of(pixels, range(begin, min(begin + batch_size, images)), subject.device)).maps
            for kind, parts in seen.items():
                here = (pairs[kind].image >= begin) & (pairs[kind].image < begin + batch_size)
                chosen = maps[kind][pairs[kind].image[here] - begin, pairs[kind].label[here]]
                parts.append(chosen.double().flatten(1).cpu().numpy())
        for kind, each in pairs.items():
            if kind in seen:
                result[kind] = np.concatenate(seen[kind])
                continue
            made: list[torch.Tensor] = []
            for begin in range(0, len(each.image), batch_size):
                part = slice(begin, begin + batch_size)
                batch = batch_of(pixels, each.image[part].tolist(), subject.device)
                made.append(subject.maps_of(kind, batch, torch.from_numpy(each.label[part]).to(subject.device)))
            result[kind] = torch.cat(made).float().flatten(1).cpu().numpy()
    return {kind: np.nan_to_num(maps) for kind, maps in result.items()}


def _elsewhere(image: np.ndarray, label: np.ndarray) -> np.ndarray:
    """For each pair another one, of the same label in another image where there is one: int [M]."""
    result = np.zeros(len(image), dtype=int)
    for place in range(len(image)):
        others = np.flatnonzero(image != image[place])
        alike = others[label[others] == label[place]]
        choice = next((each for each in (alike, others) if len(each)), np.array([place]))
        result[place] = choice[np.searchsorted(choice, place) % len(choice)]
    return result


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Average ranks along the last axis: [M, P] -> float64 [M, P]."""
    result = np.empty(values.shape, dtype=np.float64)
    for row, cells in enumerate(values):
        _, inverse, counts = np.unique(cells, return_inverse=True, return_counts=True)
        last = np.cumsum(counts)
        result[row] = (last - (counts - 1) / 2)[inverse]
    return result
