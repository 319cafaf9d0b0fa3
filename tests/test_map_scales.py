"""Maps of any size and with cells that are not a number: stored beside a scale each, measured the same, drawn and named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.archives import make_inspection
from workbench import AttentionExplorer, Inspection
from workbench.analysis.agreement import agreement
from workbench.inspection.contents import write_archive
from workbench.inspection.scaling import scaled
from workbench.metrics.pointing import localisation
from workbench.widgets.matching import match
from workbench.widgets.picture import overlay
from workbench.widgets.style import STYLE

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
SHIPPED = ("scenes-srn", pytest.param("scenes-msrn", marks=pytest.mark.slow), "scenes-pooled", "scenes-disentangled")
FACTORS = (1.0, 1e-30, 1e30)


def rewritten(inspection, path, change):
    """The archive with other maps: `change(kind, values [N, K, h, w])` for kinds whose values are shown as they are."""
    tensors = {key: tensor[:] for key, tensor in inspection._tensors.items()}
    for name, kind in inspection.map_kinds.items():
        if kind.transform is None:
            kept = scaled(change(name, tensors[f"maps.{name}"].astype(np.float32)))
            tensors[f"maps.{name}"], tensors[f"scales.{name}"] = kept.halves, kept.scales
    write_archive(path, tensors, {**inspection._metadata, "schema": 3})
    return Inspection.open(path)


def numbers(measured):
    """Every number in nested measurements, by its path."""
    if isinstance(measured, dict):
        return {(key, *path): value for key, inner in measured.items() for path, value in numbers(inner).items()}
    return {(): measured} if isinstance(measured, int | float) else {}


@pytest.mark.parametrize("name", SHIPPED)
def test_no_measure_of_real_maps_depends_on_their_size(name, tmp_path):
    archive = Inspection.open(ROOT / "data" / f"{name}.safetensors")
    images = 90  # with more than two present labels each
    assert int((archive.targets[:images] == 1).sum()) >= 200
    expected: dict = {}
    for factor in FACTORS:
        opened = rewritten(archive, tmp_path / "scaled.safetensors", lambda kind, values, factor=factor: values * np.float32(factor))
        found = {**numbers(localisation(opened, limit=images)), **numbers(agreement(opened, limit=images))}
        expected = expected or found
        assert found.keys() == expected.keys()
        worst = max(abs(found[path] - value) for path, value in expected.items())
        assert worst <= 1e-5, (factor, worst)


def test_values_come_back_whatever_their_size():
    values = np.random.default_rng(0).normal(size=(40, 6, 7)).astype(np.float32)
    for factor in (1e-30, 1e-9, 1.0, 1e6, 1e30):
        found = np.asarray(scaled(values * np.float32(factor))) / np.float32(factor)
        np.testing.assert_allclose(found, values, rtol=1e-3, atol=1e-7)
    halves = values.astype(np.float16)
    for factor in (1.0, 3.7e-20, 1e25):  # what was float16 times a factor comes back to the last bit of it
        found = np.asarray(scaled(halves.astype(np.float32) * np.float32(factor))) / np.float32(factor)
        np.testing.assert_allclose(found, halves.astype(np.float32), rtol=3e-7)
    again = scaled(np.asarray(scaled(values)))
    np.testing.assert_array_equal(np.asarray(again), np.asarray(scaled(values)))
    odd = np.array([[[0.0, 0.0]], [[np.nan, 2.0]], [[np.inf, -4e-9]], [[np.nan, np.nan]]], dtype=np.float32)
    np.testing.assert_allclose(np.asarray(scaled(odd)), odd, rtol=1e-3)
    assert np.asarray(scaled(np.zeros((0, 3, 4, 4)))).shape == (0, 3, 4, 4)


@pytest.mark.parametrize("schema", [1, 2])
def test_archives_of_older_schemas_give_the_numbers_that_they_gave(schema):
    archive = Inspection.open(FIXTURES / f"archive-schema-{schema}.safetensors")
    expected = json.loads((FIXTURES / "archive-numbers.json").read_text())[str(schema)]
    found = {" / ".join(path): value for path, value in {**numbers(localisation(archive)), **numbers(agreement(archive))}.items()}
    # Energy is a sum in float32: its last digit depends on the order of the sum, not on what the archive holds.
    assert {path: found[path] for path in expected} == pytest.approx(expected, abs=1e-7)


def test_a_map_with_gaps_is_left_out_of_every_measure(tmp_path):
    def with_gaps(kind, values):
        values = values.copy()
        values[:, 0, :, : values.shape[3] // 2] = np.nan  # half of each map of the first label
        return values

    whole = make_inspection(12, 5)
    found = rewritten(whole, tmp_path / "gaps.safetensors", with_gaps)
    first = found.categories[0]
    kind = next(name for name, kind in found.map_kinds.items() if kind.transform is None)
    before, after = localisation(whole)["pointing"][kind], localisation(found)["pointing"][kind]
    assert first in before["per_label"]
    assert after["per_label"] == {name: value for name, value in before["per_label"].items() if name != first}
    assert all(np.isfinite(value) for value in numbers(agreement(found)).values())
    assert np.isnan(found.maps(kind, 0)[1][0]).any()
    assert "<img" in AttentionExplorer(found, label=first).snapshot()._repr_html_()


def test_cells_that_are_no_number_are_striped_in_a_still_picture():
    inspection = make_inspection(3, 4)
    photo = inspection.image(0).resize((70, 70))
    grey = np.asarray(photo.convert("L").convert("RGB"))
    values = np.linspace(-1, 1, 49, dtype=np.float32).reshape(7, 7)
    values[:, 5:] = np.nan
    kind = next(iter(inspection.map_kinds.values()))
    kind = type(kind)(**{**kind.to_json(), "scale": "signed"})
    view = {"grid": False, "overlay": "heat", "alpha": 0.8, "palette": "viridis"}
    found = np.asarray(overlay(photo, values, kind, (-1, 1), view))
    rows, columns = np.mgrid[:70, 50:70]
    marked = (rows + columns) % 8 < 4
    np.testing.assert_array_equal(found[:, 50:][marked], np.tile([0xE0, 0x21, 0x8A], (marked.sum(), 1)))
    np.testing.assert_array_equal(found[:, 50:][~marked], grey[:, 50:][~marked])
    assert STYLE["nan"]["colour"] == "#e0218a"
    clean = np.where(np.isnan(values), 0, values).astype(np.float32)
    np.testing.assert_array_equal(found[:, :43], np.asarray(overlay(photo, clean, kind, (-1, 1), view))[:, :43])
    assert match(inspection).first.stored_maps(kind.name, 0)[2].dtype == np.float64
