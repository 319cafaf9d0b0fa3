"""Attribution: which part of the picture made the score of a label, or the difference of two, asked from outside by Captum. One map for one
picture and one label; kept in the same archive as a model's own maps, so that learned attention and attribution stand side by side.

- "integrated_gradients" (Sundararajan et al., ICML 2017): from the picture's mean colour to the picture; its pixels add up to the
  difference of the two scores. Summed over the colours, then over the cells of a grid.
- "grad_cam" (Selvaraju et al., ICCV 2017): on any layer; convolutional maps [B, D, h, w] and tokens [B, T, D] of a square grid, whose
  leading class and register tokens are left out. Negative evidence is cut off.
- "occlusion" (Zeiler, Fergus, ECCV 2014): a window of the mean colour moves over the picture; the fall of the score, mean over the windows
  that cover a cell.
- "feature_ablation": the cells of a grid take the mean colour one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.capture import Subject, batch_of
from workbench.datasets.base import MultiLabelDataset
from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection import Inspection, MapKind

__all__ = ["Attribution", "add_attribution", "attribute", "attribution_maps"]

TITLES = {
    "integrated_gradients": (
        "Integrated gradients",
        "signed",
        "What each cell adds to the score, from the picture's mean colour to the picture",
    ),
    "grad_cam": (
        "Grad-CAM",
        "magnitude",
        "Channels of the layer weighted by how much the score follows them; negative evidence is cut off",
    ),
    "occlusion": ("Occlusion", "signed", "How far the score falls where a window of the mean colour covers the cell"),
    "feature_ablation": ("Feature ablation", "signed", "How far the score falls when the cell takes the mean colour"),
}
BATCH = 64  # pictures that the model gets at once


@dataclass(frozen=True)
class Attribution:
    """One kind of attribution map.

    Attributes:
        method: one of `TITLES`.
        layer: name of the layer for Grad-CAM, which needs one, as in ``model.named_modules()``.
        label, against: names of two labels: the difference of their scores, for both with opposite signs. By default each label's score.
        grid: (h, w) of the map, but for Grad-CAM, whose layer has a grid.
        steps: of integrated gradients, with which its sum comes nearer to the difference of the scores.
        key: name of the map kind in an archive, made from the rest by default.
    """

    method: str
    layer: str | None = None
    label: str | None = None
    against: str | None = None
    grid: tuple[int, int] = (8, 8)
    steps: int = 32
    key: str | None = None

    def __post_init__(self) -> None:
        if self.method not in TITLES:
            raise WorkbenchError(f'There is no attribution "{self.method}".{did_you_mean(self.method, TITLES)}')
        if (self.label is None) != (self.against is None):
            raise WorkbenchError("A difference of scores needs two labels; give label= and against=, or neither.")

    @property
    def name(self) -> str:
        """Key of the map kind in an archive, such as "grad_cam.layer4"."""
        return self.key or self.method + (f".{self.layer}" if self.layer else "") + (
            f".{self.label}-{self.against}" if self.against else ""
        )

    def kind(self, scored: str) -> MapKind:
        title, scale, meaning = TITLES[self.method]
        if self.against:
            title, meaning = f"{title}: {self.label} − {self.against}", f"{meaning}; the score is that of {self.label} less {self.against}"
        return MapKind(self.name, f"{title}, {self.layer}" if self.layer else title, f"{meaning}.", scale, logit=scored, layer=self.layer)


def parse(text: str) -> Attribution:
    """An attribution from its name: a method, or "grad_cam.<layer>"."""
    method, _, layer = text.partition(".")
    return Attribution(method, layer=layer or None)


def attribute(subject: Subject, wanted: Attribution, pictures: Tensor, labels: Tensor) -> Tensor:
    """Maps of one label each.

    Args:
        pictures: float [M, 3, H, W] in 0..1; labels: int [M]. For a difference, labels are the two that it is of.

    Returns: float [M, h, w].

    Raises: WorkbenchError for an unknown layer, one without a grid, or one that the score does not follow.
    """
    other = _others(subject, wanted, labels)

    def forward(inputs: Tensor, label: Tensor, against: Tensor) -> Tensor:
        logits = subject.score(inputs).float()
        score = logits.gather(1, label[:, None])[:, 0]
        return score if wanted.against is None else score - logits.gather(1, against[:, None])[:, 0]

    method: Any = {
        "integrated_gradients": _integrated_gradients,
        "grad_cam": partial(_grad_cam, subject.module),
        "occlusion": _occlusion,
        "feature_ablation": _feature_ablation,
    }[wanted.method]
    parts = []
    for begin in range(0, len(pictures), BATCH):
        part = slice(begin, begin + BATCH)
        parts.append(method(forward, wanted, pictures[part].detach(), (labels[part], other[part])).detach().float())
    return torch.cat(parts)


def add_attribution(subject: Subject, wanted: Attribution) -> None:
    """Let `subject` give this map beside its own, so that the checks that run a model can ask for it.

    Raises: WorkbenchError for a layer that is not there.
    """
    if wanted.method == "grad_cam":
        layer_of(subject.module, wanted.layer)
    subject.explain = {**subject.explain, wanted.name: partial(attribute, subject, wanted)}


def attribution_maps(
    subject: Subject,
    wanted: Attribution,
    dataset: MultiLabelDataset,
    inspection: Inspection,
    top_labels: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The maps that an archive keeps: of each image's present labels and of so many top-scored others; of a difference, both labels.

    Returns: (values float16 [N, K, h, w], labels int16 [N, K]); -1 marks an unused place.
    """
    chosen = _chosen(inspection, wanted, top_labels)
    image, place = np.nonzero(chosen >= 0)
    pixels = dataset.pixels(subject.size)
    values: np.ndarray | None = None
    for begin in range(0, len(image), BATCH):
        part = slice(begin, begin + BATCH)
        batch = batch_of(pixels, image[part].tolist(), subject.device)
        labels = torch.from_numpy(chosen[image[part], place[part]].astype(np.int64)).to(subject.device)
        maps = attribute(subject, wanted, batch, labels).cpu().numpy()
        if values is None:
            values = np.zeros((*chosen.shape, *maps.shape[1:]), dtype=np.float16)
        # float16 has 3 decimals and ends near 65,000 and 0.00006: small scores survive, what is too large is cut.
        values[image[part], place[part]] = np.clip(maps, -6e4, 6e4)
        if progress:
            progress(min(begin + BATCH, len(image)), len(image))
    if values is None:
        values = np.zeros((*chosen.shape, *wanted.grid), dtype=np.float16)
    return values, chosen


