"""From class features to points in the plane, over the epochs of a training, so that points move instead of jumping.

PCA and UMAP are fitted once, on the last epoch, and applied to all; t-SNE cannot be applied to new points, so it is fitted to all epochs
together. All of them see directions (rows of length one) and depend on their input and the seed alone.
Shapes: T epochs, P points, D width.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workbench.analysis.separation import directions
from workbench.errors import WorkbenchError, did_you_mean

__all__ = ["project"]

TITLES = {
    "pca": ("PCA", "The two directions along which the last epoch varies most; the same two for all epochs."),
    "tsne": ("t-SNE", "Neighbours stay neighbours, fitted to all epochs together; distances between groups mean little."),
    "umap": ("UMAP", "Neighbours stay neighbours, fitted to the last epoch and applied to all; distances between groups mean little."),
}
TSNE_POINTS = 20_000


def project(epochs: Sequence[np.ndarray], method: str = "pca", seed: int = 0) -> np.ndarray:
    """Points of every epoch: float32 [T, P, 2].

    Args:
        epochs: class features [P, D] of the same pairs after each of T epochs.
        method: "pca", "tsne" (scikit-learn) or "umap" (umap-learn, an extra).

    Raises: WorkbenchError for an unknown method, one that is not installed, epochs of different shapes, or too few or too many points.
    """
    if method not in TITLES:
        raise WorkbenchError(f'There is no projection "{method}".{did_you_mean(str(method), TITLES)}')
    shapes = {tuple(np.shape(values)) for values in epochs}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise WorkbenchError(f"The epochs' class features have the shapes {sorted(shapes)}; give one [P, D] for all epochs.")
    if len(epochs[0]) < 4:
        raise WorkbenchError(f"{len(epochs[0])} points are too few to project; look at more images.")
    if not all(np.isfinite(values).all() for values in epochs):
        raise WorkbenchError("Some class features are not finite, so they cannot be projected; train with a lower learning rate.")
    chosen: Callable[[list[np.ndarray], int], np.ndarray] = {"pca": _pca, "tsne": _tsne, "umap": _umap}[method]
    points = chosen([directions(values) for values in epochs], seed)
    return np.ascontiguousarray(points.reshape(len(epochs), -1, 2), dtype=np.float32)


def _pca(epochs: list[np.ndarray], seed: int) -> np.ndarray:
    last = epochs[-1]
    middle = last.mean(0)
    _, axes = np.linalg.eigh((last - middle).T @ (last - middle))  # ascending
    axes = axes[:, ::-1][:, :2]
    strongest = np.abs(axes).argmax(0)
    axes = axes * np.where(axes[strongest, np.arange(axes.shape[1])] < 0, -1, 1)  # an axis has no sign: make its strongest entry positive
    if axes.shape[1] < 2:
        axes = np.pad(axes, ((0, 0), (0, 1)))
    return np.stack([(values - middle) @ axes for values in epochs])


def _tsne(epochs: list[np.ndarray], seed: int) -> np.ndarray:
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise WorkbenchError('t-SNE needs scikit-learn; install it with `pip install "multilabel-workbench[train]"`.') from None
    rows = np.concatenate(epochs)
    if len(rows) > TSNE_POINTS:
        raise WorkbenchError(f"t-SNE would fit {len(rows)} points of all epochs together; give at most {TSNE_POINTS}, or take PCA.")
    start = _pca(epochs, seed).reshape(-1, 2)
    start = 1e-4 * start / max(float(start[:, 0].std()), 1e-12)
    perplexity = min(30.0, (len(rows) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init=start.astype(np.float32), random_state=seed).fit_transform(rows.astype(np.float32))


def _umap(epochs: list[np.ndarray], seed: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own dependencies, and that a seed makes it run in one thread
        try:
            from umap import UMAP
        except ImportError:
            raise WorkbenchError(
                'UMAP needs umap-learn; install it with `pip install "multilabel-workbench[umap]"`, or take PCA or t-SNE.'
            ) from None
        last = epochs[-1].astype(np.float32)
        fitted: Any = UMAP(n_neighbors=min(15, len(last) - 1), init="pca", random_state=seed).fit(last)
        points = [np.asarray(fitted.transform(values.astype(np.float32))) for values in epochs[:-1]]
        return np.stack([*points, np.asarray(fitted.embedding_)])
