"""The points of one or two models, lined up: one for each present (image, category) pair that all of them hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.inspection import Embeddings, Inspection
from workbench.metrics.centres import CentreDistances, centre_distances
from workbench.widgets.matching import Matched, Member, Source, match
from workbench.widgets.style import STYLE

MOST = 250_000  # points in view; of more, a random sample is drawn
MODELS = 2
STEPS = 65_535  # levels of a coordinate as the browser gets it
NUMBERS = {
    "probability": ("Probability", "What the model gives the category of the point."),
    "own": ("To its own centre", "1 − cosine to the centre of its category, in the full space: small is compact."),
    "nearest": ("To the nearest other", "1 − cosine to the closest centre of another category, in the full space."),
    "margin": ("Margin", "Nearest other centre minus own centre, in the full space: below zero, another category is closer."),
}


@dataclass(frozen=True)
class ModelPoints:
    """What one model says about the P points in view.

    Attributes:
        rows: for each point its place among the archive's pairs, int [P].
        embeddings: points of every projection and epoch.
        probability: float32 [P], of the point's category in its image.
        centres: distances in the full space, by the centres of all stored pairs.
        states: uint8 [N, C]: 0 TP, 1 FP, 2 FN, 3 TN, 4 unknown.
    """

    member: Member
    rows: np.ndarray
    embeddings: Embeddings
    probability: np.ndarray
    centres: CentreDistances
    states: np.ndarray

    def numbers(self) -> dict[str, np.ndarray]:
        """float32 [P] by name, in the order of NUMBERS."""
        own, nearest = self.centres.own, self.centres.nearest
        return {"probability": self.probability, "own": own, "nearest": nearest, "margin": nearest - own}

    def coordinates(self, projection: str, epoch: int) -> np.ndarray:
        """float32 [P, 2] at an epoch; past the last one, the last."""
        values = self.embeddings.points[projection]
        return values[min(epoch, len(values) - 1)][self.rows]

    def by_category(self, name: str, epoch: int) -> np.ndarray:
        """float64 [C]: a number of each category, NaN where it was not measured."""
        epoch = min(epoch, len(self.embeddings.epochs) - 1)
        values = self.embeddings.epochs[epoch].get("by_category", {}).get(name)
        columns = self.member.columns
        if values is None:
            return np.full(len(columns), np.nan)
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)[columns]

    def extent(self, projection: str) -> list[float]:
        """x0, y0, x1, y1 around the points of all epochs, so that a point's movement over them is its own."""
        values = self.embeddings.points[projection][:, self.rows]
        low, high = values.min(axis=(0, 1)), values.max(axis=(0, 1))
        high = np.where(high > low, high, low + 1)
        return [float(edge) for edge in (*low, *high)]


