"""Deletion (Petsiuk et al., RISE, BMVC 2018): paint over what a map shows, most important pixels first, and watch the label's probability.

The score is the area under that curve, 0..1: the lower, the more of the evidence the map had found. Painted pixels take the picture's mean
colour; a painted picture is unlike any training picture, so read the score against the reference rows (a random order, the middle of the
picture first), which paint over just as much.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.analysis.grids import resize_maps
from workbench.analysis.pointing import CENTRE_BLOB, RANDOM_MAP, summarise
from workbench.capture import Subject, batch_of
from workbench.datasets.base import MultiLabelDataset
from workbench.inspection import Inspection


def deletion_curves(subject: Subject, images: Tensor, labels: Tensor, maps: Tensor, steps: int = 8, batch_size: int = 64) -> Tensor:
    """Probability of a label while its picture is painted over.

    Args:
        images: float [M, 3, H, W] in 0..1; labels: int [M]; maps: float [M, H, W], what is painted first is highest.
        steps: the picture is gone after so many equal steps.

    Returns: float [M, steps + 1], the untouched picture first.
    """
    pixels = maps.shape[1] * maps.shape[2]
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(1, order, torch.arange(pixels, device=order.device).expand_as(order))  # [M, P]
    gone = torch.arange(steps + 1, device=rank.device) * (pixels / steps)
    curves = []
    with torch.no_grad():
        for begin in range(0, len(images), max(1, batch_size // (steps + 1))):
            part = slice(begin, begin + max(1, batch_size // (steps + 1)))
            painted = rank[part, None] < gone[None, :, None]  # [m, steps + 1, P]
            source = images[part]
            mean = source.mean(dim=(2, 3), keepdim=True)[:, None]  # [m, 1, 3, 1, 1]
            mask = painted.unflatten(2, maps.shape[1:])[:, :, None]  # [m, steps + 1, 1, H, W]
            batch = torch.where(mask, mean, source[:, None]).flatten(0, 1)
            logits = subject.observe(batch).logits[subject.scored].unflatten(0, painted.shape[:2])
            chosen = labels[part, None, None].expand(-1, steps + 1, 1)
            curves.append(logits.float().gather(2, chosen)[..., 0].sigmoid())
    return torch.cat(curves)


def deletion(subject: Subject, dataset: MultiLabelDataset, inspection: Inspection, limit: int = 40, steps: int = 8) -> dict[str, Any]:
    """Mean area under the deletion curve of present labels, for each map kind and the reference rows, laid out as by `localisation`.

    Args:
        limit: number of images to measure on, the first ones.
    """
    rows: dict[str, list[np.ndarray]] = {name: [] for name in (*inspection.map_kinds, RANDOM_MAP, CENTRE_BLOB)}
    pairs = [
        (image, int(label)) for image in range(min(limit, len(inspection))) for label in np.flatnonzero(inspection.targets[image] == 1)
    ]
    if not pairs:
        return {}
    blob = _centre_first(inspection.frame)
    for image, label in pairs:
        for kind in inspection.map_kinds:
            stored, values = inspection.shown_maps(kind, image)
            place = np.flatnonzero(stored == label)  # always stored: true labels come first
            rows[kind].append(resize_maps(values[place[0]], *inspection.frame))
        noise = np.random.default_rng(zlib.crc32(f"{inspection.ids[image]}/{label}".encode()))
        rows[RANDOM_MAP].append(resize_maps(noise.random(inspection.grid(next(iter(inspection.map_kinds)))), *inspection.frame))
        rows[CENTRE_BLOB].append(blob)
    device = next(subject.module.parameters()).device
    images = batch_of(dataset.pixels(subject.size), [image for image, _ in pairs], device)
    labels = torch.tensor([label for _, label in pairs], device=device)
    result = {}
    for name, maps in rows.items():
        curves = deletion_curves(subject, images, labels, torch.from_numpy(np.stack(maps)).to(device), steps)
        areas = torch.trapezoid(curves, dx=1 / steps, dim=1).cpu().numpy()
        result[name] = {**summarise(list(zip(labels.tolist(), areas, strict=True)), inspection), "steps": steps, "fill": "mean colour"}
    return {"deletion": result}


def _centre_first(frame: tuple[int, int]) -> np.ndarray:
    down, across = (np.linspace(-1, 1, side, dtype=np.float32) for side in frame)
    return -(down[:, None] ** 2 + across[None, :] ** 2)
