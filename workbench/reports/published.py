"""Figures that others published, from ``published.json``: each with its source and convention, and what keeps ours from being held
against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from workbench.metrics.conventions import PRESETS

OFFICIAL = {
    ("coco-val2014", 40_504): "coco2014",
    ("coco-val2014-labelled", 40_137): "coco2014",
    ("nuswide-test-labelled", 80_283): "nuswide",
    ("voc2007-test", 4_952): "voc2007",
}
"""Names and numbers of images, as an evaluation states them, that are a whole official split; nobody else scored parts of one."""


@dataclass(frozen=True)
class Published:
    """One row of somebody's table.

    Attributes:
        data: key of `workbench.datasets.DATASETS`; system: what was measured.
        source: paper and its number, None where only the figure is at hand.
        ap: kind of average precision; preset: convention of its precision, recall and F1, None where it gives none.
        backbone, image_size: of the network, the size in pixels; images: how many were scored; None where not known.
        figures: in percent, named as in an evaluation: "mAP", "CF1", "top3 OP".
    """

    data: str
    system: str
    source: str | None
    ap: str
    preset: str | None
    backbone: str
    image_size: int | None
    images: int | None
    note: str
    figures: dict[str, float]

    def difference(self, result: Mapping[str, Any]) -> float | str:
        """mAP of an evaluation (see `workbench.metrics.evaluate`) minus this one, in points, or why they must not be compared."""
        if self.images is None:
            return "not said on which images"
        if self.images != result["images"]:
            return f"{self.images:,} images there, {result['images']:,} here"
        ours = result.get("mAP by kind", {}).get(self.ap)
        return f"no {self.ap} AP here" if ours is None else 100 * ours - self.figures["mAP"]


@cache
def all_published() -> tuple[Published, ...]:
    """Every row of the file, in its order."""
    value = json.loads(files("workbench.reports").joinpath("published.json").read_text(encoding="utf-8"))
    return tuple(Published(**row) for row in value["figures"])


def published_for(result: Mapping[str, Any]) -> tuple[Published, ...]:
    """Rows on the data set of an evaluation; none unless it scored a whole official split."""
    data = OFFICIAL.get((result.get("data", ""), result.get("images", 0)))
    return tuple(row for row in all_published() if row.data == data)


def words(preset: str | None) -> str:
    """What a convention means, for a reader."""
    return PRESETS[preset].description if preset in PRESETS else ""
