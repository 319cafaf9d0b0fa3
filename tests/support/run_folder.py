"""A run folder as a training leaves it, made without torch: recipe, history, probes with their pictures, and a status."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from workbench.inspection import MapKind

NAMES = ("sun", "tree", "house", "boat", "cloud")
STAGES = {"classifier": 2, "joint": 3}
KINDS = (
    MapKind("attention", "Attention A", "Where it looks: each map sums to one.", "magnitude", sums_to="one"),
    MapKind("evidence", "Evidence", "For and against, cell by cell.", "signed"),
)
IMAGES, GRID = 8, 4


def make_run(folder: Path, finished: int = 4, names: Sequence[str] = NAMES, stages: dict[str, int] = STAGES, **changes: Any) -> Path:
    """A training of which some epochs are finished; `changes` are entries of its status."""
    (folder / "probe").mkdir(parents=True, exist_ok=True)
    recipe = {"name": "scenes-made", "stages": {name: {"epochs": count} for name, count in stages.items()}}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    rows = [history_row(number, names, stages) for number in range(1, finished + 1)]
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for number in range(1, finished + 1):
        make_probe(folder, number, names)
    pictures = {str(place): np.frombuffer(_jpeg(place), dtype=np.uint8) for place in range(IMAGES)}
    save_file(pictures, folder / "probe" / "pictures.safetensors")
    if changes:
        (folder / "status.json").write_text(json.dumps(changes))
    return folder


def history_row(number: int, names: Sequence[str] = NAMES, stages: dict[str, int] = STAGES) -> dict[str, Any]:
    """The row of an epoch, from 1: what falls and rises there can be counted on."""
    of = [(name, place) for name, count in stages.items() for place in range(1, count + 1)]
    stage, place = of[min(number, len(of)) - 1]
    ap = [None if c == len(names) - 1 else min(1.0, 0.3 + 0.1 * c + 0.05 * number * (-1) ** c) for c in range(len(names))]
    return {
        "stage": stage, "epoch": number, "stage_epoch": place, "step": 10 * number, "images": 100 * number, "lr": 0.01,
        "loss": 2 / number, "loss.cls": 1.5 / number, "loss.sr": 0.5 / number, "validation.map": 0.4 + 0.05 * number,
        "validation.ap": ap, "seconds": 2.0, "images_per_second": 80.0,
    }  # fmt: skip


def make_probe(folder: Path, number: int, names: Sequence[str] = NAMES) -> dict[str, np.ndarray]:
    """The probe of one epoch; returns its tensors."""
    random = np.random.default_rng(number)
    shape = (IMAGES, len(names))
    attention = random.random((*shape, GRID, GRID)) ** (2 * number)
    tensors = {
        "targets": (np.random.default_rng(0).random(shape) < 0.5).astype(np.int8),
        "maps.attention": (attention / attention.sum((2, 3), keepdims=True)).astype(np.float16),
        "maps.evidence": random.normal(0, number, (*shape, GRID, GRID)).astype(np.float16),
        "logits.cls": random.normal(0, 1, shape).astype(np.float32),
        "logits.final": random.normal(0, 2, shape).astype(np.float32),
    }
    header = {
        "epoch": number, "stage": "joint", "scored": "final", "ids": [f"val-{place}" for place in range(IMAGES)],
        "categories": {"names": list(names), "groups": {}}, "kinds": [kind.to_json() for kind in KINDS],
    }  # fmt: skip
    save_file(tensors, folder / "probe" / f"epoch-{number:04d}.safetensors", metadata={"probe": json.dumps(header)})
    return tensors


def _jpeg(place: int) -> bytes:
    rows, columns = np.mgrid[0:64, 0:64]
    picture = np.stack([rows * 3, columns * 3, np.full_like(rows, 30 * place)], axis=2).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG")
    return buffer.getvalue()
