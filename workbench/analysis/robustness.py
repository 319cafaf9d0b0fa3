"""Infidelity and sensitivity (Yeh et al., *On the (In)fidelity and Sensitivity of Explanations*, NeurIPS 2019), measured by Captum.

- Infidelity: random patches of the picture are replaced by its mean colour; does the map say how far the score falls? The squared error,
  0 is best. A map knows importance, not logits, so Captum scales it to fit best before the error is taken, and the error is given as a
  share of that of a map that says nothing (1).
- Sensitivity: a little uniform noise on the picture; the largest change of the map as a share of the map itself, 0 is best.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.capture import Subject, batch_of
from workbench.datasets.base import MultiLabelDataset
from workbench.inspection import Inspection
from workbench.metrics.pointing import summarise
from workbench.metrics.references import present_pairs, row_maps, row_names

__all__ = ["infidelity", "robustness", "sensitivity"]

PATCHES, SIDE = 20, 4  # patches are a quarter of the frame wide and high
NOISES, RADIUS = 5, 0.02  # of pixels in 0..1


def infidelity(subject: Subject, pictures: Tensor, labels: Tensor, maps: Tensor, patches: int = PATCHES, seed: int = 0) -> Tensor:
    """Infidelity of each map as a share of that of a map of zeros: pictures [M, 3, H, W] in 0..1, labels int [M], maps [M, H, W] -> [M]."""
    from captum.metrics import infidelity as of_captum

    random = np.random.default_rng(seed)

    def patched(inputs: Tensor) -> tuple[Tensor, Tensor]:
        masks = random_patches(random, len(inputs), (inputs.shape[2], inputs.shape[3])).to(inputs.device)[:, None]
        return masks.expand_as(inputs) / 3.0, torch.where(masks, inputs.mean(dim=(2, 3), keepdim=True), inputs)

    def forward(inputs: Tensor, which: Tensor) -> Tensor:
        return subject.score(inputs).float().gather(1, which[:, None])[:, 0]

    def error(values: Tensor) -> Tensor:
        spread = values[:, None].expand(-1, 3, -1, -1).contiguous()  # the channels of a patch count a third each
        most = len(pictures) * max(1, min(patches, 64 // len(pictures)))  # pictures at once: whole sets, as Captum wants them
        return of_captum(forward, patched, pictures, spread, None, labels, None, patches, most, normalize=True).float()

    with torch.no_grad():
        found = error(maps / maps.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-12))
        random = np.random.default_rng(seed)
        nothing = error(torch.zeros_like(maps))
    return torch.where(nothing > 0, found / nothing.clamp(min=1e-20), torch.ones_like(found))


def sensitivity(explain: Callable[[Tensor, Tensor], Tensor], pictures: Tensor, labels: Tensor, noises: int = NOISES) -> Tensor:
    """Largest relative change of a map under a little noise: `explain(pictures [M, 3, H, W], labels int [M]) -> [M, h, w]`; result [M]."""
    from captum.metrics import sensitivity_max

    def maps(inputs: Tensor | tuple[Tensor, ...], target: Tensor) -> tuple[Tensor, ...]:
        return (explain(inputs[0] if isinstance(inputs, tuple) else inputs, target).double(),)  # squares of 1e-30 need it

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return sensitivity_max(maps, pictures, perturb_radius=RADIUS, n_perturb_samples=noises, target=labels)


def robustness(subject: Subject, dataset: MultiLabelDataset, inspection: Inspection, limit: int = 10) -> dict[str, Any]:
    """Both for the present labels of the first `limit` images, laid out as by `localisation`; sensitivity has no reference rows."""
    image, label = present_pairs(inspection, limit)
    if not len(image):
        return {}
    result: dict[str, dict[str, Any]] = {"infidelity": {}, "sensitivity": {}}
    for row in row_names(inspection):
        maps = row_maps(inspection, row, image, label)
        known = ~np.isnan(maps).any(axis=(1, 2))
        if not known.any():
            continue
        pictures = batch_of(dataset.pixels(subject.size), image[known].tolist(), subject.device)
        labels = torch.from_numpy(label[known]).to(subject.device)
        found = {"infidelity": infidelity(subject, pictures, labels, torch.from_numpy(maps[known]).to(subject.device))}
        if row in inspection.map_kinds:
            found["sensitivity"] = sensitivity(partial(subject.maps_of, row), pictures, labels)
        for measure, values in found.items():
            pairs = list(zip(label[known].tolist(), values.detach().cpu().numpy(), strict=True))
            result[measure][row] = summarise(pairs, inspection)
    return result


def random_patches(random: np.random.Generator, count: int, frame: tuple[int, int]) -> Tensor:
    """One patch a picture, anywhere: bool [count, H, W]."""
    masks = np.zeros((count, *frame), dtype=bool)
    tall, wide = (max(1, side // SIDE) for side in frame)
    for mask in masks:
        top, left = random.integers(0, frame[0] - tall + 1), random.integers(0, frame[1] - wide + 1)
        mask[top : top + tall, left : left + wide] = True
    return torch.from_numpy(masks)
