"""The category lists of the papers' data sets, in the order of their official files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from workbench.categories import Categories


@cache
def _lists() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("official.json").read_text(encoding="utf-8"))


def official_categories(name: str) -> Categories | None:
    """The categories of data set `name` in their official order, or None where the data set itself says what they are.

    COCO is in category-id order (ASL, CSRA, Q2L); the files of ML-GCN and MSRN have it in alphabetical order.
    """
    if name.startswith("coco"):
        return Categories([entry[1] for entry in _lists()["coco"]], {entry[1]: entry[2] for entry in _lists()["coco"]})
    if name.startswith("voc"):
        from workbench.datasets.voc import CATEGORIES

        return CATEGORIES
    if name == "apparel":
        groups = _lists()["apparel"]
        group_of = {label: group for group, labels in groups.items() for label in labels}
        return Categories(group_of, group_of)
    return Categories(_lists()[name]) if name in ("nuswide", "wider") else None
