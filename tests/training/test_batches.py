import numpy as np
import pytest
import torch

from tests.training.colored_blocks import ColoredBlocks
from workbench.pictures import squash
from workbench.training import batches
from workbench.training.batches import DRAWS, ImageSource, augment, epoch_draws, epoch_plan, mirrored

CPU = torch.device("cpu")


@pytest.mark.parametrize(("count", "size"), [(10, 3), (9, 8), (5, 10), (1, 4), (33, 32)])
def test_an_epoch_shows_every_image_once_in_batches_of_nearly_the_same_size(count, size):
    plan = epoch_plan(count, size, seed=3, epoch=1)
    assert sorted(np.concatenate(plan).tolist()) == list(range(count))
    sizes = [len(batch) for batch in plan]
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1


def test_order_and_draws_follow_from_seed_and_epoch_alone():
    order = [np.concatenate(epoch_plan(50, 8, seed, epoch)).tolist() for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert order[0] == order[1]
    assert order[0] != order[2]
    assert order[0] != order[3]
    assert np.array_equal(epoch_draws(50, 0, 4), epoch_draws(50, 0, 4))
    assert not np.array_equal(epoch_draws(50, 0, 4), epoch_draws(50, 0, 5))
    assert 0.3 < mirrored(epoch_draws(500, 0, 0)).mean() < 0.7


def test_flip_mirrors_those_whose_draw_says_so():
    images = torch.rand(4, 3, 6, 6)
    draws = np.full((4, DRAWS), 0.9, dtype=np.float32)
    draws[1, 0] = 0.1
    result = augment(images, draws, "flip")
    assert torch.equal(result[1], images[1].flip(-1))
    assert torch.equal(result[[0, 2, 3]], images[[0, 2, 3]])
    assert torch.equal(augment(images, draws, "none"), images)


def test_crops_enlarge_the_part_that_the_draws_name():
    ramp = torch.linspace(0, 1, 16).view(1, 1, 1, 16).expand(1, 3, 16, 16).contiguous()

    def crop(flip, width, height, place):
        return augment(ramp, np.array([[flip, width, height, place]], dtype=np.float32), "crops")[0, 0, 8]

    assert torch.allclose(crop(0.9, 0, 0, 0), ramp[0, 0, 8], atol=1e-6)  # the whole image
    left, right = crop(0.9, 0.99, 0, 0), crop(0.9, 0.99, 0, 0.5)
    assert left.max() < 0.51 < 0.49 + right.min()
    assert torch.allclose(crop(0.1, 0.99, 0, 0), left.flip(0), atol=1e-6)


def test_fixed_crops_have_thirteen_places_and_sides_two_steps_apart_at_most():
    assert len(set(batches.FIXED_PLACES)) == len(batches.FIXED_PLACES) == 13
    assert len(batches.FIXED_PAIRS) == 19  # of 25, without the six that differ by three or four steps
    assert (1.0, 0.8) in batches.FIXED_PAIRS
    assert (1.0, 0.7) not in batches.FIXED_PAIRS


@pytest.mark.parametrize("shape", [(40, 70), (70, 40), (33, 33), (1, 5)])
def test_fixed_crops_come_from_the_original_with_sides_of_its_shorter_one(shape):
    """Every size and place, against a loop over the pixels of the original."""
    height, width = shape
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows, columns, rows + columns], axis=2).astype(np.uint8)
    shorter = min(shape)
    for number, (across, down) in enumerate(batches.FIXED_PAIRS):
        for corner, (x, y) in enumerate(batches.FIXED_PLACES):
            for flip in (0.1, 0.9):
                draws = np.array([flip, (number + 0.5) / 19, 0, (corner + 0.5) / 13], dtype=np.float32)
                part = batches.fixed_crop(image, draws)
                h, w = max(1, round(down * shorter)), max(1, round(across * shorter))
                assert part.shape == (h, w, 3)
                top = {-1: 0, -0.5: round((height - h) / 4), 0: round((height - h) / 2), 0.5: round(3 * (height - h) / 4), 1: height - h}[y]
                left = {-1: 0, -0.5: round((width - w) / 4), 0: round((width - w) / 2), 0.5: round(3 * (width - w) / 4), 1: width - w}[x]
                expected = [list(range(left, left + w)), list(range(left + w - 1, left - 1, -1))][flip < 0.5]
                assert part[0, :, 1].tolist() == expected
                assert part[:, 0, 0].tolist() == list(range(top, top + h))


class Wide(ColoredBlocks):
    """Originals that are twice as wide as high, left half black, right half white."""

    def image(self, index):
        image = np.zeros((32, 64, 3), dtype=np.uint8)
        image[:, 32:] = 255
        return image


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_fixed_crop_never_shows_all_of_a_wide_photo_and_evaluation_does(workers):
    source = ImageSource(Wide("train", 12, size=32), 32, "fixed_crops", CPU, workers=workers)
    plan = epoch_plan(12, 5, 0, 0)
    draws = epoch_draws(12, 0, 0)
    parts = torch.cat(list(source.inputs(plan, draws)))
    again = torch.cat(list(source.inputs(plan, draws)))
    assert torch.equal(parts, again)
    for part, index in zip(parts, np.concatenate(plan), strict=True):
        whole = squash(batches.fixed_crop(source.dataset.image(int(index)), draws[index]), 32)
        assert torch.equal(part, torch.from_numpy(np.array(whole)).permute(2, 0, 1).float() / 255)
    shares = parts.mean((1, 2, 3))
    assert shares.min() < 0.1
    assert shares.max() > 0.9, "a part of one half alone: the shorter side counts, not the squashed image"
    assert torch.allclose(next(source.inputs([np.arange(12)], None)).mean((1, 2, 3)), torch.tensor(0.5), atol=0.02)


def test_vary_is_the_same_for_the_same_draws():
    images = torch.rand(4, 3, 16, 16)
    draws = epoch_draws(4, 0, 0)
    assert torch.equal(augment(images, draws, "vary"), augment(images, draws, "vary"))
    assert not torch.equal(augment(images, draws, "vary"), augment(images, epoch_draws(4, 0, 1), "vary"))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12 and later, about torch's own worker processes
@pytest.mark.parametrize("workers", [0, 2])
def test_large_data_sets_are_read_by_workers_and_give_the_same_input(workers, monkeypatch):
    dataset = ColoredBlocks("train", 10, size=40)
    plan = epoch_plan(10, 4, 0, 0)
    in_memory = ImageSource(dataset, 32, "flip", CPU)
    monkeypatch.setattr(batches, "MEMORY_LIMIT", 1000)
    monkeypatch.setattr(batches.os, "cpu_count", lambda: workers + 1)
    streamed = ImageSource(dataset, 32, "flip", CPU)
    assert in_memory.in_memory
    assert not streamed.in_memory
    for draws in (None, epoch_draws(10, 0, 0)):
        for left, right in zip(in_memory.inputs(plan, draws), streamed.inputs(plan, draws), strict=True):
            assert left.shape[1:] == (3, 32, 32)
            assert left.is_contiguous(memory_format=torch.channels_last)
            assert torch.equal(left, right)
