"""torch.compile for the steps of a training, where a recipe asks for it.

Only the step is compiled: evaluation, probes and checkpoints use the model itself, so files and figures are those of a training without.
Shapes are taken as they come: the batches of a stage have two sizes at most (three in parts), each gets code of its own, and a resumed
training the same code as one that was not stopped.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from workbench.errors import WorkbenchError

_OURS = ("torch._dynamo", "torch._inductor", "torch.fx", "triton")


def compiled(model: nn.Module) -> Any:
    """The model with a compiled forward, for one stage: what an earlier one compiled is forgotten, because its modes differ."""
    torch.compiler.reset()
    return torch.compile(model, dynamic=False)


def cannot_compile(error: BaseException, name: str) -> WorkbenchError | None:
    """The sentence for an error of the compiler in a stage, or None for any other error."""
    if not type(error).__module__.startswith(_OURS):
        return None
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = next((line for line in lines if "ompiler" in line or "rror" in line), lines[0] if lines else type(error).__name__)
    return WorkbenchError(
        f'torch.compile cannot compile the model in stage "{name}" here ({said:.160}); install a C++ compiler (on a GPU Triton too), or '
        "train into a new folder with --set compile=false."
    )
