"""The theoretical receptive field of a stack of layers, computed from the layers themselves."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn


def receptive_fields(stages: Iterable[nn.Module]) -> tuple[int, ...]:
    """Side in pixels of the square of the input that one cell of each stage's map can see.

    Layers are taken in the order in which they were registered, and parallel branches named ``downsample`` (the shortcuts of
    residual blocks, whose kernels are never the larger ones) are left out: right for chains and residual networks alike.
    With the recurrence r -> r + (kernel - 1) * dilation * jump, jump -> jump * stride.
    """
    field, jump, fields = 1, 1, []
    for stage in stages:
        for layer in _chain(stage):
            kernel, stride, dilation = _first(layer.kernel_size), _first(layer.stride), _first(layer.dilation)
            field += (kernel - 1) * dilation * jump
            jump *= stride
        fields.append(field)
    return tuple(fields)


def _chain(module: nn.Module) -> Iterable[nn.Conv2d | nn.MaxPool2d]:
    if isinstance(module, nn.Conv2d | nn.MaxPool2d):
        yield module
    for name, child in module.named_children():
        if name != "downsample":
            yield from _chain(child)


def _first(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]
