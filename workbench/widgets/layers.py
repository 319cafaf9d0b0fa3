"""What a score is made of: its addends, and the families of maps that show where each layer's addend comes from.

A family is the maps of one way into the score, one a layer: "local.stage 2", "local.stage 3" ... are the family "local".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.inspection import Inspection, Table
from workbench.widgets.matching import Member

MEMBERSHIP, LABELS, GROUPS = "assignment", "label_embedding", "group_embedding"  # tables of an archive


@dataclass(frozen=True)
class Family:
    """Maps of one way into the score.

    Attributes:
        kinds: names of the map kinds, one a layer, finest first; parts: the addend of each.
        total: name of the stored kind that sums the layers, or None.
    """

    name: str
    kinds: tuple[str, ...]
    parts: tuple[str, ...]
    total: str | None

    @property
    def title(self) -> str:
        return self.name.capitalize()


def families(inspection: Inspection) -> list[Family]:
    """The families with two or more layers among the maps whose cells add up to addends of the score; empty for models without layers."""
    found: dict[str, list[tuple[str, str]]] = {}
    for part in inspection.part_kinds.values():
        if part.maps in inspection.map_kinds:
            found.setdefault(str(part.maps).partition(".")[0], []).append((str(part.maps), part.name))
    result = []
    for name, pairs in found.items():
        layers = {inspection.map_kinds[kind].layer for kind, _ in pairs}
        if len(layers) > 1:
            total = f"{name}.sum" if f"{name}.sum" in inspection.map_kinds else None
            result.append(Family(name, tuple(kind for kind, _ in pairs), tuple(part for _, part in pairs), total))
    return result


def summed(maps: list[np.ndarray]) -> np.ndarray:
    """Maps [h, w] of several grids added up on the finest one; a cell is spread evenly over its area, so that the total stays."""
    rows, columns = max((values.shape for values in maps), key=lambda shape: shape[0] * shape[1])
    return sum(_shares(rows, values.shape[0]) @ values @ _shares(columns, values.shape[1]).T for values in maps)


def _shares(fine: int, coarse: int) -> np.ndarray:
    """float64 [fine, coarse]: which share of each coarse cell lies in each fine one, along one axis."""
    edges = np.arange(fine + 1) * coarse / fine
    cells = np.arange(coarse)
    return np.clip(np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells), 0, 1)


def table_by_label(member: Member, name: str, names: tuple[str, ...]) -> Table | None:
    """A table whose rows are categories, its rows in the order of `names`; None where the archive has no such table of these names."""
    if name not in member.inspection.table_names:
        return None
    table = member.inspection.table(name)
    if set(table.rows) != set(names):
        return None
    order = [list(table.rows).index(category) for category in names]
    return Table(table.values[order], names, table.columns, table.title, table.meaning)


def steering(member: Member, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray | None] | None:
    """What multiplies a channel before its softmax: by label [C, D], and by group [M, D] or None; None where no channels are stored."""
    inspection = member.inspection
    stored = inspection.channels(inspection.channel_images[0]) if inspection.channel_images else None
    table = table_by_label(member, stored.steering, names) if stored is not None and stored.steering else None
    if table is None:
        return None
    groups = inspection.table(GROUPS).values if GROUPS in inspection.table_names else None
    return table.values, groups if groups is not None and groups.shape[1] == table.values.shape[1] else None


def describe_layers(member: Member, names: tuple[str, ...]) -> dict[str, object]:
    """What the browser has to know of a model's parts, families, groups and channels, as JSON."""
    inspection = member.inspection
    membership = table_by_label(member, MEMBERSHIP, names)
    steered = steering(member, names)
    first = inspection.channels(inspection.channel_images[0]) if inspection.channel_images else None
    return {
        "decomposes": inspection.decomposes,
        "parts": [kind.to_json() for kind in inspection.part_kinds.values()],
        "families": [
            {"name": family.name, "title": family.title, "kinds": family.kinds, "parts": family.parts, "total": family.total}
            for family in families(inspection)
        ],
        "groups": list(membership.columns) if membership else [],
        "membership": membership.meaning if membership else "",
        "channels": steered[0].shape[1] if steered else 0,
        "channel_layers": list(first.layers) if first is not None and steered else [],
        "channel_images": [place for place, row in enumerate(member.rows) if int(row) in set(inspection.channel_images)] if steered else [],
    }


def layer_tables(member: Member, place: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The numbers behind `describe_layers`, float32, named for the packet of a model at `place`."""
    inspection = member.inspection
    arrays = {f"parts.{place}.{name}": inspection.parts(name)[member.rows][:, member.columns] for name in inspection.part_kinds}
    membership, steered = table_by_label(member, MEMBERSHIP, names), steering(member, names)
    if membership is not None:
        arrays[f"membership.{place}"] = membership.values
    if steered is not None:
        arrays[f"steering.{place}.labels"] = steered[0]
        if steered[1] is not None:
            arrays[f"steering.{place}.groups"] = steered[1]
    return {key: np.ascontiguousarray(values, dtype=np.float32) for key, values in arrays.items()}


def channel_arrays(member: Member, place: int, image: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Raw channels [D, h, w] of one image by layer, empty where none are stored for it."""
    stored = member.inspection.channels(int(member.rows[image])) if steering(member, names) else None
    if stored is None:
        return {}
    return {f"channels.{place}.{layer}": values[0] for layer, values in stored.layers.items()}
