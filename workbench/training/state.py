"""Where a training stands: weights, optimiser, schedule and position in one safetensors file, replaced in one step.

Random numbers need no place in it, because every step seeds them from its position.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from workbench.errors import WorkbenchError
from workbench.files import atomic
from workbench.training.typed import require_types


@dataclass
class Position:
    """How far a training has come.

    Attributes:
        stage: index of the stage that runs; epoch: finished epochs in it; step: finished steps of the epoch that runs.
        rows: epochs in the history; steps, images: done so far in all.
        sums: loss terms summed over the images of the epoch that runs; seconds: time spent in it.
        lr: learning rate of the last step; done: nothing is left to do.
    """

    stage: int = 0
    epoch: int = 0
    step: int = 0
    rows: int = 0
    steps: int = 0
    images: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    lr: float = 0.0
    done: bool = False


@dataclass
class State:
    """A state file, read: its position, the tensors, what else optimiser and schedule keep, and the copy of the run's small files."""

    path: Path
    position: Position
    tensors: dict[str, Tensor]
    groups: list[dict[str, Any]]
    values: dict[str, Any]
    schedule: dict[str, Any]
    kept: dict[str, Any] = field(default_factory=dict)

    def restore_model(self, model: nn.Module) -> None:
        """Raises WorkbenchError if the weights are another model's."""
        prefix = "model."
        weights = {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}
        try:
            model.load_state_dict(weights)
        except RuntimeError:
            raise WorkbenchError(
                f"{self.path} holds the weights of another model than its recipe describes; train into a new folder."
            ) from None

    def restore_optimizer(self, optimizer: Optimizer, schedule: LRScheduler, anew: int | None = None) -> None:
        """Put both back; with `anew`, the schedule is another one, and is put to where it is after so many steps."""
        if anew is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that the optimiser has made no step yet
                for _ in range(anew):
                    schedule.step()
        rates = [group["lr"] for group in optimizer.param_groups]
        entries: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in self.values.items()}
        for key, value in self.tensors.items():
            family, _, rest = key.partition(".")
            if family == "optimizer":
                index, _, name = rest.partition(".")
                entries.setdefault(int(index), {})[name] = value
        try:
            optimizer.load_state_dict({"state": entries, "param_groups": self.groups})
            if anew is None:
                schedule.load_state_dict(self.schedule)
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise WorkbenchError(
                f"{self.path} holds the state of another optimiser than its recipe describes ({error!s:.100}); train into a new folder."
            ) from None
        if anew is not None:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate


def write_state(
    path: Path,
    position: Position,
    model: nn.Module,
    optimizer: Optimizer,
    schedule: LRScheduler,
    extra: Mapping[str, Tensor] = MappingProxyType({}),
    kept: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write everything; `extra` holds tensors beside the model's and the optimiser's, under names of their own family; `kept` is JSON."""
    tensors = {f"model.{key}": _stored(value) for key, value in model.state_dict().items()}
    tensors |= {key: _stored(value) for key, value in extra.items()}
    held = optimizer.state_dict()
    values: dict[str, dict[str, Any]] = {}
    for index, entries in held["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = _stored(value)
            else:
                values.setdefault(str(index), {})[name] = value
    description = {
        "position": asdict(position),
        "groups": held["param_groups"],
        "values": values,
        "schedule": {key: value for key, value in schedule.state_dict().items() if not callable(value)},
        "kept": dict(kept),
    }
    _write(path, tensors, description)


def write_done(path: Path, position: Position, kept: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Replace the state of a finished training by the mere position: its weights are in the checkpoints."""
    _write(path, {}, {"position": asdict(position), "groups": [], "values": {}, "schedule": {}, "kept": dict(kept)})


def read_state(path: Path, tensors: bool = True) -> State:
    """Read a state file, or its position only. Raises WorkbenchError if it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads(file.metadata()["state"])
            held = {key: file.get_tensor(key) for key in file.keys()} if tensors else {}  # noqa: SIM118, a handle is no dict
        require_types(Position, description["position"], "the position")
        position = Position(**description["position"])
        if min(position.stage, position.epoch, position.step, position.rows, position.steps, position.images) < 0:
            raise ValueError("a position below 0")
        require_types(State, description, "the state")
        parts = (description["groups"], description["values"], description["schedule"], description.get("kept", {}))
        return State(path, position, held, *parts)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, OverflowError, RecursionError, WorkbenchError) as error:
        raise WorkbenchError(f"{path} cannot be read ({error!s:.200}), so the training cannot go on; train into a new folder.") from None


def _write(path: Path, tensors: dict[str, Tensor], description: dict[str, Any]) -> None:
    with atomic(path) as temporary:
        save_file(tensors, temporary, metadata={"state": json.dumps(description)})


def _stored(value: Tensor) -> Tensor:
    return value.detach().to("cpu", memory_format=torch.contiguous_format).contiguous()
