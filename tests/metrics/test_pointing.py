"""Pointing and energy on maps whose answer is known, and against slow loops."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.ceiling import measured
from tests.support.archives import make_contents, make_inspection
from workbench import Categories, Inspection, MapKind
from workbench.inspection import InspectionContents, LogitKind
from workbench.metrics.grids import pool_masks, resize_maps
from workbench.metrics.pointing import (
    IOU_THRESHOLDS,
    MEASURES,
    SIZES,
    energy_inside,
    localisation,
    mask_iou,
    object_sizes,
    of_best,
    point_hit,
    relevance_rank,
    with_ceiling,
)
from workbench.metrics.references import CENTRE_BLOB, RANDOM_MAP, TRUE_MASK, best_map, is_reference
from workbench.regions import Region, resize_mask

ROOT = Path(__file__).parents[2]


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


def drawn(seed, count, frame, grid, labels=3):
    """An archive of random rectangles, some of them smaller than a cell, with noise for maps."""
    rng = np.random.default_rng(seed)
    regions = []
    for _ in range(count):
        corners = [(*rng.integers(0, frame - 2, 2), *rng.integers(1, frame, 2)) for _ in range(labels)]
        regions.append([Region(f"c{k}", (0, 0, 1, 1), box_mask(frame, x, y, x + w, y + h)) for k, (x, y, w, h) in enumerate(corners)])
    return archive(rng.random((count, labels, *grid), dtype=np.float32), regions, np.ones((count, labels)), frame)


@pytest.mark.parametrize(("frame", "grid"), [((12, 20), (4, 5)), ((13, 10), (4, 7)), ((5, 6), (8, 9)), ((8, 8), (8, 8)), ((9, 7), (1, 1))])
def test_pooling_a_mask_equals_a_loop(frame, grid):
    masks = np.random.default_rng(3).random((2, *frame)) < 0.4
    pooled = pool_masks(masks, grid)
    for k, mask in enumerate(masks):
        for i in range(grid[0]):
            for j in range(grid[1]):
                top, bottom = i * frame[0] / grid[0], (i + 1) * frame[0] / grid[0]
                left, right = j * frame[1] / grid[1], (j + 1) * frame[1] / grid[1]
                covered = 0.0
                for y in range(frame[0]):
                    for x in range(frame[1]):
                        down = max(0.0, min(bottom, y + 1) - max(top, y))
                        across = max(0.0, min(right, x + 1) - max(left, x))
                        covered += down * across * mask[y, x]
                assert pooled[k, i, j] == pytest.approx(covered / ((bottom - top) * (right - left)), abs=1e-6)


def test_the_best_map_equals_a_slow_loop():
    inspection = drawn(0, 12, 16, (4, 4))
    found = localisation(inspection)
    hits, shares, overlaps, by_size = {}, {}, {}, {size: [] for size in SIZES}
    for image in range(len(inspection)):
        for region in inspection.regions(image):
            mask = resize_mask(region.mask, 16, 16)
            cells = [[mask[4 * i : 4 * i + 4, 4 * j : 4 * j + 4].mean() for j in range(4)] for i in range(4)]
            values = resize_maps(np.array([cells]), 16, 16)[0]
            tied = [(y, x) for y in range(16) for x in range(16) if values[y, x] == values.max()]
            chosen = {(y, x) for y in range(16) for x in range(16) if values[y, x] >= 0.5 * values.max()}
            inside = {(y, x) for y in range(16) for x in range(16) if mask[y, x]}
            hits.setdefault(region.category, []).append(sum(place in inside for place in tied) / len(tied))
            shares.setdefault(region.category, []).append(sum(values[place] for place in inside) / values.sum())
            overlaps.setdefault(region.category, []).append(len(chosen & inside) / len(chosen | inside))
            area = mask.sum() / 16
            by_size[SIZES[0] if area < 1 else SIZES[2] if area > 4 else SIZES[1]].append((region.category, hits[region.category][-1]))
    for measure, expected in (("pointing", hits), ("energy", shares), ("iou@0.5", overlaps)):
        entry = found[measure]["best map at 4 x 4"]
        assert entry["per_label"] == pytest.approx({name: np.mean(values) for name, values in expected.items()}, abs=1e-6)
    for size, values in by_size.items():
        entry = found["pointing"]["best map at 4 x 4"]["by_size"][size]
        means = [np.mean([value for name, value in values if name == label]) for label in {name for name, _ in values}]
        assert entry["n"] == len(values) > 0
        assert entry["overall"] == pytest.approx(np.mean(means))


def test_a_perfect_map_at_the_grid_reaches_exactly_the_ceiling():
    inspection = drawn(1, 10, 16, (4, 4))
    perfect = np.zeros((10, 3, 4, 4), dtype=np.float32)
    for image in range(10):
        for region in inspection.regions(image):
            perfect[image, int(region.category[1:])] = pool_masks(resize_mask(region.mask, 16, 16), (4, 4))
    regions = [inspection.regions(image) for image in range(10)]
    found = localisation(archive(perfect, regions, inspection.targets))
    for measure in MEASURES:
        own, best = found[measure]["m"], found[measure]["best map at 4 x 4"]
        assert own == {**best, "ceiling": "best map at 4 x 4"}, measure
    assert 0.2 < found["pointing"]["m"]["overall"] < 1
    assert found["pointing"][TRUE_MASK]["overall"] == 1


def test_an_object_smaller_than_a_cell_is_missed_by_the_best_map():
    """Its cell is the highest, and the middle of that cell, where the maximum lies, is beside it; off the middle it would be found."""
    corner, middle = box_mask(16, 4, 4, 5, 5), box_mask(16, 5, 5, 7, 7)
    found = localisation(
        archive(np.zeros((2, 1, 4, 4)), [[Region("c0", (4, 4, 5, 5), corner)], [Region("c0", (5, 5, 7, 7), middle)]], np.ones((2, 1)))
    )
    best = found["pointing"]["best map at 4 x 4"]
    assert (best["overall"], best["n"]) == (0.5, 2)
    assert best["by_size"] == {SIZES[0]: {"overall": 0.5, "n": 2}, **{size: {"overall": None, "n": 0} for size in SIZES[1:]}}


def test_sizes_count_whole_cells():
    """One cell is no longer smaller than a cell, four are not yet more than four."""
    masks = np.stack([box_mask(16, 0, 0, *side) for side in ((4, 3), (4, 4), (8, 8), (13, 5))])
    assert [SIZES[size] for size in object_sizes(masks, (4, 4))] == [SIZES[0], SIZES[1], SIZES[1], SIZES[2]]


def test_each_grid_has_a_ceiling_of_its_own():
    contents = make_contents(6, 4, unknown=False)
    fine = np.repeat(np.repeat(contents.maps["attention"], 2, axis=2), 2, axis=3)
    contents.maps = {**contents.maps, "confidence": fine}
    found = localisation(Inspection.of(contents))["pointing"]
    assert [row for row in found if is_reference(row)] == [RANDOM_MAP, CENTRE_BLOB, "best map at 7 x 7", "best map at 14 x 14", TRUE_MASK]
    assert [found[kind]["ceiling"] for kind in contents.maps] == ["best map at 7 x 7", "best map at 14 x 14", "best map at 7 x 7"]
    assert found["best map at 7 x 7"]["overall"] <= found["best map at 14 x 14"]["overall"]


def test_an_archive_made_before_there_was_a_ceiling_keeps_its_figures_and_gains_it():
    inspection = make_inspection(6, 4)
    before = json.loads(json.dumps(inspection.measurements))
    after, fresh = with_ceiling(inspection), localisation(inspection)
    assert inspection.measurements == before
    best = best_map(inspection.grid("attention"))
    for measure in ("pointing", "energy"):
        assert list(after[measure]) == [*before[measure], best]
        assert after[measure][best] == fresh[measure][best]
        for row, entry in before[measure].items():
            assert {key: after[measure][row][key] for key in entry} == entry
        assert after[measure]["attention"]["by_size"] == fresh[measure]["attention"]["by_size"]
    assert after["deletion"] == before["deletion"]
    assert with_ceiling(inspection) is after
    quick = with_ceiling(inspection, maps=False)
    assert quick["energy"][best] == after["energy"][best]
    assert quick["energy"]["attention"] == {**before["energy"]["attention"], "ceiling": best}
    assert with_ceiling(make_inspection(6, 4), most=1000) == before
    assert with_ceiling(make_inspection(6, 4, regions=False)) == before
    assert with_ceiling(make_inspection(6, 4, measured=False)) == {}


def test_a_new_archive_holds_its_ceiling_and_is_not_measured_again():
    contents = make_contents(6, 4)
    contents.measurements = localisation(Inspection.of(contents))
    inspection = Inspection.of(contents)
    assert with_ceiling(inspection) is inspection.measurements


def test_the_ceiling_of_the_shipped_scenes():
    """On 8 x 8 cells, 39 % of the objects are smaller than a cell; the best map finds .80 of all, and .33 of the lamps."""
    inspection = Inspection.open(ROOT / "data" / "scenes-srn.safetensors")
    best = with_ceiling(inspection)["pointing"]["best map at 8 x 8"]
    small = best["by_size"][SIZES[0]]["n"] / best["n"]
    assert (round(small, 2), round(best["overall"], 2), round(best["per_label"]["lamp"], 2)) == (0.39, 0.80, 0.33)


def test_a_figure_beside_the_best_in_words():
    assert of_best(0.264, 0.8) == "0.26 of 0.80 (33 %)"
    assert of_best(0.264, 0.0) == "0.26 of 0.00"
    assert of_best(0.264, None) == "0.26"
    assert of_best(None, 0.8) == "–"


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


def test_the_study_of_the_shipped_archives_is_in_step_with_them():
    study = {entry["archive"]: entry for entry in json.loads((ROOT / "studies" / "ceiling.json").read_text())["rows"]}
    assert measured(ROOT / "data" / "scenes-pooled.safetensors") == study["scenes-pooled"], "run `python -m benchmarks.ceiling`"
    assert measured(ROOT / "data" / "photos.safetensors") is None
