"""How fast do the systems train and evaluate, and what do SRN and MSRN cost beside the plain network of the same depth?

Every repetition measures all systems one after the other in this process, and ratios are medians of ratios within a repetition, so that
whatever else the machine does meets them alike. Of a training step: getting the batch (pixels in memory, augmentation, to the device),
forward with loss, backward, optimiser; and images a second of whole steps. A smoke run of each system at full shape (ResNet-101, 448 px, 80
labels), forward and backward in a process of its own, gives its peak memory. So do three batch sizes at the shape that is timed, compiled
steps beside plain ones, and the loader alone: is reading the pictures the limit? CPU and GPU run the same code.

    python -m benchmarks.training                    # CPU: ResNet-18, 224 px, 20 labels, float32; a GPU: full shape in bfloat16
    python -m benchmarks.training --no-smoke --no-compile --repeats 3
    python -m benchmarks.training --quick            # a minute or two: one repetition, and the loader

Writes studies/training_<machine>.json, goes on where it was stopped, and ends with a block to paste.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from benchmarks.common import STUDIES, machine, read_json, write_json
from benchmarks.loading import loading_speed
from benchmarks.training_systems import FULL, PARTS, SMALL, SYSTEMS, Noise, System, compiled_steps, one_step

LIMITS = {"srn-paper": {"training": 1.4, "evaluation": 1.35}, "msrn-elementwise": {"training": 1.6, "evaluation": 1.4}}
"""Largest times beside the plain network, for ResNet-18 at 224 px and 20 labels on a CPU."""


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
    for name, sizes in study.get("memory", {}).items():
        lines.append(f"{name:<18}peak by batch: {', '.join(f'{batch}: {megabytes:.0f} MB' for batch, megabytes in sizes.items())}")
    for name, entry in study.get("compiled", {}).items():
        said = (
            entry.get("error")
            or f"x {entry['times_plain_step']:.2f} of the plain step's time, first step {entry['first_step_seconds']:.0f} s"
        )
        lines.append(f"{name:<18}compiled: {said}")
    if entry := study.get("loading"):
        width, height = entry["picture"]
        lines.append(
            f"{'loading alone':<18}{entry['images_per_second']:.0f} img/s with {entry['workers']} workers, batch {entry['batch']} "
            f"({width} x {height} JPEG of {entry['kilobytes']:.0f} kB to {entry['size']} px): {limit(study)}"
        )
    return "\n".join(lines)


def limit(study: dict[str, Any]) -> str:
    """Whether reading pictures or the network is slower here, for the system with the fastest step."""
    fastest = max(entry["training"]["images_per_second"] for entry in study["summary"].values())
    ratio = study["loading"]["images_per_second"] / fastest
    return f"{ratio:.1f} x the fastest step, {'the network is the limit' if ratio >= 1 else 'READING IS THE LIMIT: more workers'}"


class Study:
    """The file of results, and what is still to be measured for it."""

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        self.path = path
        self.kept: dict[str, Any] = read_json(path, {})
        if {key: self.kept.get(key) for key in facts} != facts:  # another version or shape: anew
            self.kept = {"study": "training speed and memory", **facts, "rows": [], "smoke": {}}

    def rows(self, arguments: argparse.Namespace) -> None:
        shape, done = self.kept["shape"], self.kept["rows"]
        if len(done) >= arguments.repeats:
            return
        data = Noise(4 * shape["batch"], shape["labels"], shape["size"])
        fabric = Fabric(accelerator=arguments.device, devices=1, precision=shape["precision"])
        systems = {name: System(name, data, shape, fabric) for name in SYSTEMS}
        while len(done) < arguments.repeats:
            done.append({name: system.measure(arguments.steps) for name, system in systems.items()})
            self.kept["summary"] = summarise(done, shape["batch"])
            self.save(f"repetition {len(done)} of {arguments.repeats}")

    def apart(self, what: str, key: str, name: str, batch: int, arguments: argparse.Namespace) -> None:
        """Measure one thing in a process of its own, unless it is there: memory has no other way to be counted from nothing."""
        found = self.kept.setdefault(what, {})
        where = found.setdefault(name, {}) if what == "memory" else found
        if key in where:
            return
        command = [sys.executable, "-m", "benchmarks.training", "--one", what, name, str(batch), "--device", arguments.device]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        entry = json.loads(result.stdout.splitlines()[-1])
        where[key] = entry["peak_mb"] if what == "memory" else entry
        self.save(f"{what}, {name}" + (f", batch {batch}" if what == "memory" else ""))

    def save(self, said: str) -> None:
        write_json(self.path, self.kept)
        print(said, flush=True)


def one(what: str, name: str, batch: int, device: str) -> dict[str, Any]:
    """What a process of its own is asked for."""
    shape = FULL if what == "smoke" or device == "cuda" else SMALL
    return compiled_steps(name, device, shape, batch) if what == "compiled" else one_step(name, device, shape, batch)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="steps of a system within a repetition")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--workers", type=int, help="processes that read pictures, for the loader alone")
    parser.add_argument("--no-smoke", action="store_true", help="leave out the full shape")
    parser.add_argument("--no-memory", action="store_true", help="leave out peak memory by batch size")
    parser.add_argument("--no-compile", action="store_true", help="leave out torch.compile")
    parser.add_argument("--quick", action="store_true", help="one repetition of one step, and the loader")
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "SYSTEM", "BATCH"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.one:
        what, name, batch = arguments.one
        print(json.dumps(one(what, name, int(batch), arguments.device)))
        return
    if arguments.quick:
        arguments.repeats = arguments.steps = 1
        arguments.no_smoke = arguments.no_memory = arguments.no_compile = True
    cuda = arguments.device == "cuda"
    shape = {**(FULL if cuda else SMALL)}
    shape["batch"] = arguments.batch or shape["batch"]
    said, slug = place_name(arguments.device)
    facts = {"shape": shape, "machine": machine(), "device": said, "threads": torch.get_num_threads()}
    study = Study(arguments.out or STUDIES / f"training_{slug}.json", facts)
    study.kept["kind"] = arguments.device
    study.rows(arguments)
    if "loading" not in study.kept:
        study.kept["loading"] = loading_speed(shape["size"], 64 if cuda else shape["batch"], arguments.device, arguments.workers)
        study.save("loading")
    for name in SYSTEMS:
        for batch in () if arguments.no_memory else sorted({max(2, shape["batch"] // 4), max(2, shape["batch"] // 2), shape["batch"]}):
            study.apart("memory", str(batch), name, batch, arguments)
        if not arguments.no_compile:
            study.apart("compiled", name, name, shape["batch"], arguments)
        if not arguments.no_smoke:
            study.apart("smoke", name, name, 16 if cuda else 2, arguments)
    print("\n" + block(study.kept))


if __name__ == "__main__":
    main()
