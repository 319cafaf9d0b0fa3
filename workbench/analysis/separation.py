"""How far the classes stand apart in a model's feature space: numbers for the pictures of the embedding.

Everything is measured on the directions z of the class features of present (image, category) pairs, with the class means of the
*evaluated* set itself, so that models trained with and without class centres are measured alike. Distances are 1 - cosine, from 0 to 2.
Shapes: P pairs, C categories, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError

__all__ = ["centre_distances", "class_means", "directions", "separation", "within_image_pairs"]

MEASURES = {
    "intra": "mean distance of a class's points to their mean direction",
    "inter": "mean distance of a class's mean direction to those of the other classes",
    "ratio": "inter / intra: how far apart the classes are, in units of their own width",
    "silhouette": "mean silhouette, from -1 to 1, on a sample where there are many points",
    "fisher": "squared distance of the class mean from the mean of all, over the mean squared distance of its points from it",
    "nearest_centre": "share of points whose nearest class mean is their own class's, each point left out of that mean",
    "within_image": "mean cosine to the other present classes of the same image",
}
SILHOUETTE_POINTS = 2000


def directions(values: np.ndarray) -> np.ndarray:
    """Rows of length one, float64 [P, D]; a row of zeros stays."""
    values = np.asarray(values, dtype=np.float64)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(length > 1e-12, length, 1.0)


def class_means(values: np.ndarray, labels: np.ndarray, categories: int) -> np.ndarray:
    """Mean direction of each class, of length one: float64 [C, D]; NaN for a class without a point."""
    z = directions(values)
    sums, counts = _sums(z, labels, categories)
    means = directions(sums)
    means[counts == 0] = np.nan
    return means


def centre_distances(values: np.ndarray, labels: np.ndarray, categories: int) -> np.ndarray:
    """1 - cosine between the classes' mean directions: float64 [C, C]; NaN where a class has no point."""
    means = class_means(values, labels, categories)
    distances = 1 - means @ means.T
    np.fill_diagonal(distances, np.where(np.isnan(means[:, 0]), np.nan, 0.0))
    return distances


