"""Grad-CAM (Selvaraju et al., ICCV 2017) on any layer with a grid of positions: its channels, weighted by the mean gradient of a score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from workbench.analysis.layers import opened
from workbench.errors import WorkbenchError
from workbench.subject import Subject

if TYPE_CHECKING:
    from workbench.analysis.attribution import Attribution


def grad_cam(subject: Subject, forward: Any, wanted: Attribution, pictures: Tensor, labels: tuple[Tensor, Tensor]) -> Tensor:
    assert wanted.place is not None
    layer, call, layout = wanted.place
    with opened(subject.module, layer, call) as kept:
        score = forward(pictures, *labels)
    (gradient,) = torch.autograd.grad(with_gradients(score, subject).sum(), kept)
    activations, gradient = (layout.arranged(values).float() for values in (kept[0].detach(), gradient))
    return (gradient.mean(dim=(2, 3), keepdim=True) * activations).sum(dim=1).relu()


def grad_cams(subject: Subject, wanted: Attribution, pictures: Tensor, columns: Tensor) -> Tensor:
    """Grad-CAM of several labels of each picture from one forward pass: columns int [B, K], -1 for none (zeros), -> [B, K, h, w].

    What lies above the layer is gone through backwards once a place: pictures do not touch each other, so that the sum of one label of
    each gives all their gradients.
    """
    assert wanted.place is not None
    layer, call, layout = wanted.place
    with torch.enable_grad():
        with opened(subject.module, layer, call) as kept:
            logits = with_gradients(subject.score(pictures.detach().clone()).float(), subject)
        activations = layout.arranged(kept[0].detach()).float()
        maps = []
        for place in range(columns.shape[1]):
            score = logits.gather(1, columns[:, place, None].clamp(min=0)).sum()
            (gradient,) = torch.autograd.grad(score, kept, retain_graph=True)
            weights = layout.arranged(gradient).float().mean(dim=(2, 3), keepdim=True)
            maps.append((weights * activations).sum(dim=1).relu() * (columns[:, place] >= 0)[:, None, None])
    return torch.stack(maps, dim=1)


def with_gradients(score: Tensor, subject: Subject) -> Tensor:
    if not score.requires_grad:
        raise WorkbenchError(
            f"{type(subject.module).__name__} gives scores without gradients, which this map is made of; give the torch module itself, a "
            'function maps(model, images), or "occlusion" or "feature_ablation", which ask for scores only.'
        )
    return score
