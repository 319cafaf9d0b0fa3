"""What an explorer shows at a moment: one JSON dict, its defaults and its checks.

``spot`` is a place in the picture as [x, y] in 0..1; ``map`` and ``before`` are names of kinds; ``before`` may also be ``model:0``, the
final logits of another model in view; ``edits`` are those of `workbench.widgets.edits` by image id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError, did_you_mean
from workbench.widgets.edits import checked_edits
from workbench.widgets.layers import MEMBERSHIP, families, steering
from workbench.widgets.matching import Matched, Member
from workbench.widgets.style import STYLE

CHOICES: dict[str, tuple[str, ...]] = {
    "overlay": ("heat", "contour", "map"),
    "scale": ("view", "labels", "map"),
    "palette": tuple(name for name in STYLE["palettes"] if name != STYLE["signed_palette"]),
    "filter_state": ("all", "TP", "FP", "FN", "TN", "unknown", "fixed", "broken"),
    "sort": ("stored", "high", "low", "errors", "disagreement", "label disagreement"),
    "panel": ("layers", "steps", "influence"),
    "relation_of": ("mean", "image"),
}
CLEAR = 1.4  # logits above the cut: a probability of 0.8 where the threshold is 0.5
TEXTS = ("image", "label", "filter_label", "map", "before", "family")
SWITCHES = ("grid", "regions", "as_seen", "whatif")


def opening_view(matched: Matched, image: int | str | None, label: str | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The first view: what was asked for, and where nothing was asked, an image and a label at which something is to be seen."""
    several = len(matched.members) > 1
    member = matched.members[-1]
    view = {
        "image": "", "label": "", "model": len(matched.members) - 1, "map": next(iter(member.inspection.map_kinds)),
        "overlay": "heat", "alpha": 0.8, "grid": False, "scale": "view", "palette": "viridis", "regions": False, "as_seen": False,
        "spot": None, "filter_label": "", "filter_state": "all", "sort": "disagreement" if several else "stored", "panel": "steps",
        "family": "", "channel": None, "group": None, "whatif": False, "edits": {},
        "before": before_choices(matched, member)[0] if before_choices(matched, member) else "", "relation_of": "mean",
    }  # fmt: skip
    place = None if image is None else matched.position(image)
    column = None if label is None else matched.categories.index(label)
    place, column = _first_look(matched, place, column)
    view |= {"image": matched.ids[place], "label": matched.categories[column]}
    if families(member.inspection):
        view["panel"] = "layers"
    view = checked_view(matched, view, changes)
    if "spot" not in changes:
        view["spot"] = _peak(matched, view)
    return view


