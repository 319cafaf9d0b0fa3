"""The table of benchmarks.trust and the photos under other names."""

from __future__ import annotations

import numpy as np

from benchmarks.trust_data import COCO_NAMES, Renamed, photos
from benchmarks.trust_summary import markdown, rows, shortened
from benchmarks.voc_summary import rows as voc_rows
from tests.support.shared_data import shared
from tests.support.squares import Squares
from workbench.training import get_recipe


def entry(title, reference=False, **figures):
    check = None if reference else {"verdict": "insensitive", "rank_correlation": 0.8, "baseline": 0.25, "cascade": []}
    return {"title": title, "reference": reference, "pointing": 0.5, "deletion": 0.25, "sanity": check, **figures}


def study_row(data, model, leakage=0.0123):
    maps = {"own": entry("Own"), "other": entry("Other"), "grad_cam.x": entry("Grad-CAM, x"), "random map": entry("random map", True)}
    leaked = None if leakage is None else {"other labels move": leakage}
    return {"data": data, "model": model, "maps": maps, "leakage": leaked, "seconds": {"together": 12.3}}


def test_a_line_for_each_map_and_the_references_once_for_each_kind_of_picture():
    found = [study_row("scenes", "a"), study_row("scenes", "b"), study_row("voc", "c", leakage=None)]
    head, *body = rows(found)
    assert [line[1:3] for line in body] == [
        *(["a", title] for title in ("Own", "Other", "Grad-CAM, x")),
        ["reference (a)", "random map"],
        *(["b", title] for title in ("Own", "Other", "Grad-CAM, x")),
        *(["c", title] for title in ("Own", "Other", "Grad-CAM, x")),
        ["reference (c)", "random map"],
    ]
    assert body[0] == ["scenes, test split", "a", "Own", "0.50", "–", "–", "0.25", "insensitive (0.80, chance 0.25)", "0.012", "12"]
    assert body[1][-2:] == ["", ""]
    assert body[-4][-2] == "–"
    assert {len(line) for line in body} == {len(head)}
    assert [line[2] for line in rows(shortened(found))[1:]] == ["Own", "Grad-CAM, x", "random map", "Own", "Grad-CAM, x"]
    assert markdown(found).splitlines()[1].startswith("| --- |")


def test_figures_are_also_a_share_of_the_best_map_and_each_best_map_stands_once():
    def with_best(model, cells):
        name = f"best map at {cells} x {cells}"
        row = study_row("voc", model)
        row["maps"]["own"] |= {"ceiling": name, "energy": 0.2}
        row["maps"][name] = {"title": name, "reference": True, "pointing": 0.8, "energy": 0.0, "sanity": None}
        return row

    lines = rows([with_best("a", 7), with_best("b", 14), with_best("c", 7)])[1:]
    assert lines[0][3:7] == ["0.50 (62 %)", "0.20", "–", "0.25"]
    assert lines[1][3] == "0.50", "a map without a best one has no share"
    best = [line[1:4] for line in lines if line[2].startswith("best map")]
    assert best == [["reference (a)", "best map at 7 x 7", "0.80"], ["reference (b)", "best map at 14 x 14", "0.80"]]


def test_the_best_map_of_each_grid_stands_once_among_the_references_of_the_photo_study():
    def figure(mean):
        return {"mean": mean, "half_width": 0.0}

    shared = {"backbone": "frozen", "trained_parameters": 1000, "mAP": figure(0.8), "training_seconds": figure(1)}
    one = {
        **shared,
        "system": "a",
        "pointing": {"m": figure(0.5), "random map": figure(0.1)},
        "best maps": {"best map at 7 x 7": figure(0.9)},
    }
    other = {**one, "system": "b", "best maps": {"best map at 7 x 7": figure(0.9), "best map at 14 x 14": figure(1.0)}}
    lines = voc_rows({"summary": [one, other]})[1:]
    assert [line[5] for line in lines[:2]] == ["m 50.0 ± 0.0", "m 50.0 ± 0.0"], "the best map is none of the model's own"
    assert {line[1]: line[5] for line in lines[2:]} == {
        "random map": "10.0 ± 0.0",
        "best map at 7 x 7": "90.0 ± 0.0",
        "best map at 14 x 14": "100.0 ± 0.0",
    }


def test_renamed_pictures_keep_what_they_show():
    squares = Squares(12)
    renamed = Renamed(squares, ["lawn", "red"], {"lawn": "green"})
    kept = [index for index in range(12) if squares.targets[index, [0, 1]].any()]
    assert renamed.ids == [squares.ids[index] for index in kept]
    np.testing.assert_array_equal(renamed.targets, squares.targets[kept][:, [1, 0]])
    for place, index in enumerate(kept):
        np.testing.assert_array_equal(renamed.image(place), squares.image(index))
        expected = {"green": "lawn", "red": "red"}
        assert [region.category for region in renamed.regions(place)] == [
            expected[region.category] for region in squares.regions(index) if region.category in expected
        ]


def test_photos_of_coco_have_masks_under_the_names_of_voc():
    recipe = get_recipe("voc-study-pooled", {"data.root": str(shared("data", "voc2007"))})
    found = photos("coco", shared("data"), recipe.data)
    assert set(COCO_NAMES) <= set(found.categories)
    assert all(name in found.source.categories for name in COCO_NAMES.values())
    place = next(index for index in range(len(found)) if found.regions(index))
    present = {found.categories[label] for label in np.flatnonzero(found.targets[place] == 1)}
    assert {region.category for region in found.regions(place)} == present
    assert all(region.mask is not None for region in found.regions(place))
