"""What an archive says about itself: the tensors it holds, and what its maps and logits mean.

Tensors of schema 3 (N images, C categories, K stored labels of an image, R regions, P present pairs, T epochs); what is not there in
schema 1 is optional, so that files of schema 1 and 2 open as they are:

======================= ========= =============== =====================================================================
name                    type      shape           meaning
======================= ========= =============== =====================================================================
images.bytes            uint8     [total]         JPEG files, one after the other, squashed to ``picture`` size
images.offsets          int64     [N+1]           where each begins
images.sizes            int32     [N, 2]          height and width of the source picture (its aspect for display)
targets                 int8      [N, C]          1 present, 0 absent, -1 unknown or difficult
logits.<name>           float32   [N, C]
maps.<kind>             float16   [N, K, h, w]    raw values, divided by their scale; K = C unless ``labels.<kind>`` is there
scales.<kind>           float64   [N, K]          since 3: the scale of each map; without it the values are as they are
labels.<kind>           int16     [N, K]          category of each stored map, -1 for an unused place
features.values         float16   [P, D]          class features of the P present (image, category) pairs; float32 where needed
features.pairs          int32     [P, 2]          image and category of each
regions.pairs           int32     [R, 2]          image and category of each region, sorted by image
regions.boxes           float32   [R, 4]          x0, y0, x1, y1 in frame pixels
regions.flags           uint8     [R]             1 crowd, 2 difficult
regions.bytes, .offsets uint8, int64              1-bit PNG masks of ``picture`` size; an empty one means box only
relations.<name>        float32   [C, C]          influence of the column's category on the row's, mean over images
relations.<name>.each   float16   [N, C, C]       the same for each image, where it is small enough to keep
parts.<name>            float32   [N, C]          since 2: addends of the logits that ``decomposes`` names, which they make up exactly
tables.<name>           float32   [rows, columns] since 2: what the model knows of the labels; rows and columns have names
channels.<layer>        float16   [K, D, h, w]    since 2: raw feature maps of the K images of ``channels.images`` [K]; or float32
embeddings.<projection> float32   [T, P, 2]       since 2: the class features of the present pairs as points, for each stored epoch
======================= ========= =============== =====================================================================

The header's ``inspection`` entry is JSON: schema, categories, ids, frame [h, w], picture [h, w], map_kinds, logit_kinds, scored,
threshold, relations, measurements and provenance; since 2 parts, decomposes, tables, channels and embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from workbench.errors import WorkbenchError

SCHEMA_VERSION = 3
SCALES = ("unit", "magnitude", "signed")
TRANSFORMS = (None, "sigmoid")


@dataclass(frozen=True)
class MapKind:
    """What one kind of map means, so that an explorer draws the right scale and says the right thing.

    Attributes:
        name: key, as in ``out["maps.<name>"]``.
        title: short name for a heading, with the paper's letter where it has one.
        meaning: one plain sentence.
        scale: "unit" (0 to 1), "magnitude" (0 upwards) or "signed" (zero in the middle), of the values as shown.
        transform: "sigmoid" where the raw values are shown through one, else None.
        sums_to: what the cells of one label add up to: "one", "logit - bias", or None.
        logit: name of the logits that the map adds up to or explains, or None.
        layer: name of the layer it comes from, or None.
    """

    name: str
    title: str
    meaning: str
    scale: str = "magnitude"
    transform: str | None = None
    sums_to: str | None = None
    logit: str | None = None
    layer: str | None = None

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise WorkbenchError(f'Map "{self.name}" has scale "{self.scale}"; use one of {", ".join(SCALES)}.')
        if self.transform not in TRANSFORMS:
            raise WorkbenchError(f'Map "{self.name}" has transform "{self.transform}"; use None or "sigmoid".')

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> MapKind:
        known = {key: value[key] for key in cls.__dataclass_fields__ if key in value}
        return cls(**known)  # type: ignore[arg-type]


@dataclass(frozen=True)
class LogitKind:
    """A set of logits: its name in ``out["logits.<name>"]``, a short title (``y_cls``) and one plain sentence."""

    name: str
    title: str
    meaning: str = ""

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> LogitKind:
        return cls(str(value["name"]), str(value["title"]), str(value.get("meaning", "")))


@dataclass(frozen=True)
class PartKind:
    """One addend of a logit: its name in ``parts.<name>``, a title, one plain sentence.

    Attributes:
        maps: the map kind whose cells add up to this part, or None (a bias, a remainder).
    """

    name: str
    title: str
    meaning: str = ""
    maps: str | None = None

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> PartKind:
        maps = value.get("maps")
        return cls(str(value["name"]), str(value["title"]), str(value.get("meaning", "")), None if maps is None else str(maps))
