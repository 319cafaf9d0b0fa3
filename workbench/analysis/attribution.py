"""Attribution: which part of the picture made the score of a label, or the difference of two, asked from outside, by Captum. One map for
one picture and one label; kept in the same archive as a model's own maps, so that learned attention and attribution stand side by side.

- "integrated_gradients" (Sundararajan et al., ICML 2017): from the picture's mean colour to the picture; its pixels add up to the
  difference of the two scores. Summed over the colours, then over the cells of a grid.
- "grad_cam" (Selvaraju et al., ICCV 2017): on any layer with a grid of positions, maps or tokens, see `workbench.analysis.layouts`; class
  and register tokens are left out. Negative evidence is cut off. Computed here: Captum takes dimension 1 for the channels.
- "occlusion" (Zeiler, Fergus, ECCV 2014): a window of the mean colour moves over the picture; the fall of the score, mean over the windows
  that cover a cell.
- "feature_ablation": the cells of a grid take the mean colour one by one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.analysis.grad_cam import grad_cam, grad_cams, with_gradients
from workbench.analysis.layers import LayerName, layer_name, opened
from workbench.analysis.layouts import Layout, establish
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
        layer: name of the layer for Grad-CAM, which needs one, as in ``model.named_modules()``; see `workbench.analysis.layers` for layers
            that run twice or give several tensors.
        layout: what the layer's dimensions are, where that cannot be established: "NCHW", "NHWC", "tokens", "tokens+5" for five others
            before those of the grid.
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
    layout: str | None = None
    place: tuple[LayerName, int, Layout] | None = field(default=None, repr=False)  # the layer, its call, what its output holds: `settled`

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


def settled(subject: Subject, wanted: Attribution) -> Attribution:
    """The same with its layer found in the model and the layout of its output established, once for all pictures.

    Raises: WorkbenchError for an unknown layer, or one without a grid of positions.
    """
    if wanted.method != "grad_cam" or wanted.place is not None:
        return wanted
    return replace(wanted, place=establish(subject, layer_name(subject.module, wanted.layer), wanted.layout))


def attribute(subject: Subject, wanted: Attribution, pictures: Tensor, labels: Tensor) -> Tensor:
    """Maps of one label each.

    Args:
        pictures: float [M, 3, H, W] in 0..1; labels: int [M]. For a difference, labels are the two that it is of.

    Returns: float [M, h, w]; zeros for a picture whose score follows nothing.

    Raises: WorkbenchError for an unknown layer, or one without a grid.
    """
    other = _others(subject, wanted, labels)
    wanted = settled(subject, wanted)
    forward = partial(_explained_score, subject, wanted)
    method: Any = {
        "integrated_gradients": _integrated_gradients,
        "grad_cam": grad_cam,
        "occlusion": _occlusion,
        "feature_ablation": _feature_ablation,
    }[wanted.method]
    parts = []
    with torch.inference_mode(False), torch.enable_grad():
        for begin in range(0, len(pictures), BATCH):
            part = slice(begin, begin + BATCH)
            batch = pictures[part].detach().clone()
            parts.append(method(subject, forward, wanted, batch, (labels[part].clone(), other[part].clone())).detach().float())
    return torch.cat(parts)


def of_all_labels(subject: Subject, wanted: Attribution, pictures: Tensor, most: int) -> Tensor:
    """Maps of every label for Grad-CAM, of the `most` best-scored labels of a picture for others, NaN for the rest: [B, C, h, w]."""
    wanted = settled(subject, wanted)
    with torch.inference_mode(False), torch.enable_grad():
        inputs = pictures.detach().clone()
        if wanted.method == "grad_cam" and wanted.against is None:
            every = torch.arange(len(subject.categories), device=inputs.device).expand(len(inputs), -1)
            return grad_cams(subject, wanted, inputs, every)
        scores = subject.score(inputs).detach()
        if wanted.label is not None and wanted.against is not None:
            pair = [subject.categories.index(wanted.label), subject.categories.index(wanted.against)]
            best = torch.tensor([pair] * len(inputs), device=inputs.device)
        else:
            best = scores.topk(min(most, scores.shape[1]), dim=1).indices
        found = [attribute(subject, wanted, inputs, best[:, place]) for place in range(best.shape[1])]
        result = torch.full((*scores.shape, *found[0].shape[1:]), torch.nan, device=inputs.device)
        for place, values in enumerate(found):
            result[torch.arange(len(inputs), device=inputs.device), best[:, place]] = values
        return result


def _explained_score(subject: Subject, wanted: Attribution, inputs: Tensor, label: Tensor, against: Tensor) -> Tensor:
    """Score of each picture's label, or its difference to the other one's: [M]."""
    logits = subject.score(inputs).float()
    score = logits.gather(1, label[:, None])[:, 0]
    return score if wanted.against is None else score - logits.gather(1, against[:, None])[:, 0]


def add_attribution(subject: Subject, wanted: Attribution) -> Attribution:
    """Let `subject` give this map beside its own, so that the checks that run a model can ask for it. Returns it `settled`.

    Raises: WorkbenchError for a layer that is not there, or without a grid.
    """
    wanted = settled(subject, wanted)
    subject.explain = {**subject.explain, wanted.name: partial(attribute, subject, wanted)}
    return wanted


@torch.inference_mode(False)
def attribution_maps(
    subject: Subject,
    wanted: Attribution,
    dataset: MultiLabelDataset,
    inspection: Inspection,
    top_labels: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The maps that an archive keeps: of each image's present labels and of so many top-scored others; of a difference, both labels.

    Returns: (values float32 [N, K, h, w], labels int16 [N, K]); -1 marks an unused place.

    Raises: WorkbenchError where no picture's score follows the layer, with the cause. Some that do not are told in a warning.
    """
    wanted = settled(subject, wanted)
    chosen = _chosen(inspection, wanted, top_labels)
    image, place = np.nonzero(chosen >= 0)
    pixels = dataset.pixels(subject.size)
    values: np.ndarray | None = None
    # Grad-CAM of all labels of a picture comes from one forward pass; for other methods a picture and a label are one question each.
    together = wanted.method == "grad_cam" and wanted.against is None
    questions = np.unique(image) if together else np.arange(len(image))
    for begin in range(0, len(questions), BATCH):
        part = questions[begin : begin + BATCH]
        rows, columns = (part, chosen[part]) if together else (image[part], chosen[image[part], place[part]])
        batch = batch_of(pixels, rows.tolist(), subject.device)
        labels = torch.from_numpy(columns.astype(np.int64)).to(subject.device)
        maps = (grad_cams if together else attribute)(subject, wanted, batch, labels).cpu().numpy()
        if values is None:
            values = np.zeros((*chosen.shape, *maps.shape[-2:]), dtype=np.float32)
        if together:
            values[rows] = maps
        else:
            values[rows, place[part]] = maps
        if progress:
            progress(min(begin + BATCH, len(questions)), len(questions))
    if values is None:
        values = np.zeros((*chosen.shape, *wanted.grid), dtype=np.float32)
    if wanted.method == "grad_cam":
        _require_followed(subject, wanted, pixels, image, place, chosen, values)
    return values, chosen


