"""Somebody else's small network, and archives of it."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from tests.support.squares import Squares
from workbench import inspect

NAMES = ["red", "green", "blue"]
SIZE = 16


class Net(nn.Module):
    """Two convolutions and a linear layer, with what a mode changes: batch normalisation and dropout."""

    def __init__(self, count: int = 3, wrap=lambda features, logits: logits) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8)
        self.act, self.last = nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.drop, self.head, self.wrap = nn.Dropout(0.5), nn.Linear(8, count), wrap

    def forward(self, images):
        features = self.last(self.act(self.norm(self.first(images))))
        pooled = self.drop(features.relu().mean((2, 3)))
        return self.wrap(pooled, 8 * self.head(pooled) + 0.5)


def made(model=None, count=4, size=SIZE, **options):
    torch.manual_seed(0)
    options = {"maps": "last", "categories": NAMES, "measure": False, **options}
    return inspect(Net() if model is None else model, Squares(count), size=size, **options)


def seeded(**options):
    torch.manual_seed(0)
    return Net(**options)


def maps_of(inspection, kind="grad_cam.last"):
    return {
        (image, int(label)): values for image in range(len(inspection)) for label, values in zip(*inspection.maps(kind, image), strict=True)
    }


def require_same(inspection, plain, tolerance=1e-5, kind="grad_cam.last"):
    np.testing.assert_allclose(inspection.logits(), plain.logits(), atol=tolerance)
    for key, values in maps_of(plain).items():
        np.testing.assert_allclose(maps_of(inspection, kind)[key], values, atol=tolerance)
