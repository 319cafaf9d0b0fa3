"""What do average precisions of very many scores cost: exactly, and counted in bins without keeping the scores?

    python -m benchmarks.many_scores              # about five minutes on two cores and 3 GB; writes studies/many_scores.json
    python -m benchmarks.many_scores --quick

Exact: 200,000 images x 600 labels, the growth of the process above the scores while they are sorted. Counted: 1,000,000 x 600 in batches
that are drawn and forgotten; what the histogram holds, the time of counting alone, the largest bound. Side by side: both ways on the same
scores, their times in turn, and whether the exact value lies within the bound of every label.
"""

from __future__ import annotations

import argparse
import os
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import STUDIES, machine, write_json
from workbench.categories import Categories
from workbench.metrics import ScoreHistogram, average_precision


def drawn(images: int, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores float32 [N, C] and targets int8 [N, C]; the most frequent label in a third of the images, the rarest in one of a thousand."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((images, labels), dtype=np.float32) < np.geomspace(0.3, 0.001, labels)).astype(np.int8)
    scores = rng.standard_normal((images, labels), dtype=np.float32) * 1.5 - 3 + 4 * targets
    return scores, targets


class Watched:
    """The largest resident memory of this process inside, in MB above what it was at the beginning."""

    def __enter__(self) -> Watched:
        self.before, self.most, self._done = _resident(), 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, _resident() - self.before)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def exact(images: int, labels: int) -> dict[str, Any]:
    scores, targets = drawn(images, labels, 0)
    with Watched() as watched:
        begin = time.perf_counter()
        average_precision(scores, targets)
        seconds = time.perf_counter() - begin
    return {"images": images, "labels": labels, "seconds": seconds, "megabytes_above_the_scores": watched.most}


def counted(images: int, labels: int, batch: int = 5_000) -> dict[str, Any]:
    found = ScoreHistogram(Categories(f"label {c}" for c in range(labels)))
    scores, targets = drawn(batch, labels, 1)
    found.add(scores, targets)
    found.counts()
    with Watched() as watched:
        begin = time.perf_counter()
        for number in range(1, images // batch):
            shift = np.float32(0.001 * (number % 7))  # the same numbers moved: drawing them anew would take longer than counting
            found.add(scores + shift, targets)
        bounded = found.average_precision()
        seconds = time.perf_counter() - begin
    return {
        "images": images,
        "labels": labels,
        "seconds": seconds,
        "megabytes_more": watched.most,
        "megabytes_of_counts": sum(part.nbytes for part in found.counts()) / 1e6,
        "largest_bound": float(bounded.error.max()),
        "mean_bound": float(bounded.error.mean()),
    }


def side_by_side(images: int, labels: int, rounds: int = 3) -> dict[str, Any]:
    scores, targets = drawn(images, labels, 2)
    names = Categories(f"label {c}" for c in range(labels))
    times: dict[str, list[float]] = {"exact": [], "counted": []}
    for _ in range(rounds):
        begin = time.perf_counter()
        truth = average_precision(scores, targets)
        times["exact"].append(time.perf_counter() - begin)
        begin = time.perf_counter()
        found = ScoreHistogram(names)
        for row in range(0, images, 5_000):
            found.add(scores[row : row + 5_000], targets[row : row + 5_000])
        bounded = found.average_precision()
        times["counted"].append(time.perf_counter() - begin)
    within = np.isnan(truth) | ((bounded.low <= truth + 1e-12) & (truth <= bounded.high + 1e-12))
    return {
        "images": images,
        "labels": labels,
        "seconds": {name: statistics.median(each) for name, each in times.items()},
        "counted_over_exact": statistics.median(one / other for one, other in zip(times["counted"], times["exact"], strict=True)),
        "labels_within_their_bound": int(within.sum()),
        "largest_error": float(np.nanmax(np.abs(bounded.value - truth))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a hundredth of the images")
    parser.add_argument("-o", "--out", type=Path, default=STUDIES / "many_scores.json")
    arguments = parser.parse_args()
    part = 100 if arguments.quick else 1
    load = os.getloadavg()[0]
    study = {
        "study": "average precision of very many scores, exact and counted in bins",
        "machine": machine(),
        "load_before": round(load, 2),
        "exact": exact(200_000 // part, 600),
        "counted": counted(1_000_000 // part, 600),
        "side by side": side_by_side(200_000 // part, 600),
    }
    if not arguments.quick:
        write_json(arguments.out, study)
    for name in ("exact", "counted", "side by side"):
        print(name, study[name])


if __name__ == "__main__":
    main()
