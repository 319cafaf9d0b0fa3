"""What stands where a picture was painted over. A painted picture should say nothing about the object and still look like a picture:
plain colours leave the training distribution, and a model's answer to that is mixed up with what the map found.

- "mean": the picture's mean colour.
- "blur": the picture under a Gaussian of a tenth of its side. RISE (Petsiuk et al. 2018) takes 5 of 224 pixels, which leaves large objects
  readable.
- "noisy linear": each painted pixel is the weighted mean of its neighbours, 1/6 for the four beside it and 1/12 for the diagonal ones,
  painted neighbours included: one sparse linear system a picture; then a little noise. ROAD (Rong et al., *A Consistent and Efficient
  Evaluation Strategy for Attribution Methods*, ICML 2022, arXiv 2202.00449). The shape of what was painted over gives less away than with a
  colour.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.errors import WorkbenchError, did_you_mean

__all__ = ["FILLS", "blurred", "noisy_linear", "painted"]

FILLS = ("mean", "blur", "noisy linear")
NOISE = 0.01  # standard deviation, of pixels in 0..1
NEIGHBOURS = {(0, 1): 1 / 6, (1, 0): 1 / 6, (1, 1): 1 / 12, (1, -1): 1 / 12}  # and the opposite ones


def painted(pictures: Tensor, masks: Tensor, fill: str, base: Tensor | None = None, seed: int = 0) -> Tensor:
    """Pictures with the pixels of their masks replaced.

    Args:
        pictures: float [B, 3, H, W] in 0..1; masks: bool [B, H, W], True where a pixel is gone.
        fill: one of `FILLS`.
        base: what `base_of` gave for these pictures, where it is at hand.
        seed: of the noise.

    Raises: WorkbenchError for an unknown fill.
    """
    if fill == "noisy linear":
        return noisy_linear(pictures, masks, seed=seed)
    return torch.where(masks[:, None], base_of(pictures, fill) if base is None else base, pictures)


def base_of(pictures: Tensor, fill: str) -> Tensor:
    """What takes the place of painted pixels, where that does not depend on the mask: float [B, 3, H, W] or [B, 3, 1, 1]."""
    if fill not in FILLS:
        raise WorkbenchError(f'There is no way to paint over called "{fill}".{did_you_mean(fill, FILLS)}')
    return blurred(pictures) if fill == "blur" else pictures.mean(dim=(2, 3), keepdim=True)


def blurred(pictures: Tensor, sigma: float | None = None) -> Tensor:
    """Under a Gaussian, mirrored at the edges: float [B, 3, H, W]; `sigma` in pixels, a tenth of the shorter side by default."""
    sigma = sigma or min(pictures.shape[2:]) / 10
    radius = min(int(np.ceil(2.5 * sigma)), min(pictures.shape[2:]) - 1)
    weights = torch.exp(-(torch.arange(-radius, radius + 1, device=pictures.device, dtype=pictures.dtype) ** 2) / (2 * sigma**2))
    weights = (weights / weights.sum()).expand(pictures.shape[1], 1, -1)
    wide = torch.nn.functional.pad(pictures, (radius,) * 4, mode="reflect")
    down = torch.nn.functional.conv2d(wide, weights[..., None], groups=pictures.shape[1])
    return torch.nn.functional.conv2d(down, weights[:, :, None], groups=pictures.shape[1])


def noisy_linear(pictures: Tensor, masks: Tensor, noise: float = NOISE, seed: int = 0) -> Tensor:
    """ROAD's imputation: pictures float [B, 3, H, W], masks bool [B, H, W] -> float [B, 3, H, W].

    A picture that is gone altogether takes its mean colour. One sparse solve a picture: about 15 ms at 64 pixels, far more at 224.
    """
    from scipy.sparse.linalg import splu

    height, width = masks.shape[1:]
    system = _system(height, width)
    random = np.random.default_rng(seed)
    result = pictures.detach().cpu().double().numpy().reshape(len(pictures), pictures.shape[1], -1).copy()  # [B, 3, P]
    for values, gone in zip(result, masks.cpu().numpy().reshape(len(masks), -1), strict=True):
        if gone.all():
            values[:] = values.mean(axis=1, keepdims=True)
        elif gone.any():
            rows = system[gone]
            solved = splu(rows[:, gone].tocsc(), permc_spec="MMD_AT_PLUS_A").solve(-(rows[:, ~gone] @ values[:, ~gone].T))
            values[:, gone] = solved.T + noise * random.standard_normal((len(values), int(gone.sum())))
    return torch.from_numpy(result.reshape(pictures.shape)).to(pictures)


@lru_cache(maxsize=4)
def _system(height: int, width: int) -> Any:
    """Sparse [P, P]: a pixel's weights (they sum to one but for the edges of the picture) minus those of its neighbours."""
    from scipy import sparse

    place = np.arange(height * width).reshape(height, width)
    rows, columns, weights = [], [], []
    for (down, across), weight in NEIGHBOURS.items():
        here = place[: height - down, max(0, -across) : width - max(0, across)].ravel()
        there = place[down:, max(0, across) : width - max(0, -across)].ravel()
        rows += [here, there]
        columns += [there, here]
        weights += [np.full(2 * len(here), weight)]
    ties = sparse.csr_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(place.size,) * 2)
    return (sparse.diags(np.asarray(ties.sum(axis=1)).ravel()) - ties).tocsr()
