"""How long do deletion and insertion take? 200 pictures x 3 labels, 16 steps each, ResNet-18 at 224 px, channels-last.

    python -m benchmarks.faithfulness                # writes studies/faithfulness.json
    python -m benchmarks.faithfulness --pictures 20  # a quick look; writes nothing

The weights are random and the pictures are blotches: neither changes the work. Both courses paint with the blurred picture. A processor
that computes in bfloat16 is asked in bfloat16; one that only emulates it is asked in float32, which is faster there (`--precision`).
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import Any

from benchmarks.common import STUDIES, machine, write_json

LABELS, STEPS, SIZE = 3, 16, 224
LIMIT = 300  # seconds


def native_precision() -> str:
    """What this processor computes in: bfloat16 if it says so itself, for x86 in the system's list of its abilities."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        words = set()
    return "bfloat16" if words & {"avx512_bf16", "amx_bf16", "bf16"} else "float32"


def measure(count: int, batch_size: int, precision: str) -> dict[str, Any]:
    """Seconds of each course for `count` pictures."""
    import torch
    from torchvision.models import resnet18

    from workbench.analysis.faithfulness import Course, areas, curves
    from workbench.subject import subject_of

    torch.manual_seed(0)
    model = resnet18(num_classes=20).eval().to(memory_format=torch.channels_last)
    names = [f"label {number}" for number in range(20)]
    subject = subject_of(model, lambda network, images: {}, categories=names, size=SIZE)
    coarse = torch.rand(count, 3, 9, 9)
    pictures = torch.nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bicubic").clamp(0, 1)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    image = torch.arange(count).repeat_interleave(LABELS)
    labels = torch.arange(LABELS).repeat(count)
    maps = torch.nn.functional.interpolate(torch.rand(1, len(image), 14, 14), (SIZE, SIZE), mode="bilinear")[0]
    seconds, means = {}, {}
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        for name, course in {"deletion": Course("blur"), "insertion": Course("blur", insert=True)}.items():
            begin = time.perf_counter()
            means[name] = float(areas(curves(subject, pictures, image, labels, maps, course, STEPS, batch_size)).mean())
            seconds[name] = round(time.perf_counter() - begin, 1)
    return {"seconds": seconds, "mean_area": means, "forward_passes": 2 * (len(image) * (STEPS - 1) + 2 * count)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of deletion and insertion, ResNet-18 at 224 px.")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--out", type=Path, default=STUDIES / "faithfulness.json")
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default=native_precision())
    arguments = parser.parse_args()
    found = measure(arguments.pictures, arguments.batch_size, arguments.precision)
    total = round(sum(found["seconds"].values()), 1)
    result = {
        "study": "time of deletion and insertion",
        "command": "python -m benchmarks.faithfulness",
        "pictures": arguments.pictures,
        "labels": LABELS,
        "steps": STEPS,
        "model": f"resnet18, 224 px, {arguments.precision}, channels-last",
        "total_seconds": total,
        "limit_seconds": LIMIT,
        **found,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "machine": machine(),
    }
    print(result)
    if arguments.pictures >= 200:
        write_json(arguments.out, result)


if __name__ == "__main__":
    main()
