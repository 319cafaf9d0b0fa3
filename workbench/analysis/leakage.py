"""Leakage between labels: take the evidence of label A out of a picture; how far does label B move? A model that reads B off A's pixels,
because both often go together, moves B although all that shows B is still there.

The evidence of A is its object where there are regions, else the fifth of the picture that its map puts highest. Pixels of other labels'
objects are never painted over; a picture of which this leaves less than half of A's object is left out and counted. Moves are changes of
probability. A control paints the same shape elsewhere in the picture, off A's object: what any painting does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from workbench.analysis.imputation import painted
from workbench.capture import Subject, batch_of
from workbench.datasets.base import MultiLabelDataset
from workbench.inspection import Inspection, Table
from workbench.metrics.grids import resize_maps
from workbench.metrics.references import label_masks, present_pairs

__all__ = ["Leakage", "leakage"]

TABLE = "leakage"
MEANING = "Change of the column's probability when the evidence of the row's label is painted over, mean over images; size, not direction."
TOP_AREA = 0.2  # share of the picture that is A's evidence where it has no region
LINKED = 5  # ids of images kept for a pair
STRONGEST = 12  # pairs that are listed in an archive


@dataclass
class Leakage:
    """What moved.

    Attributes:
        moved: float [C, C]: mean size of the change of the column's probability when the row's evidence is gone; NaN for labels without
            an image that counts. signed: the same with its direction (negative: the column fell).
        control: float [C, C]: the same as `moved` when as much is painted over elsewhere.
        counts: int [C]: images of each row. dropped: pictures left out.
        images: ids of the images in which the column moved most, by (row, column).
        evidence: "regions", or the name of the kind of map.
    """

    moved: np.ndarray
    signed: np.ndarray
    control: np.ndarray
    counts: np.ndarray
    dropped: int
    evidence: str
    fill: str
    images: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    @property
    def headline(self) -> float | None:
        """How far another label moves on average, in probability: the mean of `moved` off the diagonal."""
        return _off_diagonal(self.moved)

    def strongest(self, count: int) -> list[tuple[int, int]]:
        """The pairs (row, column) of different labels that move most, the strongest first."""
        moved = np.where(np.eye(len(self.moved), dtype=bool), np.nan, self.moved)
        order = np.argsort(-np.nan_to_num(moved, nan=-1.0), axis=None, kind="stable")[:count]
        return [(int(row), int(column)) for row, column in (divmod(place, len(moved)) for place in order) if moved[row, column] >= 0]

    def measurement(self, names: Sequence[str]) -> dict[str, Any]:
        """JSON that stands beside the maps: the headline, what the label itself lost, what painting elsewhere does, the strongest pairs
        with the images in which they moved most."""
        own = np.diag(self.moved)
        pairs = [
            {
                "of": names[row],
                "on": names[column],
                "moved": float(self.moved[row, column]),
                "signed": float(self.signed[row, column]),
                "control": float(self.control[row, column]),
                "images": self.images[row, column],
            }
            for row, column in self.strongest(STRONGEST)
        ]
        return {
            "leakage": {
                "other labels move": self.headline,
                "the label itself moves": float(np.nanmean(own)) if not np.isnan(own).all() else None,
                "other labels move when as much is painted elsewhere": _off_diagonal(self.control),
                "n": int(self.counts.sum()),
                "evidence": self.evidence,
                "fill": self.fill,
                "pairs": pairs,
            }
        }

    def table(self, names: tuple[str, ...]) -> Table:
        """The matrix for an archive; labels without an image that counts have 0."""
        return Table(np.nan_to_num(self.moved).astype(np.float32), names, names, "Leakage", MEANING)


def leakage(
    subject: Subject,
    dataset: MultiLabelDataset,
    inspection: Inspection,
    limit: int = 60,
    kind: str | None = None,
    fill: str = "blur",
    batch_size: int = 64,
) -> Leakage | None:
    """Leakage between all labels, on the present labels of the first `limit` images; None where there is nothing to take away.

    Args:
        kind: take this kind of map for the evidence even where there are regions; by default the first kind where there are none.
        fill: what stands in place of the evidence, see `workbench.analysis.imputation`.
    """
    if kind is None and not inspection.has_regions:
        kind = next(iter(inspection.map_kinds), None)
        if kind is None:
            return None
    image, label, gone, elsewhere, dropped = _evidence(inspection, limit, kind)
    if not len(image):
        return None
    pixels, count = dataset.pixels(subject.size), len(inspection.categories)
    before, after, control = (np.zeros((len(image), count)) for _ in range(3))
    with torch.no_grad():
        for begin in range(0, len(image), batch_size):
            part = slice(begin, begin + batch_size)
            pictures = batch_of(pixels, image[part].tolist(), subject.device)
            for result, masks in ((before, None), (after, gone), (control, elsewhere)):
                shown = pictures if masks is None else painted(pictures, torch.from_numpy(masks[part]).to(subject.device), fill)
                result[part] = subject.score(shown).float().sigmoid().cpu().numpy()
    counts = np.bincount(label, minlength=count)
    change = after - before
    return Leakage(
        moved=_mean_by_row(np.abs(change), label, counts),
        signed=_mean_by_row(change, label, counts),
        control=_mean_by_row(np.abs(control - before), label, counts),
        counts=counts,
        dropped=dropped,
        evidence=kind or "regions",
        fill=fill,
        images=_most_moved(np.abs(change), image, label, inspection.ids),
    )


def _evidence(inspection: Inspection, limit: int, kind: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Images [M], labels [M], evidence bool [M, H, W], the control's pixels bool [M, H, W], and how many were left out."""
    found, dropped = [], 0
    images, labels = present_pairs(inspection, limit)
    for each in np.unique(images).tolist():
        if kind is None:
            known, masks, _ = label_masks(inspection, each)
        else:
            known, masks = _top_areas(inspection, kind, each, labels[images == each])
        for place, which in enumerate(known.tolist()):
            others = np.delete(masks, place, axis=0).any(axis=0) if kind is None else np.zeros_like(masks[place])
            gone = masks[place] & ~others
            if 2 * gone.sum() < masks[place].sum():
                dropped += 1
                continue
            found.append((each, which, gone, _moved_away(gone, masks[place] | others)))
    if not found:
        empty = np.zeros(0, dtype=int)
        return empty, empty, np.zeros((0, *inspection.frame), bool), np.zeros((0, *inspection.frame), bool), dropped
    image, label, gone, elsewhere = (np.array(column) for column in zip(*found, strict=True))
    return image, label, gone, elsewhere, dropped