@dataclass(frozen=True)
class Points:
    """Everything in view.

    Attributes:
        pairs: int32 [P, 2]: image and category of each point, in the common order of images and categories.
        stored: how many pairs all models hold; more than P where a sample was drawn.
    """

    matched: Matched
    pairs: np.ndarray
    stored: int
    models: tuple[ModelPoints, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    @cached_property
    def projections(self) -> dict[str, tuple[str, str]]:
        """Heading and sentence of each projection that all models have."""
        first = self.models[0].embeddings
        names = [name for name in first.points if all(name in model.embeddings.points for model in self.models)]
        return {name: first.titles.get(name, (name, "")) for name in names}

    @cached_property
    def epochs(self) -> int:
        return max(len(model.embeddings.epochs) for model in self.models)

    @cached_property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """By what points can be coloured: name -> title, meaning, kind ("point" or "category") and the range over all models."""
        found: dict[str, dict[str, Any]] = {}
        for name, (title, meaning) in NUMBERS.items():
            values = np.concatenate([model.numbers()[name] for model in self.models])
            if np.isfinite(values).any():
                ends = [0.0, 1.0] if name == "probability" else [float(np.nanmin(values)), float(np.nanmax(values))]
                found[name] = {"title": title, "meaning": meaning, "kind": "point", "range": ends}
        for name in dict.fromkeys(
            name for model in self.models for epoch in model.embeddings.epochs for name in epoch.get("by_category", {})
        ):
            values = np.concatenate([model.by_category(name, epoch) for model in self.models for epoch in range(self.epochs)])
            if np.isfinite(values).any():
                known = STYLE["separation"].get(name, {"title": name, "meaning": ""})
                meaning = f"Of the category at the epoch shown, in the full space. {known['meaning']}".strip()
                ends = [float(np.nanmin(values)), float(np.nanmax(values))]
                title = f"{known['title']}, by category"
                found[f"by category: {name}"] = {"title": title, "meaning": meaning, "kind": "category", "range": ends}
        return found

    def pair(self, point: int) -> tuple[str, str]:
        """(image id, category) of a point."""
        image, label = self.pairs[point]
        return self.matched.ids[image], self.matched.categories[int(label)]

    def place(self, image: str, label: str) -> int:
        """The point of an image id and a category. Raises WorkbenchError where there is none."""
        place = self.matched.position(image), self.matched.categories.index(label)
        if place not in self._places:
            raise WorkbenchError(f'There is no point of "{label}" in image {image}: it is not present there, or not in the sample.')
        return self._places[place]

    @cached_property
    def _places(self) -> dict[tuple[int, int], int]:
        return {(image, label): point for point, (image, label) in enumerate(self.pairs.tolist())}


def line_up(sources: Source | Sequence[Source] | Mapping[str, Source], most: int = MOST) -> Points:
    """Match one or two inspections by image id and category name, and their pairs by both.

    Raises:
        WorkbenchError: more than two, an inspection without class features or points, or none in common.
    """
    matched = match(sources)
    if len(matched.members) > MODELS:
        raise WorkbenchError(f"Points of at most {MODELS} models stand side by side, not {len(matched.members)}; choose which to compare.")
    read = [_read(member, len(matched.ids)) for member in matched.members]
    keys = read[0][1]
    for _, others, _ in read[1:]:
        keys = keys[np.isin(keys, others)]
    keys = keys[keys >= 0]
    if not len(keys):
        raise WorkbenchError("There is no present (image, category) pair to show in all of the inspections; compare the same images.")
    stored = len(keys)
    if stored > most:
        keys = keys[np.sort(np.random.default_rng(0).choice(stored, most, replace=False))]
    pairs = np.stack(np.divmod(keys, len(matched.categories)), axis=1).astype(np.int32)
    models = tuple(_model_points(matched, *each, keys, pairs) for each in read)
    points = Points(matched, pairs, stored, models)
    if not points.projections:
        named = " and ".join(f"{model.member.name} has {', '.join(model.embeddings.points)}" for model in models)
        raise WorkbenchError(f"The models have no projection in common: {named}; embed both with the same one.")
    return points


def _read(member: Member, images: int) -> tuple[Member, np.ndarray, CentreDistances]:
    """Keys (common image * C + common category, -1 outside) of the archive's pairs, and their distances to centres."""
    archive: Inspection = member.inspection
    features = archive.features()
    if features is None or not archive.projections:
        raise WorkbenchError(f"{member.name} holds no points of class features; store them with Inspection.with_embeddings.")
    values, pairs = features
    common = np.full(len(archive), -1, dtype=np.int64)
    common[member.rows] = np.arange(images)
    image, label = common[pairs[:, 0]], np.argsort(member.columns)[pairs[:, 1]]
    distances = centre_distances(values, label, len(member.columns))
    return member, np.where(image >= 0, image * len(member.columns) + label, -1), distances


def _model_points(
    matched: Matched, member: Member, stored: np.ndarray, distances: CentreDistances, keys: np.ndarray, pairs: np.ndarray
) -> ModelPoints:
    order = np.argsort(stored, kind="stable")
    rows = order[np.searchsorted(stored, keys, sorter=order)]
    embeddings = member.inspection.embeddings()
    assert embeddings is not None  # `_read` has seen its projections
    for name, values in embeddings.points.items():
        if not np.isfinite(values).all():
            raise WorkbenchError(f'Projection "{name}" of {member.name} holds values that are no numbers; compute it again.')
    logits = member.logits()
    probability = 1 / (1 + np.exp(-np.clip(logits[pairs[:, 0], pairs[:, 1]], -80, 80)))
    centres = CentreDistances(
        distances.own[rows], distances.nearest[rows], distances.nearest_class[rows], distances.others[rows], distances.between
    )
    return ModelPoints(member, rows, embeddings, probability.astype(np.float32), centres, _states(matched.targets, logits >= member.cut))


def _states(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    states = np.where(targets == 1, np.where(predicted, 0, 2), np.where(predicted, 1, 3))
    return np.where(targets < 0, 4, states).astype(np.uint8)
