"""The discriminative loss as a training uses it: points, centres and terms joined, alike in one process and in many."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, distributed, nn

from workbench.errors import WorkbenchError, did_you_mean
from workbench.losses.centres import ClassCentres
from workbench.losses.discriminative import Points, contrastive, feature_points, logit_points, two_terms

ON = ("features", "logits")
FORMS = ("contrastive", "two_terms")


class DiscriminativeLoss(nn.Module):
    """Class-disentangled discriminative loss: ours, equations not available to us, after Hassanin et al.

    Args:
        labels: C.
        width: D, the width of the class features; for logits it is C.
        on: "features": z is the class feature [D] of an (image, label) pair. "logits": z is the image's whole vector of logits [C], shared
            by all labels of the image; then images that show the anchor's label too, and centres of labels that the anchor's image shows,
            are no negatives (see `logit_points`).
        form: "contrastive" or "two_terms".
        temperature, margin: of the contrastive form.
        inner, outer, between_batch_centres: of the two-term form.
        centres: keep running class centres; the two-term form needs them.
        momentum: of the centres.
    """

    def __init__(
        self,
        labels: int,
        width: int,
        *,
        on: str = "features",
        form: str = "contrastive",
        temperature: float = 0.1,
        margin: float = 0.0,
        inner: float = 0.0,
        outer: float = 2.0,
        between_batch_centres: bool = False,
        centres: bool = True,
        momentum: float = 0.9,
    ) -> None:
        super().__init__()
        for what, value, known in (("reading", on, ON), ("form", form, FORMS)):
            if value not in known:
                raise WorkbenchError(f'The discriminative loss has no {what} "{value}".{did_you_mean(str(value), known)}')
        if form == "two_terms" and not centres:
            raise WorkbenchError("The two-term form pulls to class centres; leave centres on, or use the contrastive form.")
        self.on, self.form = on, form
        self.temperature, self.margin, self.inner, self.outer = temperature, margin, inner, outer
        self.between_batch_centres = between_batch_centres
        self.centres = ClassCentres(labels, width, momentum) if centres else None

    def forward(self, values: Tensor, targets: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The loss, a scalar, and what to log: pull, push, anchors, dropped. Moves the centres afterwards, in training mode only.

        With several processes the loss is that of all their images together, its value the same in each; its gradient is multiplied by
        their number, so that the mean over processes is the gradient that one process would have had.

        Args:
            values: class features [B, C, D] or logits [B, C], as `on` says.
            targets: [B, C], 1 present, 0 absent, -1 unknown.
        """
        local = feature_points(values, targets) if self.on == "features" else logit_points(values, targets)
        points, processes = gathered(local)
        # Copies, because the centres move in place ahead of the backward pass.
        centres, seen = (self.centres.centres.clone(), self.centres.seen.clone()) if self.centres is not None else (None, None)
        if self.form == "contrastive":
            terms = contrastive(points, centres, seen, self.temperature, self.margin)
        else:
            assert centres is not None
            assert seen is not None
            terms = two_terms(points, centres, seen, self.inner, self.outer, self.between_batch_centres)
        if self.centres is not None:
            self.centres.update(local.z.detach(), local.label)
        loss = terms.loss + (processes - 1) * (terms.loss - terms.loss.detach())
        logged = {"pull": float(terms.pull.detach()), "push": float(terms.push.detach())}
        return loss, {**logged, "anchors": terms.anchors, "dropped": terms.dropped}


def gathered(points: Points) -> tuple[Points, int]:
    """The points of all processes, in the order of their ranks, and the number of processes; only one's own points carry a gradient.

    Batches may differ in size between processes.
    """
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return points, 1
    world, rank = distributed.get_world_size(), distributed.get_rank()
    size = torch.tensor([len(points.z), len(points.targets)], device=points.z.device)
    sizes = [torch.empty_like(size) for _ in range(world)]
    distributed.all_gather(sizes, size)
    pairs, images = [int(held[0]) for held in sizes], [int(held[1]) for held in sizes]
    z = _gather(points.z.detach(), pairs)
    z[rank] = points.z
    place = _gather(torch.stack([points.image, points.label], 1), pairs)
    targets = _gather(points.targets.to(torch.int8), images)
    first = [sum(images[:number]) for number in range(world)]
    image = torch.cat([held[:, 0] + begin for held, begin in zip(place, first, strict=True)])
    label = torch.cat([held[:, 1] for held in place])
    return replace(points, z=torch.cat(z), image=image, label=label, targets=torch.cat(targets)), world


def _gather(rows: Tensor, counts: list[int]) -> list[Tensor]:
    """Tensors [counts[rank], ...] of all processes; padded to one length on the way, because gathering wants equal ones."""
    padded = rows.new_zeros((max(counts), *rows.shape[1:]))
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in counts]
    distributed.all_gather(parts, padded)
    return [part[:count] for part, count in zip(parts, counts, strict=True)]