def _top_areas(inspection: Inspection, kind: str, image: int, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels [K] of which a map is stored, and the part of the picture that each puts highest: bool [K, H, W]."""
    stored, values = inspection.measured_maps(kind, image)
    kept = np.isin(stored, wanted) & np.isfinite(values).all(axis=(1, 2))
    maps = resize_maps(values[kept], *inspection.frame).reshape(int(kept.sum()), -1)
    masks = np.zeros(maps.shape, dtype=bool)
    np.put_along_axis(masks, np.argsort(-maps, axis=1, kind="stable")[:, : round(TOP_AREA * maps.shape[1])], True, axis=1)
    return stored[kept], masks.reshape(-1, *inspection.frame)


def _moved_away(mask: np.ndarray, forbidden: np.ndarray) -> np.ndarray:
    """The same shape where it covers the least of what must not be touched, cut there: bool [H, W]. Of a grid of 8 x 8 shifts the best."""
    height, width = mask.shape
    shifts = [(down, across) for down in range(0, height, max(1, height // 8)) for across in range(0, width, max(1, width // 8))]
    best = min(shifts, key=lambda shift: int((np.roll(mask, shift, axis=(0, 1)) & forbidden).sum()))
    return np.roll(mask, best, axis=(0, 1)) & ~forbidden


def _mean_by_row(change: np.ndarray, label: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """[M, C] -> [C, C], NaN for rows without an image."""
    sums = np.zeros((len(counts), len(counts)))
    np.add.at(sums, label, change)
    return np.divide(sums, counts[:, None], out=np.full_like(sums, np.nan), where=counts[:, None] > 0)


def _most_moved(change: np.ndarray, image: np.ndarray, label: np.ndarray, ids: list[str]) -> dict[tuple[int, int], list[str]]:
    result = {}
    for row in np.unique(label).tolist():
        places = np.flatnonzero(label == row)
        for column in range(change.shape[1]):
            order = places[np.argsort(-change[places, column], kind="stable")][:LINKED]
            result[row, column] = [ids[image[place]] for place in order]
    return result


def _off_diagonal(matrix: np.ndarray) -> float | None:
    values = matrix[~np.eye(len(matrix), dtype=bool)]
    return float(np.nanmean(values)) if values.size and not np.isnan(values).all() else None
