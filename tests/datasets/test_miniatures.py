"""Each data set in its official layout, all the way through the real commands: check, train an epoch, evaluate, inspect, report.

COCO and VOC on real photos too.
"""

import json

import numpy as np
import pytest

from tests.support.miniatures import MINIATURES, SPLITS, make_miniature
from tests.support.shared_data import shared
from workbench import Inspection
from workbench.cli import main
from workbench.training import Run


def all_the_way(name, training, validation, root, folder, capsys):
    """Run every command on two splits of a data set with a small network. Returns the inspection."""

    def command(*words):
        assert main([str(word) for word in words]) == 0
        return capsys.readouterr().out

    checked = json.loads(command("data", "check", name, "--split", validation, "--root", root, "--json"))
    assert not checked["broken"]
    # The modern training, turned to these data and to a small network.
    settings = {"data.name": name, "data.train": training, "data.validation": validation, "data.root": root}
    settings |= {"model.backbone": "small", "model.weights": "none", "image_size": 64, "precision": "32-true"}
    settings |= {"stages.all.epochs": 1, "stages.all.batch_size": 8}
    changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    trained = json.loads(command("train", "coco2014-modern", "-o", folder / "run", "--json", *changes))
    assert np.isfinite(trained["loss"])
    scored = json.loads(command("evaluate", folder / "run", "--json"))
    assert 0 < scored["mAP"] <= 1
    assert set(scored["AP"]) == set(checked["frequencies"])
    never = {label for label, count in checked["frequencies"].items() if count == 0}
    assert {label for label, value in scored["AP"].items() if value is None} == never
    command("inspect", folder / "run", "-o", folder / "run.safetensors", "--limit", 4, "--no-measure")
    inspection = Inspection.open(folder / "run.safetensors")
    assert len(inspection) == 4
    np.testing.assert_array_equal(inspection.targets, Run.open(folder / "run").validation().targets[:4])
    command("report", folder / "run", "-o", folder / "report.html")
    page = (folder / "report.html").read_text()
    assert scored["data"] in page
    assert "Beside published figures" not in page  # a few dozen pictures stand beside nobody's
    return inspection


@pytest.mark.slow
@pytest.mark.parametrize("name", MINIATURES)
def test_a_miniature_all_the_way(name, tmp_path, capsys):
    root = make_miniature(name, tmp_path / "data")
    training, validation = SPLITS[name]
    inspection = all_the_way(name.removesuffix("-table"), training, validation, root, tmp_path, capsys)
    has_boxes = name.startswith(("coco", "voc"))
    assert any(len(inspection.regions(index)) for index in range(4)) == has_boxes


@pytest.mark.slow
def test_real_photos_of_coco_all_the_way(tmp_path, capsys):
    inspection = all_the_way("coco2017", "val", "val", shared("data", "coco"), tmp_path, capsys)
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
    all_the_way("voc2007", "study_train", "study_val", tmp_path / "data", tmp_path, capsys)
