"""What can befall a training from outside, told as one sentence: memory, the compiler, processes that read images, other processes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch

from workbench.errors import WorkbenchError
from workbench.training.compiling import cannot_compile
from workbench.training.recipe import Stage
from workbench.training.state import Position

_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|CUBLAS_STATUS_ALLOC_FAILED", re.IGNORECASE)
_READER = re.compile(r"DataLoader worker \(pid", re.IGNORECASE)
_PEER = re.compile(r"gloo|nccl|Connection (closed|reset)|Broken pipe|ProcessGroup|TCPStore|timed? ?out", re.IGNORECASE)


def out_of_memory(error: BaseException) -> bool:
    """Whether a device or the machine had no memory left."""
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and bool(_MEMORY.search(str(error)))
    )


def told(error: BaseException, name: str, stage: Stage, processes: int, evaluating: bool) -> WorkbenchError | None:
    """The sentence for an error that is not ours, or None for one that nobody foresaw.

    Args:
        name: of the stage.
        evaluating: whether the validation images were being evaluated, not trained on.
    """
    if out_of_memory(error):
        return WorkbenchError(_memory(name, stage, processes, evaluating))
    if not isinstance(error, RuntimeError):
        return None
    if (sentence := cannot_compile(error, name)) is not None:
        return sentence
    text = str(error)
    if _READER.search(text):
        return WorkbenchError(
            f"A process that reads images ended unexpectedly ({text.splitlines()[0][:120]}), most likely for want of memory; "
            "what was trained is saved, start again with fewer of them, such as --workers 1."
        )
    if processes > 1 and (_PEER.search(text) or isinstance(error, torch.distributed.DistError)):
        return WorkbenchError(
            f"Another process of this training has ended or does not answer ({text.splitlines()[0][:120]}); what was saved before is kept, "
            "look at what the others said and start all of them again to go on."
        )
    return None


def not_finite(what: str, name: str, stage: Stage, position: Position, ids: Sequence[str]) -> WorkbenchError:
    """The sentence for a number that has left the real ones at a step: where, with which images, and what to change."""
    images = ", images " + ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "") if ids else ""
    return WorkbenchError(
        f'{what} in stage "{name}", epoch {position.epoch + 1}, step {position.step + 1}{images}; what was saved before is kept, '
        f"train into a new folder with a lower learning rate (stages.{name}.lr is {stage.lr:g}) or with stages.{name}.clip=1."
    )


def _memory(name: str, stage: Stage, processes: int, evaluating: bool) -> str:
    if evaluating:
        return (
            f'Out of memory in the evaluation of stage "{name}"; free memory on the device, or train into a new folder '
            "at a smaller image_size."
        )
    at_once = -(-stage.batch_size // (processes * stage.accumulate))
    if at_once == 1:
        return (
            f'Out of memory in stage "{name}" with a single image at a time; train into a new folder at a smaller image_size, '
            "or with a smaller model.backbone."
        )
    return (
        f'Out of memory in stage "{name}" with {at_once} images at a time; train into a new folder with '
        f"--set stages.{name}.batch_size={max(1, stage.batch_size // 2)}, or keep the batch and go through it in parts with "
        f"--set stages.{name}.accumulate={2 * stage.accumulate}."
    )
