"""Run a model over images and keep what it said and showed: the one way into an archive, for our models and for anybody's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.scene_editor import origin_of
from workbench.errors import WorkbenchError
from workbench.inspection import Channels, InspectionContents
from workbench.inspection.private import Keeping, encoded
from workbench.inspection.scaling import ScaledMaps, scaled
from workbench.regions import Region
from workbench.scores import doubt
from workbench.subject import Observation, Subject, subject_of

__all__ = ["Observation", "Subject", "batch_of", "capture", "predict", "subject_of"]

MAPS_BUDGET = 256 * 2**20  # bytes; above it an archive keeps the maps of true and top-scored labels only
EACH_BUDGET = 32 * 2**20  # bytes; above it relations are kept as their mean only
TOP_LABELS = 20
CHANNELS_BUDGET = 8 * 2**20  # bytes; raw channels are kept for the first images, as many as fit
CHANNEL_IMAGES = 12  # and at most this many


def capture(
    subject: Subject,
    dataset: MultiLabelDataset,
    *,
    name: str = "inspection",
    picture_size: int | None = None,
    top_labels: int | None = None,
    batch_size: int = 32,
    quality: int = 85,
    pictures: Keeping = "jpeg",
    provenance: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> InspectionContents:
    """Run `subject` over `dataset` and collect everything that an archive holds, measurements excepted.

    Args:
        picture_size: height = width of the stored pictures; the model's input size by default.
        top_labels: keep the maps of an image's true labels and of this many top-scored ones; by default all labels where they fit into
            256 MB, else 20.
        quality: JPEG quality of the pictures.
        pictures: how they are kept: "jpeg"; "lossless" (PNG, for small lesions and thin lines); "blurred" or "none" where they are
            private. Metadata of the source files is never kept.
        progress: called with (images done, images in all).
    """
    categories = subject.categories
    columns = categories.columns_of(dataset.categories)
    targets = np.ascontiguousarray(dataset.targets[:, columns], dtype=np.int8)
    frame = subject.size
    picture = (picture_size, picture_size) if picture_size else frame
    n = len(dataset)
    store = _Store(subject, targets, top_labels)
    images, sizes, regions = [], np.zeros((n, 2), dtype=np.int32), []
    pixels = dataset.pixels(subject.size)
    device = subject.device
    for begin in range(0, n, batch_size):
        rows = range(begin, min(begin + batch_size, n))
        store.add(rows, batch_of(pixels, rows, device))
        for row in rows:
            source = dataset.image(row).shape[:2]
            sizes[row] = source
            images.append(encoded(dataset.picture(row), picture, pictures, quality))
            regions.append([region.resized(source, frame, picture) for region in _known_regions(dataset, row, categories)])
        if progress:
            progress(rows.stop, n)
    _require_scores(subject, store.logits[subject.scored], dataset.ids)
    _tell_of_gaps(store.maps)
    return InspectionContents(
        categories=Categories(categories.names, dataset.categories.groups),
        ids=list(dataset.ids),
        images=images,
        sizes=sizes,
        frame=frame,
        picture=picture,
        targets=targets,
        logits=store.logits,
        logit_kinds=subject.logit_kinds,
        scored=subject.scored,
        maps=store.maps,
        map_kinds=subject.map_kinds,
        map_labels=store.labels,
        features=store.features(),
        regions=regions if any(regions) else None,
        relations={key: value / max(n, 1) for key, value in store.relation_sums.items()},
        relations_each=store.relations_each,
        relation_titles=subject.relation_titles,
        parts=store.parts,
        part_kinds=subject.part_kinds,
        decomposes=subject.scored if subject.part_kinds else None,
        tables=subject.tables,
        channels=store.channels(),
        provenance={
            "name": name,
            "data": dataset.name,
            "pictures": pictures,
            **origin_of(dataset),
            **subject.description,
            **(provenance or {}),
        },
    )


def _require_scores(subject: Subject, logits: np.ndarray, ids: Sequence[str]) -> None:
    """Are the scores numbers, and do they look like logits? Raises WorkbenchError where none is a number."""
    bad = np.isnan(logits).any(axis=1)
    if bad.any():
        broken = next((name for name, weight in subject.module.named_parameters() if not torch.isfinite(weight).all()), None)
        cause = f'the weights "{broken}" hold NaN or infinity' if broken else "look at what prepare= gives for them"
        if bad.all():
            raise WorkbenchError(f"The model's scores are NaN for every image; {cause}.")
        names = ", ".join(ids[row] for row in np.flatnonzero(bad)[:3].tolist()) + (", ..." if bad.sum() > 3 else "")
        warnings.warn(
            f"The model's scores are NaN for {bad.sum()} of {len(bad)} images ({names}); {cause}. No accuracy is counted on them.",
            stacklevel=3,
        )
    if subject.scores is None:
        doubt(logits, "The model's scores")


def _tell_of_gaps(maps: Mapping[str, ScaledMaps]) -> None:
    """Warn of maps that are not numbers everywhere."""
    for name, values in maps.items():
        gaps = ~np.isfinite(values.halves).all(axis=(2, 3))
        if gaps.any():
            warnings.warn(
                f'{gaps.sum()} of {gaps.size} maps "{name}" hold cells that are not a number; they are shown as NaN, and no measure counts '
                "these maps.",
                stacklevel=3,
            )


def predict(subject: Subject, dataset: MultiLabelDataset, batch_size: int = 64) -> np.ndarray:
    """The scored logits of a data set, columns in the model's order: float32 [N, C]."""
    pixels = dataset.pixels(subject.size)
    device = subject.device
    logits = []
    with torch.no_grad():
        for begin in range(0, len(dataset), batch_size):
            logits.append(_numpy(subject.score(batch_of(pixels, range(begin, min(begin + batch_size, len(dataset))), device))))
    return np.concatenate(logits)


