"""Everything that waits for a GPU, in one command of at most nine minutes that can be stopped and started again.

    python -m benchmarks.gpu                 # writes studies/gpu_<card>.json after each piece, prints one block at the end
    python -m benchmarks.gpu --minutes 4     # what fits
    python -m benchmarks.gpu --only attention profile

A bare image with torch, torchvision, timm and lightning is enough; nothing is downloaded. Pieces stand in the order of their worth; one
whose time is not left is not begun, and the block says which are missing. Without a GPU, `--miniature` runs every piece on the processor
at a small shape, to see that it works; its figures mean nothing and are written only where --out says.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from benchmarks import msrn_attention
from benchmarks.common import STUDIES, machine, read_json, write_json
from benchmarks.loading import write_pictures
from benchmarks.training import place_name
from benchmarks.training_systems import FULL, MORE_SYSTEMS, SYSTEMS, Noise, System, compiled_steps, set_modes

MINIATURE = {"backbone": "small-narrow", "size": 32, "labels": 3, "batch": 4, "precision": "32-true"}
NAMES = [*SYSTEMS, *MORE_SYSTEMS]
SECONDS = {"tests": 60, "systems": 30, "attention": 15, "profile": 20, "train": 75, "evaluate": 25, "inspect": 30, "compiled": 60}
"""What a piece is expected to take; of "systems" and "compiled" one system."""


class Pieces:
    """What each piece measures at one shape on one device."""

    def __init__(self, device: str, shape: dict[str, Any], folder: Path) -> None:
        self.device, self.shape, self.small = device, shape, shape is MINIATURE
        self._folder = folder

    def tests(self) -> dict[str, Any]:
        """Tests that need a GPU."""
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests"]
        result = subprocess.run([*command, "--collect-only"] if self.small else command, capture_output=True, text=True, cwd=STUDIES.parent)
        return {"exit": result.returncode, "said": (result.stdout.strip().splitlines() or [result.stderr[-300:]])[-1]}

    def systems(self, name: str) -> dict[str, Any]:
        """Images a second of training and evaluation, and the peak memory of both."""
        system = self._system(name)
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        found = system.measure(2 if self.small else 10)
        batch = self.shape["batch"]
        speeds = {what: batch / found[what] for what in ("training", "evaluation")}
        return {"images_per_second": speeds, "peak_mb": self._peak(), "parts": found["parts"]}

    def compiled(self, name: str) -> dict[str, Any]:
        return compiled_steps(name, self.device, self.shape, self.shape["batch"], repeats=1 if self.small else 3)

    def attention(self) -> dict[str, Any]:
        """MSRN's attention against the plain formula: forward and backward, memory and time."""
        maps, queries = msrn_attention.inputs(self.device)
        if self.small:
            maps, queries = [layer[:, :16] for layer in maps], queries[:, :16]
        row = {}
        for name, attention in (("lean", msrn_attention.attend_channels), ("plain", msrn_attention.plain)):
            work = lambda attention=attention: msrn_attention.forward_and_backward(attention, maps, queries)  # noqa: E731
            work()
            memory = msrn_attention.live_bytes(work, self.device)
            times = sorted(msrn_attention.seconds(work, self.device) for _ in range(5))
            row[name] = {"megabytes": memory / 1e6, "seconds": times[2]}
        row["times_less"] = {key: row["plain"][key] / row["lean"][key] for key in ("megabytes", "seconds")}
        return row

    def profile(self) -> dict[str, Any]:
        """What a training step of MSRN spends its time on: the ten operators that take most of the device."""
        system = self._system("msrn-elementwise")
        set_modes(system.model, set(system.model.parts))
        system.whole()
        activities = [torch.profiler.ProfilerActivity.CPU]
        if self.device == "cuda":
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        with torch.profiler.profile(activities=activities) as record:
            system.whole()
        key = f"self_{'device' if self.device == 'cuda' else 'cpu'}_time_total"
        events = sorted(record.key_averages(), key=lambda event: -getattr(event, key))
        total = sum(getattr(event, key) for event in events) or 1
        return {"milliseconds": total / 1e3, "shares": {event.key[:60]: round(getattr(event, key) / total, 3) for event in events[:10]}}

    def train(self) -> dict[str, Any]:
        """A real training on JPEG files with the modern augmentation: images a second of the last epoch."""
        from workbench.training import train
        from workbench.training.recipe import DataSpec, ModelSpec, Recipe, Stage

        root = self._table()
        batch = self.shape["batch"]
        stage = Stage(("all",), {"logits.cls": "asl:gamma_neg=4,gamma_pos=0,clip=0.05"}, 2, 1e-4, batch_size=batch, optimizer="adamw")
        data = DataSpec("table", "train", "val", str(root))
        model = ModelSpec("pooled", self.shape["backbone"], None)
        size, precision = self.shape["size"], self.shape["precision"]
        recipe = Recipe("gpu-train", data, model, {"all": stage}, image_size=size, precision=precision, augmentation="modern")
        with tempfile.TemporaryDirectory() as folder:
            history = train(recipe, Path(folder) / "run").history
        return {"images_per_second": history[-1]["images_per_second"], "epochs": len(history)}

    def evaluate(self) -> dict[str, Any]:
        """Scores of JPEG files, as `workbench evaluate` takes them: images a second."""
        from workbench.capture import predict

        return self._timed(lambda subject, data: predict(subject, data))

    def inspect(self) -> dict[str, Any]:
        """An archive without measures: images a second."""
        from workbench.capture import capture

        return self._timed(lambda subject, data: capture(subject, data))

    def _timed(self, work: Callable[[Any, Any], Any]) -> dict[str, Any]:
        from workbench.capture import subject_of
        from workbench.datasets import load_dataset

        data = load_dataset("table", "val", self._table())
        system = System("srn-paper", Noise(self.shape["batch"], 2, self.shape["size"]), {**self.shape, "labels": 2}, self._fabric())
        subject = subject_of(system.model, size=self.shape["size"])
        data.categories = subject.categories
        work(subject, data.subset(range(2)))
        begin = time.perf_counter()
        work(subject, data)
        self._synchronise()
        return {"images_per_second": len(data) / (time.perf_counter() - begin), "images": len(data)}

    def _table(self) -> Path:
        """JPEG files as large as COCO's with made-up labels, and their table."""
        root = self._folder
        if not (root / "table.csv").is_file():
            count = 8 if self.small else 640
            files = write_pictures(root, 4 if self.small else 64)
            rows = []
            for number in range(count):
                path = root / f"all-{number}.jpg"
                path.hardlink_to(files[number % len(files)])
                rows.append(f"{path.name},{'a;b' if number % 3 else 'a' if number % 2 else 'b'},{'val' if number % 5 == 0 else 'train'}")
            (root / "table.csv").write_text("\n".join(["image,labels,split", *rows]) + "\n")
        return root / "table.csv"

    def _system(self, name: str) -> System:
        return System(name, Noise(4 * self.shape["batch"], self.shape["labels"], self.shape["size"]), self.shape, self._fabric())

    def _fabric(self) -> Fabric:
        return Fabric(accelerator=self.device, devices=1, precision=self.shape["precision"])

    def _peak(self) -> float | None:
        return torch.cuda.max_memory_allocated() / 1e6 if self.device == "cuda" else None

    def _synchronise(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def plan() -> list[tuple[str, str | None]]:
    """(piece, system) in the order of their worth."""
    eager = [("systems", name) for name in NAMES]
    compiled = [("compiled", name) for name in NAMES]
    return [
        ("tests", None),
        *eager,
        ("attention", None),
        ("profile", None),
        ("train", None),
        ("evaluate", None),
        ("inspect", None),
        *compiled,
    ]


def measure(path: Path, pieces: Pieces, facts: dict[str, Any], minutes: float, only: list[str]) -> dict[str, Any]:
    """Do what is not in the file yet, as long as there is time; the file is written after each piece.

    A piece that fails is kept with what it said, and is tried again next time.
    """
    kept = read_json(path, {})
    if {key: kept.get(key) for key in facts} != facts:
        kept = {"study": "everything on a GPU", **facts, "pieces": {}}
    end = time.monotonic() + 60 * minutes
    for piece, name in plan():
        key = f"{piece}.{name}" if name else piece
        if (only and piece not in only) or "error" not in kept["pieces"].get(key, {"error": ""}):
            continue
        if time.monotonic() + SECONDS[piece] > end and not pieces.small:
            continue
        begin = time.monotonic()
        try:
            entry = getattr(pieces, piece)(*([name] if name else []))
        except Exception as error:  # one piece must not take the others' time with it
            entry = {"error": f"{type(error).__name__}: {error!s:.300}", "where": traceback.format_exc(limit=-2)}
        kept["pieces"][key] = {**entry, "took_seconds": round(time.monotonic() - begin, 1)}
        write_json(path, kept)
        print(f"{key}: {entry.get('error') or 'done'}", flush=True)
        if pieces.device == "cuda":
            torch.cuda.empty_cache()
    return kept


def block(kept: dict[str, Any]) -> str:
    """What to paste."""
    shape, done = kept["shape"], kept["pieces"]
    lines = [
        f"workbench on {kept['device']}, torch {kept['machine']['packages']['torch']}, commit {kept['machine']['commit']}",
        f"{shape['backbone']}, {shape['size']} px, {shape['labels']} labels, batch {shape['batch']}, {shape['precision']}",
        f"{'system':<18}{'train img/s':>12}{'eval img/s':>12}{'peak MB':>10}{'compiled':>10}",
    ]
    for name in NAMES:
        entry, fast = done.get(f"systems.{name}", {}), done.get(f"compiled.{name}", {})
        if "images_per_second" not in entry:
            lines.append(f"{name:<18}{entry.get('error', 'not measured')[:90]}")
            continue
        speeds, peak = entry["images_per_second"], entry["peak_mb"]
        ratio = f"{fast['times_plain_step']:.2f}" if "times_plain_step" in fast else "–"
        lines.append(f"{name:<18}{speeds['training']:>12.1f}{speeds['evaluation']:>12.1f}{f'{peak:.0f}' if peak else '–':>10}{ratio:>10}")
    for piece in ("tests", "train", "evaluate", "inspect", "attention", "profile"):
        entry = done.get(piece, {})
        said = entry.get("error") or entry.get("said") or {key: entry[key] for key in entry if key not in ("took_seconds", "where")}
        lines.append(f"{piece:<18}{said or 'not measured'}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=9, help="no piece is begun that would end later")
    parser.add_argument("--only", nargs="+", choices=list(SECONDS), default=[], metavar="PIECE", help=", ".join(SECONDS))
    parser.add_argument("--miniature", action="store_true", help="on the processor, at a small shape, to see that it works")
    parser.add_argument("--out", type=Path, help="the file of results; needed with --miniature")
    arguments = parser.parse_args()
    if arguments.miniature and not arguments.out:
        parser.error("--miniature needs --out: its figures mean nothing and do not belong into studies/")
    if not arguments.miniature and not torch.cuda.is_available():
        parser.error("there is no GPU that torch can use; --miniature tries the script without one")
    device = "cpu" if arguments.miniature else "cuda"
    shape = MINIATURE if arguments.miniature else FULL
    said, slug = place_name(device)
    facts = {"device": said, "shape": shape, "machine": machine()}
    path = arguments.out or STUDIES / f"gpu_{slug}.json"
    with tempfile.TemporaryDirectory() as folder:
        kept = measure(path, Pieces(device, shape, Path(folder)), facts, arguments.minutes, arguments.only)
    print("\n" + block(kept))


if __name__ == "__main__":
    main()
