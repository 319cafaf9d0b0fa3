"""Private pictures: no metadata comes along, pictures can be blurred, left away or kept without loss, and an export says how many leave."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import make_contents
from workbench.cli import main
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.inspection.private import BLOBS, encoded
from workbench.widgets import AttentionExplorer

SECRET = "Ward 7, patient 4711"


def stripes(height=96, width=128):
    """Thin lines: what blurring must take away and JPEG cannot keep exactly."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[::2] = (250, 20, 20)
    pixels[10:20, 30:40] = (3, 201, 77)
    return pixels


def decoded(file):
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def test_lossless_is_lossless_and_jpeg_is_not():
    pixels = stripes()
    assert (decoded(encoded(pixels, (96, 128), "lossless")) == pixels).all()
    assert (decoded(encoded(pixels, (96, 128))) != pixels).any()


def test_blurred_leaves_a_dozen_spots_and_none_nothing():
    draw = np.random.default_rng(0)
    noise = draw.integers(0, 256, (120, 240, 3), dtype=np.uint8)
    side = 240 // BLOBS
    blocks = noise.reshape(6, side, BLOBS, side, 3).swapaxes(1, 2).reshape(6, BLOBS, side * side, 3)
    shuffled = draw.permuted(blocks, axis=2).reshape(6, BLOBS, side, side, 3).swapaxes(1, 2).reshape(noise.shape)
    assert (shuffled != noise).mean() > 0.9
    # Nothing but the mean of each spot decides what is kept, so nothing else can be read from it.
    one, other = (decoded(encoded(pixels, (120, 240), "blurred")).astype(int) for pixels in (shuffled, noise))
    assert abs(one - other).mean() < 1  # what is left is rounding: of sums on the way, and of JPEG's coefficients
    assert np.ptp(one) > 20
    half = np.zeros((96, 128, 3), dtype=np.uint8)
    half[:, 64:] = 255
    kept = decoded(encoded(half, (96, 128), "blurred"))
    assert kept[:, :20].mean() < 30 < 220 < kept[:, -20:].mean()  # light and dark can still be told apart
    assert len({tuple(pixel) for pixel in decoded(encoded(noise, (16, 32), "none")).reshape(-1, 3).tolist()}) == 1


def test_an_unknown_way_is_refused():
    with pytest.raises(WorkbenchError, match=r'cannot be kept "loseless"\. Did you mean "lossless"'):
        encoded(stripes(), (8, 8), "loseless")
    with pytest.raises(WorkbenchError, match="inspect the images again"):
        Inspection.of(make_contents(2, 3)).with_pictures("lossless")


@pytest.mark.parametrize("kept", ["blurred", "none"])
def test_an_archive_gives_its_pictures_away_or_not(tmp_path, kept):
    whole = Inspection.of(make_contents(4, 3))
    path = whole.with_pictures(kept).save(tmp_path / "private.safetensors")
    opened = Inspection.open(path)
    assert opened.provenance["pictures"] == kept
    for image in range(4):
        assert whole.image_bytes(image) not in path.read_bytes()
        assert opened.image(image).size == whole.image(image).size
    assert (opened.logits() == whole.logits()).all()
    assert (opened.maps(next(iter(opened.map_kinds)), 1)[1] == whole.maps(next(iter(whole.map_kinds)), 1)[1]).all()


def test_an_export_says_how_many_pictures_leave(tmp_path, capsys):
    path = Inspection.of(make_contents(5, 3)).save(tmp_path / "five.safetensors")
    page = tmp_path / "page.html"
    assert main(["export", str(path), "-o", str(page), "--images", "3"]) == 0
    assert "page.html: 3 pictures leave with it." in capsys.readouterr().out
    stored = Inspection.open(path).image_bytes(0)
    assert stored in base64_of_page(page)
    assert main(["export", str(path), "-o", str(page), "--no-pictures"]) == 0
    assert "page.html: 5 pictures leave with it as grey areas only." in capsys.readouterr().out
    assert stored not in base64_of_page(page)
    AttentionExplorer(Inspection.open(path).with_pictures("blurred")).export_html(page, images=[1])
    assert "1 picture leaves with it, blurred." in capsys.readouterr().out


def base64_of_page(page):
    """All packets of an exported page, decoded."""
    text = page.read_text()
    start = text.index(">", text.index('type="application/json"')) + 1
    content = json.loads(text[start : text.index("</script>", start)])
    return b"".join(base64.b64decode(packet["data"]) for packet in content["images"])


def test_nothing_of_a_files_metadata_comes_along(tmp_path):
    torch = pytest.importorskip("torch")
    from workbench import inspect

    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    picture = Image.fromarray(stripes())
    for number, how in enumerate(({"exif": exif}, {"comment": SECRET.encode()})):
        picture.save(tmp_path / f"{number}.jpg", **how)
        assert SECRET.encode() in (tmp_path / f"{number}.jpg").read_bytes()
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3, stride=8), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    files = sorted(tmp_path.glob("*.jpg"))
    for kept in ("jpeg", "lossless", "blurred", "none"):
        inspection = inspect(model, files, maps="0", categories=["a", "b"], size=32, measure=False, pictures=kept)
        content = inspection.save(tmp_path / "archive.safetensors").read_bytes()
        assert SECRET.encode() not in content
        assert all(not Image.open(io.BytesIO(inspection.image_bytes(image))).getexif() for image in range(2))
        assert inspection.provenance["pictures"] == kept
