"""Read an archive lazily: the header at once, every tensor only where it is asked for, slice by slice from the mapped file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import SafetensorError, safe_open

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection.additions import Channels, Embeddings, Table
from workbench.inspection.checking import require_description, require_picture, require_types, require_values, slice_of, stored_picture
from workbench.inspection.contents import InspectionContents, embedding_tensors, write_archive
from workbench.inspection.mapped import Watched, WatchedSlice
from workbench.inspection.private import Keeping, with_pictures
from workbench.inspection.scaling import unscaled
from workbench.inspection.schema import SCHEMA_VERSION, LogitKind, MapKind, PartKind
from workbench.regions import Region


class Inspection:
    """What one model said and showed about a set of images. Open with `Inspection.open`, or make with `workbench.inspect`.

    Attributes:
        categories, ids: names of the columns and of the images.
        frame: (height, width) of the model's input; picture: (height, width) of the stored JPEGs.
        map_kinds, logit_kinds: declarations by name; scored: name of the logits that decisions are taken from.
        threshold: probability from which a label counts as predicted.
        part_kinds: declarations by name of the addends that make up the logits called `decomposes`; empty where none were stored.
        table_names, projections: names of what `table` and `embeddings` return.
        measurements, provenance: JSON of what was measured and of where everything came from.
        name: short name for headings.
    """

    def __init__(self, tensors: Mapping[str, Any], metadata: Mapping[str, Any], name: str = "inspection") -> None:
        self._tensors = tensors
        self._metadata = metadata
        self.name = str(metadata.get("provenance", {}).get("name") or name)
        self.categories = Categories.from_json(metadata["categories"])
        self.ids: list[str] = [str(identifier) for identifier in metadata["ids"]]
        self.frame: tuple[int, int] = _pair(metadata["frame"])
        self.picture: tuple[int, int] = _pair(metadata["picture"])
        self.map_kinds = {kind["name"]: MapKind.from_json(kind) for kind in metadata["map_kinds"]}
        self.logit_kinds = {kind["name"]: LogitKind.from_json(kind) for kind in metadata["logit_kinds"]}
        self.scored: str = metadata["scored"]
        self.threshold = float(metadata.get("threshold", 0.5))
        self.relation_titles: dict[str, str] = dict(metadata.get("relations", {}))
        self.part_kinds = {kind["name"]: PartKind.from_json(kind) for kind in metadata.get("parts", ())}
        self.decomposes: str | None = metadata.get("decomposes")
        self.table_names = tuple(metadata.get("tables", ()))
        self.projections = tuple((metadata.get("embeddings") or {}).get("titles", ()))
        self.measurements: dict[str, Any] = dict(metadata.get("measurements", {}))
        self.provenance: dict[str, Any] = dict(metadata.get("provenance", {}))
        self._check_shapes()

    @classmethod
    def open(cls, path: str | Path) -> Inspection:
        """Open an archive without reading its tensors.

        Raises:
            WorkbenchError: the file is missing, truncated, not an archive, or of a newer schema than this version reads.
        """
        path = Path(path)
        if not path.is_file():
            raise WorkbenchError(f"There is no archive at {path}; make one with `workbench inspect RUN -o {path.name}`.")
        try:
            watched = Watched(path)
            handle = safe_open(path, framework="numpy")
            text = (handle.metadata() or {}).get("inspection")
        except (SafetensorError, OSError, ValueError) as error:
            raise WorkbenchError(
                f"{path} cannot be read as an archive ({error!s:.200}); it may be truncated, make or download it again."
            ) from None
        if text is None:
            raise WorkbenchError(f"{path} is a safetensors file but not an inspection archive; make one with `workbench inspect`.")
        try:
            metadata = json.loads(text, parse_constant=lambda _: None)  # NaN and the infinities are no JSON
            schema = metadata.get("schema") if isinstance(metadata, dict) else None
            if isinstance(schema, int) and schema > SCHEMA_VERSION:
                raise WorkbenchError(
                    f"{path} has archive schema {schema}, newer than the {SCHEMA_VERSION} that this version reads; update workbench."
                )
            require_description(metadata)
            slices = {key: WatchedSlice(handle.get_slice(key), watched) for key in handle.keys()}  # noqa: SIM118, a handle is no dict
            require_types({key: tensor.get_dtype() for key, tensor in slices.items()})
            return cls(slices, metadata, name=path.stem)
        except WorkbenchError as error:
            raise (error if str(path) in str(error) else WorkbenchError(f"{path}: {error}")) from None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError, SafetensorError) as error:
            raise WorkbenchError(
                f"{path} has a damaged description ({type(error).__name__}: {error!s:.200}); make the archive again."
            ) from None

    @classmethod
    def of(cls, contents: InspectionContents, name: str = "inspection") -> Inspection:
        """An inspection in memory, the same as saving `contents` and opening the file."""
        return cls(contents.tensors(), json.loads(json.dumps(contents.metadata())), name=name)

    def save(self, path: str | Path) -> Path:
        """Write a copy to `path`, whole or not at all."""
        return write_archive(path, {key: tensor[:] for key, tensor in self._tensors.items()}, self._metadata)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        maps = ", ".join(kind.title for kind in self.map_kinds.values())
        return f"Inspection {self.name}: {len(self)} images, {len(self.categories)} categories, maps: {maps}"

    def position(self, identifier: str) -> int:
        """Index of the image with this id. Raises WorkbenchError with the nearest id."""
        try:
            return self._positions[identifier]
        except KeyError:
            raise WorkbenchError(f'There is no image "{identifier}" in {self.name}.{did_you_mean(str(identifier), self.ids)}') from None

    @cached_property
    def targets(self) -> np.ndarray:
        """int8 [N, C]: 1 present, 0 absent, -1 unknown or difficult."""
        return self._tensors["targets"][:]

    def logits(self, name: str | None = None) -> np.ndarray:
        """float32 [N, C]; the scored ones unless named."""
        return self._tensor("logits", name or self.scored)[:]

    def probabilities(self, name: str | None = None) -> np.ndarray:
        """float32 [N, C]: sigmoid of the logits."""
        return 1 / (1 + np.exp(-np.clip(self.logits(name), -80, 80)))

    def image_bytes(self, image: int) -> bytes:
        """The JPEG file of one image, of `picture` size. Raises WorkbenchError if its header says otherwise."""
        begin, end = slice_of(self._image_offsets, image, _shape(self._tensors["images.bytes"])[0], "The picture")
        data = self._tensors["images.bytes"][begin:end].tobytes()
        return require_picture(data, self.picture, f"The picture of {self.ids[image]:.60}")

    def image(self, image: int) -> Image.Image:
        """The picture of one image, of `picture` size. Raises WorkbenchError if it is damaged."""
        return stored_picture(self.image_bytes(image), self.picture, "RGB", f"The picture of {self.ids[image]:.60}")

    @cached_property
    def sizes(self) -> np.ndarray:
        """int32 [N, 2]: height and width of each source picture."""
        return self._tensors["images.sizes"][:]

    def stored_maps(self, kind: str, image: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Maps of one image as stored: (labels int [K], values float16 [K, h, w], their scales float64 [K] or None)."""
        values = self._tensor("maps", kind)[image : image + 1][0]
        scales = self._tensors[f"scales.{kind}"][image : image + 1][0] if f"scales.{kind}" in self._tensors else None
        if f"labels.{kind}" not in self._tensors:
            return np.arange(len(values)), values, scales
        labels = self._tensors[f"labels.{kind}"][image : image + 1][0].astype(np.int64)
        if (labels >= len(self.categories)).any():
            raise WorkbenchError(f'{self.name} has maps "{kind}" of categories that it does not name; make the archive again.')
        used = labels >= 0
        return labels[used], values[used], None if scales is None else scales[used]

    def maps(self, kind: str, image: int) -> tuple[np.ndarray, np.ndarray]:
        """Maps of one image: (labels int [K], raw values float32 [K, h, w])."""
        labels, values, scales = self.stored_maps(kind, image)
        return labels, unscaled(values, scales)

    def shown_maps(self, kind: str, image: int) -> tuple[np.ndarray, np.ndarray]:
        """As `maps`, through the kind's transform: what an explorer draws."""
        labels, values = self.maps(kind, image)
        if self.map_kinds[kind].transform == "sigmoid":
            values = 1 / (1 + np.exp(-np.clip(values, -80, 80)))
        return labels, values

    def measured_maps(self, kind: str, image: int) -> tuple[np.ndarray, np.ndarray]:
        """As `shown_maps`, but each map without its scale where it has no transform: what a metric measures, so that no figure depends on
        how large a map is."""
        if self.map_kinds[kind].transform is not None:
            return self.shown_maps(kind, image)
        labels, values, _ = self.stored_maps(kind, image)
        return labels, values.astype(np.float32)

    def grid(self, kind: str) -> tuple[int, int]:
        """(h, w) of the maps of a kind."""
        return _pair(_shape(self._tensor("maps", kind))[2:])

    def stores_all_labels(self, kind: str) -> bool:
        return f"labels.{kind}" not in self._tensors

    @property
    def has_regions(self) -> bool:
        return "regions.pairs" in self._tensors

    def regions(self, image: int) -> list[Region]:
        """Regions of one image: boxes in frame pixels, masks of `picture` size (None where there is a box only)."""
        result = []
        for category, box, flags, png in self.region_records(image):
            mask = np.asarray(stored_picture(png, self.picture, "1", "A mask")) if png else None
            result.append(Region(self.categories[category], box, mask, bool(flags & 1), bool(flags & 2)))
        return result

    def region_records(self, image: int) -> list[tuple[int, tuple[float, float, float, float], int, bytes]]:
        """Regions of one image as stored: (category index, box, flags, PNG bytes or b"")."""
        if not self.has_regions:
            return []
        first, last = np.searchsorted(self._region_pairs[:, 0], [image, image + 1])
        if not np.isin(self._region_pairs[first:last, 1], np.arange(len(self.categories))).all():
            raise WorkbenchError(f"{self.name} has regions of categories that it does not name; make the archive again.")
        records = []
        for row in range(first, last):
            begin, end = slice_of(self._region_offsets, row, _shape(self._tensors["regions.bytes"])[0], "The mask of region")
            png = self._tensors["regions.bytes"][begin:end].tobytes() if end > begin else b""
            box = tuple(float(edge) for edge in self._region_boxes[row])
            records.append((int(self._region_pairs[row, 1]), box, int(self._region_flags[row]), png))
        return records  # type: ignore[return-value]

    def relations(self, name: str) -> np.ndarray:
        """float32 [C, C]: influence of the column's category on the row's, mean over images."""
        return self._tensor("relations", name)[:]

    def relations_of(self, name: str, image: int) -> np.ndarray | None:
        """float32 [C, C] for one image, or None where only the mean was kept."""
        if f"relations.{name}.each" not in self._tensors:
            return None
        return self._tensors[f"relations.{name}.each"][image : image + 1][0].astype(np.float32)

    def features(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(values float16 or float32 [P, D], pairs int32 [P, 2]) of the present (image, category) pairs, or None."""
        if "features.values" not in self._tensors:
            return None
        return self._tensors["features.values"][:], self._tensors["features.pairs"][:]

    def parts(self, name: str) -> np.ndarray:
        """float32 [N, C]: one addend of the logits called `decomposes`."""
        return self._tensor("parts", name)[:]

    def table(self, name: str) -> Table:
        """A table with named rows and columns."""
        values = self._tensor("tables", name)[:]
        described = self._metadata["tables"][name]
        return Table(values, *(described[key] for key in ("rows", "columns", "title", "meaning")))

    def channels(self, image: int) -> Channels | None:
        """Raw feature maps of one image (K = 1), or None where they were not stored for it."""
        stored = self._metadata.get("channels")
        if not stored or image not in self._channel_places:
            return None
        place = self._channel_places[image]
        layers = {layer: self._tensors[f"channels.{layer}"][place : place + 1] for layer in stored["layers"]}
        return Channels(np.array([image]), layers, stored.get("steering"))

    def embeddings(self) -> Embeddings | None:
        """The points of all stored projections, or None."""
        stored = self._metadata.get("embeddings")
        if not stored:
            return None
        points = {name: self._tensors[f"embeddings.{name}"][:] for name in self.projections}
        return Embeddings(points, stored["epochs"], {name: tuple(title) for name, title in stored["titles"].items()})

    def with_embeddings(self, embeddings: Embeddings, tables: Mapping[str, Table] | None = None) -> Inspection:
        """The same inspection with these points in place of its own, and these tables added. Raises WorkbenchError without features."""
        if "features.pairs" not in self._tensors:
            raise WorkbenchError(f"{self.name} holds no class features, so it has no points; inspect a model that has features.")
        tables = tables or {}
        tensors = {key: value for key, value in self._tensors.items() if not key.startswith("embeddings.")}
        tensors |= embedding_tensors(embeddings, _side(self._tensors["features.pairs"]))
        tensors |= {f"tables.{name}": np.ascontiguousarray(table.values, dtype=np.float32) for name, table in tables.items()}
        described = {**self._metadata.get("tables", {}), **{name: table.described() for name, table in tables.items()}}
        metadata = {**self._metadata, "schema": SCHEMA_VERSION, "tables": described, "embeddings": embeddings.described()}
        return Inspection(tensors, json.loads(json.dumps(metadata)), name=self.name)

    def with_pictures(self, kept: Keeping) -> Inspection:
        """The same inspection in memory with its pictures "blurred" or "none" (grey areas), to give away what is not private."""
        return with_pictures(self, kept)

    @property
    def channel_images(self) -> list[int]:
        """Positions of the images whose raw channels are stored."""
        return list(self._channel_places)

    @cached_property
    def _channel_places(self) -> dict[int, int]:
        if not self._metadata.get("channels"):
            return {}
        return {int(image): place for place, image in enumerate(self._tensors["channels.images"][:])}

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {identifier: position for position, identifier in enumerate(self.ids)}

    @cached_property
    def _image_offsets(self) -> np.ndarray:
        return self._tensors["images.offsets"][:]

    @cached_property
    def _region_pairs(self) -> np.ndarray:
        return self._tensors["regions.pairs"][:]

    @cached_property
    def _region_boxes(self) -> np.ndarray:
        return self._tensors["regions.boxes"][:]

    @cached_property
    def _region_flags(self) -> np.ndarray:
        return self._tensors["regions.flags"][:]

    @cached_property
    def _region_offsets(self) -> np.ndarray:
        return self._tensors["regions.offsets"][:]

    def _tensor(self, family: str, name: str) -> Any:
        key = f"{family}.{name}"
        if key not in self._tensors:
            known = [key.split(".", 1)[1] for key in self._tensors if key.startswith(f"{family}.") and not key.endswith(".each")]
            raise WorkbenchError(f'{self.name} has no {family} "{name}".{did_you_mean(name, known)}')
        return self._tensors[key]

    def _check_shapes(self) -> None:
        """Compare every declared tensor's shape with the description, from the header alone."""
        n, c = len(self.ids), len(self.categories)
        expected: dict[str, tuple[int | None, ...]] = {
            "images.bytes": (None,),
            "images.offsets": (n + 1,),
            "images.sizes": (n, 2),
            "targets": (n, c),
            f"logits.{self.scored}": (n, c),
        }
        for name in self.logit_kinds:
            expected[f"logits.{name}"] = (n, c)
        for name in self.map_kinds:
            has_labels = f"labels.{name}" in self._tensors
            expected[f"maps.{name}"] = (n, None if has_labels else c, None, None)
            if f"scales.{name}" in self._tensors and f"maps.{name}" in self._tensors:
                expected[f"scales.{name}"] = _shape(self._tensors[f"maps.{name}"])[:2]
            if has_labels:
                expected[f"labels.{name}"] = (n, None)
        for name in self.relation_titles:
            expected[f"relations.{name}"] = (c, c)
            if f"relations.{name}.each" in self._tensors:
                expected[f"relations.{name}.each"] = (n, c, c)
        if self.has_regions:
            count = _side(self._tensors["regions.pairs"])
            expected |= {"regions.pairs": (count, 2), "regions.boxes": (count, 4), "regions.flags": (count,)}
            expected |= {"regions.offsets": (count + 1,), "regions.bytes": (None,)}
        if "features.values" in self._tensors:
            expected |= {"features.values": (None, None), "features.pairs": (_side(self._tensors["features.values"]), 2)}
        for name in self.part_kinds:
            expected[f"parts.{name}"] = (n, c)
        for name, table in self._metadata.get("tables", {}).items():
            expected[f"tables.{name}"] = (len(table["rows"]), len(table["columns"]) or None)
        if channels := self._metadata.get("channels"):
            expected |= {"channels.images": (None,)} | {f"channels.{layer}": (None, None, None, None) for layer in channels["layers"]}
        if points := self._metadata.get("embeddings"):
            pairs = _side(self._tensors["features.pairs"]) if "features.pairs" in self._tensors else 0
            expected |= {f"embeddings.{name}": (len(points["epochs"]), pairs, 2) for name in points["titles"]}
        for key, shape in expected.items():
            if key not in self._tensors:
                raise WorkbenchError(f'The archive lacks "{key}"; it may be incomplete, make it again.')
            found = _shape(self._tensors[key])
            if len(found) != len(shape) or any(want is not None and want != have for want, have in zip(shape, found, strict=True)):
                want = [size if size is not None else "any" for size in shape]
                raise WorkbenchError(f'"{key}" in the archive has shape {list(found)}, expected {want}; make the archive again.')
        grids = {name: self.grid(name) for name in self.map_kinds}
        require_values(lambda key: self._tensors[key][:] if key in self._tensors else None, n, c, grids)


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor.shape if isinstance(tensor, np.ndarray) else tensor.get_shape())


def _side(tensor: Any) -> int:
    """The first side of a tensor that may have none: 0 then, and the check of its own shape refuses it."""
    return next(iter(_shape(tensor)), 0)


def _pair(value: Any) -> tuple[int, int]:
    first, second = value
    return int(first), int(second)