def within_image_pairs(values: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every two present categories of one image: (first and second point, int64 [K, 2]; their cosine, float64 [K])."""
    z = directions(values)
    order = np.argsort(pairs[:, 0], kind="stable")
    bounds = np.flatnonzero(np.diff(pairs[order, 0])) + 1
    found = [group[np.stack(np.triu_indices(len(group), 1), axis=1)] for group in np.split(order, bounds)]
    points = np.concatenate([np.zeros((0, 2), dtype=np.int64), *found])
    return points, np.einsum("kd,kd->k", z[points[:, 0]], z[points[:, 1]])


def separation(values: np.ndarray, pairs: np.ndarray, categories: int, *, seed: int = 0, sample: int = SILHOUETTE_POINTS) -> dict[str, Any]:
    """All of `MEASURES`, over all classes and for each.

    Args:
        values: [P, D], class features of the present pairs.
        pairs: int [P, 2], image and category of each.
        categories: C.
        seed, sample: the silhouette, whose cost grows with the square, is taken on at most `sample` points, chosen at random by `seed`.

    Returns: JSON: "overall" ({measure: number or None}; means over the classes that have a value, except nearest_centre and silhouette,
        which are over the points, within_image, over the pairs of points, fisher, over both before dividing, and ratio, of the two means),
        "by_category" ({measure: C numbers or None}), "points" (P), "silhouette_points" (how many of them it was taken on).
    Raises: WorkbenchError for shapes that do not fit, or values that are not finite.
    """
    values, pairs = np.asarray(values), np.asarray(pairs)
    if values.ndim != 2 or pairs.shape != (len(values), 2):
        raise WorkbenchError(
            f"The class features are {list(values.shape)} and their pairs {list(pairs.shape)}; expected [P, D] and [P, 2]."
        )
    if not np.isfinite(values).all():
        raise WorkbenchError("Some class features are not finite, so no distance can be taken; train with a lower learning rate.")
    if not len(values):
        return _nothing(categories)
    z, labels = directions(values), pairs[:, 1]
    sums, counts = _sums(z, labels, categories)
    there = counts > 0
    means = directions(sums)
    own = np.einsum("pd,pd->p", z, means[labels])
    intra = _mean_by(1 - own, labels, categories)
    inter = np.full(categories, np.nan)
    if there.sum() > 1:
        between = 1 - means[there] @ means[there].T
        inter[there] = (between.sum(1) - np.diag(between)) / (there.sum() - 1)
    silhouette, taken = _silhouette(z, labels, seed, sample)
    nearest = _nearest_centre(z, labels, sums, counts)
    by_class = {
        "intra": intra,
        "inter": inter,
        "ratio": _divided(inter, intra),
        "silhouette": _mean_by(silhouette, labels, categories),
        "nearest_centre": _mean_by(nearest, labels, categories),
    }
    by_class["fisher"], fisher = _fisher(z, labels, sums, counts)
    by_class["within_image"], within = _within_image(values, pairs, categories)
    overall = {
        "intra": _nanmean(intra),
        "inter": _nanmean(inter),
        "ratio": float(_divided(np.array([_nanmean(inter)]), np.array([_nanmean(intra)]))[0]),
        "silhouette": _nanmean(silhouette),
        "fisher": fisher,
        "nearest_centre": _nanmean(nearest),
        "within_image": within,
    }
    return {
        "overall": {name: _number(overall[name]) for name in MEASURES},
        "by_category": {name: [_number(value) for value in by_class[name]] for name in MEASURES},
        "points": len(z),
        "silhouette_points": taken,
    }


def _nothing(categories: int) -> dict[str, Any]:
    none: Mapping[str, Any] = dict.fromkeys(MEASURES)
    return {"overall": dict(none), "by_category": {name: [None] * categories for name in none}, "points": 0, "silhouette_points": 0}


def _sums(z: np.ndarray, labels: np.ndarray, categories: int) -> tuple[np.ndarray, np.ndarray]:
    sums = np.zeros((categories, z.shape[1]))
    np.add.at(sums, labels, z)
    return sums, np.bincount(labels, minlength=categories)


def _mean_by(each: np.ndarray, labels: np.ndarray, categories: int) -> np.ndarray:
    """Mean of the values that are there, class by class: [C], NaN where there is none."""
    known = ~np.isnan(each)
    counts = np.bincount(labels[known], minlength=categories)
    totals = np.bincount(labels[known], weights=each[known], minlength=categories)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def _silhouette(z: np.ndarray, labels: np.ndarray, seed: int, sample: int) -> tuple[np.ndarray, int]:
    """The silhouette of the sampled points, NaN for the others, and how many were sampled."""
    each = np.full(len(z), np.nan)
    chosen = np.arange(len(z)) if len(z) <= sample else np.sort(np.random.default_rng(seed).permutation(len(z))[:sample])
    different = len(np.unique(labels[chosen]))
    if not 1 < different < len(chosen):
        return each, 0
    try:
        from sklearn.metrics import silhouette_samples
    except ImportError:
        raise WorkbenchError('The silhouette needs scikit-learn; install it with `pip install "multilabel-workbench[train]"`.') from None
    distances = np.clip(1 - z[chosen] @ z[chosen].T, 0, None)
    np.fill_diagonal(distances, 0.0)
    each[chosen] = silhouette_samples(distances, labels[chosen], metric="precomputed")
    return each, len(chosen)


def _nearest_centre(z: np.ndarray, labels: np.ndarray, sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """1.0 or 0.0 for each point, NaN for the only one of its class, which has no centre without itself."""
    cosine = z @ directions(sums).T  # [P, C]
    cosine[:, counts == 0] = -np.inf
    own = np.einsum("pd,pd->p", z, directions(sums[labels] - z))
    rows = np.arange(len(z))
    cosine[rows, labels] = -np.inf
    right = (own > cosine.max(axis=1)).astype(np.float64)
    return np.where(counts[labels] > 1, right, np.nan)


def _fisher(z: np.ndarray, labels: np.ndarray, sums: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, float]:
    """Of each class [C], and of all together: between over within, both weighted by the classes' points. Plain means, not directions."""
    means = sums / np.maximum(counts, 1)[:, None]
    between = np.square(means - z.mean(0)).sum(1)
    within = _mean_by(np.square(z - means[labels]).sum(1), labels, len(sums))
    between[counts == 0] = np.nan
    there = counts > 0
    total = _divided(np.array([(counts[there] * between[there]).sum()]), np.array([(counts[there] * within[there]).sum()]))
    return _divided(between, within), float(total[0])


def _within_image(values: np.ndarray, pairs: np.ndarray, categories: int) -> tuple[np.ndarray, float]:
    points, cosine = within_image_pairs(values, pairs)
    each = _mean_by(np.concatenate([cosine, cosine]), pairs[points.T.reshape(-1), 1], categories)
    return each, _nanmean(cosine)


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """NaN where there is nothing, or next to nothing, to divide by, as in a class of one point."""
    usable = below > 1e-9
    return np.where(usable, above / np.where(usable, below, 1.0), np.nan)


def _nanmean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None
