"""Pointing and energy on maps whose answer is known, and against slow loops."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from workbench import Categories, Inspection, MapKind, Region
from workbench.analysis.grids import resize_maps
from workbench.analysis.pointing import CENTRE_BLOB, RANDOM_MAP, energy_inside, localisation, point_hit
from workbench.inspection import InspectionContents, LogitKind
from workbench.regions import resize_mask


def jpeg(size):
    buffer = io.BytesIO()
    Image.new("RGB", (size, size)).save(buffer, "JPEG")
    return buffer.getvalue()


def archive(maps, regions, targets, frame=16):
    n, c = targets.shape
    return Inspection.of(
        InspectionContents(
            categories=Categories([f"c{k}" for k in range(c)]),
            ids=[f"image {i}" for i in range(n)],
            images=[jpeg(frame)] * n,
            sizes=np.full((n, 2), frame),
            frame=(frame, frame),
            picture=(frame, frame),
            targets=targets,
            logits={"y": np.zeros((n, c))},
            logit_kinds=[LogitKind("y", "y")],
            scored="y",
            maps={"m": maps},
            map_kinds=[MapKind("m", "M", "a map")],
            regions=regions,
        )
    )


def box_mask(frame, x0, y0, x1, y1):
    mask = np.zeros((frame, frame), dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_the_ground_truth_as_map_scores_one_and_its_complement_zero():
    mask = box_mask(16, 2, 3, 9, 12)
    maps = np.stack([mask, ~mask]).astype(np.float32)
    both = np.stack([mask, mask])
    np.testing.assert_array_equal(point_hit(maps, both), [1, 0])
    np.testing.assert_array_equal(energy_inside(maps, both), [1, 0])


def test_ties_share_the_credit():
    uniform = np.ones((1, 8, 8))
    mask = box_mask(8, 0, 0, 4, 2)[None]
    assert point_hit(uniform, mask)[0] == pytest.approx(8 / 64)
    assert energy_inside(uniform, mask)[0] == pytest.approx(8 / 64)


def test_energy_counts_the_positive_part_only():
    maps = np.array([[[2.0, -5.0], [1.0, 1.0]]])
    mask = np.array([[[True, True], [False, False]]])
    assert energy_inside(maps, mask)[0] == pytest.approx(0.5)
    assert energy_inside(-np.ones((1, 2, 2)), mask)[0] == 0


def test_localisation_per_label_drops_empty_masks_and_ignores_absent_labels():
    maps = np.zeros((2, 2, 4, 4), dtype=np.float32)
    maps[0, 0, 0, 0] = 1  # right
    maps[1, 0, 3, 3] = 1  # wrong
    maps[:, 1, 2, 2] = 1
    corner = box_mask(16, 0, 0, 4, 4)
    regions = [
        [Region("c0", (0, 0, 4, 4), corner), Region("c1", (8, 8, 12, 12))],
        [Region("c0", (0, 0, 4, 4), corner), Region("c1", (3, 3, 3, 3), np.zeros((16, 16), bool))],
    ]
    result = localisation(archive(maps, regions, np.array([[1, 1], [1, 1]])))
    assert result["pointing"]["m"]["per_label"] == {"c0": 0.5, "c1": 1.0}
    assert result["pointing"]["m"]["overall"] == 0.75
    assert result["pointing"]["m"]["n"] == 3
    assert result["pointing"]["m"]["dropped"] == 1
    absent = localisation(archive(maps, regions, np.array([[1, 0], [1, -1]])))
    assert absent["pointing"]["m"]["per_label"] == {"c0": 0.5}


def test_a_random_map_scores_its_expectation():
    mask = box_mask(16, 4, 4, 12, 12)
    n = 1500
    maps = np.zeros((n, 1, 4, 4), dtype=np.float32)
    result = localisation(archive(maps, [[Region("c0", (4, 4, 12, 12), mask)]] * n, np.ones((n, 1))))
    # Not the covered quarter: the bilinear maximum of an inner cell is lower than that of a border cell, so noise points outwards.
    torch = pytest.importorskip("torch")
    noise = torch.rand(4000, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    peaks = torch.nn.functional.interpolate(noise, size=(16, 16), mode="bilinear").flatten(1).argmax(1).numpy()
    assert result["pointing"][RANDOM_MAP]["overall"] == pytest.approx(mask.ravel()[peaks].mean(), abs=0.04)
    assert result["energy"][RANDOM_MAP]["overall"] == pytest.approx(0.25, abs=0.02)
    assert result["pointing"][CENTRE_BLOB]["overall"] == 1.0


def test_no_regions_no_claim():
    assert localisation(archive(np.zeros((1, 1, 2, 2)), None, np.ones((1, 1)))) == {}


def test_bilinear_equals_torch():
    torch = pytest.importorskip("torch")
    maps = np.random.default_rng(0).random((3, 5, 7)).astype(np.float32)
    expected = torch.nn.functional.interpolate(torch.from_numpy(maps)[None], size=(16, 24), mode="bilinear", align_corners=False)[0]
    np.testing.assert_allclose(resize_maps(maps, 16, 24), expected.numpy(), atol=1e-6)


def test_nearest_mask_equals_a_loop():
    mask = np.random.default_rng(0).random((9, 5)) < 0.5
    result = resize_mask(mask, 4, 11)
    for y in range(4):
        for x in range(11):
            assert result[y, x] == mask[int((y + 0.5) * 9 / 4), int((x + 0.5) * 5 / 11)]
