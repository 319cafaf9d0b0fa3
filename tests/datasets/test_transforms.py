"""Augmentations: right shapes, the same for the same generator, and never upside down."""

import pytest
import torch

from workbench.datasets.transforms import augment, color_jitter, random_flip, random_shift, to_float
from workbench.errors import WorkbenchError


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(batch=64, size=12):
    return torch.rand(batch, 3, size, size + 4, generator=generator(9))


def test_to_float_takes_both_orders():
    pixels = torch.randint(0, 256, (2, 5, 7, 3), dtype=torch.uint8, generator=generator())
    floats = to_float(pixels)
    assert floats.shape == (2, 3, 5, 7)
    assert floats.dtype == torch.float32
    torch.testing.assert_close(floats[1, 2, 4, 6], pixels[1, 4, 6, 2] / 255)
    torch.testing.assert_close(to_float(pixels.permute(0, 3, 1, 2)), floats)
    assert pixels.max() > 200  # the input is as it was


@pytest.mark.parametrize(
    "pixels", [torch.zeros(2, 5, 7, 3), torch.zeros(2, 5, 7, 4, dtype=torch.uint8), torch.zeros(5, 7, 3, dtype=torch.uint8)]
)
def test_to_float_refuses_other_things(pixels):
    with pytest.raises(WorkbenchError, match="expected uint8"):
        to_float(pixels)


def test_flip_mirrors_about_half_of_the_images_and_leaves_the_others():
    before = images(200)
    after = random_flip(before, generator())
    mirrored = (after == before.flip(-1)).all(dim=(1, 2, 3))
    assert ((after == before).all(dim=(1, 2, 3)) ^ mirrored).all()
    assert 70 < int(mirrored.sum()) < 130


def test_shift_moves_each_image_by_itself_and_reflects_at_the_edge():
    before = torch.arange(20.0).view(1, 1, 1, 20).expand(50, 3, 20, 20).contiguous()  # value = column
    after = random_shift(before, generator(), fraction=0.2)
    starts = after[:, 0, 10, 8] - 8
    assert starts.min() == -4
    assert starts.max() == 4
    for image, start in zip(after, starts, strict=True):
        columns = torch.arange(20) + start
        reflected = 19 - (19 - columns.abs()).abs()
        torch.testing.assert_close(image[0, 0], reflected)


def test_shift_moves_rows_as_well():
    before = torch.arange(20.0).view(1, 1, 20, 1).expand(50, 3, 20, 20).contiguous()
    rows = random_shift(before, generator(), fraction=0.1)[:, 0, 10, 10]
    assert set(rows.tolist()) == {8.0, 9.0, 10.0, 11.0, 12.0}


def test_jitter_stays_in_range_and_keeps_the_place_of_things():
    before = images()
    after = color_jitter(before, generator(), strength=0.3)
    assert after.min() >= 0
    assert after.max() <= 1
    assert (after != before).any(dim=3).any(dim=2).any(dim=1).all()
    for one, other in zip(before, after, strict=True):
        assert torch.corrcoef(torch.stack([one.mean(dim=0).flatten(), other.mean(dim=0).flatten()]))[0, 1] > 0.9
    torch.testing.assert_close(color_jitter(before, generator(), strength=0.0), before)


@pytest.mark.parametrize("change", [random_flip, random_shift, color_jitter, augment])
def test_the_generator_settles_everything(change):
    before = images()
    copy = before.clone()
    torch.manual_seed(1)
    first = change(before, generator(3))
    torch.manual_seed(2)
    torch.testing.assert_close(change(before, generator(3)), first, rtol=0, atol=0)
    assert not torch.equal(change(before, generator(4)), first)
    assert torch.equal(before, copy)
    assert first.shape == before.shape
    assert first.dtype == before.dtype


def test_above_stays_above():
    before = torch.zeros(300, 3, 16, 16)
    before[:, :, :6] = 1.0
    after = augment(before, generator())
    assert (after[:, :, :7].mean(dim=(1, 2, 3)) > after[:, :, 9:].mean(dim=(1, 2, 3))).all()
