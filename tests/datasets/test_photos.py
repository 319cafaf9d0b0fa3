"""The photos of installed packages as a folder with a table, and the same from the archive where a package is missing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import make_contents
from workbench import Inspection, WorkbenchError, load_dataset
from workbench.datasets import photos

NAMES = sorted({label.removeprefix("?") for photo in photos.PHOTOS for label in photo.labels.split(";")})


@pytest.fixture
def without_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(photos, "installed", lambda photo: None)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    return tmp_path


def archive(count: int) -> Inspection:
    contents = make_contents(count, ["sun", "ball"], name="photos")
    contents.ids = [photo.file for photo in photos.PHOTOS[:count]]
    return Inspection.of(contents)


def test_a_folder_that_the_table_reader_reads(tmp_path):
    if any(photos.installed(photo) is None for photo in photos.PHOTOS):
        pytest.skip("scikit-image or scikit-learn is not installed: their photos were not written")
    table = load_dataset("table", "all", root=photos.write_photos(tmp_path / "mine"))
    assert list(table.categories) == NAMES
    assert table.ids == [photo.file for photo in photos.PHOTOS]
    for position, photo in enumerate(photos.PHOTOS):
        for label in photo.labels.split(";"):
            expected = -1 if label.startswith("?") else 1
            assert table.targets[position, NAMES.index(label.removeprefix("?"))] == expected
        pixels = table.image(position)
        assert pixels.shape[2] == 3
        assert pixels.std() > 5
    photos.write_photos(tmp_path / "mine")  # again: nothing is doubled
    assert len(load_dataset("table", "all", root=tmp_path / "mine")) == len(photos.PHOTOS)


def test_without_the_packages_the_archive_gives_them(without_packages):
    held = archive(len(photos.PHOTOS))
    held.save(without_packages / "data" / "photos.safetensors")
    folder = photos.write_photos(without_packages / "mine")
    table = load_dataset("table", "all", root=folder)
    stored = np.asarray(Image.open(io.BytesIO(held.image_bytes(1))).convert("RGB"), dtype=int)
    assert photos.PHOTOS[1].file.endswith(".png")
    np.testing.assert_array_equal(table.image(1), stored)


def test_without_packages_and_archive_it_says_what_to_do(without_packages):
    with pytest.raises(WorkbenchError, match=r'chelsea\.png comes with skimage, which is not installed, and there is no archive "photos"'):
        photos.write_photos(without_packages / "mine")
    archive(2).save(without_packages / "data" / "photos.safetensors")
    with pytest.raises(WorkbenchError, match=r"astronaut\.png comes with skimage, which is not installed; run `make lab`"):
        photos.write_photos(without_packages / "mine")


def test_every_photo_has_a_licence_that_notice_names():
    notice = (Path(__file__).parent.parent.parent / "NOTICE").read_text(encoding="utf-8")
    for file, credit, licence in photos.credits():
        assert file in notice
        assert credit.split(",")[0].split(" (")[0] in notice
        assert licence in notice
