"""Pointing and energy on maps whose answer is known, and against slow loops."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from workbench import Categories, Inspection, MapKind
from workbench.inspection import InspectionContents, LogitKind
from workbench.metrics.grids import resize_maps
from workbench.metrics.pointing import IOU_THRESHOLDS, energy_inside, localisation, mask_iou, point_hit, relevance_rank
from workbench.metrics.references import CENTRE_BLOB, RANDOM_MAP, TRUE_MASK
from workbench.regions import Region, resize_mask


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


def test_the_ground_truth_row_is_the_best_that_can_be():
    rng = np.random.default_rng(0)
    regions = [[Region("c0", (0, 0, 16, 16), rng.random((16, 16)) < 0.3)] for _ in range(5)]
    result = localisation(archive(np.zeros((5, 1, 4, 4), dtype=np.float32), regions, np.ones((5, 1))))
    measures = ["pointing", "energy", "relevance_rank", *(f"iou@{threshold}" for threshold in IOU_THRESHOLDS)]
    assert {measure: result[measure][TRUE_MASK]["overall"] for measure in measures} == dict.fromkeys(measures, 1.0)


def test_noise_scores_its_expectation():
    """Of independent pixels, a mask of a quarter gets a quarter of everything; IoU of a share s: s/4 / (s + 1/4 - s/4)."""
    maps = np.random.default_rng(1).random((400, 16, 16))
    masks = np.zeros((400, 16, 16), dtype=bool)
    masks[:, :8, :8] = True
    assert point_hit(maps, masks).mean() == pytest.approx(0.25, abs=0.08)
    assert energy_inside(maps, masks).mean() == pytest.approx(0.25, abs=0.01)
    assert relevance_rank(maps, masks).mean() == pytest.approx(0.25, abs=0.01)
    assert mask_iou(maps, masks, 0.5).mean() == pytest.approx(0.125 / (0.5 + 0.25 - 0.125), abs=0.01)


def test_relevance_rank_and_iou_equal_counting():
    rng = np.random.default_rng(2)
    maps, masks = rng.integers(-3, 4, (30, 6, 5)).astype(float), rng.random((30, 6, 5)) < 0.3
    masks[:, 0, 0] = True
    for values, mask, rank, iou in zip(maps, masks, relevance_rank(maps, masks), mask_iou(maps, masks, 0.5), strict=True):
        pixels = sorted(((float(v), bool(m)) for v, m in zip(values.ravel(), mask.ravel(), strict=True)), reverse=True)
        size, credit, place = sum(inside for _, inside in pixels), 0.0, 0
        while place < size:
            tied = [inside for value, inside in pixels if value == pixels[place][0]]
            credit += sum(tied) / len(tied) * min(len(tied), size - place)
            place += len(tied)
        assert rank == pytest.approx(credit / size)
        chosen = {p for p in range(30) if values.ravel()[p] > 0 and values.ravel()[p] >= 0.5 * values.max()}
        inside = set(np.flatnonzero(mask.ravel()).tolist())
        assert iou == pytest.approx(len(chosen & inside) / len(chosen | inside))


def test_the_numbers_of_quantus():
    """Computed with Quantus 0.6.0: RelevanceRankAccuracy, RelevanceMassAccuracy of the positive part, PointingGame."""
    rng = np.random.default_rng(7)
    maps, masks = rng.normal(size=(6, 1, 12, 12))[:, 0], np.zeros((6, 12, 12), dtype=bool)
    for mask in masks:
        y, x = rng.integers(0, 6, 2)
        h, w = rng.integers(3, 7, 2)
        mask[y : y + h, x : x + w] = True
    np.testing.assert_allclose(relevance_rank(maps, masks), [0.0, 0.083333, 0.222222, 0.2, 0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(energy_inside(maps, masks), [0.060377, 0.055433, 0.198742, 0.210287, 0.06244, 0.046259], atol=1e-6)
    np.testing.assert_array_equal(point_hit(maps, masks), [0, 0, 0, 1, 0, 0])
