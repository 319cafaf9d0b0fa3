"""How far features are from the centres of their classes, measured in the space of the features, by cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import WorkbenchError

ROWS = 16_384  # features compared with all centres at a time


@dataclass(frozen=True)
class CentreDistances:
    """Cosine distances, 1 - cos, from P features to the centres of C classes.

    Attributes:
        own: float32 [P], to the centre of the feature's own class.
        nearest: float32 [P], to the nearest other centre; NaN where there is no other.
        nearest_class: int32 [P], whose centre that is; -1 where there is no other.
        others: float32 [P], mean over all other centres; NaN where there is none.
        between: float32 [C, C], between centres; NaN for classes without a feature.
    """

    own: np.ndarray
    nearest: np.ndarray
    nearest_class: np.ndarray
    others: np.ndarray
    between: np.ndarray


def centre_distances(features: np.ndarray, classes: np.ndarray, count: int) -> CentreDistances:
    """Distances of features [P, D] of the given `classes` [P] (0 to `count` - 1) to the centres of these very features.

    A centre is the mean of the unit vectors of its class, made a unit vector again. A class with one feature has that feature as its
    centre, at distance 0.

    Raises:
        WorkbenchError: the shapes disagree.
    """
    if features.ndim != 2 or classes.shape != features.shape[:1]:
        raise WorkbenchError(f"Features {list(features.shape)} and classes {list(classes.shape)} do not fit; give [P, D] and [P].")
    sums = np.zeros((count, features.shape[1]), dtype=np.float64)
    for rows in _parts(len(features)):
        np.add.at(sums, classes[rows], _unit(features[rows]))
    centres = _unit(sums)
    seen = np.bincount(classes, minlength=count) > 0
    between = (1 - centres @ centres.T).astype(np.float32)
    between[~seen] = between[:, ~seen] = np.nan
    own, nearest, others = (np.full(len(features), np.nan, dtype=np.float32) for _ in range(3))
    nearest_class = np.full(len(features), -1, dtype=np.int32)
    for rows in _parts(len(features)):
        distances = 1 - _unit(features[rows]) @ centres.T.astype(np.float32)  # [rows, C]
        place, label = np.arange(len(distances)), classes[rows]
        own[rows] = distances[place, label]
        if seen.sum() < 2:
            continue
        others[rows] = (distances[:, seen].sum(axis=1) - own[rows]) / (seen.sum() - 1)
        distances[:, ~seen] = np.inf
        distances[place, label] = np.inf
        nearest_class[rows] = distances.argmin(axis=1)
        nearest[rows] = distances[place, nearest_class[rows]]
    return CentreDistances(own, nearest, nearest_class, others, between)


def _parts(rows: int) -> list[slice]:
    return [slice(begin, min(begin + ROWS, rows)) for begin in range(0, rows, ROWS)]


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length one, at least float32; a zero vector stays zero."""
    vectors = vectors.astype(np.result_type(vectors.dtype, np.float32))
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