def checked_view(matched: Matched, view: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`view` with `changes`, or WorkbenchError that says which value cannot be."""
    result = {**view, **changes}
    for key in changes:
        if key not in view:
            raise WorkbenchError(f'A view has no "{key}".{did_you_mean(key, view)}')
    for key in TEXTS:
        if not isinstance(result[key], str) and not (key == "image" and isinstance(result[key], int)):
            raise WorkbenchError(f'"{key}" is a text, not {result[key]!r:.60}.')
    if isinstance(result["image"], int):
        result["image"] = matched.ids[matched.position(result["image"])]
    matched.position(result["image"])
    matched.categories.index(result["label"])
    if result["filter_label"]:
        matched.categories.index(result["filter_label"])
    for key, choices in CHOICES.items():
        if result[key] not in choices:
            raise WorkbenchError(f'"{key}" cannot be {result[key]!r:.60}.{did_you_mean(str(result[key]), choices)}')
    for key in SWITCHES:
        result[key] = bool(result[key])
    if not (isinstance(result["model"], int) and 0 <= result["model"] < len(matched.members)):
        raise WorkbenchError(f'"model" is the place of a model in view, 0 to {len(matched.members) - 1}, not {result["model"]!r}.')
    member = matched.members[result["model"]]
    if result["map"] not in member.inspection.map_kinds:
        if "map" in changes:
            raise WorkbenchError(
                f'{member.name} has no map "{result["map"]}".{did_you_mean(str(result["map"]), member.inspection.map_kinds)}'
            )
        result["map"] = next(iter(member.inspection.map_kinds))
    befores = before_choices(matched, member)
    if result["before"] not in befores:
        if changes.get("before"):
            raise WorkbenchError(f'The answer cannot be compared with "{result["before"]}".{did_you_mean(str(result["before"]), befores)}')
        result["before"] = befores[0] if befores else ""
    _check_layers(matched, member, result, changes)
    result["edits"] = checked_edits(result["edits"])
    for identifier in result["edits"]:
        matched.position(identifier)
    result["alpha"] = _share("alpha", result["alpha"])
    if result["spot"] is not None:
        if not isinstance(result["spot"], list | tuple) or len(result["spot"]) != 2:
            raise WorkbenchError(f'"spot" is [x, y] in 0..1 or None, not {result["spot"]!r}.')
        result["spot"] = [_share("spot", value) for value in result["spot"]]
    return result


def before_choices(matched: Matched, member: Member) -> list[str]:
    """With what the final answer of `member` can be compared: its other logits, then the other models' final ones."""
    kinds = [name for name in member.inspection.logit_kinds if name != member.inspection.scored]
    return kinds + [f"model:{place}" for place, other in enumerate(matched.members) if other is not member]


def _check_layers(matched: Matched, member: Member, result: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """The family of maps, the channel and the group of the layer view: what the model lacks is an error where it was asked for."""
    known = [family.name for family in families(member.inspection)]
    if result["family"] not in known:
        if changes.get("family"):
            raise WorkbenchError(f'{member.name} has no layers called "{result["family"]}".{did_you_mean(str(result["family"]), known)}')
        result["family"] = known[0] if known else ""
    steered = steering(member, matched.categories.names) if result["channel"] is not None else None
    groups = len(member.inspection.table(MEMBERSHIP).columns) if MEMBERSHIP in member.inspection.table_names else 0
    for key, count in (("channel", steered[0].shape[1] if steered else 0), ("group", groups)):
        value = result[key]
        if value is None or (isinstance(value, int) and 0 <= value < count):
            continue
        if changes.get(key) is not None:
            raise WorkbenchError(f'"{key}" is None or one of the {count} that {member.name} has, counted from 0, not {value!r}.')
        result[key] = None


def _first_look(matched: Matched, image: int | None, label: int | None) -> tuple[int, int]:
    """An image and a label at which something is to be seen, within what is given.

    Several models: where they disagree most. One model: the first image with a present label that the final answer fixed, else with one
    that was found, clearly if possible, else any; in that image the label with the highest score.
    """
    member = matched.members[-1]
    targets, final = matched.targets, member.logits()
    free = np.ones(targets.shape, dtype=bool)
    if image is not None:
        free &= (np.arange(len(targets)) == image)[:, None]
    if label is not None:
        free &= np.arange(targets.shape[1]) == label
    if len(matched.members) > 1:
        others = [_probability(other.logits()) for other in matched.members]
        spread = np.max(others, axis=0) - np.min(others, axis=0)
        return divmod(int(np.argmax(np.where(free, spread, -1))), targets.shape[1])
    found = free & (targets == 1) & (final >= member.cut)
    clear = final >= member.cut + CLEAR
    befores = before_choices(matched, member)
    fixed = found & (member.logits(befores[0]) < member.cut) if befores else found
    for wanted in (fixed & clear, found & clear, fixed, found, free):
        places = np.flatnonzero(wanted.any(axis=1))
        if len(places):
            return int(places[0]), int(np.argmax(np.where(wanted[places[0]], final[places[0]], -np.inf)))
    raise AssertionError("there is at least one image and one label")


def _peak(matched: Matched, view: Mapping[str, Any]) -> list[float] | None:
    """The middle of the strongest cell of the map in view, so that the first look already ranks the labels at a spot."""
    labels, values = matched.members[view["model"]].shown_maps(view["map"], matched.position(view["image"]))
    found = np.flatnonzero(labels == matched.categories.index(view["label"]))
    if not len(found):
        return None
    row, column = np.unravel_index(np.argmax(np.nan_to_num(values[found[0]], nan=-np.inf)), values.shape[1:])
    return [float(column + 0.5) / values.shape[2], float(row + 0.5) / values.shape[1]]


def _probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))


def _share(key: str, value: Any) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise WorkbenchError(f'"{key}" is a number between 0 and 1, not {value!r}.')
    return float(value)
