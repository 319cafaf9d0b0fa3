"""What stands where a picture was painted over: ROAD's linear system against its definition and against Quantus, the blur, the mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workbench import WorkbenchError
from workbench.analysis.imputation import FILLS, blurred, noisy_linear, painted

# Quantus 0.6.0, noisy_linear_imputation(noise=0), every ninth pixel of the picture below
QUANTUS = [0.085649, 0.113672, 0.511545, 0.773277, 0.581432, 0.545152, 0.871139, 0.566978, 0.787033, 0.378435, 0.679884, 0.500479, 0.517619,
           0.921427, 0.481963, 0.389855, 0.279892, 0.415165, 0.553672, 0.501764, 0.516301]  # fmt: skip


def picture_and_mask():
    random = np.random.default_rng(3)
    picture = random.random((3, 9, 7))
    return torch.from_numpy(picture)[None], torch.from_numpy(random.random((9, 7)) < 0.6)[None]


def test_linear_imputation_gives_the_numbers_of_quantus():
    result = noisy_linear(*picture_and_mask(), noise=0)[0].reshape(3, -1)[:, ::9].ravel()
    np.testing.assert_allclose(result.numpy(), QUANTUS, atol=1e-6)


def test_each_painted_pixel_is_the_weighted_mean_of_its_neighbours_and_the_others_stay():
    pictures, masks = picture_and_mask()
    result = noisy_linear(pictures, masks, noise=0)[0].numpy()
    for y in range(9):
        for x in range(7):
            if not masks[0, y, x]:
                np.testing.assert_array_equal(result[:, y, x], pictures[0, :, y, x].numpy())
                continue
            total, weights = np.zeros(3), 0.0
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    if (dy or dx) and 0 <= y + dy < 9 and 0 <= x + dx < 7:
                        weight = 1 / 12 if dy and dx else 1 / 6
                        total, weights = total + weight * result[:, y + dy, x + dx], weights + weight
            np.testing.assert_allclose(result[:, y, x], total / weights, atol=1e-9)


def test_noise_has_its_size_and_depends_on_the_seed_alone():
    pictures = torch.full((2, 3, 32, 32), 0.5, dtype=torch.float64)
    masks = torch.zeros(2, 32, 32, dtype=torch.bool)
    masks[:, 4:28, 4:28] = True
    first, again, other = (noisy_linear(pictures, masks, noise=0.1, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert float((first - 0.5)[:, :, 4:28, 4:28].std()) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("fill", FILLS)
def test_nothing_painted_changes_nothing_and_everything_painted_forgets_the_pixels(fill):
    pictures = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    none, every = torch.zeros(2, 24, 24, dtype=torch.bool), torch.ones(2, 24, 24, dtype=torch.bool)
    assert torch.equal(painted(pictures, none, fill), pictures)
    gone = painted(pictures, every, fill)
    assert float((gone - pictures).abs().mean()) > 0.1
    torch.testing.assert_close(gone.mean((2, 3)), pictures.mean((2, 3)), atol=0.05, rtol=0)


def test_blur_equals_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    picture = torch.rand(1, 3, 30, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    # scipy calls it "mirror" that the pixel at the edge is not repeated
    expected = ndimage.gaussian_filter(picture[0].numpy(), (0, 2, 2), mode="mirror", radius=(0, 5, 5))
    np.testing.assert_allclose(blurred(picture)[0].numpy(), expected, atol=1e-9)


def test_an_unknown_fill_names_the_nearest():
    with pytest.raises(WorkbenchError, match=r'called "blurr".*Did you mean "blur"'):
        painted(torch.zeros(1, 3, 8, 8), torch.ones(1, 8, 8, dtype=torch.bool), "blurr")