def layer_of(module: nn.Module, name: str | None) -> nn.Module:
    """A layer by its name. Raises WorkbenchError with the nearest name."""
    layers = dict(module.named_modules())
    if name is None:
        raise WorkbenchError(f"Grad-CAM needs a layer; name one, such as {_examples(layers)}.")
    if name not in layers or not name:
        raise WorkbenchError(f'{type(module).__name__} has no layer "{name}".{did_you_mean(name, [each for each in layers if each])}')
    return layers[name]


def _examples(layers: dict[str, nn.Module]) -> str:
    """The last layers that are known to give maps, deepest first."""
    found = [name for name, layer in layers.items() if isinstance(layer, nn.Conv2d | nn.LayerNorm)]
    return ", ".join(f'"{name}"' for name in found[::-1][:3]) or "one of model.named_modules()"


def _others(subject: Subject, wanted: Attribution, labels: Tensor) -> Tensor:
    """For each label the one that it is measured against; itself where there is no difference: int [M]."""
    if wanted.label is None or wanted.against is None:
        return labels
    first, second = subject.categories.index(wanted.label), subject.categories.index(wanted.against)
    if not bool(((labels == first) | (labels == second)).all()):
        raise WorkbenchError(f"This map is of {wanted.label} less {wanted.against}; ask for one of the two.")
    return torch.where(labels == first, second, first)


def _integrated_gradients(forward: Any, wanted: Attribution, pictures: Tensor, labels: tuple[Tensor, Tensor]) -> Tensor:
    from captum.attr import IntegratedGradients

    found = IntegratedGradients(forward).attribute(
        pictures,
        baselines=_mean_colour(pictures),
        additional_forward_args=labels,
        n_steps=wanted.steps,
        internal_batch_size=max(BATCH, len(pictures)),
    )
    return _cells(found.sum(dim=1), wanted.grid, total=True)


def _grad_cam(module: nn.Module, forward: Any, wanted: Attribution, pictures: Tensor, labels: tuple[Tensor, Tensor]) -> Tensor:
    from captum.attr import LayerActivation, LayerGradCam, LayerGradientXActivation

    layer = layer_of(module, wanted.layer)
    gradient = _tensor(LayerGradCam(forward, layer).attribute(pictures, additional_forward_args=labels), wanted)
    maps = gradient[:, 0]
    if gradient.ndim == 3:
        # Captum's Grad-CAM takes dimension 1 for the channels; of tokens it is the cells. Gradient and activation are what is asked for.
        asked = LayerGradientXActivation(forward, layer, multiply_by_inputs=False)
        gradient = _tensor(asked.attribute(pictures, additional_forward_args=labels), wanted)
        tokens = _tensor(LayerActivation(forward, layer).attribute(pictures, additional_forward_args=labels), wanted)
        side = math.isqrt(tokens.shape[1])
        gradient, tokens = gradient[:, -side * side :], tokens[:, -side * side :]
        maps = (gradient.mean(dim=1, keepdim=True) * tokens).sum(dim=2).unflatten(1, (side, side))
    if not bool(gradient.abs().sum() > 0):
        raise WorkbenchError(
            f'No score follows the cells of "{wanted.layer}"; name an earlier layer (in a transformer with a class token nothing after the '
            "last attention reaches the score)."
        )
    return maps.relu()


