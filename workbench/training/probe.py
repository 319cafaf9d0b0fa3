"""The probe: what the model makes of a few fixed validation images after each epoch, for the slider that plays a training.

A file holds tensors named and shaped as in an inspection archive: maps.<kind> float16 [n, C, h, w], logits.<name> float32 [n, C],
features.values float16 [P, D] and features.pairs int32 [P, 2] of the present pairs, targets int8 [n, C]; its header's ``probe`` entry
is JSON: epoch, stage, ids, categories, the kinds of maps and the name of the scored logits.
The pictures themselves, squashed as the model sees them, stand beside them as JPEG bytes named by their place.

A recipe may also ask for the class features of more images (`Recipe.feature_images`): they stand in files of their own that hold
features.values, features.pairs and targets in the same form.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from workbench.datasets import MultiLabelDataset
from workbench.files import atomic
from workbench.models import WorkbenchModel
from workbench.pictures import squash
from workbench.training.processes import Processes

PROBE_IMAGES = 8
PICTURE_SIDE = 224  # pixels


def probe_images(targets: np.ndarray, count: int = PROBE_IMAGES) -> np.ndarray:
    """Indices of a few images that together show as many categories as possible: greedily, the first of equals."""
    present = targets == 1
    seen = np.zeros(present.shape[1], dtype=int)
    chosen: list[int] = []
    for _ in range(min(count, len(targets))):
        gain = (present / (1 + seen)).sum(axis=1)
        gain[chosen] = -1
        chosen.append(int(gain.argmax()))
        seen += present[chosen[-1]]
    return np.array(sorted(chosen), dtype=np.int64)


@torch.no_grad()
def write_probe(
    path: Path, model: WorkbenchModel, out: dict[str, Tensor], dataset: MultiLabelDataset, images: np.ndarray, place: dict[str, Any]
) -> None:
    """Write maps, logits and class features from the model's `out` for these images; `place` names epoch and stage."""
    targets = torch.from_numpy(dataset.targets[images])
    tensors = {"targets": targets}
    for kind in model.map_kinds:
        tensors[f"maps.{kind.name}"] = model.maps(out, kind.name).half()
    for key, value in out.items():
        if key.startswith("logits."):
            tensors[key] = value.float()
    if "features" in out:
        tensors["features.values"], tensors["features.pairs"] = present_features(out["features"], targets)
    _write(path, tensors, dataset, images, {**place, "kinds": [kind.to_json() for kind in model.map_kinds]})


def write_pictures(path: Path, dataset: MultiLabelDataset, images: np.ndarray) -> None:
    """Write the pictures of these images, unless they are there: whoever looks on needs no data set."""
    if path.exists():
        return
    tensors = {}
    for place, index in enumerate(images):
        buffer = io.BytesIO()
        Image.fromarray(squash(dataset.picture(int(index)), PICTURE_SIDE)).save(buffer, "JPEG", quality=88)
        tensors[str(place)] = torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)
    _write(path, tensors, dataset, images, {})


class FeatureProbe:
    """Class features of the first images of a data set, picked up while it is evaluated.

    Args:
        dataset: the validation images; count: how many of them.
    """

    def __init__(self, dataset: MultiLabelDataset, count: int) -> None:
        self.dataset, self.count = dataset, min(count, len(dataset))
        self.targets = torch.from_numpy(dataset.targets[: self.count])
        self._parts: list[tuple[Tensor, Tensor]] = []

    def add(self, indices: np.ndarray, out: dict[str, Tensor]) -> None:
        """Take what is wanted of one batch of images that follow each other, as `indices` [B] say."""
        begin, end = int(indices[0]), min(int(indices[-1]) + 1, self.count)
        if begin < end and "features" in out:
            values, pairs = present_features(out["features"][: end - begin], self.targets[begin:end])
            self._parts.append((values, pairs + torch.tensor([[begin, 0]], dtype=torch.int32)))

    def gather(self, processes: Processes, width: int) -> None:
        """Take what the other processes have into the first; to be called in each of them. `width`: D."""
        values = torch.cat([values for values, _ in self._parts]) if self._parts else torch.zeros(0, width, dtype=torch.float16)
        pairs = torch.cat([pairs for _, pairs in self._parts]) if self._parts else torch.zeros(0, 2, dtype=torch.int32)
        all_values = np.concatenate(processes.gathered(values.numpy()))
        all_pairs = np.concatenate(processes.gathered(pairs.numpy()))
        order = np.lexsort((all_pairs[:, 1], all_pairs[:, 0]))
        self._parts = []
        if processes.first:  # the one that writes
            self._parts = [(torch.from_numpy(all_values[order]), torch.from_numpy(all_pairs[order]))]

    def write(self, path: Path, place: dict[str, Any]) -> None:
        """Write what one evaluation gave, and be ready for the next. Writes nothing for a model without class features."""
        parts, self._parts = self._parts, []  # in order, because batches are
        if parts:
            values, pairs = (torch.cat(held) for held in zip(*parts, strict=True))
            tensors = {"targets": self.targets, "features.values": values, "features.pairs": pairs}
            _write(path, tensors, self.dataset, np.arange(self.count), place)


def present_features(features: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Class features [B, C, D] of the present pairs: values float16 [P, D], and pairs int32 [P, 2] of image and category."""
    pairs = (targets == 1).nonzero()  # [P, 2]
    limit = torch.finfo(torch.float16).max
    return features.cpu().float()[pairs[:, 0], pairs[:, 1]].clamp(-limit, limit).half(), pairs.int()


def _write(path: Path, tensors: dict[str, Tensor], dataset: MultiLabelDataset, images: np.ndarray, place: dict[str, Any]) -> None:
    header = {**place, "ids": [dataset.ids[image] for image in images], "categories": dataset.categories.to_json()}
    with atomic(path) as temporary:
        save_file({key: value.cpu().contiguous() for key, value in tensors.items()}, temporary, metadata={"probe": json.dumps(header)})
