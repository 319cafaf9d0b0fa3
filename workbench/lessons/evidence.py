"""Numbers about the labels of the scenes' themes, read out of archives: scores, maps, leakage, and what edits changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.inspection import Inspection
from workbench.lessons.show import Table
from workbench.metrics import average_precision

THEMES = (("pond", "duck", "reed"), ("tree", "bench", "lamp"))
THEME_LABELS = tuple(member for theme in THEMES for member in theme)
KIND = "attention"  # the map that the lesson looks at
MEASURES = {"pointing": "pointing ↑", "energy": "energy inside ↑", "insertion": "insertion ↑", "deletion": "deletion ↓"}
WITHOUT = " without "  # between the name of a scene and that of the label that was taken out of it


def companions(label: str) -> tuple[str, ...]:
    """The other members of a label's theme; none for a label of no theme."""
    return next((tuple(other for other in theme if other != label) for theme in THEMES if label in theme), ())


def scores(inspection: Inspection) -> np.ndarray:
    """AP of every label, plain: float64 [C], NaN for a label that is in no picture."""
    return average_precision(inspection.logits(), inspection.targets)


def theme_mean(inspection: Inspection) -> float:
    """Mean AP of the labels of the themes that are in any picture."""
    return float(np.nanmean(scores(inspection)[_places(inspection)]))


def mean_over(inspection: Inspection, measure: str, row: str, labels: Sequence[str] = THEME_LABELS) -> float | None:
    """What was measured of a kind of map, mean over some labels; None where nothing was."""
    known = inspection.measurements.get(measure, {}).get(row, {}).get("per_label", {})
    values = [known[name] for name in labels if name in known]
    return float(np.mean(values)) if values else None


def numbers_table(archives: Mapping[str, Inspection], labels: Sequence[str] = THEME_LABELS, kinds: Sequence[str] | None = None) -> Table:
    """The numbers beside the maps, mean over some labels: for each model a row for each kind of map and for each reference.

    Args:
        archives: by the name to show. kinds: rows to show; by default all.
    """
    rows: list[list[Any]] = []
    for title, inspection in archives.items():
        found = {measure: inspection.measurements.get(measure, {}) for measure in MEASURES}
        names = list(dict.fromkeys([*inspection.map_kinds, *(name for entries in found.values() for name in entries)]))
        for name in (name for name in names if kinds is None or name in kinds):
            kind = inspection.map_kinds.get(name)
            check = inspection.measurements.get("sanity", {}).get(name)
            verdict = f"{check['verdict']}: {check['rank_correlation']:.2f}, chance {check['baseline']:.2f}" if check else None
            values = [mean_over(inspection, measure, name, labels) for measure in MEASURES]
            rows.append([title, kind.title if kind else f"({name})", *values, verdict])
    caption = f"Mean over {', '.join(labels)}; (in brackets): references. The check with random weights is over all labels."
    return Table(["model", "map", *MEASURES.values(), "randomised weights"], rows, caption)


def score_table(archives: Mapping[str, Inspection]) -> Table:
    """AP of each label of the themes in each archive, then their mean and that of all other labels."""
    rows: list[list[Any]] = []
    for title, inspection in archives.items():
        found, places = scores(inspection), _places(inspection)
        others = np.delete(found, places)
        mean = [_mean(found[places]), _mean(others)]
        rows.append([title, *(None if np.isnan(value) else float(value) for value in found[places]), *mean])
    return Table(["pictures", *THEME_LABELS, "all six", "all others"], rows, "Average precision")


def leaks(inspection: Inspection) -> bool:
    """Whether an archive holds the leakage between labels."""
    return "leakage" in inspection.measurements


def leakage_on(inspection: Inspection, label: str) -> tuple[list[str], list[float]]:
    """The other labels and how far painting over each moves `label`, in probability, the strongest first."""
    moved = inspection.table("leakage").values[:, inspection.categories.index(label)]
    order = [int(place) for place in np.argsort(-moved, kind="stable") if inspection.categories[int(place)] != label]
    return [inspection.categories[place] for place in order], [float(moved[place]) for place in order]


def leakage_table(archives: Mapping[str, Inspection], label: str) -> Table:
    """How far painting over each of the other labels moves one label: its companions, then the mean of all others."""
    rows: list[list[Any]] = []
    for title, inspection in archives.items():
        if not leaks(inspection):
            continue
        moved = dict(zip(*leakage_on(inspection, label), strict=True))
        own = inspection.table("leakage").values[inspection.categories.index(label), inspection.categories.index(label)]
        rest = [value for name, value in moved.items() if name not in companions(label)]
        rows.append([title, float(own), *(moved[name] for name in companions(label)), float(np.mean(rest))])
    head = ["model", f"{label} itself", *companions(label), "any other label"]
    return Table(head, rows, f"How far “{label}” moves, in probability, when this is painted over")


def company_table(inspection: Inspection) -> Table:
    """For each label of the themes: in how many pictures it is, and the share of those that hold each of its companions too."""
    there = inspection.targets == 1
    rows: list[list[Any]] = []
    for label in THEME_LABELS:
        own = there[:, inspection.categories.index(label)]
        shares = [float(there[own, inspection.categories.index(other)].mean()) if own.any() else None for other in companions(label)]
        told = [f"{other} –" if share is None else f"{other} {share:.2f}" for other, share in zip(companions(label), shares, strict=True)]
        rows.append([label, int(own.sum()), *told])
    return Table(["label", "pictures", "share with", "share with"], rows, "How often labels come together")


def edits_table(archives: Mapping[str, Inspection]) -> Table:
    """In how many edited scenes a label is said: as drawn, with the thing itself taken out, with one of its company taken out."""
    rows: list[list[Any]] = []
    for title, inspection in archives.items():
        for label in THEME_LABELS:
            counts = [_share(inspection, label, gone) for gone in (None, [label], companions(label))]
            if counts[0] is not None:
                rows.append([title, label, *counts])
    head = ["model", "label", "scene as drawn", "the thing itself taken out", "one of its company taken out"]
    return Table(head, rows, "Share of the scenes in which the label is said")


def said_without_itself(inspection: Inspection) -> np.ndarray:
    """bool [K]: for each edited scene of which a thing was taken out, whether its label is still said."""
    said = inspection.logits() >= 0
    found = [
        said[place, inspection.categories.index(gone)]
        for place, identifier in enumerate(inspection.ids)
        if (gone := identifier.partition(WITHOUT)[2]) and gone in inspection.categories
    ]
    return np.array(found, dtype=bool)


def _share(inspection: Inspection, label: str, gone: Sequence[str] | None) -> float | None:
    """Share of scenes in which `label` is said: those from which one of `gone` was taken, or with None the same scenes as drawn."""
    endings = [WITHOUT + name for name in ([label] if gone is None else gone)]
    drawn = {identifier.partition(WITHOUT)[0] for identifier in inspection.ids if identifier.endswith(WITHOUT + label)}
    wanted = list(drawn) if gone is None else [name + ending for name in drawn for ending in endings]
    known = set(inspection.ids)
    places = [inspection.position(identifier) for identifier in wanted if identifier in known]
    said = inspection.logits()[:, inspection.categories.index(label)] >= 0
    return float(said[places].mean()) if places else None


def _places(inspection: Inspection) -> list[int]:
    return [inspection.categories.index(name) for name in THEME_LABELS]


def _mean(values: np.ndarray) -> float | None:
    return None if np.isnan(values).all() else float(np.nanmean(values))
