"""Deletion and insertion (Petsiuk et al., RISE, BMVC 2018): take away what a map shows, most important pixels first, or bring it back in
that order, and watch the label's probability.

The score is the area under that curve, 0..1. Deletion: the lower, the more of the evidence the map had found; insertion: the higher. What
stands in place of the pixels that are gone is named with every figure, see `workbench.analysis.imputation`: deletion with ROAD's noisy
linear imputation is called "road". Read a score against the reference rows, which paint over just as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.analysis.imputation import base_of, painted
from workbench.capture import Subject, batch_of
from workbench.datasets.base import MultiLabelDataset
from workbench.inspection import Inspection
from workbench.metrics.pointing import summarise
from workbench.metrics.references import present_pairs, row_maps, row_names

__all__ = ["COURSES", "THOROUGH", "Course", "areas", "curves", "faithfulness"]


@dataclass(frozen=True)
class Course:
    """One way to paint over: what takes the place of a pixel, and whether pixels go or come."""

    fill: str
    insert: bool = False


COURSES = {"deletion": Course("mean"), "insertion": Course("blur", insert=True)}
THOROUGH = {**COURSES, "deletion_blur": Course("blur"), "insertion_mean": Course("mean", insert=True), "road": Course("noisy linear")}


def pixel_ranks(maps: Tensor) -> Tensor:
    """Place of each pixel when the highest comes first, ties in reading order: [M, H, W] -> int [M, H, W]."""
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places).view_as(maps)


def curves(
    subject: Subject,
    pictures: Tensor,
    image: Tensor,
    labels: Tensor,
    maps: Tensor,
    course: Course,
    steps: int = 8,
    batch_size: int = 64,
) -> Tensor:
    """Probability of a label while its picture is painted over, or comes back.

    Args:
        pictures: float [N, 3, H, W] in 0..1; channels-last pictures are scored as such.
        image, labels: int [M], the pairs that are measured; maps: float [M, H, W], what goes or comes first is highest.
        steps: all pixels are through after so many equal steps.
        batch_size: pictures that the model gets at once.

    Returns: float [M, steps + 1] in the order of time: the untouched picture first for deletion, last for insertion.
    """
    ranks = pixel_ranks(maps)
    through = torch.arange(steps + 1, device=maps.device) * (ranks[0].numel() / steps)
    layout = torch.channels_last if pictures.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format

    def probabilities(batch: Tensor, wanted: Tensor) -> Tensor:
        logits = subject.score(batch.contiguous(memory_format=layout))
        return logits.float().gather(1, wanted[:, None])[:, 0].sigmoid()

    result = torch.zeros(len(maps), steps + 1, device=maps.device)
    with torch.no_grad():
        # Both ends are the same for all maps of a picture: it is scored once there.
        for end, gone in ((0, course.insert), (steps, not course.insert)):
            known = torch.cat([_ends(subject, part, course.fill, gone, layout) for part in pictures.split(batch_size)])
            result[:, end] = known[image, labels].float().sigmoid()
        base = None if course.fill == "noisy linear" else base_of(pictures, course.fill)
        jobs = [(pair, step) for pair in range(len(maps)) for step in range(1, steps)]
        for begin in range(0, len(jobs), batch_size):
            pair, step = (torch.tensor(column, device=maps.device) for column in zip(*jobs[begin : begin + batch_size], strict=True))
            passed = ranks[pair] < through[step, None, None]
            of = image[pair]
            batch = painted(pictures[of], ~passed if course.insert else passed, course.fill, None if base is None else base[of], begin)
            result[pair, step] = probabilities(batch, labels[pair])
    return result


def areas(curve: Tensor) -> np.ndarray:
    """Area under each curve, 0..1: [M, steps + 1] -> [M]."""
    return torch.trapezoid(curve, dx=1 / (curve.shape[1] - 1), dim=1).cpu().numpy()


def faithfulness(
    subject: Subject,
    dataset: MultiLabelDataset,
    inspection: Inspection,
    limit: int = 40,
    steps: int = 8,
    courses: Mapping[str, Course] = COURSES,
) -> dict[str, Any]:
    """Mean areas for the present labels, for each map kind and the reference rows, laid out as by `localisation`.

    Args:
        limit: number of images to measure on, the first ones.
        courses: what to measure by name, such as `THOROUGH`.

    Returns: {measure: {row: {"overall", "per_label", "n", "steps", "fill"}}}; empty where no label is present.
    """
    image, label = present_pairs(inspection, limit)
    if not len(image):
        return {}
    pictures = batch_of(dataset.pixels(subject.size), range(int(image.max()) + 1), subject.device)
    result: dict[str, dict[str, Any]] = {name: {} for name in courses}
    for row in row_names(inspection):
        maps = row_maps(inspection, row, image, label)
        known = ~np.isnan(maps).any(axis=(1, 2))
        if not known.any():
            continue
        where, which, values = (torch.from_numpy(part[known]).to(subject.device) for part in (image, label, maps))
        for name, course in courses.items():
            measured = areas(curves(subject, pictures, where, which, values, course, steps))
            summary = summarise(list(zip(label[known].tolist(), measured, strict=True)), inspection)
            result[name][row] = {**summary, "steps": steps, "fill": course.fill}
    return result


def _ends(subject: Subject, pictures: Tensor, fill: str, gone: bool, layout: torch.memory_format) -> Tensor:
    """Logits [N, C] of untouched pictures, or of pictures without a pixel left."""
    masks = torch.full((len(pictures), *pictures.shape[2:]), gone, device=pictures.device)
    return subject.score((painted(pictures, masks, fill) if gone else pictures).contiguous(memory_format=layout))