def _tensor(found: Any, wanted: Attribution) -> Tensor:
    """The one tensor of a layer, [B, D, h, w] or [B, T, D]. Raises WorkbenchError for other shapes."""
    value = found[0] if isinstance(found, tuple) else found
    if value.ndim not in (3, 4):
        raise WorkbenchError(
            f'Layer "{wanted.layer}" gives {list(value.shape)}, no maps [B, D, h, w] or tokens [B, T, D]; name another one.'
        )
    return value


def _occlusion(forward: Any, wanted: Attribution, pictures: Tensor, labels: tuple[Tensor, Tensor]) -> Tensor:
    from captum.attr import Occlusion

    stride = [max(1, side // cells) for side, cells in zip(pictures.shape[2:], wanted.grid, strict=True)]
    window = [min(side, 2 * step) for side, step in zip(pictures.shape[2:], stride, strict=True)]
    with torch.no_grad():
        found = Occlusion(forward).attribute(
            pictures,
            sliding_window_shapes=(3, *window),
            strides=(3, *stride),
            baselines=_mean_colour(pictures),
            additional_forward_args=labels,
            perturbations_per_eval=max(1, BATCH // len(pictures)),
        )
    return _cells(found[:, 0], wanted.grid)


def _feature_ablation(forward: Any, wanted: Attribution, pictures: Tensor, labels: tuple[Tensor, Tensor]) -> Tensor:
    from captum.attr import FeatureAblation

    cells = _cell_of(pictures, wanted.grid).unflatten(1, pictures.shape[2:])[None]
    with torch.no_grad():
        found = FeatureAblation(forward).attribute(
            pictures,
            baselines=_mean_colour(pictures),
            additional_forward_args=labels,
            feature_mask=cells,
            perturbations_per_eval=max(1, BATCH // len(pictures)),
        )
    return _cells(found[:, 0], wanted.grid)


def _mean_colour(pictures: Tensor) -> Tensor:
    return pictures.mean(dim=(2, 3), keepdim=True).expand_as(pictures).contiguous()


def _cells(pixels: Tensor, grid: tuple[int, int], total: bool = False) -> Tensor:
    """Mean over the pixels of each cell, or their sum, which keeps what they add up to: [B, H, W] -> [B, h, w]."""
    cells = _cell_of(pixels, grid).expand(len(pixels), -1)
    sums = pixels.new_zeros(len(pixels), grid[0] * grid[1]).scatter_add_(1, cells, pixels.flatten(1))
    counts = torch.ones_like(sums) if total else torch.bincount(cells[0], minlength=sums.shape[1])
    return (sums / counts).unflatten(1, grid)


def _cell_of(pictures: Tensor, grid: tuple[int, int]) -> Tensor:
    """Number of the cell that each pixel of a picture lies in: int [1, P]. Raises WorkbenchError for a grid finer than the picture."""
    height, width = pictures.shape[-2:]
    if grid[0] > height or grid[1] > width:
        raise WorkbenchError(
            f"A grid of {grid[0]} x {grid[1]} cells is finer than the picture, {height} x {width} pixels; take fewer cells."
        )
    rows = torch.arange(height, device=pictures.device) * grid[0] // height
    columns = torch.arange(width, device=pictures.device) * grid[1] // width
    return (rows[:, None] * grid[1] + columns).flatten()[None]


def _chosen(inspection: Inspection, wanted: Attribution, top_labels: int) -> np.ndarray:
    """Labels whose maps are kept, int16 [N, K]: present ones first, then by score; -1 fills up."""
    if wanted.label is not None and wanted.against is not None:
        pair = [inspection.categories.index(wanted.label), inspection.categories.index(wanted.against)]
        return np.tile(np.array(pair, dtype=np.int16), (len(inspection), 1))
    present = inspection.targets == 1
    count = min(present.shape[1], top_labels + int(present.sum(axis=1).max(initial=0)))
    order = np.argsort(-inspection.logits() - 1e6 * present, axis=1, kind="stable")[:, :count]
    kept = np.arange(count)[None] < (present.sum(axis=1) + top_labels)[:, None]
    return np.where(kept, order, -1).astype(np.int16)
