"""The contents of an archive in memory, checked, and written in one atomic step."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.files import atomic, json_text
from workbench.inspection.additions import Channels, Embeddings, Table
from workbench.inspection.scaling import ScaledMaps, halves_or_floats, scaled
from workbench.inspection.schema import SCHEMA_VERSION, LogitKind, MapKind, PartKind
from workbench.regions import Region


@dataclass
class InspectionContents:
    """Everything that goes into an archive. Shapes and types as in `workbench.inspection.schema`.

    Attributes:
        images: a JPEG file for each image, already squashed to `picture` = (height, width).
        frame: (height, width) of the model's input; region boxes are in its pixels.
        regions: for each image its regions: boxes in frame pixels, masks of `picture` size.
        maps, map_labels: maps by kind; `map_labels` for those kinds that hold some labels only.
        features: (values [P, D], pairs [P, 2]) or None.
        parts: float [N, C] by name, in the order of `part_kinds`; they add up to the logits called `decomposes`.
        tables, channels, embeddings: see `workbench.inspection.additions`.
        measurements: what was measured about the maps, by name (JSON).
        provenance: model, data, commit, versions (JSON).
    """

    categories: Categories
    ids: Sequence[str]
    images: Sequence[bytes]
    sizes: np.ndarray
    frame: tuple[int, int]
    picture: tuple[int, int]
    targets: np.ndarray
    logits: Mapping[str, np.ndarray]
    logit_kinds: Sequence[LogitKind]
    scored: str
    maps: Mapping[str, np.ndarray | ScaledMaps]
    map_kinds: Sequence[MapKind]
    map_labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    features: tuple[np.ndarray, np.ndarray] | None = None
    regions: Sequence[Sequence[Region]] | None = None
    relations: Mapping[str, np.ndarray] = field(default_factory=dict)
    relations_each: Mapping[str, np.ndarray] = field(default_factory=dict)
    relation_titles: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    part_kinds: Sequence[PartKind] = ()
    decomposes: str | None = None
    tables: Mapping[str, Table] = field(default_factory=dict)
    channels: Channels | None = None
    embeddings: Embeddings | None = None
    threshold: float = 0.5
    measurements: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA_VERSION,
            "categories": self.categories.to_json(),
            "ids": list(self.ids),
            "frame": list(self.frame),
            "picture": list(self.picture),
            "map_kinds": [kind.to_json() for kind in self.map_kinds],
            "logit_kinds": [kind.to_json() for kind in self.logit_kinds],
            "scored": self.scored,
            "threshold": self.threshold,
            "relations": dict(self.relation_titles) or {name: name for name in self.relations},
            "parts": [kind.to_json() for kind in self.part_kinds],
            "decomposes": self.decomposes,
            "tables": {name: table.described() for name, table in self.tables.items()},
            "channels": {"steering": self.channels.steering, "layers": list(self.channels.layers)} if self.channels else None,
            "embeddings": self.embeddings.described() if self.embeddings else None,
            "measurements": dict(self.measurements),
            "provenance": dict(self.provenance),
        }

    def tensors(self) -> dict[str, np.ndarray]:
        """All tensors under their archive names. Raises WorkbenchError where shapes disagree."""
        n, c = len(self.ids), len(self.categories)
        tensors: dict[str, np.ndarray] = {}
        tensors["images.bytes"], tensors["images.offsets"] = _concatenate(self.images)
        tensors["images.sizes"] = _shaped("image sizes", self.sizes, (n, 2), np.int32)
        tensors["targets"] = _shaped("targets", self.targets, (n, c), np.int8)
        for name, logits in self.logits.items():
            tensors[f"logits.{name}"] = _shaped(f'logits "{name}"', logits, (n, c), np.float32)
        if self.scored not in self.logits:
            raise WorkbenchError(f'The scored logits "{self.scored}" are not among those given: {", ".join(self.logits)}.')
        for kind in self.map_kinds:
            if kind.name not in self.maps:
                raise WorkbenchError(f'Map kind "{kind.name}" is declared but no maps were given for it.')
            maps = self.maps[kind.name]
            labels = self.map_labels.get(kind.name)
            stored = c if labels is None else labels.shape[1]
            if maps.shape != (n, stored, *maps.shape[2:4]) or len(maps.shape) != 4:
                raise WorkbenchError(f'The maps "{kind.name}" have shape {list(maps.shape)}, expected {[n, stored, *maps.shape[2:4]]}.')
            kept = scaled(maps)
            tensors[f"maps.{kind.name}"], tensors[f"scales.{kind.name}"] = kept.halves, kept.scales
            if labels is not None:
                tensors[f"labels.{kind.name}"] = _shaped(f'labels of maps "{kind.name}"', labels, (n, stored), np.int16)
        if self.features is not None:
            values, pairs = self.features
            tensors["features.values"] = np.ascontiguousarray(halves_or_floats(np.asarray(values)))
            tensors["features.pairs"] = _shaped("feature pairs", pairs, (len(values), 2), np.int32)
        for name, matrix in self.relations.items():
            tensors[f"relations.{name}"] = _shaped(f'relations "{name}"', matrix, (c, c), np.float32)
        for name, cube in self.relations_each.items():
            tensors[f"relations.{name}.each"] = _shaped(f'relations "{name}"', cube, (n, c, c), np.float16)
        tensors.update(self._region_tensors())
        tensors.update(self._additions(n, c))
        return tensors

    def save(self, path: str | Path) -> Path:
        """Write the archive to `path`, whole or not at all."""
        return write_archive(path, self.tensors(), self.metadata())

    def _additions(self, n: int, c: int) -> dict[str, np.ndarray]:
        tensors: dict[str, np.ndarray] = {}
        if self.part_kinds and self.decomposes not in self.logits:
            raise WorkbenchError(f'The parts add up to "{self.decomposes}", which is not among the logits: {", ".join(self.logits)}.')
        for kind in self.part_kinds:
            tensors[f"parts.{kind.name}"] = _shaped(f'parts "{kind.name}"', self.parts.get(kind.name), (n, c), np.float32)
        for name, table in self.tables.items():
            tensors[f"tables.{name}"] = np.ascontiguousarray(table.values, dtype=np.float32)
        if self.channels is not None:
            tensors["channels.images"] = np.ascontiguousarray(self.channels.images, dtype=np.int32)
            for layer, values in self.channels.layers.items():
                tensors[f"channels.{layer}"] = np.ascontiguousarray(halves_or_floats(np.asarray(values)))
        if self.embeddings is not None:
            tensors.update(embedding_tensors(self.embeddings, 0 if self.features is None else len(self.features[1])))
        return tensors

    def _region_tensors(self) -> dict[str, np.ndarray]:
        if self.regions is None:
            return {}
        pairs, boxes, flags, masks = [], [], [], []
        for image, regions in enumerate(self.regions):
            for region in regions:
                pairs.append((image, self.categories.index(region.category)))
                boxes.append(region.box)
                flags.append(int(region.crowd) + 2 * int(region.difficult))
                masks.append(b"" if region.mask is None else png_of_mask(region.mask))
        tensors: dict[str, np.ndarray] = {
            "regions.pairs": np.array(pairs, dtype=np.int32).reshape(-1, 2),
            "regions.boxes": np.array(boxes, dtype=np.float32).reshape(-1, 4),
            "regions.flags": np.array(flags, dtype=np.uint8),
        }
        tensors["regions.bytes"], tensors["regions.offsets"] = _concatenate(masks)
        return tensors


def embedding_tensors(embeddings: Embeddings, pairs: int) -> dict[str, np.ndarray]:
    """Points under their archive names. Raises WorkbenchError where there is not one for each of the stored pairs."""
    shape = (len(embeddings.epochs), pairs, 2)
    return {f"embeddings.{name}": _shaped(f'points "{name}"', values, shape, np.float32) for name, values in embeddings.points.items()}


def write_archive(path: str | Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> Path:
    """Write through a temporary file beside `path`, so that nothing half-written is ever left."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        save_file(dict(tensors), temporary, metadata={"inspection": json_text(metadata)})
    return path


def png_of_mask(mask: np.ndarray) -> bytes:
    """A bool [H, W] mask as a 1-bit PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(mask, dtype=bool)).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def _concatenate(files: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.zeros(len(files) + 1, dtype=np.int64)
    np.cumsum([len(file) for file in files], out=offsets[1:])
    return np.frombuffer(b"".join(files), dtype=np.uint8), offsets


def _shaped(what: str, value: Any, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    array = np.asarray(value)
    if array.shape != shape:
        raise WorkbenchError(f"The {what} have shape {list(array.shape)}, expected {list(shape)}.")
    return np.ascontiguousarray(array, dtype=dtype)
