"""Which labels a model takes into account for which: things of drawn scenes are moved, and the scores of the others are watched.

If a label follows from where it is relative to another, moving the other one must move its score; moving anything else must not. Whether
a movement is more than a picture edited is decided by pairs of labels that are known to be unrelated (`detect`).
Shapes: C labels, S scenes, O offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.datasets.scenes.rules import CATEGORIES, REFERENCE, RELATION_LABELS
from workbench.datasets.scenes.scene import Scene
from workbench.errors import WorkbenchError

Predict = Callable[[np.ndarray], np.ndarray]  # uint8 [N, H, W, 3] -> logits [N, C], columns as in CATEGORIES
DISTANCE = 0.25
LEAST = 10
STREET = "street"


@dataclass(frozen=True)
class Sweep:
    """One thing moved over a picture.

    Attributes:
        offsets: float [O, 2], fractions of the frame; logits: float [O, C]; targets: int8 [O, C], true for each place.
    """

    offsets: np.ndarray
    logits: np.ndarray
    targets: np.ndarray


def sweep(predict: Predict, scene: Scene, thing: int, offsets: Sequence[tuple[float, float]], size: int) -> Sweep:
    """Scores while the thing number `thing` of a scene stands at each of `offsets` from its place; pictures of side `size`."""
    moved = [scene.moved(thing, dx, dy) for dx, dy in offsets]
    if not moved:
        raise WorkbenchError("There are no offsets to move the thing to; give some, such as [(0, -0.3), (0, 0.3)].")
    logits = predict(np.stack([one.render(size) for one in moved]))
    return Sweep(np.asarray(offsets, dtype=np.float64), np.asarray(logits), np.stack([one.target for one in moved]))


def true_relations() -> np.ndarray:
    """bool [C, C]: the row's label follows from where the column's things are. The rule of the scenes, at `relation` above 0."""
    matrix = np.zeros((len(CATEGORIES), len(CATEGORIES)), dtype=bool)
    for label in RELATION_LABELS:
        matrix[CATEGORIES.index(label), CATEGORIES.index(REFERENCE)] = True
    return matrix


def unrelated() -> np.ndarray:
    """bool [C, C]: pairs of different labels that no rule connects: all but those of `true_relations` and pairs of two papers.

    Papers are left out because moving one may cover another, and all of them hang about the same houses.
    """
    papers = np.array([name in RELATION_LABELS for name in CATEGORIES])
    return ~true_relations() & ~np.eye(len(CATEGORIES), dtype=bool) & ~np.outer(papers, papers)


def moved_effects(predict: Predict, scenes: Sequence[Scene], size: int, distance: float = DISTANCE, least: int = LEAST) -> np.ndarray:
    """How far the score of the row's label falls when the column's things are moved up and down: float64 [C, C].

    Args:
        distance: in heights of the frame; all things of a label move together, houses with their streets.
        least: pairs seen in fewer scenes are NaN.

    Returns: mean fall of the logit over scenes with both labels and over both directions, in standard deviations of that logit over the
        scenes, so that models of different scale can be compared.
    """
    if len(scenes) < least:
        raise WorkbenchError(f"There are {len(scenes)} scenes, too few to see a pair {least} times; give some hundreds.")
    before = np.asarray(predict(np.stack([scene.render(size) for scene in scenes])))  # [S, C]
    pictures, origin = [], []
    for number, scene in enumerate(scenes):
        for label in scene.labels:
            for step in (-distance, distance):
                pictures.append(shifted(scene, label, step).render(size))
                origin.append((number, CATEGORIES.index(label)))
    after = np.asarray(predict(np.stack(pictures)))  # [moves, C]
    spread = before.std(0)
    total = np.zeros((len(CATEGORIES), len(CATEGORIES)))
    count = np.zeros_like(total)
    targets = np.stack([scene.target for scene in scenes]) == 1
    for (number, column), logits in zip(origin, after, strict=True):
        there = targets[number]
        total[there, column] += ((before[number] - logits) / np.maximum(spread, 1e-9))[there]
        count[there, column] += 1
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count >= 2 * least)


def shifted(scene: Scene, label: str, step: float) -> Scene:
    """The scene with all things of a label moved down by `step` heights of the frame."""
    for position, thing in enumerate(scene.things):
        if thing.category == label or (label == REFERENCE and thing.shape == STREET):
            scene = scene.moved(position, 0, step)
    return scene


@dataclass(frozen=True)
class Detection:
    """Which true pairs stand out from the unrelated ones.

    Attributes:
        threshold: exceeded by a share `rate` of one half of the unrelated pairs.
        found: true pairs (row, column) above it; asked: how many true pairs could be measured.
        false_alarms: share of the other half of the unrelated pairs above it; unrelated: pairs in that half.
    """

    threshold: float
    found: tuple[tuple[int, int], ...]
    asked: int
    false_alarms: float
    unrelated: int


def detect(values: np.ndarray, true: np.ndarray, unrelated: np.ndarray, rate: float = 0.05, seed: int = 0) -> Detection:
    """Apply the rule "larger than all but a share `rate` of the unrelated pairs" to values [C, C]; NaN pairs are left out.

    The threshold comes from a random half of the unrelated pairs, and its false alarms are counted on the other half.
    Raises: WorkbenchError where fewer than 2 / rate unrelated pairs can be measured.
    """
    known = np.isfinite(values)
    pairs = np.argwhere(unrelated & known)
    if len(pairs) < 2 / rate:
        raise WorkbenchError(f"Only {len(pairs)} unrelated pairs can be measured, too few for {rate:.0%} false alarms; give more scenes.")
    order = np.random.default_rng(seed).permutation(len(pairs))
    first, second = pairs[order[: len(pairs) // 2]], pairs[order[len(pairs) // 2 :]]
    threshold = float(np.quantile(values[tuple(first.T)], 1 - rate, method="higher"))
    asked = np.argwhere(true & known)
    found = tuple((int(row), int(column)) for row, column in asked if values[row, column] > threshold)
    return Detection(threshold, found, len(asked), float(np.mean(values[tuple(second.T)] > threshold)), len(second))
