"""Leakage on models that leak by a known amount."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.squares import Squares
from workbench import Inspection, create_model, inspect
from workbench.analysis.leakage import TABLE, leakage
from workbench.capture import capture, subject_of
from workbench.metrics.references import TRUE_MASK


class Colours(nn.Module):
    """Counts each colour; `mixing` [3, 3] says how much of the column's count the row's logit takes."""

    def __init__(self, mixing) -> None:
        super().__init__()
        self.mixing = nn.Parameter(torch.tensor(mixing))

    def forward(self, images):
        return 0.1 * evidence(images).sum((2, 3)) @ self.mixing.T - 2


def evidence(images):
    others = torch.stack([images[:, [1, 2]].amax(1), images[:, [0, 2]].amax(1), images[:, [0, 1]].amax(1)], dim=1)
    return (images - others).clamp(min=0)


def measured(mixing, squares, **options):
    subject = subject_of(Colours(mixing), lambda model, images: {"map": evidence(images)}, categories=list(squares.categories), size=32)
    return leakage(subject, squares, Inspection.of(capture(subject, squares)), fill="mean", **options), subject


def test_a_model_that_minds_its_own_pixels_does_not_leak_and_one_that_does_not_is_found_out():
    squares = Squares(24)
    honest, _ = measured([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], squares)
    mixed, _ = measured([[1.0, 0, 0], [1, 0, 0], [0, 0, 1]], squares)  # green is read off the red pixels
    assert honest.headline < 0.05
    assert np.diag(honest.moved).min() > 0.3
    assert mixed.moved[0, 1] == pytest.approx(mixed.moved[0, 0], abs=0.1)
    assert mixed.signed[0, 1] < -0.3
    assert mixed.moved[0, 2] < 0.05
    assert mixed.control[0, 1] < 0.05
    assert mixed.strongest(1) == [(0, 1)]
    assert mixed.headline == pytest.approx(np.mean([mixed.moved[a, b] for a in range(3) for b in range(3) if a != b]))


def test_a_cell_equals_painting_by_hand_and_names_the_images():
    squares = Squares(8)
    found, subject = measured([[1.0, 0, 0], [1, 0, 0], [0, 0, 1]], squares)
    moves = {}
    for index in range(8):
        regions = {region.category: region.mask for region in squares.regions(index)}
        if "red" not in regions:
            continue
        picture = squares.image(index).astype(np.float32) / 255
        painted = picture.copy()
        painted[regions["red"]] = picture.mean(axis=(0, 1))
        both = torch.from_numpy(np.stack([picture, painted])).permute(0, 3, 1, 2)
        before, after = subject.module(both).sigmoid()[:, 1].tolist()
        moves[squares.ids[index]] = abs(after - before)
    assert found.moved[0, 1] == pytest.approx(np.mean(list(moves.values())), abs=1e-5)
    assert found.counts[0] == len(moves)
    assert moves[found.images[0, 1][0]] == pytest.approx(max(moves.values()), abs=1e-5)


def test_without_regions_the_top_of_a_map_is_the_evidence():
    squares = Squares(12)
    found, _ = measured([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], squares, kind="map")
    assert found.evidence == "map"
    assert np.nanmin(np.diag(found.moved)) > 0.3


def test_what_goes_into_an_archive():
    squares = Squares(12)
    found, _ = measured([[1.0, 0, 0], [1, 0, 0], [0, 0, 1]], squares)
    names = squares.categories.names
    entry = found.measurement(names)["leakage"]
    assert entry["other labels move"] == found.headline
    assert (entry["pairs"][0]["of"], entry["pairs"][0]["on"]) == ("red", "green")
    assert entry["pairs"][0]["images"] == found.images[0, 1]
    table = found.table(names)
    assert (list(table.rows), list(table.columns)) == (list(names), list(names))
    np.testing.assert_allclose(table.values, found.moved, atol=1e-6)
    assert TABLE == "leakage"


def test_nothing_present_nothing_claimed():
    squares = Squares(3)
    squares.targets[:] = 0
    assert measured([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], squares)[0] is None


class Bare(Squares):
    """The same pictures without regions."""

    def regions(self, index):
        return []


def test_pictures_without_regions_are_measured_as_far_as_that_goes(monkeypatch):
    squares = Bare(6)
    model = create_model("pooled", squares.categories, image_size=32)
    inspection = inspect(model, squares)
    assert "pointing" not in inspection.measurements
    assert TRUE_MASK not in inspection.measurements["insertion"]
    assert inspection.measurements["leakage"]["evidence"] == "class_activation"
    assert TABLE in inspection.table_names
    monkeypatch.setattr("workbench.analysis.measure.MATRIX_UP_TO", 2)
    assert TABLE not in inspect(model, squares).table_names
