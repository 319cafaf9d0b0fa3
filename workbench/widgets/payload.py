"""What the browser gets: a description in JSON, and arrays packed end to end in one buffer.

A packet is ``{"layout": [[name, dtype, shape, offset], ...], "data": bytes}``; offsets are multiples of 8. The notebook sends packets as
binary buffers, the exported page holds the same ones in base64.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from workbench.inspection.checking import AGAIN, STORED
from workbench.metrics.pointing import with_ceiling
from workbench.pictures import opened
from workbench.widgets.layers import channel_arrays, describe_layers, layer_tables
from workbench.widgets.matching import Matched, Member

THUMBNAIL = 72  # pixels of each side
ADDED_UP_TO = 8e6  # pixels of the masks of an older archive, for which the best map is measured when an explorer opens: up to a second


def pack(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """One packet of named arrays."""
    layout, parts, offset = [], [], 0
    for name, array in arrays.items():
        data = np.ascontiguousarray(array).tobytes()
        layout.append([name, str(array.dtype), list(array.shape), offset])
        padding = -len(data) % 8
        parts += [data, bytes(padding)]
        offset += len(data) + padding
    return {"layout": layout, "data": b"".join(parts)}


def description(matched: Matched) -> dict[str, Any]:
    """Names and declarations of everything in view, as JSON."""
    return {
        "ids": list(matched.ids),
        "categories": list(matched.categories.names),
        "has_regions": matched.first.inspection.has_regions,
        "models": [_describe_member(member, matched.categories.names) for member in matched.members],
    }


def tables(matched: Matched) -> dict[str, Any]:
    """What filters, sorting and lists need of all images: sizes, targets, logits and mean relations, as one packet."""
    arrays: dict[str, np.ndarray] = {"sizes": matched.sizes.astype(np.int32), "targets": matched.targets}
    for position, member in enumerate(matched.members):
        for name in member.inspection.logit_kinds:
            arrays[f"logits.{position}.{name}"] = member.logits(name)
        for name in member.inspection.relation_titles:
            arrays[f"relations.{position}.{name}"] = member.relations(name)
        arrays |= layer_tables(member, position, matched.categories.names)
    return pack(arrays)


def image_packet(matched: Matched, image: int) -> dict[str, Any]:
    """Picture, regions and the maps of every model of one image, as one packet with the regions' boxes in 0..1."""
    arrays: dict[str, np.ndarray] = {"picture": np.frombuffer(matched.first.image_bytes(image), dtype=np.uint8)}
    regions = packed_regions(matched, image, arrays)
    for position, member in enumerate(matched.members):
        for kind in member.inspection.map_kinds:
            arrays |= map_arrays(f"{position}.{kind}", *member.stored_maps(kind, image))
        for name in member.inspection.relation_titles:
            relations = member.relations_of(name, image)
            if relations is not None:
                arrays[f"relations.{position}.{name}"] = relations
        arrays |= channel_arrays(member, position, image, matched.categories.names)
    return {"image": image, "regions": regions, **pack(arrays)}


def map_arrays(key: str, labels: np.ndarray, values: np.ndarray, scales: np.ndarray | None) -> dict[str, np.ndarray]:
    """Maps of one kind for a packet: values float16 [K, h, w] of so many labels [K], and their scales [K], where they have any."""
    arrays = {f"maps.{key}": values, f"labels.{key}": labels.astype(np.int16)}
    return arrays if scales is None else arrays | {f"scales.{key}": scales}


def packed_regions(matched: Matched, image: int, arrays: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """The regions of one image with boxes in 0..1; their masks are put among `arrays`."""
    regions: list[dict[str, Any]] = []
    height, width = matched.first.inspection.frame
    for label, box, flags, png in matched.first.region_records(image):
        x0, y0, x1, y1 = box
        if png:
            arrays[f"mask.{len(regions)}"] = np.frombuffer(png, dtype=np.uint8)
        regions.append({"label": label, "box": [x0 / width, y0 / height, x1 / width, y1 / height], "flags": flags})
    return regions


def picture_packet(matched: Matched, image: int) -> dict[str, Any]:
    """The picture of one image alone, as one packet."""
    data = np.frombuffer(matched.first.image_bytes(image), dtype=np.uint8)
    return {"image": image, "regions": [], **pack({"picture": data})}


def thumbnails(matched: Matched, images: Iterable[int], side: int = THUMBNAIL) -> dict[str, Any]:
    """Small JPEGs of some images, named by their index, as one packet."""
    return pack({str(image): np.frombuffer(thumbnail(matched.first.image_bytes(image), side), dtype=np.uint8) for image in images})


def thumbnail(jpeg: bytes, side: int) -> bytes:
    """A JPEG squashed to `side` x `side` pixels."""
    buffer = io.BytesIO()
    with opened(jpeg, "A stored picture", formats=STORED, advice=AGAIN) as picture:
        picture.draft("RGB", (side, side))
        picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def _describe_member(member: Member, names: tuple[str, ...]) -> dict[str, Any]:
    inspection = member.inspection
    return {
        "name": member.name,
        "frame": list(inspection.frame),
        "scored": inspection.scored,
        "threshold": inspection.threshold,
        "cut": member.cut,
        "logits": [kind.to_json() for kind in inspection.logit_kinds.values()],
        "kinds": [{**kind.to_json(), "grid": list(inspection.grid(kind.name))} for kind in inspection.map_kinds.values()],
        "relations": [{"name": name, "title": title} for name, title in inspection.relation_titles.items()],
        "measurements": with_ceiling(inspection, most=ADDED_UP_TO, maps=False),
        **describe_layers(member, names),
    }
