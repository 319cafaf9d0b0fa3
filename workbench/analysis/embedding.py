"""The class features of a training, epoch by epoch, as points in the plane with the separation measured beside them.

What it makes goes into an archive (`Inspection.with_embeddings`), which the explorer of embeddings plays.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.analysis.projection import TITLES, project
from workbench.analysis.separation import MEASURES, centre_distances, separation
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.inspection.additions import Embeddings, Table
from workbench.training import Run

DISTANCES = "centre_distances"


def embed(
    features: Sequence[np.ndarray],
    pairs: np.ndarray,
    categories: Categories,
    methods: Sequence[str] = ("pca",),
    seed: int = 0,
    epochs: Sequence[dict[str, Any]] | None = None,
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]], np.ndarray]:
    """Project and measure the class features of the same pairs after each of T epochs.

    Args:
        features: T arrays [P, D].
        pairs: int [P, 2], image and category of each row.
        methods: projections, see `workbench.analysis.projection`.
        epochs: JSON to put beside what is measured, such as ``{"title": "joint 3", "epoch": 9, "step": 567}``, one for each; numbered
            unless given.

    Returns: points float32 [T, P, 2] by method; for each epoch its description with ``separation`` (over all categories),
        ``by_category`` (C numbers or None each) and ``silhouette_points``; distances of the class means in the last epoch [C, C].
    """
    described = (
        list(epochs) if epochs is not None else [{"title": f"epoch {number + 1}", "epoch": number + 1} for number in range(len(features))]
    )
    if not features or len(described) != len(features):
        raise WorkbenchError(
            f"There are {len(features)} epochs of class features and {len(described)} descriptions; give one for each epoch."
        )
    points = {method: project(features, method, seed) for method in methods}
    measured = [separation(values, pairs, len(categories), seed=seed) for values in features]
    rows = [
        {
            **place,
            "separation": found["overall"],
            "by_category": found["by_category"],
            "points": found["points"],
            "silhouette_points": found["silhouette_points"],
        }
        for place, found in zip(described, measured, strict=True)
    ]
    return points, rows, centre_distances(features[-1], np.asarray(pairs)[:, 1], len(categories))


def features_of(run: Run) -> tuple[list[np.ndarray], np.ndarray, list[str], list[dict[str, Any]]]:
    """What a run kept of its class features: T arrays float16 [P, D], pairs [P, 2], the images' ids, and what each epoch is called.

    Raises: WorkbenchError if the recipe kept none, or its model has no class features.
    """
    values, pairs, ids, places = [], np.zeros((0, 2), dtype=np.int32), [], []
    rows = {row["epoch"]: row for row in run.history}
    for path in run.feature_probes:
        kept, found, header = _feature_probe(path)
        row = rows.get(header["epoch"])
        if row is None:  # its epoch was not finished
            continue
        values.append(kept)
        pairs, ids = found, header["ids"]
        places.append({"title": f"{header['stage']} {row['stage_epoch']}", "epoch": header["epoch"], "step": header["step"]})
    if len({part.shape for part in values}) > 1:
        raise WorkbenchError(f"{run.folder} holds class features of different images or models in its epochs; train into a new folder.")
    if not values:
        raise WorkbenchError(
            f"{run.folder} holds no class features of its epochs; train a model that has some with --set feature_images=300."
        )
    return values, pairs, ids, places


def _feature_probe(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Class features [P, D], pairs [P, 2] and the header of one epoch's file. Raises WorkbenchError for a damaged one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads(file.metadata()["probe"])
            values, pairs = file.get_tensor("features.values"), file.get_tensor("features.pairs")
        ids = header["ids"]
        if not isinstance(ids, list) or not all(isinstance(identifier, str) for identifier in ids):
            raise ValueError("ids that are no list of texts")
        if not all(isinstance(header[key], kind) for key, kind in (("epoch", int), ("step", int), ("stage", str))):
            raise ValueError("an epoch without its place")
        if values.ndim != 2 or values.dtype.kind != "f" or pairs.shape != (len(values), 2) or pairs.dtype.kind != "i":
            raise ValueError("features and pairs that do not fit together")
        if len(pairs) and (pairs.min() < 0 or pairs[:, 0].max() >= len(ids)):
            raise ValueError("pairs of images that are not there")
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WorkbenchError(f"{path} is damaged ({error!s:.200}); train into a new folder, or leave its features out.") from None
    return values, pairs, header


def embedding_of(
    run: Run | str | Path,
    inspection: Inspection | None = None,
    methods: Sequence[str] = ("pca",),
    seed: int = 0,
) -> tuple[Embeddings, dict[str, Table]]:
    """Points of a run over its epochs, and the table of distances between class means.

    Args:
        run: a run, or its folder, whose recipe kept class features (`Recipe.feature_images`).
        inspection: put the points in the order of this archive's ``features.pairs``; all its images have to be among those kept. Give the
            result to its `with_embeddings`.
        methods: projections by name.

    Raises: WorkbenchError if the run kept no class features, or lacks images of the archive.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    values, pairs, ids, places = features_of(run)
    categories = run.validation().categories
    if inspection is not None:
        order, pairs, categories = _order(run, inspection, pairs, ids, categories)
        values = [part[order] for part in values]
    points, epochs, distances = embed(values, pairs, categories, methods, seed, places)
    return Embeddings(points, epochs, {method: TITLES[method] for method in methods}), {DISTANCES: distance_table(distances, categories)}


def embedding_of_inspection(
    inspection: Inspection, methods: Sequence[str] = ("pca",), seed: int = 0
) -> tuple[Embeddings, dict[str, Table]]:
    """The same for a model at one moment: the class features that an archive holds. Raises WorkbenchError if it holds none."""
    held = inspection.features()
    if held is None:
        raise WorkbenchError(f"{inspection.name} holds no class features; inspect a model that has some, such as disentangled or srn.")
    values, pairs = held
    points, epochs, distances = embed([values], pairs, inspection.categories, methods, seed, [{"title": "as inspected", "epoch": 1}])
    tables = {DISTANCES: distance_table(distances, inspection.categories)}
    return Embeddings(points, epochs, {method: TITLES[method] for method in methods}), tables


def distance_table(distances: np.ndarray, categories: Categories) -> Table:
    """Distances between class means [C, C], with names; NaN where a class is not present."""
    names = list(categories)
    meaning = "1 - cosine between the mean directions of two classes, over the images shown here; empty where a class is not present."
    return Table(distances.astype(np.float32), names, names, "Distance between class means", meaning)


def _order(
    run: Run, inspection: Inspection, pairs: np.ndarray, ids: Sequence[str], categories: Categories
) -> tuple[np.ndarray, np.ndarray, Categories]:
    """Rows of the run's pairs in the order of the archive's, the archive's pairs, and its categories."""
    held = inspection.features()
    if held is None:
        raise WorkbenchError(f"{inspection.name} holds no class features to lay points beside; inspect a model that has some.")
    inspection.categories.require_same_names(categories, str(run.folder))
    place = {(ids[image], categories[label]): row for row, (image, label) in enumerate(pairs.tolist())}
    order = []
    for image, label in held[1].tolist():
        key = (inspection.ids[image], inspection.categories[label])
        if key not in place:
            raise WorkbenchError(
                f'{run.folder} kept no class features of image "{key[0]}"; inspect the first {len(ids)} validation images at most '
                "(limit=), or train with more feature_images."
            )
        order.append(place[key])
    return np.array(order, dtype=np.int64), held[1], inspection.categories


__all__ = ["DISTANCES", "MEASURES", "distance_table", "embed", "embedding_of", "embedding_of_inspection", "features_of"]
