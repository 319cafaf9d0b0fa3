"""The probe: what the model makes of a few fixed validation images after each epoch, for the slider that plays a training.

A file holds tensors named and shaped as in an inspection archive: maps.<kind> float16 [n, C, h, w], logits.<name> float32 [n, C],
features.values float16 [P, D] and features.pairs int32 [P, 2] of the present pairs, targets int8 [n, C]; its header's ``probe`` entry
is JSON: epoch, stage, ids and categories.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from workbench.datasets import MultiLabelDataset
from workbench.models import WorkbenchModel
from workbench.training.files import atomic

PROBE_IMAGES = 8


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
        pairs = (targets == 1).nonzero().int()  # [P, 2]
        tensors["features.pairs"] = pairs
        tensors["features.values"] = out["features"].cpu()[pairs[:, 0].long(), pairs[:, 1].long()].half()
    header = {**place, "ids": [dataset.ids[image] for image in images], "categories": dataset.categories.to_json()}
    with atomic(path) as temporary:
        save_file({key: value.cpu().contiguous() for key, value in tensors.items()}, temporary, metadata={"probe": json.dumps(header)})
