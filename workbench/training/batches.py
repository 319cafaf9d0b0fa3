"""Which images come when, and how they are varied: all of it decided by (seed, epoch, image), so that a resumed training sees the same.

Shapes: B batch, N images, S side of the square images.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from workbench.datasets import MultiLabelDataset, transforms
from workbench.errors import WorkbenchError
from workbench.training.rand_augment import vary_strongly

# Up to here the squashed images are kept in memory; above it, worker processes read them anew each epoch.
MEMORY_LIMIT = 2 * 2**30
# Sides of the random part in "crops", as shares of the image, after the multi-scale crops that SRN was trained with.
CROP_SIDES = (1.0, 0.875, 0.75, 0.65625, 0.5)
CROP_PLACES = ((-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0))
# "fixed_crops", as MSRN was trained with: sides as shares of the original image's shorter one, in pairs of (width, height) that differ by
# two steps at most, and thirteen places: corners, middles, quarters.
FIXED_SIDES = (1.0, 0.9, 0.8, 0.7, 0.6)
FIXED_PAIRS = tuple((w, h) for i, w in enumerate(FIXED_SIDES) for j, h in enumerate(FIXED_SIDES) if abs(i - j) <= 2)
FIXED_PLACES = (*((x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)), *((x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)))
DRAWS = 4


def epoch_plan(count: int, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """A random order of `count` images, cut into batches whose sizes differ by one at most, so that none is left with a single image."""
    order = np.random.default_rng([seed, epoch, 0]).permutation(count)
    return np.array_split(order, max(1, -(-count // batch_size)))


def evaluation_plan(count: int, batch_size: int) -> list[np.ndarray]:
    """All images in order."""
    return np.array_split(np.arange(count), max(1, -(-count // batch_size)))


def epoch_draws(count: int, seed: int, epoch: int) -> np.ndarray:
    """Uniform numbers in [0, 1) for the augmentation: float32 [N, DRAWS], a row for each image; the first decides about mirroring."""
    return np.random.default_rng([seed, epoch, 1]).random((count, DRAWS), dtype=np.float32)


class ImageSource:
    """Images of a data set as model input, augmented.

    Args:
        dataset: where they come from.
        size: S.
        augmentation: as in `Recipe.augmentation`.
        device: where they are wanted.
        workers: processes that read images where they do not fit into memory; None: as many as there are cores, less one.
    """

    def __init__(self, dataset: MultiLabelDataset, size: int, augmentation: str, device: torch.device, workers: int | None = None) -> None:
        self.dataset, self.size, self.augmentation, self.device = dataset, size, augmentation, device
        self.workers = min(8, (os.cpu_count() or 1) - 1) if workers is None else workers
        self.in_memory = len(dataset) * size * size * 3 <= MEMORY_LIMIT

    def inputs(self, plan: Sequence[np.ndarray], draws: np.ndarray | None) -> Iterator[Tensor]:
        """Float [B, 3, S, S] in 0..1 for each batch of `plan`; `draws` [N, DRAWS] varies them, None leaves them as they are."""
        for indices, pixels in zip(plan, self._pixels(plan, draws), strict=True):
            images = pixels.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float() / 255  # [B, 3, S, S], channels last
            yield images if draws is None else augment(images, draws[indices], self.augmentation)

    def _pixels(self, plan: Sequence[np.ndarray], draws: np.ndarray | None) -> Iterator[Tensor]:
        """uint8 [B, S, S, 3] for each batch; parts that are cut out of the original images if the augmentation is of that kind."""
        cut = draws if self.augmentation == "fixed_crops" else None
        if self.in_memory and cut is None:
            pixels = self.dataset.pixels(self.size)
            for indices in plan:
                yield torch.from_numpy(pixels[indices])
        else:
            squashed = _Squashed(self.dataset, self.size, cut)
            order = [indices.tolist() for indices in plan]
            pinned = self.device.type == "cuda"
            for pixels, problems in DataLoader(
                squashed, batch_sampler=order, num_workers=self.workers, pin_memory=pinned, collate_fn=_together
            ):
                if problems:  # an error raised in the worker would come with its trace as text
                    raise WorkbenchError(problems[0])
                yield pixels


class _Squashed(Dataset["Tensor | str"]):
    """Single squashed images, uint8 [S, S, 3], for the workers of a DataLoader; in place of a broken one, what is wrong with it.

    Args:
        draws: [N, DRAWS], the part of each image that is squashed in place of the whole, see `fixed_crop`.
    """

    def __init__(self, dataset: MultiLabelDataset, size: int, draws: np.ndarray | None) -> None:
        self.dataset, self.size, self.draws = dataset, size, draws

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: Any) -> Tensor | str:
        from workbench.pictures import squash

        try:
            image = self.dataset.image(int(index))
            part = image if self.draws is None else fixed_crop(image, self.draws[index])
            return torch.from_numpy(np.array(squash(part, self.size)))
        except WorkbenchError as error:
            return str(error)


def _together(images: list[Tensor | str]) -> tuple[Tensor, list[str]]:
    """uint8 [B, S, S, 3], and what is wrong with the images that could not be read."""
    good = [image for image in images if not isinstance(image, str)]
    return torch.stack(good) if good else torch.empty(0), [image for image in images if isinstance(image, str)]


def mirrored(draws: np.ndarray) -> np.ndarray:
    """Which images are shown mirrored: bool [B], from their draws [B, DRAWS]."""
    return draws[:, 0] < 0.5


def fixed_crop(image: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """The part of an original image [H, W, 3] that its draws [DRAWS] name, mirrored or not: [h, w, 3].

    Its sides are `FIXED_SIDES` of the image's shorter one, so that no part of a wide photo shows all of it.
    """
    height, width = image.shape[:2]
    sides = FIXED_PAIRS[int(draws[1] * len(FIXED_PAIRS))]
    across, down = (max(1, round(min(height, width) * side)) for side in sides)
    x, y = FIXED_PLACES[int(draws[3] * len(FIXED_PLACES))]
    left, top = round((width - across) * (x + 1) / 2), round((height - down) * (y + 1) / 2)
    part = np.asarray(image)[top : top + down, left : left + across]
    return np.ascontiguousarray(part[:, ::-1] if mirrored(draws[None])[0] else part)


def augment(images: Tensor, draws: np.ndarray, kind: str) -> Tensor:
    """Vary images [B, 3, S, S] as their draws [B, DRAWS] say; the kinds are those of `Recipe.augmentation`.

    "fixed_crops" are cut out of the original images, before these are squashed: nothing is left to do.
    """
    if kind in ("none", "fixed_crops"):
        return images
    if kind == "vary":
        return transforms.augment(images, torch.Generator().manual_seed(int(draws[0, 3] * 2**24)))
    if kind == "modern":
        return torch.stack([vary_strongly(image, row) for image, row in zip(images, draws, strict=True)]).contiguous(
            memory_format=torch.channels_last
        )
    flip = torch.from_numpy(mirrored(draws)).to(images.device)
    if kind == "flip":
        return torch.where(flip[:, None, None, None], images.flip(-1), images)
    sides = np.array(CROP_SIDES)[(draws[:, 1:3] * len(CROP_SIDES)).astype(int)]
    places = np.array(CROP_PLACES)[(draws[:, 3] * len(CROP_PLACES)).astype(int)]
    affine = np.zeros((len(draws), 2, 3), dtype=np.float32)
    affine[:, 0, 0] = sides[:, 0] * np.where(mirrored(draws), -1, 1)
    affine[:, 1, 1] = sides[:, 1]
    affine[:, :, 2] = places * (1 - sides)  # the middle of the part, in -1..1 over the image
    grid = functional.affine_grid(torch.from_numpy(affine).to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