def _require_followed(
    subject: Subject, wanted: Attribution, pixels: np.ndarray, image: np.ndarray, place: np.ndarray, chosen: np.ndarray, values: np.ndarray
) -> None:
    """Maps of nothing but zeros: is it that all evidence is negative, or that the score does not follow the layer, or the picture?"""
    empty = np.flatnonzero((values[image, place] == 0).all(axis=(1, 2)))
    still, of_picture = [], 0
    for begin in range(0, len(empty), BATCH):
        which = empty[begin : begin + BATCH]
        batch = batch_of(pixels, image[which].tolist(), subject.device)
        labels = torch.from_numpy(chosen[image[which], place[which]].astype(np.int64)).to(subject.device)
        layer, picture = _followed(subject, wanted, batch, labels)
        still += which[~layer].tolist()
        of_picture += int((picture & ~layer).sum())
    if not still:
        return
    if len(still) == len(image):
        if of_picture:
            raise WorkbenchError(
                f'No score follows the cells of "{wanted.layer}"; name an earlier layer (in a transformer with a class token nothing after '
                "the last attention reaches the score)."
            )
        raise WorkbenchError(
            f'No score follows the cells of "{wanted.layer}", nor the pictures themselves: the network says the same of whatever it sees. '
            "Its weights may be untrained, or every unit switched off; look at prepare= and at the weights."
        )
    pictures = sorted(set(image[still].tolist()))
    warnings.warn(
        f'In {len(pictures)} of {len(set(image.tolist()))} images the score of a label does not follow the cells of "{wanted.layer}", '
        "as for black pictures: their maps are 0 everywhere.",
        stacklevel=2,
    )


def _followed(subject: Subject, wanted: Attribution, pictures: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Whether each score follows the layer, and whether it follows the picture: bool [M] twice."""
    assert wanted.place is not None
    layer, call, layout = wanted.place
    found = []
    with torch.inference_mode(False), torch.enable_grad():
        for source in ("layer", "picture"):
            inputs = pictures.detach().clone().requires_grad_(source == "picture")
            with opened(subject.module, layer, call) if source == "layer" else nullcontext([inputs]) as kept:
                score = _explained_score(subject, wanted, inputs, labels, _others(subject, wanted, labels))
            (gradient,) = torch.autograd.grad(with_gradients(score, subject).sum(), kept)
            cells = layout.arranged(gradient) if source == "layer" else gradient
            found.append((cells.flatten(1) != 0).any(dim=1).cpu().numpy())
    return found[0], found[1]


def _others(subject: Subject, wanted: Attribution, labels: Tensor) -> Tensor:
    """For each label the one that it is measured against; itself where there is no difference: int [M]."""
    if wanted.label is None or wanted.against is None:
        return labels
    first, second = subject.categories.index(wanted.label), subject.categories.index(wanted.against)
    if not bool(((labels == first) | (labels == second)).all()):
        raise WorkbenchError(f"This map is of {wanted.label} less {wanted.against}; ask for one of the two.")
    return torch.where(labels == first, second, first)


def _integrated_gradients(subject: Subject, forward: Any, wanted: Attribution, pictures: Tensor, labels: tuple[Tensor, Tensor]) -> Tensor:
    from captum.attr import IntegratedGradients

    with_gradients(forward(pictures[:1].clone().requires_grad_(True), *(each[:1] for each in labels)), subject)
    found = IntegratedGradients(forward).attribute(
        pictures,
        baselines=_mean_colour(pictures),
        additional_forward_args=labels,
        n_steps=wanted.steps,
        internal_batch_size=max(BATCH, len(pictures)),
    )
    return _cells(found.sum(dim=1), wanted.grid, total=True)


def _occlusion(subject: Subject, forward: Any, wanted: Attribution, pictures: Tensor, labels: tuple[Tensor, Tensor]) -> Tensor:
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


def _feature_ablation(subject: Subject, forward: Any, wanted: Attribution, pictures: Tensor, labels: tuple[Tensor, Tensor]) -> Tensor:
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
