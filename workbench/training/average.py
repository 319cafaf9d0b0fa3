"""A running average of a model's weights, which is what gets evaluated and kept: exponential, with a warm-up.

Early on the average would be of little but the initial weights, so after t steps its decay is at most (1 + t) / (10 + t), as in
TensorFlow's ExponentialMovingAverage. Whole numbers, such as counters, are taken as they are; running statistics are averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

PREFIX = "average."


class WeightAverage:
    """The average of everything in a model's state.

    Args:
        model: on its device; averaging starts from its weights of now.
        decay: share of the average that each step keeps, once warmed up.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._held = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take up the weights after a step; `step` counts from 0 through the whole training."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            held = self._held[name]
            if held.is_floating_point():
                held.lerp_(value.to(held.dtype), 1 - decay)
            else:
                held.copy_(value)

    @contextmanager
    def in_place_of(self, model: nn.Module) -> Iterator[None]:
        """The model holds the average inside, and its own weights again afterwards, bit for bit."""
        state = model.state_dict()
        own = {name: value.detach().clone() for name, value in state.items()}
        _fill(state, self._held)
        try:
            yield
        finally:
            _fill(state, own)

    def tensors(self) -> dict[str, Tensor]:
        """The average, to be kept in the training's state."""
        return {f"{PREFIX}{name}": value for name, value in self._held.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the average up from a state's tensors."""
        _fill(self._held, {key.removeprefix(PREFIX): value for key, value in tensors.items() if key.startswith(PREFIX)})


@torch.no_grad()
def _fill(targets: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    for name, value in values.items():
        targets[name].copy_(value)
