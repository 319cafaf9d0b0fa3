"""How long does a whole evaluation take at COCO's size, against the usual ways? Run: python -m benchmarks.metrics

Everything that `workbench.metrics.evaluate` reports, under each convention, on 40,137 images x 80 labels, beside three yardsticks in the
same run: numpy's argsort of the matrix, scikit-learn's average precision alone, and average precision alone by a Python loop over the
ranked images of each label, tensor element by tensor element, as the ML-GCN family of meters goes about it. That loop takes half a minute
at full size, so it runs on the first 5,000 images, with ours on the same ones. The three ways have to agree, or the run fails.

Rounds are interleaved. Wall time is what a user waits and suffers from whatever else runs: the load is in the file, and the least of the
rounds is the figure to quote; processor seconds are of all threads together. Scores are drawn, with labels about as frequent as COCO's.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from benchmarks.common import STUDIES, machine, write_json
from workbench import Categories
from workbench.metrics import PRESETS, average_precision, evaluate

IMAGES, LABELS, LOOPED = 40_137, 80, 5_000
BAR = 0.4  # seconds for everything, on two cores
CLOSE = 1e-6


def drawn(images: int, labels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores float32 [N, C] and targets int8 [N, C]: about 2.9 labels an image, the most frequent in half of them, as in COCO."""
    rng = np.random.default_rng(seed)
    frequency = np.minimum(0.5, 0.9 / np.arange(1, labels + 1) ** 0.9)
    targets = (rng.random((images, labels)) < frequency).astype(np.int8)
    targets[0] = 1  # every label is present somewhere
    return (rng.normal(-3, 1.5, targets.shape) + 4 * targets).astype(np.float32), targets


def looped(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Plain average precision [C] by a loop over tensor elements."""
    values = []
    for column, truth in zip(torch.from_numpy(scores.T.copy()), torch.from_numpy(targets.T.copy()), strict=True):
        hits, total = 0, 0.0
        for seen, place in enumerate(column.argsort(descending=True), start=1):
            if truth[place] == 1:
                hits += 1
                total += hits / seen
        values.append(total / hits)
    return np.array(values)


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(images: int = IMAGES, labels: int = LABELS, some: int = LOOPED, rounds: int = 7) -> dict[str, Any]:
    """Seconds of every way, and how far apart their results are."""
    scores, targets = drawn(images, labels)
    few, few_targets = scores[:some], targets[:some]
    names = Categories([f"label {number}" for number in range(labels)])
    work: dict[str, Callable[[], Any]] = {
        f"everything, {preset}": lambda preset=preset: evaluate(scores, targets, names, preset) for preset in PRESETS
    }
    work |= {
        "average precision alone": lambda: average_precision(scores, targets),
        "numpy: argsort of the matrix": lambda: np.argsort(scores, axis=0),
        "scikit-learn: average precision alone": lambda: average_precision_score(targets, scores, average=None),
        f"everything, sklearn, {some} images": lambda: evaluate(few, few_targets, names),
        f"loop over tensors: average precision alone, {some} images": lambda: looped(few, few_targets),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    load = os.getloadavg()[0]
    for _ in range(rounds):
        for name, once in work.items():
            if not name.startswith("loop") or not taken[name]:  # the loop once: it is slow, and far enough away
                taken[name].append(timed(once))
    apart = {
        "scikit-learn": np.abs(average_precision(scores, targets) - average_precision_score(targets, scores, average=None)).max(),
        "loop over tensors": np.abs(average_precision(few, few_targets) - looped(few, few_targets)).max(),
    }
    return {
        "images": images,
        "labels": labels,
        "rounds": rounds,
        "load_before": round(load, 2),
        "seconds": {
            name: {
                "least": round(min(wall for wall, _ in both), 4),
                "median": round(float(np.median([wall for wall, _ in both])), 4),
                "processor": round(min(processor for _, processor in both), 4),
            }
            for name, both in taken.items()
        },
        "largest_difference": {name: float(value) for name, value in apart.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, default=STUDIES / "metrics.json")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    result = measure(rounds=arguments.rounds)
    worst = max(figures["least"] for name, figures in result["seconds"].items() if name.startswith("everything"))
    threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS",)}
    write_json(arguments.out, {"machine": machine(), "environment": threads, **result, "bar": {"seconds": BAR, "met": worst < BAR}})
    for name, figures in result["seconds"].items():
        print(f"{figures['least']:8.3f} s  (median {figures['median']:.3f}, processor {figures['processor']:.3f})  {name}")
    if max(result["largest_difference"].values()) > CLOSE:
        raise SystemExit(f"The ways do not agree: {result['largest_difference']}")
    print(f"slowest convention {worst:.3f} s, bar {BAR} s{'' if worst < BAR else ': NOT met'}; load before {result['load_before']}")


if __name__ == "__main__":
    main()
