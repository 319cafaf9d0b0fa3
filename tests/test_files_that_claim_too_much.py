"""Files whose claims are refused before anything is made of them, and the watch that all damaged files are read under."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from tests.support.archives import make_contents
from tests.support.damage import Watch
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection


def test_the_watch_sees_memory_outside_of_python_and_time(monkeypatch):
    import torch

    from tests.support import damage

    monkeypatch.setattr(damage, "MOST_RESIDENT", 100e6)
    with pytest.raises(AssertionError, match="the process grew by"), Watch() as watch:
        watch.read(lambda: torch.ones(75_000_000).sum())  # 300 MB that Python's own bookkeeping does not see
    monkeypatch.setattr(damage, "SLOWEST", 0.01)
    with pytest.raises(AssertionError, match="one file took"), Watch() as watch:
        watch.read(lambda: sum(range(3_000_000)))


def png_that_claims(width, height):
    """A PNG of a few hundred bytes that says it has so many pixels, and would unpack to them."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded(side, tmp_path):
    from workbench.datasets import open_rgb

    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(side, side))
    tracemalloc.start()
    try:
        with pytest.raises(WorkbenchError, match=r"bomb\.png has more pixels than are read"):
            open_rgb(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_picture_of_another_size_in_an_archive_is_refused_before_it_is_decoded(tmp_path):
    contents = make_contents(3, 4, picture=(24, 24))
    contents.images = [png_that_claims(8000, 8000), *contents.images[1:]]
    inspection = Inspection.open(contents.save(tmp_path / "archive.safetensors"))
    with pytest.raises(WorkbenchError, match="is 8000 x 8000 pixels, not 24 x 24"):
        inspection.image(0)
    assert isinstance(inspection.image(1), Image.Image)


def test_a_name_as_long_as_a_book_is_refused(tmp_path):
    with pytest.raises(WorkbenchError, match="has 200000 letters; shorten"):
        Inspection.open(make_contents(2, ["a", "b" * 200_000], picture=(24, 24)).save(tmp_path / "archive.safetensors"))


def test_a_word_without_end_is_cut_in_the_sentence():
    assert str(WorkbenchError(f'"{"x" * 5000}" is not known; give another.')) == f'"{"x" * 79}... is not known; give another.'
    path = "/a" * 200
    assert str(WorkbenchError(f"{path} is gone.")) == f"{path} is gone."
