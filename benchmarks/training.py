"""How fast do the systems train and evaluate, and what do SRN and MSRN cost beside the plain network of the same depth?

Every repetition measures all systems one after the other in this process, and ratios are medians of ratios within a repetition, so that
whatever else the machine does meets them alike. Of a training step: getting the batch (pixels in memory, augmentation, to the device),
forward with loss, backward, optimiser; and images a second of whole steps. A smoke run of each system at full shape (ResNet-101, 448 px, 80
labels), forward and backward in a process of its own, gives its peak memory. CPU and GPU run the same code.

    python -m benchmarks.training                    # CPU: ResNet-18, 224 px, 20 labels, float32; a GPU: full shape in bfloat16
    python -m benchmarks.training --no-smoke --repeats 3

Writes studies/training_<machine>.json, goes on where it was stopped, and ends with a block to paste.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from benchmarks.common import STUDIES, machine, read_json, write_json
from workbench.categories import Categories
from workbench.datasets import MultiLabelDataset
from workbench.models import create_model, model_class
from workbench.models.host_memory import keep_freed_memory
from workbench.training.batches import ImageSource, epoch_draws
from workbench.training.recipe import Stage
from workbench.training.stages import loss_terms, make_optimizer, set_modes

THREE: dict[str, str | float] = {"logits.cls": "bce", "logits.sr": "bce", "logits.att": "bce"}
SYSTEMS: dict[str, tuple[str, dict[str, Any], dict[str, str | float]]] = {
    "plain": ("pooled", {}, {"logits.cls": "bce"}),
    "srn-paper": ("srn", {"variant": "paper"}, THREE),
    "srn-released": ("srn", {"variant": "released"}, THREE),
    "msrn-elementwise": ("msrn", {"head": "elementwise", "vectors": "learned"}, {"logits.final": "bce_mean", "loss.group": 1.0}),
}
LIMITS = {"srn-paper": {"training": 1.4, "evaluation": 1.35}, "msrn-elementwise": {"training": 1.6, "evaluation": 1.4}}
"""Largest times beside the plain network, for ResNet-18 at 224 px and 20 labels on a CPU."""
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
        kind, options, losses = SYSTEMS[name]
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
        seconds = {"training": self._timed(self.whole, steps)}
        parts, before = {}, self._now()
        for part in self.step():
            now = self._now()
            parts[part], before = now - before, now
        self.model.eval()
        self.evaluate()
        seconds["evaluation"] = self._timed(self.evaluate, steps)
        return {**seconds, "parts": parts}

    def _timed(self, work: Callable[[], None], steps: int) -> float:
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


def summarise(rows: list[dict[str, Any]], batch: int) -> dict[str, Any]:
    """Medians over the repetitions, and of the ratios within each."""
    found = {}
    for name in rows[0]:
        entry: dict[str, Any] = {}
        for what in ("training", "evaluation"):
            entry[what] = {
                "images_per_second": batch / float(np.median([row[name][what] for row in rows])),
                "times_plain": float(np.median([row[name][what] / row["plain"][what] for row in rows])),
            }
            if what in LIMITS.get(name, {}):
                entry[what]["limit"] = LIMITS[name][what]
        total = {part: float(np.median([row[name]["parts"][part] for row in rows])) for part in PARTS}
        entry["share_of_step"] = {part: value / sum(total.values()) for part, value in total.items()}
        found[name] = entry
    return found


def smoke(name: str, device: str, batch: int) -> dict[str, Any]:
    """Forward and backward at full shape in this process; peak memory in MB."""
    cuda = device == "cuda"
    fabric = Fabric(accelerator=device, devices=1, precision=FULL["precision"] if cuda else "32-true")
    system = System(name, Noise(batch, FULL["labels"], FULL["size"]), {**FULL, "batch": batch}, fabric)
    set_modes(system.model, set(system.model.parts))
    begin = time.perf_counter()
    system.whole()
    seconds = time.perf_counter() - begin
    finite = all(bool(value.isfinite().all()) for value in system.model.parameters())
    return {"batch": batch, "peak_mb": _peak_mb(cuda), "seconds": seconds, "finite": finite}


def _peak_mb(cuda: bool) -> float:
    if cuda:
        return torch.cuda.max_memory_allocated() / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def place_name(device: str) -> tuple[str, str]:
    """The device in words, and as part of a file name."""
    said = torch.cuda.get_device_name() if device == "cuda" else f"{machine()['processor']}, {os.cpu_count()} cores"
    return said, re.sub(r"[^a-z0-9]+", "-", said.lower()).strip("-")


def block(study: dict[str, Any]) -> str:
    """What to paste into a report of a problem, or into a comparison of machines."""
    shape, versions = study["shape"], study["machine"]["packages"]
    lines = [
        f"workbench training speed on {study['device']}, torch {versions['torch']}, {study['threads']} threads",
        f"{shape['backbone']}, {shape['size']} px, {shape['labels']} labels, batch {shape['batch']}, {shape['precision']}; "
        f"medians of {len(study['rows'])} repetitions",
        f"{'system':<18}{'train img/s':>12}{'x plain':>9}{'eval img/s':>12}{'x plain':>9}   data/forward/backward/optimiser %",
    ]
    for name, entry in study["summary"].items():
        shares = "/".join(f"{100 * entry['share_of_step'][part]:.0f}" for part in PARTS)
        training, evaluation = entry["training"], entry["evaluation"]
        lines.append(
            f"{name:<18}{training['images_per_second']:>12.1f}{training['times_plain']:>9.2f}"
            f"{evaluation['images_per_second']:>12.1f}{evaluation['times_plain']:>9.2f}   {shares}"
        )
    for name, entry in study.get("smoke", {}).items():
        state = "finite" if entry["finite"] else "NOT FINITE"
        lines.append(f"{name:<18}full shape, batch {entry['batch']}: peak {entry['peak_mb']:.0f} MB, {entry['seconds']:.1f} s, {state}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="steps of a system within a repetition")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--no-smoke", action="store_true")
    parser.add_argument("--one", choices=SYSTEMS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    keep_freed_memory()  # as `workbench train` does
    full_batch = 16 if arguments.device == "cuda" else 2
    if arguments.one:
        print(json.dumps(smoke(arguments.one, arguments.device, full_batch)))
        return
    shape = {**(FULL if arguments.device == "cuda" else SMALL)}
    shape["batch"] = arguments.batch or shape["batch"]
    said, slug = place_name(arguments.device)
    out = arguments.out or STUDIES / f"training_{slug}.json"
    study: dict[str, Any] = read_json(out, {})
    facts = {"shape": shape, "machine": machine(), "device": said, "threads": torch.get_num_threads()}
    if {key: study.get(key) for key in facts} != facts:  # another version or shape: anew
        study = {"study": "training speed and memory", **facts, "rows": [], "smoke": {}}
    data = Noise(4 * shape["batch"], shape["labels"], shape["size"])
    fabric = Fabric(accelerator=arguments.device, devices=1, precision=shape["precision"])
    systems = {name: System(name, data, shape, fabric) for name in SYSTEMS}
    while len(study["rows"]) < arguments.repeats:
        study["rows"].append({name: system.measure(arguments.steps) for name, system in systems.items()})
        study["summary"] = summarise(study["rows"], shape["batch"])
        write_json(out, study)
        print(f"repetition {len(study['rows'])} of {arguments.repeats}", flush=True)
    for name in SYSTEMS if not arguments.no_smoke else ():
        if name not in study["smoke"]:
            command = [sys.executable, "-m", "benchmarks.training", "--one", name, "--device", arguments.device]
            result = subprocess.run(command, capture_output=True, text=True, check=True)
            study["smoke"][name] = json.loads(result.stdout.splitlines()[-1])
            write_json(out, study)
    print("\n" + block(study))


if __name__ == "__main__":
    main()
