"""The trunk's maps, computed once: where no stage trains the lower part of the backbone, every epoch would compute the same ones again.

Kept as float16, for the images as they are and mirrored, in one safetensors file that is memory-mapped. Its name is a digest of what the
maps depend on (trunk weights, content of every image, size), so recipes that share a trunk share the file, and other pictures under the
same names have one of their own. It carries a checksum; one that is damaged is made anew.
Shapes: N images, D h w of the stage's map.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError, safe_open
from torch import Tensor
from tqdm.auto import tqdm

from workbench.datasets import MultiLabelDataset
from workbench.datasets.fingerprint import Fingerprint
from workbench.files import atomic, sweep
from workbench.lock import locked
from workbench.models import WorkbenchModel
from workbench.training.batches import ImageSource, evaluation_plan, mirrored
from workbench.training.mending import say
from workbench.training.recipe import Recipe
from workbench.training.stages import frozen_throughout

# Above this many bytes for one split, the disk is not filled and the trunk is run each time.
SIZE_LIMIT = 4 * 2**30
_BATCH = 16


class FeatureSource:
    """Cached trunk maps as model input: what `ImageSource` is for images.

    Args:
        path: file made by `cached_features`.
        device: where they are wanted.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        self.device = device
        self.plain: dict[int, Tensor] = {}
        self.mirrored: dict[int, Tensor] = {}
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118, a handle is no dict
                kind, _, stage = key.partition(".")
                getattr(self, kind)[int(stage)] = file.get_tensor(key)  # mapped, not read

    def inputs(self, plan: Sequence[np.ndarray], draws: np.ndarray | None) -> Iterator[dict[int, Tensor]]:
        """``{stage: float [B, D, h, w]}`` for each batch of `plan`; `draws` [N, DRAWS] says which images are mirrored."""
        for indices in plan:
            maps = {}
            for stage, plain in self.plain.items():
                chosen = plain[torch.from_numpy(indices)]
                if draws is not None and self.mirrored:
                    flip = mirrored(draws[indices])
                    chosen[torch.from_numpy(flip)] = self.mirrored[stage][torch.from_numpy(indices[flip])]
                maps[stage] = chosen.to(self.device).float().contiguous(memory_format=torch.channels_last)
            yield maps


Source = ImageSource | FeatureSource


def input_sources(
    model: WorkbenchModel,
    training: MultiLabelDataset,
    validation: MultiLabelDataset,
    recipe: Recipe,
    folder: Path,
    fabric: Fabric,
    quiet: bool,
    workers: int | None = None,
) -> tuple[Source, Source]:
    """Where the model's input comes from in training and in validation: cached trunk maps if the trunk never changes, else images.

    Args:
        folder: for the cached maps; processes that want the same ones wait for the first to make them.
        workers: processes that read images where they do not fit into memory; None: as many as there are cores, less one.
    """
    augmentation = recipe.augmentation
    stage = frozen_stage(model, recipe) if augmentation in ("none", "flip") else None
    if stage is not None:
        learned = cached_features(model, training, recipe, stage, folder, augmentation == "flip", fabric, quiet)
        measured = cached_features(model, validation, recipe, stage, folder, False, fabric, quiet)
        if learned and measured:
            return FeatureSource(learned, fabric.device), FeatureSource(measured, fabric.device)
    size, device = recipe.image_size, fabric.device
    return ImageSource(training, size, augmentation, device, workers), ImageSource(validation, size, augmentation, device, workers)


def frozen_stage(model: WorkbenchModel, recipe: Recipe) -> int | None:
    """The highest backbone stage below which nothing is ever trained, or None where the first stage already is."""
    frozen = {id(parameter) for parameter in frozen_throughout(model, recipe.stages)}
    highest = None
    for number, stage in enumerate(model.backbone.stages):
        if any(id(parameter) not in frozen for parameter in stage.parameters()):
            break
        highest = number
    return highest


