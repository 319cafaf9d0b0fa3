"""Synthetic inspections with class features and their points: clusters that come apart from epoch to epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.archives import make_contents
from workbench.inspection import Embeddings, Inspection, InspectionContents
from workbench.metrics.centres import centre_distances

WIDTH = 24


def embed(contents: InspectionContents, epochs: int = 4, *, apart: float = 1.0, model_seed: int = 0) -> InspectionContents:
    """`contents` with features of the present pairs, and two projections of them ("pca", "tsne") at some epochs.

    Args:
        apart: how far the classes are apart at the last epoch, in standard deviations of a coordinate.
    """
    random = np.random.default_rng([model_seed, 7])
    pairs = np.argwhere(contents.targets == 1).astype(np.int32)
    classes, count = pairs[:, 1], len(contents.categories)
    directions = random.normal(0, 1, (count, WIDTH)) * apart
    noise = random.normal(0, 1, (len(pairs), WIDTH))
    strayed = np.where(random.random(len(pairs)) < 0.04, random.integers(0, count, len(pairs)), classes)
    steps = [(epoch + 1) / epochs for epoch in range(epochs)]
    features = [directions[strayed] * step + noise * (1.2 - 0.4 * step) for step in steps]
    middle = features[-1].mean(axis=0)
    axes = np.linalg.svd(features[-1] - middle, full_matrices=False)[2][:2]
    pca = np.stack([(values - middle) @ axes.T for values in features]).astype(np.float32)
    ring = np.stack([np.cos(2 * np.pi * np.arange(count) / count), np.sin(2 * np.pi * np.arange(count) / count)], axis=1)
    tsne = np.stack([60 * step * ring[strayed] + (14 - 8 * step) * noise[:, :2] for step in steps]).astype(np.float32)
    contents.features = (features[-1].astype(np.float16), pairs)
    contents.embeddings = Embeddings(
        {"pca": pca, "tsne": tsne},
        [_measured(values, classes, count, place) for place, values in enumerate(features)],
        {"pca": ("PCA", "Fitted once, on the last epoch."), "tsne": ("t-SNE", "Fitted jointly on all stored epochs.")},
    )
    return contents


def make_embedded(count: int = 40, categories: Any = 6, *, epochs: int = 4, apart: float = 1.0, **options: Any) -> Inspection:
    """`make_contents` with points, opened in memory."""
    contents = make_contents(count, categories, **{"regions": False, "each": False, **options})
    return Inspection.of(embed(contents, epochs, apart=apart, model_seed=options.get("model_seed", 0)))


def make_crowd(points: int, categories: int = 20, epochs: int = 2) -> InspectionContents:
    """An archive of exactly `points` points: few pictures and maps, repeated."""
    few = make_contents(16, categories, grid=(2, 2), picture=(64, 64), regions=False, each=False, system="pooled", unknown=False)
    images = -(-points // 2)
    turn = np.arange(images) % 16
    targets = np.zeros((images, categories), dtype=np.int8)
    targets[np.arange(images), np.arange(images) % categories] = 1
    targets[np.arange(images), (np.arange(images) // categories + 1 + np.arange(images)) % categories] = 1
    lacking = points - int(targets.sum())
    free = np.argwhere(targets == 0) if lacking > 0 else np.argwhere(targets == 1)
    chosen = free[np.random.default_rng(0).choice(len(free), abs(lacking), replace=False)]
    targets[chosen[:, 0], chosen[:, 1]] = 1 if lacking > 0 else 0
    random = np.random.default_rng(3)
    few.targets, few.sizes = targets, few.sizes[turn]
    few.logits = {"final": np.where(targets == 1, 1.5, -2).astype(np.float32) + random.normal(0, 1.5, targets.shape).astype(np.float32)}
    few.maps = {kind: values[turn] for kind, values in few.maps.items()}
    few.images = [few.images[source] for source in turn]
    few.ids = [f"photo-{number:06d}" for number in range(images)]
    return embed(few, epochs)


def _measured(values: np.ndarray, classes: np.ndarray, count: int, place: int) -> dict[str, Any]:
    found = centre_distances(values, classes, count)
    own = np.array([found.own[classes == label].mean() if (classes == label).any() else np.nan for label in range(count)])
    between = np.nanmean(np.where(np.eye(count, dtype=bool), np.nan, found.between), axis=1)
    separation = {"intra": float(np.nanmean(own)), "inter": float(np.nanmean(between))}
    separation["ratio"] = separation["inter"] / separation["intra"]
    by_category = {"intra": [None if np.isnan(value) else float(value) for value in own]}
    return {"title": f"joint {place + 1}", "epoch": place, "separation": separation, "by_category": by_category}
