"""What does the discriminative loss cost? Forward and backward of the loss at B = 64, C = 80, D = 512 with COCO's 2.9 labels an image,
as a share of a training step of ResNet-101 at 224 px for the same 64 images. On a CPU the step is timed with fewer images and scaled up
by their number, because 64 would take minutes and more memory than a laptop has; larger batches are a little faster for each image.

    python -m benchmarks.disc_overhead                  # writes studies/disc_overhead.json
    python -m benchmarks.disc_overhead --device cuda    # a whole step of 64 images
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import STUDIES, machine, read_json, write_json
from workbench.losses import DiscriminativeLoss, bce

BATCH, LABELS, WIDTH, LABELS_AN_IMAGE = 64, 80, 512, 2.9
LIMIT = 0.03


def coco_like(generator: torch.Generator) -> torch.Tensor:
    """int8 [B, C] with few frequent and many rare labels."""
    frequency = 1 / torch.arange(1, LABELS + 1, dtype=torch.float64) ** 0.7
    frequency = (frequency * LABELS_AN_IMAGE / frequency.sum()).clamp(max=0.6)
    return (torch.rand(BATCH, LABELS, generator=generator, dtype=torch.float64) < frequency).to(torch.int8)


def seconds(step: Callable[[], Any], repeats: int, device: torch.device) -> list[float]:
    """Wall time of each repetition, after one that is not counted."""
    times = []
    for number in range(repeats + 1):
        _wait(device)
        begin = time.perf_counter()
        step()
        _wait(device)
        if number:
            times.append(time.perf_counter() - begin)
    return times


def loss_step(device: torch.device, form: str) -> Callable[[], None]:
    generator = torch.Generator().manual_seed(0)
    targets = coco_like(generator).to(device)
    features = torch.randn(BATCH, LABELS, WIDTH, generator=generator).to(device).requires_grad_()
    loss = DiscriminativeLoss(LABELS, WIDTH, form=form).to(device)
    for _ in range(3):  # so that the centres are there
        loss(features, targets)

    def step() -> None:
        features.grad = None
        loss(features, targets)[0].backward()

    return step


def network_step(device: torch.device, images: int) -> Callable[[], None]:
    """Forward, binary cross-entropy, backward and an SGD step of a plain ResNet-101."""
    from workbench.models import create_model

    torch.manual_seed(0)
    model = create_model("pooled", [f"label {number}" for number in range(LABELS)], "resnet101", image_size=224).to(device).train()
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    pictures = torch.rand(images, 3, 224, 224, device=device).to(memory_format=torch.channels_last)
    targets = (torch.rand(images, LABELS, device=device) < LABELS_AN_IMAGE / LABELS).to(torch.int8)

    def step() -> None:
        optimizer.zero_grad()
        bce(model(pictures)[0], targets).backward()
        optimizer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, help="images of the timed network step; 8 on a CPU, else all 64")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=STUDIES / "disc_overhead.json")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    images = arguments.images or (8 if device.type == "cpu" else BATCH)
    step = seconds(network_step(device, images), arguments.repeats, device)
    whole = float(np.median(step)) * BATCH / images
    labels = float((coco_like(torch.Generator().manual_seed(0)) == 1).sum()) / BATCH
    row: dict[str, Any] = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "threads": torch.get_num_threads(),
        "precision": "float32",
        "labels_an_image": round(labels, 2),
        "resnet101_step": {"images": images, "seconds": step, "scaled_to_64_images": whole, "images_per_second": BATCH / whole},
        "machine": machine(),
    }
    for form in ("contrastive", "two_terms"):
        times = seconds(loss_step(device, form), 4 * arguments.repeats, device)
        row[form] = {"seconds": float(np.median(times)), "slowest": max(times), "share_of_step": float(np.median(times)) / whole}
        print(f"{form}: {1000 * row[form]['seconds']:.2f} ms, {100 * row[form]['share_of_step']:.3f} % of {whole:.2f} s", flush=True)
    row["within_limit"] = row["contrastive"]["share_of_step"] < LIMIT
    study = read_json(arguments.out, {"study": "cost of the discriminative loss", "shapes": [BATCH, LABELS, WIDTH], "limit": LIMIT})
    write_json(arguments.out, {**study, "rows": {**study.get("rows", {}), device.type: row}})


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
