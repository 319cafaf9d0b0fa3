"""Which labels a model takes into account for which: things of drawn scenes are moved, and the scores of the others are watched.

If a label follows from where it is relative to another, moving the other one must move its score; moving anything else must not. Whether
a movement is more than a picture edited is decided by pairs of labels that are known to be unrelated (`detect`).
Shapes: C labels, S scenes, O offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.datasets.scenes.rules import CATEGORIES, REFERENCE, RELATION_LABELS, RELATIONS
from workbench.datasets.scenes.scene import Scene
from workbench.errors import WorkbenchError

__all__ = ["Detection", "Moves", "Sweep", "all_moves", "detect", "moved_effects", "swapped_effects", "sweep", "true_relations", "unrelated"]

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


@dataclass(frozen=True)
class Moves:
    """Scores of scenes before and after all things of one of their labels were moved.

    Attributes:
        before: float [S, C]; after: float [M, C]; scene, label: int [M], what was moved where; targets: bool [S, C], before.
    """

    before: np.ndarray
    after: np.ndarray
    scene: np.ndarray
    label: np.ndarray
    targets: np.ndarray


def all_moves(predict: Predict, scenes: Sequence[Scene], size: int, distance: float = DISTANCE) -> Moves:
    """Move the things of each label of each scene up and down, all things of a label together, houses with their streets.

    Args:
        distance: in heights of the frame.
    """
    before = np.asarray(predict(np.stack([scene.render(size) for scene in scenes])))
    pictures, scene_of, label_of = [], [], []
    for number, scene in enumerate(scenes):
        for label in scene.labels:
            for step in (-distance, distance):
                pictures.append(shifted(scene, label, step).render(size))
                scene_of.append(number)
                label_of.append(CATEGORIES.index(label))
    targets = np.stack([scene.target for scene in scenes]) == 1
    return Moves(before, np.asarray(predict(np.stack(pictures))), np.array(scene_of), np.array(label_of), targets)


def moved_effects(moves: Moves, least: int = LEAST) -> np.ndarray:
    """How far the score of the row's label falls when the column's things are moved: float64 [C, C].

    Things that are moved may also cover others: a fall alone does not say that the row's label depends on where the column's things are.

    Args:
        least: pairs seen in fewer scenes are NaN.

    Returns: mean fall of the logit over scenes with both labels and over both directions, in standard deviations of that logit over the
        scenes, so that models of different scale can be compared.
    """
    if len(moves.before) < least:
        raise WorkbenchError(f"There are {len(moves.before)} scenes, too few to see a pair {least} times; give some hundreds.")
    spread = np.maximum(moves.before.std(0), 1e-9)
    total = np.zeros((len(CATEGORIES), len(CATEGORIES)))
    count = np.zeros_like(total)
    for number, column, logits in zip(moves.scene, moves.label, moves.after, strict=True):
        there = moves.targets[number]
        total[there, column] += ((moves.before[number] - logits) / spread)[there]
        count[there, column] += 1
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count >= 2 * least)


def swapped_effects(moves: Moves, least: int = LEAST) -> np.ndarray:
    """The same for what sets a label apart from the other name of its shape, as "sun" from "ball": float64 [C, C], NaN in other rows.

    A disc that is covered is neither, so covering takes from both scores alike; being below in place of above takes from one and gives to
    the other. Scenes that hold both are left out for both.
    """
    partner = np.arange(len(CATEGORIES))
    for pair in RELATIONS.values():
        first, second = (CATEGORIES.index(name) for name in pair)
        partner[first], partner[second] = second, first
    papers = partner != np.arange(len(CATEGORIES))
    alone = moves.targets & ~(moves.targets[:, partner] & papers)
    apart = replace(moves, before=moves.before - moves.before[:, partner], after=moves.after - moves.after[:, partner], targets=alone)
    return np.where(papers[:, None], moved_effects(apart, least), np.nan)


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
