"""Scores and targets drawn at random, for what needs no picture."""

from __future__ import annotations

import numpy as np


def make_scores(images: int = 400, labels: int = 6, seed: int = 0, levels: int = 0, unknown: float = 0.03) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 [images, labels] and targets int8, the labels from frequent to rare and the scores too low, as after BCE.

    Args:
        levels: if not 0, about so many distinct scores: ties.
        unknown: share of targets that are -1.
    """
    drawn = np.random.default_rng([seed, images, labels])
    share = np.geomspace(0.5, 4 / max(images, 80), labels)
    targets = (drawn.random((images, labels)) < share).astype(np.int8)
    logits = drawn.normal(size=(images, labels)) * 1.5 + 3 * targets - 2.5
    if levels:
        logits = np.round(logits * levels / 10) * 10 / levels
    targets[drawn.random(targets.shape) < unknown] = -1
    return logits.astype(np.float32), targets
