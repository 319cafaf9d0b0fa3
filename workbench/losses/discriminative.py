"""Class-disentangled discriminative losses, ours, after Hassanin et al.: pull the features of a class together, push classes apart.

Hassanin, Radwan, Khan, Tahtali, "Learning Discriminative Representations for Multi-Label Image Recognition", J. Vis. Commun. Image
Represent. 83 (2022) 103448, https://arxiv.org/abs/2107.11159. Its equations were not available to us, no code of it is public: what stands
here is ours, after its idea. The contrastive form is SupCon (Khosla et al. 2020, https://arxiv.org/abs/2004.11362) on (image, label) pairs,
as in MulCon (https://arxiv.org/abs/2107.11626), with running class centres in the contrast set and an additive margin as in CosFace.
The two-term form is a centre loss beside a bounded push: easier to see through, for teaching.

Everything works on `Points`, the present (image, label) pairs: absent and unknown entries are not there at all, so their gradient is
exactly 0. Letters in shapes: B images, C labels, D width, n pairs. Everything here runs in at least float32, outside autocast.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.errors import WorkbenchError
from workbench.losses.reduction import require_targets

EPSILON = 1e-6  # vectors shorter than this have no direction: they count as 0, and get no gradient
LEAST_TEMPERATURE = 0.05


@dataclass(frozen=True)
class Points:
    """The present (image, label) pairs of a batch, in row-major order.

    Attributes:
        z: [n, D], of length one.
        image, label: int64 [n].
        targets: [B, C]; only asked which labels an image does not have.
        of_images: z belongs to the whole image and is the same for all of its labels. Then an image that shows, or may show, the anchor's
            label cannot be pushed from it, and neither can an image be pushed from the centre of a label that it shows.
    """

    z: Tensor
    image: Tensor
    label: Tensor
    targets: Tensor
    of_images: bool = False


@dataclass(frozen=True)
class Terms:
    """A loss with what it is made of.

    Attributes:
        loss, pull, push: scalars; pull + push = loss.
        each: [n], the loss of each pair, 0 for those left out. The loss is its mean over the anchors.
        anchors: pairs that count; dropped: pairs without anything to be pulled to.
    """

    loss: Tensor
    pull: Tensor
    push: Tensor
    each: Tensor
    anchors: int
    dropped: int


def feature_points(features: Tensor, targets: Tensor) -> Points:
    """Class features [B, C, D] at the present entries of targets [B, C] (1 present, 0 absent, -1 unknown)."""
    if features.ndim != 3 or features.shape[:2] != targets.shape:
        raise WorkbenchError(
            f"The class features are {list(features.shape)} and the targets {list(targets.shape)}; expected [B, C, D] and [B, C]."
        )
    require_targets(targets)
    image, label = (targets == 1).nonzero(as_tuple=True)
    with torch.autocast(features.device.type, enabled=False):
        return Points(unit(features[image, label]), image, label, targets)


def logit_points(logits: Tensor, targets: Tensor) -> Points:
    """The other reading of "output space": a pair's point is its image's vector of logits [C], the same for all labels of the image.

    Args:
        logits, targets: [B, C].
    """
    if logits.ndim != 2 or logits.shape != targets.shape:
        raise WorkbenchError(f"The logits are {list(logits.shape)} and the targets {list(targets.shape)}; both must be [B, C].")
    require_targets(targets)
    image, label = (targets == 1).nonzero(as_tuple=True)
    with torch.autocast(logits.device.type, enabled=False):
        return Points(unit(logits)[image], image, label, targets, of_images=True)


def contrastive(
    points: Points, centres: Tensor | None = None, seen: Tensor | None = None, temperature: float = 0.1, margin: float = 0.0
) -> Terms:
    """Class-level supervised contrastive loss with class centres in the contrast set.

    For anchor a with cosines s, positives Pos (same label, itself excluded) and negatives Neg (other labels, those of its own image
    included): -mean over Pos of s/t + log(sum over Pos of exp(s/t) + sum over Neg of exp((s + m)/t)); the first term pulls, the second
    pushes. Mean over the anchors that have a positive.

    Args:
        centres: [C, D], of length one, or None for the batch alone; they get no gradient.
        seen: bool [C], which centres are there; all by default.
        temperature: t, at least 0.05.
        margin: m, at least 0.
    """
    if temperature < LEAST_TEMPERATURE or margin < 0:
        raise WorkbenchError(
            f"Temperature {temperature:g} and margin {margin:g} cannot be used; give at least {LEAST_TEMPERATURE:g} and at least 0."
        )
    with torch.autocast(points.z.device.type, enabled=False):
        contrast, positive, negative = _contrast_set(points, centres, seen)
        cosine = points.z @ contrast.T  # [n, n + seen]
        count = positive.sum(1)
        anchor = count > 0
        if not anchor.any():
            return nothing(points)
        score = torch.where(negative, cosine + margin, cosine) / temperature
        lowest = torch.finfo(score.dtype).min
        push = score.masked_fill(~(positive | negative), lowest).logsumexp(1)
        pull = -score.masked_fill(~positive, 0.0).sum(1) / count.clamp(min=1)
        return _mean(pull.masked_fill(~anchor, 0.0), push.masked_fill(~anchor, 0.0), anchor)


def two_terms(
    points: Points, centres: Tensor, seen: Tensor, inner: float = 0.0, outer: float = 2.0, between_batch_centres: bool = False
) -> Terms:
    """Two terms that can be seen apart, with d = 2 - 2 cosine.

    pull = [d(z, own centre) - inner]+ and push = mean over the other seen centres of ([outer - d(z, centre)]+)^2, both means over the
    pairs whose own centre was seen. The pull alone does not separate classes. outer = 2 asks for a cosine of at most 0, which C <= 2 D
    vectors can have; all orthogonal takes C <= D.

    Args:
        centres, seen: as in `contrastive`, both needed.
        between_batch_centres: add the same push between the means of the batch's own classes, which do get a gradient.
    """
    with torch.autocast(points.z.device.type, enabled=False):
        anchor = seen[points.label]
        if not anchor.any():
            return nothing(points)
        labels = torch.arange(len(centres), device=points.label.device)
        other = seen[None] & _may_push(points, labels)  # [n, C]
        distance = 2 - 2 * points.z @ centres.detach().to(points.z.dtype).T  # [n, C]
        pull = (distance.gather(1, points.label[:, None])[:, 0] - inner).clamp(min=0)
        square = (outer - distance).clamp(min=0).square().masked_fill(~other, 0.0)
        push = square.sum(1) / other.sum(1).clamp(min=1)
        terms = _mean(pull.masked_fill(~anchor, 0.0), push.masked_fill(~anchor, 0.0), anchor)
        if not between_batch_centres:
            return terms
        extra = _push_between_means(points, outer)
        return Terms(terms.loss + extra, terms.pull, terms.push + extra, terms.each, terms.anchors, terms.dropped)


def unit(values: Tensor) -> Tensor:
    """Rows of length one, in at least float32. A row without a direction becomes 0 and gets no gradient."""
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    directed = values.norm(dim=-1, keepdim=True) > EPSILON
    return torch.nn.functional.normalize(torch.where(directed, values, 1.0), dim=-1, eps=EPSILON) * directed


def nothing(points: Points) -> Terms:
    """Zero that still hangs on the graph, so that every process of a distributed training runs the same backward pass."""
    zero = points.z.sum() * 0
    return Terms(zero, zero, zero, points.z.sum(1) * 0, 0, len(points.z))


def _contrast_set(points: Points, centres: Tensor | None, seen: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The vectors that anchors are compared with [m, D], and which are positives and negatives of each anchor, both bool [n, m]."""
    same = points.label[:, None] == points.label[None]  # [n, n]
    itself = torch.eye(len(points.label), dtype=torch.bool, device=same.device)
    positive, negative, contrast = same & ~itself, ~same, points.z
    if points.of_images:
        lacks = points.targets[points.image][:, points.label] == 0  # [n of the contrast set, n anchors]
        negative = negative & lacks.T
    if centres is None:
        return contrast, positive, negative
    there = torch.arange(len(centres), device=same.device) if seen is None else seen.nonzero()[:, 0]
    contrast = torch.cat([contrast, centres[there].detach().to(contrast.dtype)])
    own = points.label[:, None] == there[None]  # [n, seen]
    return contrast, torch.cat([positive, own], 1), torch.cat([negative, _may_push(points, there)], 1)


def _may_push(points: Points, labels: Tensor) -> Tensor:
    """Which of the centres of `labels` [k] each pair may be pushed from: bool [n, k]."""
    if points.of_images:
        return points.targets[points.image][:, labels] == 0
    return points.label[:, None] != labels[None]


def _mean(pull: Tensor, push: Tensor, anchor: Tensor) -> Terms:
    anchors = int(anchor.sum())
    each = pull + push
    return Terms(each.sum() / anchors, pull.sum() / anchors, push.sum() / anchors, each, anchors, len(anchor) - anchors)


def _push_between_means(points: Points, outer: float) -> Tensor:
    """Mean over pairs of the batch's class means of ([outer - d]+)^2."""
    labels, place = points.label.unique(return_inverse=True)
    if len(labels) < 2:
        return points.z.sum() * 0
    means = unit(torch.zeros(len(labels), points.z.shape[1], dtype=points.z.dtype, device=points.z.device).index_add(0, place, points.z))
    distance = 2 - 2 * means @ means.T
    apart = ~torch.eye(len(labels), dtype=torch.bool, device=means.device)
    return (outer - distance[apart]).clamp(min=0).square().mean()
