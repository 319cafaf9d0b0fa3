"""The systems whose training is measured, each with everything that a step needs: benchmarks/training.py says of what."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from workbench.categories import Categories
from workbench.datasets import MultiLabelDataset
from workbench.models import create_model, model_class
from workbench.training.batches import ImageSource, epoch_draws
from workbench.training.compiling import cannot_compile, compiled
from workbench.training.recipe import Stage
from workbench.training.stages import loss_terms, make_optimizer, set_modes

THREE: dict[str, str | float] = {"logits.cls": "bce", "logits.sr": "bce", "logits.att": "bce"}
SYSTEMS: dict[str, tuple[str, dict[str, Any], dict[str, str | float]]] = {
    "plain": ("pooled", {}, {"logits.cls": "bce"}),
    "srn-paper": ("srn", {"variant": "paper"}, THREE),
    "srn-released": ("srn", {"variant": "released"}, THREE),
    "msrn-elementwise": ("msrn", {"head": "elementwise", "vectors": "learned"}, {"logits.final": "bce_mean", "loss.group": 1.0}),
}
MORE_SYSTEMS: dict[str, tuple[str, dict[str, Any], dict[str, str | float]]] = {
    "csra": ("csra", {}, {"logits.cls": "bce"}),
    "disentangled": ("disentangled", {}, {"logits.cls": "bce", "logits.cam": "bce"}),
}
"""Measured on a GPU only, beside the others."""
SMALL = {"backbone": "resnet18", "size": 224, "labels": 20, "batch": 8, "precision": "32-true"}
FULL = {"backbone": "resnet101", "size": 448, "labels": 80, "batch": 32, "precision": "bf16-mixed"}
PARTS = ("data", "forward", "backward", "optimiser")


class Noise(MultiLabelDataset):
    """Random pixels, 2.9 labels an image."""

    def __init__(self, count: int, labels: int, size: int) -> None:
        random = np.random.default_rng(0)
        self.name, self.ids = "noise", [str(number) for number in range(count)]
        self.categories = Categories(f"label {number}" for number in range(labels))
        self.targets = (random.random((count, labels)) < 2.9 / labels).astype(np.int8)
        self._images = random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)

    def image(self, index: int) -> np.ndarray:
        return self._images[index]


class System:
    """One system with everything that a step needs."""

    def __init__(self, name: str, data: Noise, shape: dict[str, Any], fabric: Fabric) -> None:
        kind, options, losses = {**SYSTEMS, **MORE_SYSTEMS}[name]
        torch.manual_seed(0)
        options = {**model_class(kind).options_from_training(data.categories, data.targets), **options}
        model = create_model(kind, data.categories, backbone=shape["backbone"], image_size=shape["size"], **options)
        self.stage = Stage(("all",), losses, 1, 1e-4, batch_size=shape["batch"])
        self.model = model.to(fabric.device, memory_format=torch.channels_last)
        self.fabric, self.batch = fabric, shape["batch"]
        self.module, self.optimizer = fabric.setup(self.model, make_optimizer(self.model, self.stage))
        self.targets = torch.from_numpy(data.targets)
        self.source = ImageSource(data, shape["size"], "flip", fabric.device)
        self.plan = [np.arange(len(data))[:: len(data) // self.batch][: self.batch]]
        self.draws = epoch_draws(len(data), 0, 0)

    def step(self) -> Iterator[str]:
        """One training step; says which part has just been done."""
        inputs = next(self.source.inputs(self.plan, self.draws))
        targets = self.targets[torch.from_numpy(self.plan[0])].to(self.fabric.device)
        yield "data"
        _, out = self.module(inputs)
        loss = torch.stack(list(loss_terms(out, targets, self.stage.losses, "ignore").values())).sum()
        yield "forward"
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        yield "backward"
        self.optimizer.step()
        yield "optimiser"

    def whole(self) -> None:
        for _ in self.step():
            pass

    @torch.no_grad()
    def evaluate(self) -> None:
        self.module(next(self.source.inputs(self.plan, None)))

    def measure(self, steps: int) -> dict[str, Any]:
        """Seconds of a step, its parts, and an evaluation of a batch."""
        set_modes(self.model, set(self.model.parts))
        self.whole()  # warm
        seconds = {"training": self.timed(self.whole, steps)}
        parts, before = {}, self._now()
        for part in self.step():
            now = self._now()
            parts[part], before = now - before, now
        self.model.eval()
        self.evaluate()
        seconds["evaluation"] = self.timed(self.evaluate, steps)
        return {**seconds, "parts": parts}

    def timed(self, work: Callable[[], None], steps: int) -> float:
        times = []
        for _ in range(steps):
            begin = self._now()
            work()
            times.append(self._now() - begin)
        return float(np.median(times))

    def _now(self) -> float:
        if self.fabric.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def one_step(name: str, device: str, shape: dict[str, Any], batch: int) -> dict[str, Any]:
    """Forward, backward and optimiser once in this process; peak memory in MB, and whether all weights are finite afterwards."""
    system = alone(name, device, shape, batch)
    begin = time.perf_counter()
    system.whole()
    seconds = time.perf_counter() - begin
    finite = all(bool(value.isfinite().all()) for value in system.model.parameters())
    return {"batch": batch, "peak_mb": _peak_mb(device == "cuda"), "seconds": seconds, "finite": finite}


def compiled_steps(name: str, device: str, shape: dict[str, Any], batch: int, repeats: int = 5) -> dict[str, Any]:
    """Compiled steps beside plain ones, in turn: seconds of the first one, and the median of compiled time over plain time."""
    system = alone(name, device, shape, batch)
    plain, fast = system.module, system.fabric.setup_module(compiled(system.model))
    begin = time.perf_counter()
    try:
        system.module = fast
        system.whole()
    except RuntimeError as error:
        if (sentence := cannot_compile(error, name)) is None:
            raise
        return {"error": str(sentence)}
    first = time.perf_counter() - begin
    ratios = []
    for _ in range(repeats):
        times = []
        for module in (plain, fast):
            system.module = module
            system.whole()  # warm, after the other
            times.append(system.timed(system.whole, 2))
        ratios.append(times[1] / times[0])
    return {"batch": batch, "first_step_seconds": first, "times_plain_step": statistics.median(ratios)}


def alone(name: str, device: str, shape: dict[str, Any], batch: int) -> System:
    """A system in training mode in a process of its own."""
    precision = shape["precision"] if device == "cuda" else "32-true"
    fabric = Fabric(accelerator=device, devices=1, precision=precision)
    system = System(name, Noise(batch, shape["labels"], shape["size"]), {**shape, "batch": batch}, fabric)
    set_modes(system.model, set(system.model.parts))
    return system


def _peak_mb(cuda: bool) -> float:
    if cuda:
        return torch.cuda.max_memory_allocated() / 1e6
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
