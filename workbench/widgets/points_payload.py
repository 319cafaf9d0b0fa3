"""What the browser gets of the points: a description in JSON, the tables of all points, and the coordinates of one projection at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from workbench.widgets.payload import pack, thumbnail, thumbnails
from workbench.widgets.points import STEPS, ModelPoints, Points

SIDE = 112  # pixels of each side of a thumbnail


def points_description(points: Points) -> dict[str, Any]:
    """Names, epochs and numbers of everything in view, as JSON."""
    return {
        "ids": list(points.matched.ids),
        "categories": list(points.matched.categories.names),
        "stored": points.stored,
        "projections": [
            {"name": name, "title": title, "meaning": meaning, "extents": [model.extent(name) for model in points.models]}
            for name, (title, meaning) in points.projections.items()
        ],
        "numbers": [{"name": name, **number} for name, number in points.numbers.items()],
        "epochs": points.epochs,
        "models": [_describe_model(points, model) for model in points.models],
    }


def points_tables(points: Points) -> dict[str, Any]:
    """Pairs, states and numbers of every point, as one packet."""
    arrays: dict[str, np.ndarray] = {"pairs": points.pairs, "sizes": points.matched.sizes.astype(np.int32)}
    for place, model in enumerate(points.models):
        arrays[f"states.{place}"] = model.states
        for name, values in model.numbers().items():
            arrays[f"number.{place}.{name}"] = values.astype(np.float32)
        arrays[f"others.{place}"] = model.centres.others
        arrays[f"nearest.{place}"] = model.centres.nearest_class.astype(np.int16)
        arrays[f"between.{place}"] = model.centres.between
    return pack(arrays)


def coordinates(points: Points, projection: str) -> dict[str, Any]:
    """The points of every model and epoch in one projection, each coordinate as a share of its extent in steps, as one packet."""
    arrays = {}
    for place, model in enumerate(points.models):
        x0, y0, x1, y1 = model.extent(projection)
        low, size = np.array([x0, y0]), np.array([x1 - x0, y1 - y0])
        share = (model.embeddings.points[projection][:, model.rows] - low) / size
        arrays[f"points.{place}"] = np.floor(share * STEPS + 0.5).astype(np.uint16)  # [T, P, 2]
    return {"projection": projection, **pack(arrays)}


def point_thumbnails(points: Points, images: Iterable[int]) -> dict[str, Any]:
    """Small JPEGs of some images, named by their index, as one packet."""
    return thumbnails(points.matched, images, SIDE)


def thumbnail_jpeg(points: Points, image: int) -> bytes:
    """The small JPEG of one image."""
    return thumbnail(points.matched.first.image_bytes(image), SIDE)


def _describe_model(points: Points, model: ModelPoints) -> dict[str, Any]:
    by_category = [name.removeprefix("by category: ") for name, number in points.numbers.items() if number["kind"] == "category"]
    return {
        "name": model.member.name,
        "threshold": model.member.inspection.threshold,
        "epochs": [
            {
                "title": str(epoch.get("title", f"epoch {place}")),
                "separation": {str(name): _finite(value) for name, value in _mapping(epoch.get("separation")).items()},
                "by_category": {name: [_finite(value) for value in model.by_category(name, place)] for name in by_category},
            }
            for place, epoch in enumerate(model.embeddings.epochs)
        ],
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _finite(value: Any) -> float | None:
    """JSON has no NaN."""
    return float(value) if isinstance(value, int | float | np.number) and math.isfinite(value) else None
