"""Real photos of COCO and VOC through every command, as the miniatures go (tests/soak/prove_miniatures.py)."""

from __future__ import annotations

import pytest

from tests.soak.prove_miniatures import all_the_way
from tests.support.shared_data import shared


@pytest.mark.slow
def test_real_photos_of_coco_all_the_way(tmp_path):
    inspection = all_the_way("coco2017", "val", "val", shared("data", "coco"), tmp_path)
    assert inspection.regions(0)[0].mask is not None


@pytest.mark.slow
def test_real_photos_of_voc_all_the_way(tmp_path):
    """Two hundred of the study photos, through lists of their own beside links to the pictures."""
    source = shared("data", "voc2007", "VOCdevkit", "VOC2007")
    base = tmp_path / "data" / "VOC2007"
    (base / "ImageSets" / "Main").mkdir(parents=True)
    for folder in ("JPEGImages", "Annotations"):
        (base / folder).symlink_to(source / folder, target_is_directory=True)
    for split in ("study_train", "study_val"):
        lines = (source / "ImageSets" / "Main" / f"{split}.txt").read_text().splitlines()
        (base / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(lines[:100]) + "\n")
    all_the_way("voc2007", "study_train", "study_val", tmp_path / "data", tmp_path)
