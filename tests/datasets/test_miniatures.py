"""Each data set in its official layout, all the way: load, check, train an epoch, evaluate, inspect. COCO and VOC on real photos too."""

import json

import numpy as np
import pytest

from tests.support.miniatures import MINIATURES, SPLITS, make_miniature
from tests.support.shared_data import shared
from workbench import inspect
from workbench.cli import main
from workbench.training import train
from workbench.training.recipe import DataSpec, ModelSpec, Recipe, Stage


def all_the_way(spec, tmp_path, capsys, options=()):
    """Run every step on the two splits of `spec`. Returns the inspection."""
    check = ["data", "check", spec.name, "--split", spec.validation, "--root", spec.root, "--json"]
    assert main([*check, *options]) == 0
    checked = json.loads(capsys.readouterr().out)
    stage = Stage(train=("all",), losses={"logits.cls": "bce"}, epochs=1, lr=1e-3, batch_size=8, optimizer="adamw")
    recipe = Recipe("all-the-way", spec, ModelSpec("csra", "small"), {"all": stage}, image_size=64)
    run = train(recipe, tmp_path / "run", progress=False)
    assert np.isfinite(run.history[-1]["loss"])
    assert main(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert 0 < scored["mAP"] <= 1
    assert set(scored["AP"]) == set(checked["frequencies"])
    never = {name for name, count in checked["frequencies"].items() if count == 0}
    assert {name for name, value in scored["AP"].items() if value is None} == never
    inspection = inspect(run, limit=4)
    assert len(inspection) == 4
    np.testing.assert_array_equal(inspection.targets, run.validation().targets[:4])
    path = inspection.save(tmp_path / "look.safetensors")
    assert path.stat().st_size > 1000
    return inspection


@pytest.mark.slow
@pytest.mark.parametrize("name", MINIATURES)
def test_a_miniature_all_the_way(name, tmp_path, capsys):
    root = make_miniature(name, tmp_path / "data")
    training, validation = SPLITS[name]
    spec = DataSpec(name.removesuffix("-table"), training, validation, root=str(root))
    inspection = all_the_way(spec, tmp_path, capsys)
    has_boxes = name.startswith(("coco", "voc"))
    assert any(len(inspection.regions(index)) for index in range(4)) == has_boxes


@pytest.mark.slow
def test_real_photos_of_coco_all_the_way(tmp_path, capsys):
    spec = DataSpec("coco2017", "val", "val", root=str(shared("data", "coco")))
    inspection = all_the_way(spec, tmp_path, capsys)
    assert inspection.regions(0)[0].mask is not None


@pytest.mark.slow
def test_real_photos_of_voc_all_the_way(tmp_path, capsys):
    """Two hundred of the study photos, through lists of their own beside links to the pictures."""
    source = shared("data", "voc2007", "VOCdevkit", "VOC2007")
    base = tmp_path / "data" / "VOC2007"
    (base / "ImageSets" / "Main").mkdir(parents=True)
    for folder in ("JPEGImages", "Annotations"):
        (base / folder).symlink_to(source / folder, target_is_directory=True)
    for split in ("study_train", "study_val"):
        lines = (source / "ImageSets" / "Main" / f"{split}.txt").read_text().splitlines()
        (base / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(lines[:100]) + "\n")
    spec = DataSpec("voc2007", "study_train", "study_val", root=str(tmp_path / "data"))
    all_the_way(spec, tmp_path, capsys)
