"""Deletion and insertion against a slow loop, on a model whose evidence is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.squares import Squares
from workbench import Inspection
from workbench.analysis.faithfulness import THOROUGH, Course, areas, curves, faithfulness
from workbench.analysis.imputation import painted
from workbench.capture import capture, subject_of
from workbench.metrics.references import RANDOM_MAP, TRUE_MASK


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


def pictures_of(squares):
    return torch.from_numpy(squares.pixels(32).copy()).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("fill", ["mean", "blur"])
@pytest.mark.parametrize("insert", [False, True])
def test_the_curve_equals_painting_pixel_by_pixel(subject, fill, insert):
    pictures = pictures_of(Squares(3))
    image, labels = torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 2, 2])
    order = torch.rand(4, 32, 32, generator=torch.Generator().manual_seed(0))
    found = curves(subject, pictures, image, labels, order, Course(fill, insert), steps=4, batch_size=5)
    everything = painted(pictures, torch.ones(3, 32, 32, dtype=torch.bool), fill)
    for k in range(4):
        for step in range(5):
            start, end = (everything, pictures) if insert else (pictures, everything)
            shown = start[image[k]].clone()
            for pixel in sorted(range(1024), key=lambda p, k=k: -float(order[k].flatten()[p]))[: step * 256]:
                shown[:, pixel // 32, pixel % 32] = end[image[k], :, pixel // 32, pixel % 32]
            expected = subject.module(shown[None])[0, labels[k]].sigmoid()
            assert found[k, step].item() == pytest.approx(expected.item(), abs=1e-4)


def test_insertion_is_deletion_of_the_opposite_map_backwards(subject):
    pictures = pictures_of(Squares(2))
    image, labels = torch.tensor([0, 1]), torch.tensor([0, 1])
    maps = torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(1))
    there = curves(subject, pictures, image, labels, maps, Course("blur", insert=True), steps=8)
    back = curves(subject, pictures, image, labels, -maps, Course("blur"), steps=8)
    torch.testing.assert_close(there, back.flip(1))


def test_channels_last_in_half_precision_gives_the_same_curve(subject):
    pictures = pictures_of(Squares(2))
    maps = torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(1))
    asked = (torch.tensor([0, 1]), torch.tensor([0, 1]), maps, Course("mean"))
    plain = curves(subject, pictures, *asked)
    with torch.autocast("cpu", torch.bfloat16):
        quick = curves(subject, pictures.contiguous(memory_format=torch.channels_last), *asked)
    torch.testing.assert_close(plain, quick, atol=0.02, rtol=0)


def test_the_area_of_a_straight_fall_is_one_half():
    np.testing.assert_allclose(areas(torch.tensor([[1.0, 0.75, 0.5, 0.25, 0.0], [1.0] * 5])), [0.5, 1.0])


def test_the_true_evidence_comes_first_noise_second_and_its_opposite_last(subject):
    squares = Squares(16)
    inspection = Inspection.of(capture(subject, squares))
    result = faithfulness(subject, squares, inspection, limit=16, courses=THOROUGH)
    for name, course in THOROUGH.items():
        row = {key: value["overall"] * (-1 if course.insert else 1) for key, value in result[name].items()}
        assert row["right"] < row[RANDOM_MAP] < row["wrong"], name
        assert row[TRUE_MASK] < min(row[RANDOM_MAP], row["wrong"]), name
        assert result[name]["right"]["fill"] == course.fill
    assert result["deletion"]["right"]["n"] == int((squares.targets == 1).sum())


def test_nothing_present_nothing_claimed(subject):
    squares = Squares(3)
    squares.targets[:] = 0
    assert faithfulness(subject, squares, Inspection.of(capture(subject, squares))) == {}


def test_scores_lie_between_zero_and_one(subject):
    squares = Squares(6, seed=3)
    result = faithfulness(subject, squares, Inspection.of(capture(subject, squares)), steps=3)
    values = [value for measure in result.values() for row in measure.values() for value in row["per_label"].values()]
    assert np.min(values) >= 0
    assert np.max(values) <= 1