def batch_of(pixels: np.ndarray, rows: range | Sequence[int], device: torch.device) -> Tensor:
    """Rows of uint8 [N, H, W, 3] as float [B, 3, H, W] in 0..1."""
    part = torch.from_numpy(pixels[list(rows)]).to(device)
    return part.permute(0, 3, 1, 2).float() / 255


class _Store:
    """Arrays that fill up batch by batch."""

    def __init__(self, subject: Subject, targets: np.ndarray, top_labels: int | None) -> None:
        self.subject, self.targets = subject, targets
        self.n, self.c = targets.shape
        self.top = top_labels
        self.logits = {kind.name: np.zeros((self.n, self.c), dtype=np.float32) for kind in subject.logit_kinds}
        self.maps: dict[str, ScaledMaps] = {}
        self.labels: dict[str, np.ndarray] = {}
        self.relation_sums: dict[str, np.ndarray] = {}
        self.relations_each: dict[str, np.ndarray] = {}
        self.parts = {kind.name: np.zeros((self.n, self.c), dtype=np.float32) for kind in subject.part_kinds}
        self._channels: list[dict[str, np.ndarray]] = []
        self._features: list[np.ndarray] = []
        self._pairs: list[np.ndarray] = []

    def add(self, rows: range, images: Tensor) -> None:
        with torch.no_grad():
            seen = self.subject.observe(images)
        for name, logits in self.logits.items():
            logits[rows] = _numpy(seen.logits[name])
        for name, part in self.parts.items():
            part[rows] = _numpy(seen.parts[name])
        self._keep_channels({layer: _numpy(values) for layer, values in seen.channels.items()}, len(rows))
        if not self.maps:
            self._allocate({kind.name: seen.maps[kind.name] for kind in self.subject.map_kinds})
        chosen = self._chosen(rows, _numpy(seen.logits[self.subject.scored]))
        for name, array in self.maps.items():
            values = seen.maps[name].detach().double().cpu().numpy()
            if name in self.labels:
                self.labels[name][rows] = chosen
                values = np.where(chosen[..., None, None] >= 0, np.take_along_axis(values, chosen.clip(0)[..., None, None], axis=1), 0)
            kept = scaled(values)
            array.halves[rows], array.scales[rows] = kept.halves, kept.scales
        if seen.features is not None:
            image, label = np.nonzero(self.targets[rows] == 1)
            self._features.append(_numpy(seen.features)[image, label])
            self._pairs.append(np.stack([image + rows.start, label], axis=1).astype(np.int32))
        if self.subject.relations is not None:
            for name, cube in self.subject.relations(images).items():
                values = _numpy(cube)
                self.relation_sums[name] = self.relation_sums.get(name, 0) + values.sum(axis=0)
                if self.n * self.c * self.c * 2 <= EACH_BUDGET:
                    self.relations_each.setdefault(name, np.zeros((self.n, self.c, self.c), dtype=np.float16))[rows] = values

    def features(self) -> tuple[np.ndarray, np.ndarray] | None:
        return (np.concatenate(self._features), np.concatenate(self._pairs)) if self._features else None

    def channels(self) -> Channels | None:
        if not self._channels:
            return None
        layers = {layer: np.stack([kept[layer] for kept in self._channels]) for layer in self._channels[0]}
        return Channels(np.arange(len(self._channels)), layers, self.subject.channel_steering)

    def _keep_channels(self, layers: Mapping[str, np.ndarray], count: int) -> None:
        cells = sum(values[0].size for values in layers.values())
        room = min(CHANNEL_IMAGES, CHANNELS_BUDGET // (2 * cells)) if cells else 0
        for row in range(min(count, room - len(self._channels))):
            self._channels.append({layer: values[row] for layer, values in layers.items()})

    def _allocate(self, maps: Mapping[str, Tensor]) -> None:
        cells = sum(value.shape[2] * value.shape[3] for value in maps.values())
        if self.top is None and self.n * self.c * cells * 2 > MAPS_BUDGET:
            self.top = TOP_LABELS
        stored = self.c
        if self.top is not None:
            stored = min(self.c, self.top + int((self.targets == 1).sum(axis=1).max(initial=0)))
        for name, value in maps.items():
            halves = np.zeros((self.n, stored, *value.shape[2:]), dtype=np.float16)
            self.maps[name] = ScaledMaps(halves, np.ones((self.n, stored)))
            if self.top is not None and self.top < self.c:
                self.labels[name] = np.full((self.n, stored), -1, dtype=np.int16)

    def _chosen(self, rows: range, scores: np.ndarray) -> np.ndarray:
        """Labels whose maps are kept, true ones first, then by score; -1 fills up: int [B, K]."""
        if not self.labels:
            return np.zeros((len(rows), 0), dtype=np.int64)
        stored = next(iter(self.labels.values())).shape[1]
        present = self.targets[rows] == 1
        order = np.argsort(-scores - 1e6 * present, axis=1, kind="stable")[:, :stored]
        wanted = present.sum(axis=1) + (self.top or 0)
        return np.where(np.arange(stored)[None] < wanted[:, None], order, -1)


def _known_regions(dataset: MultiLabelDataset, row: int, categories: Categories) -> list[Region]:
    return [region for region in dataset.regions(row) if region.category in categories]


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
