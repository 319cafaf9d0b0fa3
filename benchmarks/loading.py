"""How fast are pictures read, decoded, squashed and handed over, apart from any network? If slower than a step, reading is the limit.

Photos are not ours to ship, so pictures of the size of COCO's are made: JPEG files of 640 x 480 pixels, a smooth scene with grain on it, so
that a file has about as many bytes as theirs have on average (160 kB). Each is read many times; the system keeps such files in memory, so
a slow disk does not show.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from workbench.categories import Categories
from workbench.datasets import MultiLabelDataset, open_rgb
from workbench.training.batches import ImageSource, epoch_draws

WIDTH, HEIGHT, GRAIN, QUALITY = 640, 480, 14.0, 92
FILES, BATCHES = 64, 48


class Files(MultiLabelDataset):
    """The same few JPEG files, as many times as wanted."""

    def __init__(self, paths: list[Path], count: int) -> None:
        self.name, self.ids = "files", [str(number) for number in range(count)]
        self.categories = Categories(["a label"])
        self.targets = np.ones((count, 1), dtype=np.int8)
        self._paths = paths

    def image(self, index: int) -> np.ndarray:
        return np.asarray(open_rgb(self._paths[index % len(self._paths)]))


def write_pictures(folder: Path, count: int = FILES) -> list[Path]:
    """JPEG files as described above."""
    random = np.random.default_rng(0)
    paths = []
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        grain = random.normal(0, GRAIN, (HEIGHT, WIDTH, 1))
        path = folder / f"{number:03d}.jpg"
        Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8)).save(path, quality=QUALITY)
        paths.append(path)
    return paths


def loading_speed(size: int, batch: int, device: str, workers: int | None = None, batches: int = BATCHES) -> dict[str, Any]:
    """Images a second of the loader alone, augmentation on the device included, once its processes have started.

    Args:
        size: side that the pictures are squashed to; batch: how many are handed over at a time.
        workers: processes that read; None: as many as a training starts unless told otherwise.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(Path(folder))
        data = Files(paths, batch * batches)
        source = ImageSource(data, size, "flip", torch.device(device), workers)
        source.in_memory = False  # read from the files, as data sets are that do not fit
        plan = [np.arange(number * batch, (number + 1) * batch) for number in range(batches)]
        warm = min(2 * source.workers + 1, batches // 2)  # what was read ahead while the processes started is not counted
        begin = 0.0
        for number, _ in enumerate(source.inputs(plan, epoch_draws(len(data), 0, 0)), start=1):
            if number == warm:
                begin = time.perf_counter()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - begin
        return {
            "images_per_second": (batches - warm) * batch / seconds,
            "workers": source.workers,
            "picture": [WIDTH, HEIGHT],
            "kilobytes": round(float(np.mean([path.stat().st_size for path in paths])) / 1e3, 1),
            "batch": batch,
            "size": size,
        }
