"""A backbone of given channels that does nothing, for tests that feed a head with maps of their own."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from workbench.models.backbone import Backbone


def bare_backbone(channels: Sequence[int]) -> Backbone:
    strides = [4 * 2**number for number in range(len(channels))]
    names = [f"layer{number}" for number in range(1, len(channels) + 1)]
    return Backbone([nn.Identity() for _ in channels], names, channels, strides, strides, (0.0,) * 3, (1.0,) * 3)
