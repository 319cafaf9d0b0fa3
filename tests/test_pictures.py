"""Pictures of every kind become upright RGB; those that cannot are named in one sentence."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from workbench.datasets import open_rgb, squash
from workbench.errors import WorkbenchError
from workbench.pictures import FORMATS


def file_of(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def colorful(width=6, height=4):
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def test_rgb_is_read_as_it_is(tmp_path):
    image = colorful()
    path = tmp_path / "a.png"
    image.save(path)
    for source in (path, str(path), path.read_bytes()):
        read = open_rgb(source)
        assert read.dtype == np.uint8
        assert read.flags.writeable
        np.testing.assert_array_equal(read, np.asarray(image))


@pytest.mark.parametrize(("mode", "value", "expected"), [("1", 1, 255), ("L", 77, 77), ("LA", (77, 255), 77)])
def test_grey_becomes_three_equal_channels(mode, value, expected):
    assert (open_rgb(file_of(Image.new(mode, (3, 2), value))) == expected).all()


def test_palette():
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    assert (open_rgb(file_of(image)) == (10, 200, 30)).all()


def test_cmyk_jpeg():
    read = open_rgb(file_of(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95))
    assert read[..., 0].min() > 200  # no cyan, all magenta and yellow: red
    assert read[..., 1:].max() < 60


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_cut(kind):
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    read = open_rgb(file_of(Image.fromarray(values), kind))
    assert read[0, :, 0].tolist() == [0, 1, 128, 255]
    assert (read == read[..., :1]).all()


def test_transparent_pixels_lie_on_white():
    image = Image.new("RGBA", (2, 1), (200, 0, 0, 255))
    image.putpixel((1, 0), (200, 0, 0, 0))
    assert open_rgb(file_of(image)).tolist() == [[[200, 0, 0], [255, 255, 255]]]
    palette = Image.new("P", (1, 1), 0)
    palette.putpalette([9, 9, 9])
    assert open_rgb(file_of(palette, transparency=0)).tolist() == [[[255, 255, 255]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = np.asarray(colorful())
    undo = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud}
    undo |= {
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](upright)))
    np.testing.assert_array_equal(open_rgb(file_of(stored, exif=exif)), upright)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (3, 3), color) for color in ((255, 0, 0), (0, 0, 255))]
    read = open_rgb(file_of(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert read[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_file_is_named(tmp_path, kind):
    path = tmp_path / f"cut.{kind.lower()}"
    content = file_of(colorful(64, 64), kind)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(WorkbenchError, match=r"cut\.\w+ cannot be read .* truncated, get it again"):
        open_rgb(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not an image"),
        (b"<html>404</html>", "is not an image"),
        (file_of(Image.fromarray(np.array([[0, 70000]], dtype=np.int32)), "TIFF"), "32 bits a pixel"),
        (file_of(Image.fromarray(np.array([[0.5]], dtype=np.float32)), "TIFF"), "floating-point"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path, content, sentence):
    path = tmp_path / "odd.jpg"
    path.write_bytes(content)
    with pytest.raises(WorkbenchError, match=sentence) as caught:
        open_rgb(path)
    assert str(path) in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(WorkbenchError, match=r"There is no image at .*gone\.jpg"):
        open_rgb(tmp_path / "gone.jpg")
    with pytest.raises(WorkbenchError, match="is a folder"):
        open_rgb(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_among_the_pictures_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(WorkbenchError, match=r"pipe\.jpg is a pipe, socket or device"):
        open_rgb(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("kind", ["EPS", "PPM", "DDS", "TGA", "ICO", "SGI", "PCX", "JPEG2000", "PDF"])
def test_only_named_formats_are_decoded_whatever_a_file_is_called(tmp_path, kind):
    """EPS started Ghostscript."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(file_of(colorful(32, 32), kind))
    for source in (path, path.read_bytes()):
        with pytest.raises(WorkbenchError, match="is not an image that can be read"):
            open_rgb(source)


def test_what_reads_heic_is_said(tmp_path):
    path = tmp_path / "phone.jpg"
    path.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64))
    with pytest.raises(WorkbenchError, match=r"it is HEIC, which pillow-heif reads"):
        open_rgb(path)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "GIF"])
def test_every_named_format_is_read(kind):
    read = open_rgb(file_of(Image.new("RGB", (16, 12), (200, 30, 40)), kind))
    assert abs(read.astype(int) - (200, 30, 40)).max() < 12


def test_the_limit_of_pixels_can_be_moved(monkeypatch):
    content = file_of(Image.new("1", (3000, 3000)))
    monkeypatch.setenv("WORKBENCH_MOST_PIXELS", "8_000_000")
    with pytest.raises(WorkbenchError, match=r"over 8 million.*WORKBENCH_MOST_PIXELS"):
        open_rgb(content)
    monkeypatch.setenv("WORKBENCH_MOST_PIXELS", "10000000")
    assert open_rgb(content).shape == (3000, 3000, 3)
    monkeypatch.setenv("WORKBENCH_MOST_PIXELS", "many")
    with pytest.raises(WorkbenchError, match="give a number of pixels"):
        open_rgb(content)


def test_squash_keeps_a_fitting_image_and_the_mean_of_another():
    fitting = np.asarray(colorful(8, 8))
    np.testing.assert_array_equal(squash(fitting, 8), fitting)
    stripes = np.zeros((40, 80, 3), dtype=np.uint8)
    stripes[:, ::2] = 200  # antialiasing averages what single samples would miss
    small = squash(stripes, 10)
    assert small.shape == (10, 10, 3)
    assert abs(small.astype(int) - 100).max() <= 12
