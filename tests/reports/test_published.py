"""Published figures: where they come from, and that ours are held against them only where that is fair."""

from __future__ import annotations

import json

import pytest

from tests.reports.test_scored_page import cells
from workbench.datasets import DATASETS
from workbench.metrics import PRESETS
from workbench.metrics.ranking import KINDS
from workbench.reports.against import against_published
from workbench.reports.collect import collect
from workbench.reports.published import OFFICIAL, all_published, published_for
from workbench.training import RECIPES

FIGURES = {f"{group}{name}" for group in ("", "top3 ") for name in ("CP", "CR", "CF1", "OP", "OR", "OF1")}


def evaluated(folder, data, images, preset="srn", kinds=None, **changes):
    """A run folder with nothing but an evaluation."""
    folder.mkdir(exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps({"name": "mine", "model": {"backbone": "resnet101"}, "image_size": 448}))
    kinds = kinds or {"plain": 0.8, "interpolated": 0.81, "11-point": 0.79}
    figures = dict.fromkeys(("CP", "CR", "CF1", "OP", "OR", "OF1"), 0.7)
    result = {"convention": preset, "data": data, "images": images, "mAP": 0.8, "AP": {"dog": 0.8}, "mAP by kind": kinds}
    result |= {"chosen": "fixed", "threshold": 0.5, "all": figures, "top3": figures, **changes}
    (folder / f"evaluation-{preset}.json").write_text(json.dumps(result))
    return collect(folder)


def test_every_row_says_what_it_is():
    rows = all_published()
    assert len({(row.data, row.system, row.backbone, row.note) for row in rows}) == len(rows)
    for row in rows:
        assert row.data in DATASETS
        assert row.data in OFFICIAL.values()
        assert row.ap in KINDS
        assert "mAP" in row.figures
        assert set(row.figures) - {"mAP"} <= FIGURES
        assert (row.preset in PRESETS) == bool(set(row.figures) - {"mAP"})
        assert row.preset is None or PRESETS[row.preset].ap == row.ap
        assert all(50 < value < 100 for value in row.figures.values())
        assert row.source is None or "arXiv" in row.source
        assert row.images is None or row.images in {images for (_, images), data in OFFICIAL.items() if data == row.data}


def test_recipes_quote_the_same_figures():
    quoted = 0
    for make in RECIPES.values():
        recipe = make()
        for expected in recipe.expected:
            if expected.source == "published":
                system = recipe.model.name.upper()
                figures = [row.figures["mAP"] for row in all_published() if (row.data, row.system) == (recipe.data.name, system)]
                assert pytest.approx(100 * expected.value) in figures, recipe.name
                quoted += 1
    assert quoted >= 5


def test_a_difference_needs_the_same_images_and_the_same_average_precision(tmp_path):
    run = evaluated(tmp_path / "run", "coco-val2014", 40_504)
    head, *rows = cells(against_published([run]))
    gaps = {row[0]: row[head.index("ours − theirs")] for row in rows if row[1] == "published"}
    assert gaps.pop("SRN") == "+3.9"  # interpolated against interpolated: 81.0 - 77.1
    assert gaps.pop("SRN, attention only") == "+4.9"
    assert gaps.pop("ResNet-101") == "+5.8"
    assert set(gaps.values()) == {"not comparable"}
    assert "not said on which images" in next(row[-1] for row in rows if row[0] == "ML-GCN")
    labelled = evaluated(tmp_path / "labelled", "coco-val2014-labelled", 40_137)
    head, *rows = cells(against_published([labelled]))
    srn = next(row for row in rows if row[0] == "SRN")
    assert srn[head.index("ours − theirs")] == "not comparable"
    assert "40,504 images there, 40,137 here" in srn[-1]


def test_f1_stands_beside_theirs_under_their_convention_only(tmp_path):
    evaluated(tmp_path / "run", "coco-val2014", 40_504, "sklearn")
    run = evaluated(tmp_path / "run", "coco-val2014", 40_504, "msrn", chosen="best OF1 on the evaluated images themselves: optimistic")
    head, *rows = cells(against_published([run]))
    ours = {row[3]: row[head.index("CF1")] for row in rows if row[1] == "ours, measured"}
    assert ours == {"plain": "70.0", "interpolated": "–"}
    run = evaluated(tmp_path / "run", "coco-val2014", 40_504, "srn")
    head, *rows = cells(against_published([run]))
    ours = {row[3]: row[head.index("CF1")] for row in rows if row[1] == "ours, measured"}
    assert ours["interpolated"] == "70.0"


@pytest.mark.parametrize(
    ("data", "images"),
    [("coco-val2014", 12), ("voc2007-study_val", 2_476), ("voc2007-test", 4_951), ("voc2007-test-100", 100), ("scenes-val", 500)],
)
def test_parts_of_a_data_set_stand_beside_nothing(data, images, tmp_path):
    run = evaluated(tmp_path / "run", data, images)
    assert published_for(run.evaluations["srn"]) == ()
    assert against_published([run]) == ""
