"""MSRN's attention against the plain formula, at the shapes of 448 px and COCO: memory and time of forward and backward, in one run.

    python -m benchmarks.msrn_attention [--device cuda]      # half a minute; writes studies/msrn_attention.json

B = 2 images, C = 80 labels and M = 4 groups, D = 512 channels, grids 28, 14 and 7, the three layers one after the other, everything
alive until the backward of all three is done, as in training. Memory is the peak of live tensor bytes that the profiler counts, inputs
and gradients included; time is the median over repeats, the two in turn. The plain formula keeps what autograd needs of
softmax(E * P) and its product with P.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from benchmarks.common import STUDIES, machine, read_json, write_json
from workbench.models.msrn_attention import attend_channels

BATCH, LABELS, GROUPS, WIDTH, GRIDS = 2, 80, 4, 512, (28, 14, 7)
BARS = {"cpu": {"memory": 8, "time": 4}, "cuda": {"memory": 10, "time": 2}}
Attention = Callable[[Tensor, Tensor], Tensor]


def plain(projected: Tensor, queries: Tensor) -> Tensor:
    """o as it is defined: [B, D, h, w], [K, D] -> [B, K, D]."""
    maps = projected.flatten(2)[:, None]  # [B, 1, D, P]
    attention = torch.softmax(maps * queries[None, :, :, None], 3)  # [B, K, D, P]
    return (attention * maps).sum(3)


def inputs(device: str) -> tuple[list[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(BATCH, WIDTH, grid, grid, generator=generator).to(device) for grid in GRIDS]
    return maps, torch.randn(LABELS + GROUPS, WIDTH, generator=generator).to(device)


def forward_and_backward(attention: Attention, maps: list[Tensor], queries: Tensor) -> list[Tensor]:
    """The gradients of all maps and of the queries."""
    maps, queries = [layer.detach().requires_grad_() for layer in maps], queries.detach().requires_grad_()
    pooled = torch.cat([attention(layer, queries) for layer in maps], 2)
    return list(torch.autograd.grad(pooled.square().sum(), [*maps, queries]))


def live_bytes(work: Callable[[], Any], device: str) -> int:
    """Peak of the bytes that `work` has allocated and not yet given back, as the profiler sees each allocation."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        work()
        if device == "cuda":
            torch.cuda.synchronize()
    allocated = peak = 0
    for event in sorted(record.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]" and (event.device_type().name == "CUDA") == (device == "cuda"):
            allocated += event.nbytes()
            peak = max(peak, allocated)
    return peak


def seconds(work: Callable[[], Any], device: str) -> float:
    begin = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=BARS, default="cpu")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    device = arguments.device
    maps, queries = inputs(device)
    given = sum(value.nbytes for value in (*maps, queries))
    arms: dict[str, Attention] = {"lean": attend_channels, "plain": plain}
    work = {name: lambda attention=attention: forward_and_backward(attention, maps, queries) for name, attention in arms.items()}
    gaps = [float((one - other).abs().max() / other.abs().max()) for one, other in zip(work["lean"](), work["plain"](), strict=True)]
    memory = {name: given + live_bytes(run, device) for name, run in work.items()}
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(arguments.repeats):
        for name, run in work.items():
            times[name].append(seconds(run, device))
    middle = {name: statistics.median(values) for name, values in times.items()}
    ratios = {"memory": round(memory["plain"] / memory["lean"], 1), "time": round(middle["plain"] / middle["lean"], 1)}
    row = {
        "live_megabytes": {name: round(value / 1e6, 1) for name, value in memory.items()},
        "seconds": {name: round(value, 4) for name, value in middle.items()},
        "times_less": ratios,
        "bars": BARS[device],
        "met": all(ratios[name] >= bar for name, bar in BARS[device].items()),
        "largest_gradient_gap, of the largest gradient": max(gaps),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "machine": machine(),
    }
    path = STUDIES / "msrn_attention.json"
    study = read_json(path, {"study": "MSRN's attention, lean against the plain formula, forward and backward at 448 px"})
    study["shapes"] = {"batch": BATCH, "labels": LABELS, "groups": GROUPS, "width": WIDTH, "grids": GRIDS}
    study[device] = row
    write_json(path, study)
    print({device: row})


if __name__ == "__main__":
    main()