def cached_features(
    model: WorkbenchModel, dataset: MultiLabelDataset, recipe: Recipe, stage: int, folder: Path, mirror: bool, fabric: Fabric, quiet: bool
) -> Path | None:
    """Path of the file with the maps of one data set, made if it is not in `folder` yet; None if it would be too large.

    Args:
        stage: the highest to keep; lower ones that the model reads are kept too.
        mirror: also keep the maps of the mirrored images.
        quiet: without a progress bar.
    """
    stages = sorted({used for used in model.used_stages if used < stage} | {stage})
    images = ImageSource(dataset, recipe.image_size, "flip", fabric.device)

    def maps(batch: Tensor) -> dict[int, Tensor]:
        with fabric.autocast():
            return model.backbone.frozen_maps(batch, stage, stages)

    first = maps(next(images.inputs([np.zeros(1, dtype=np.int64)], None)))
    parts = [("plain", used) for used in stages] + [("mirrored", used) for used in stages] * mirror
    shapes = {f"{kind}.{used}": (len(dataset), *first[used].shape[1:]) for kind, used in parts}
    header, begins, size = _header(shapes)
    if size > SIZE_LIMIT:
        return None
    name = re.sub(r"\W+", "-", dataset.name)[:80]
    path = folder / f"{name}-{_digest(model, dataset, recipe, stages, mirror)}.safetensors"
    if _whole(path, shapes):
        return path
    with locked(folder, wait=True):
        sweep(folder, ours=True)
        if not _whole(path, shapes):  # nobody else made it meanwhile
            if path.exists():
                say(f"{path} is damaged; the trunk maps in it are made anew.")
            with atomic(path) as temporary:
                temporary.write_bytes(header)
                with open(temporary, "rb+") as file, _bar(dataset, 1 + mirror, quiet) as bar:
                    for kind in ("plain", "mirrored")[: 1 + mirror]:
                        draws = None if kind == "plain" else np.zeros((len(dataset), 1), dtype=np.float32)  # a draw of 0 mirrors
                        done = 0
                        for batch in images.inputs(evaluation_plan(len(dataset), _BATCH), draws):
                            for used, values in maps(batch).items():
                                file.seek(len(header) + begins[f"{kind}.{used}"] + done * values[0].numel() * 2)
                                file.write(values.to("cpu", torch.float16).contiguous().numpy().tobytes())
                            done += len(batch)
                            bar.update(len(batch))
                with open(temporary, "rb+") as file:
                    file.write(_header(shapes, _checksum(temporary))[0])
    return path


def _whole(path: Path, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Whether the file is there and holds what was written into it."""
    try:
        with safe_open(path, framework="numpy") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118, a handle is no dict
            return found == shapes and file.metadata()["checksum"] == _checksum(path)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return False


def _checksum(path: Path) -> str:
    """Eight hexadecimal digits of everything behind the head."""
    value = 0
    with open(path, "rb") as file:
        file.seek(8 + int.from_bytes(file.read(8), "little"))
        while part := file.read(1 << 24):
            value = zlib.crc32(part, value)
    return f"{value:08x}"


def _bar(dataset: MultiLabelDataset, passes: int, quiet: bool) -> tqdm:
    return tqdm(total=passes * len(dataset), desc=f"trunk maps of {dataset.name}", unit="image", disable=quiet)


def _header(shapes: dict[str, tuple[int, ...]], checksum: str = "0" * 8) -> tuple[bytes, dict[str, int], int]:
    """The head of a safetensors file of float16 tensors that are written behind it as they come, where each begins, and their size."""
    entries: dict[str, Any] = {"__metadata__": {"checksum": checksum}}
    begins, end = {}, 0
    for name, shape in shapes.items():
        begins[name], end = end, end + 2 * math.prod(shape)
        entries[name] = {"dtype": "F16", "shape": shape, "data_offsets": [begins[name], end]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, begins, end


def _digest(model: WorkbenchModel, dataset: MultiLabelDataset, recipe: Recipe, stages: list[int], mirror: bool) -> str:
    """Sixteen hexadecimal digits that change with anything the maps depend on."""
    digest = hashlib.sha256()
    data = recipe.data
    described = [recipe.model.backbone, stages, mirror, recipe.image_size, recipe.precision, data.name, data.options]
    looked = Fingerprint.of(dataset, None if dataset.parameters else len(dataset))
    digest.update(json.dumps([*described, data.validation_options, looked.ids, looked.parameters], default=str).encode())
    digest.update(looked.bytes.tobytes() + looked.sizes.tobytes() + looked.digests.tobytes())
    for part in model.backbone.stages[: stages[-1] + 1]:
        for name, value in part.state_dict().items():
            digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
