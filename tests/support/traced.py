"""Neurons whose weights are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from workbench.categories import Categories

NAMES = ("house", "sun", "ball", "cat")


def make_templates(neurons: int = 12, grid: tuple[int, int] = (5, 6), names: tuple[str, ...] = NAMES) -> SimpleNamespace:
    """As `workbench.analysis.templates.trace` gives them; neuron 3 leads from "house" to "sun", and grows downwards."""
    rng = np.random.default_rng(4)
    template, inflow, outflow = (
        rng.normal(0, 0.1, shape).astype(np.float32) for shape in ((neurons, *grid), (neurons, len(names)), (neurons, len(names)))
    )
    template[3] = np.linspace(-2, 2, grid[0])[:, None]
    inflow[3], outflow[3] = 0, 0
    inflow[3, 0], outflow[3, 1] = 1.5, 0.8
    return SimpleNamespace(categories=Categories(names), template=template, inflow=inflow, outflow=outflow)


def make_fired(neurons: int = 12, images: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """(fired [N, K], pictures [N, 20, 20, 3]); neuron 3 fires on images 7, 2 and 9, in that order, and on no other."""
    rng = np.random.default_rng(8)
    fired = np.maximum(rng.normal(size=(images, neurons)), 0).astype(np.float32)
    fired[:, 3] = 0
    fired[[7, 2, 9], 3] = 3, 2, 1
    return fired, rng.integers(0, 255, (images, 20, 20, 3), dtype=np.uint8)
