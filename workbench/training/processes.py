"""One training in several processes, started by torchrun or SLURM: who takes which images, and how what each found is put together.

A recipe's batch is that of all processes together: each takes its part, the gradients are averaged with the weight of each part, and the
result is that of one process with the whole batch (batch normalisation apart, see `Recipe.sync_normalisation`).
Letters: P processes.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import distributed

from workbench.errors import WorkbenchError

TIMEOUT = timedelta(minutes=30)  # the others wait this long for one that reads data, evaluates or writes


def process_count() -> int:
    """How many processes this training was started with."""
    started = os.environ.get("WORLD_SIZE") or (os.environ.get("SLURM_NTASKS") if "SLURM_PROCID" in os.environ else None) or "1"
    return int(started)


def start_processes(precision: str) -> Fabric:
    """Fabric on this process's device, in touch with the others where there are some.

    Raises: WorkbenchError if they cannot be reached, or the machine lacks devices for them.
    """
    count = process_count()
    if count == 1:
        return Fabric(devices=1, precision=precision)  # type: ignore[arg-type]
    here = int(os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("SLURM_NTASKS_PER_NODE") or count)
    gpus = torch.cuda.device_count()
    if 0 < gpus < here:
        raise WorkbenchError(
            f"{here} processes were started on a machine with {gpus} GPU(s); start {gpus}, or hide the GPUs from them "
            "(CUDA_VISIBLE_DEVICES=) to train on the CPU."
        )
    # What a stage does not train, or a loss does not reach, has no gradient to wait for. That is said once and needs no warning.
    warnings.filterwarnings("ignore", message=".*find_unused_parameters=True.*")
    warnings.filterwarnings("ignore", message=".*Grad strides do not match bucket view strides.*")
    try:
        fabric = Fabric(
            accelerator="cuda" if gpus else "cpu",
            devices=here,
            num_nodes=max(1, count // here),
            strategy=DDPStrategy(timeout=TIMEOUT, find_unused_parameters=True),
            precision=precision,  # type: ignore[arg-type]
        )
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        raise WorkbenchError(
            f"The {count} processes of this training did not find each other ({error!s:.200}); start them with torchrun or srun."
        ) from None
    return fabric


def end_processes() -> None:
    """Let go of the others, once all are done."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


class Processes:
    """This process among its peers.

    Attributes:
        count: P; rank: which one this is; first: whether it is the one that writes.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.count, self.rank = fabric.world_size, fabric.global_rank
        self.first = self.rank == 0
        self._device = fabric.device

    def parts(self, batch: np.ndarray, accumulate: int = 1) -> list[list[np.ndarray]]:
        """The indices of a batch as [process][part]: what each process takes, in the parts that it goes through one after the other."""
        return [np.array_split(share, accumulate) for share in np.array_split(batch, self.count)]

    def require_enough(self, plan: Sequence[np.ndarray], accumulate: int, stage: str) -> None:
        """Raises WorkbenchError if a batch of the plan has not an image for every part of every process."""
        smallest = min(map(len, plan))
        if smallest < self.count * accumulate:
            raise WorkbenchError(
                f'Stage "{stage}" has batches of {smallest} images for {self.count} process(es) that take {accumulate} part(s) each; raise '
                f"stages.{stage}.batch_size, or lower stages.{stage}.accumulate or the number of processes."
            )

    def totals(self, values: Sequence[float]) -> list[float]:
        """The sum over all processes of each value; the same in each process, to the last bit."""
        if self.count == 1:
            return list(values)
        held = torch.tensor(list(values), dtype=torch.float64, device=self._device)
        distributed.all_reduce(held)
        return held.tolist()

    def gathered(self, rows: np.ndarray) -> list[np.ndarray]:
        """The arrays [n, ...] of all processes, in the order of their ranks; n may differ between them, the rest of the shape not."""
        if self.count == 1:
            return [rows]
        size = torch.tensor([len(rows)], device=self._device)
        sizes = [torch.empty_like(size) for _ in range(self.count)]
        distributed.all_gather(sizes, size)
        counts = [int(held) for held in sizes]
        # As bytes, because not every backend knows every type; padded, because gathering wants equal sizes.
        row = int(np.prod(rows.shape[1:], dtype=np.int64)) * rows.dtype.itemsize
        sent = torch.zeros(max(counts) * row, dtype=torch.uint8)
        sent[: len(rows) * row] = torch.from_numpy(np.frombuffer(np.ascontiguousarray(rows).tobytes(), dtype=np.uint8).copy())
        sent = sent.to(self._device)
        parts = [torch.empty_like(sent) for _ in counts]
        distributed.all_gather(parts, sent)
        return [
            np.frombuffer(part.cpu().numpy()[: count * row].tobytes(), dtype=rows.dtype).reshape(count, *rows.shape[1:])
            for part, count in zip(parts, counts, strict=True)
        ]

    def share_buffers(self, model: torch.nn.Module) -> None:
        """Running statistics of the first process for all, as its checkpoint has them."""
        if self.count > 1:
            for module in model.modules():
                if isinstance(module, torch.nn.modules.batchnorm._NormBase):
                    for buffer in module.buffers(recurse=False):
                        distributed.broadcast(buffer, 0)

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            distributed.barrier()
