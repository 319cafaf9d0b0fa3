"""Deletion against a slow loop, on a model whose evidence is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.squares import Squares
from workbench import Inspection
from workbench.analysis.faithfulness import deletion, deletion_curves
from workbench.analysis.pointing import RANDOM_MAP
from workbench.capture import capture, subject_of


class ColourCounter(nn.Module):
    """Counts saturated pixels of each colour: what it goes by is exactly what `evidence` shows."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.2))

    def forward(self, images):
        return self.scale * evidence(images).sum((2, 3)) - 4


def evidence(images):
    others = torch.stack([images[:, [1, 2]].mean(1), images[:, [0, 2]].mean(1), images[:, [0, 1]].mean(1)], dim=1)
    return (images - others).clamp(min=0)  # [B, 3, H, W], red, green, blue


def maps(model, images):
    return {"right": evidence(images), "wrong": -evidence(images)}


@pytest.fixture(scope="module")
def subject():
    return subject_of(ColourCounter(), maps, categories=["red", "green", "blue"], size=32)


def test_the_curve_equals_painting_pixel_by_pixel(subject):
    squares = Squares(4)
    images = torch.from_numpy(squares.pixels(32).copy()).permute(0, 3, 1, 2).float() / 255
    labels = torch.tensor([0, 1, 2, 0])
    order = torch.rand(4, 32, 32, generator=torch.Generator().manual_seed(0))
    curves = deletion_curves(subject, images, labels, order, steps=4, batch_size=7)
    for k in range(4):
        for step in range(5):
            painted = images[k].clone()
            gone = sorted(range(1024), key=lambda p: -float(order[k].flatten()[p]))[: step * 256]
            for pixel in gone:
                painted[:, pixel // 32, pixel % 32] = images[k].mean((1, 2))
            expected = subject.module(painted[None])[0, labels[k]].sigmoid()
            assert curves[k, step].item() == pytest.approx(expected.item(), abs=1e-4)


def test_the_true_evidence_scores_lower_than_noise_and_its_opposite_higher(subject):
    squares = Squares(20)
    inspection = Inspection.of(capture(subject, squares))
    result = deletion(subject, squares, inspection, limit=20)["deletion"]
    assert result["right"]["overall"] < result[RANDOM_MAP]["overall"] < result["wrong"]["overall"]
    assert result["right"]["n"] == int((squares.targets == 1).sum())


def test_nothing_present_nothing_claimed(subject):
    squares = Squares(3)
    squares.targets[:] = 0
    assert deletion(subject, squares, Inspection.of(capture(subject, squares))) == {}


def test_scores_lie_between_zero_and_one(subject):
    squares = Squares(6, seed=3)
    result = deletion(subject, squares, Inspection.of(capture(subject, squares)), steps=3)["deletion"]
    values = [value for row in result.values() for value in row["per_label"].values()]
    assert np.min(values) >= 0
    assert np.max(values) <= 1
