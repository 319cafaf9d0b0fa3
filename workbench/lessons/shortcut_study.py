"""The study on shortcuts as a table and in words. Every sentence follows from comparing the numbers in studies/shortcut.json.

All figures are means over the labels of the themes. A difference is the misled model minus its twin, paired by seed, with a 95 % interval
over seeds; it counts only where the interval does not hold zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.lessons.atlas import many, side
from workbench.lessons.show import Paragraphs, Table

ABSENT = "studies/shortcut.json is not there, so there is nothing to compare with; measure it with `python -m benchmarks.shortcut`."
EMPTY = "studies/shortcut.json holds no pair of models yet; measure it with `python -m benchmarks.shortcut`."
TITLES = {
    "AP, together": "AP, pictures like those learned from",
    "AP, apart": "AP, each member on its own",
    "leakage within a theme": "leakage between members of a theme",
    "leakage between the themes": "leakage between the themes",
    "said, as drawn": "label said, scene as drawn",
    "said, itself gone": "label said, the thing itself taken out",
    "said, company gone": "label said, its company taken out",
}
ARROWS = {"pointing": "pointing ↑", "energy": "energy inside ↑", "insertion": "insertion ↑", "deletion": "deletion ↓"}
KINDS = {"class_activation": "class activation", "integrated_gradients": "integrated gradients", "attention": "attention"}
HIDDEN = ("random map", "centre blob", "pointing, ground-truth mask", "energy, ground-truth mask")  # know nothing of the model
HIGH, TWICE, LARGE_FALL, SMALL_FALL, STILL_SAID, RARELY_SAID = 0.9, 2, 0.2, 0.05, 0.5, 0.2  # as the hypothesis names them


def figures(study: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """By name of the figure: both models and their difference; nothing where no pair was measured."""
    return {row["figure"]: row for row in (study or {}).get("summary", [])}


def hypothesis(study: Mapping[str, Any] | None) -> Paragraphs:
    """What was expected, as it was written down before the first run."""
    return Paragraphs([f"Written before the first run: {study['hypothesis']}" if study else ABSENT])


def table(study: Mapping[str, Any] | None) -> Table | Paragraphs:
    """Every figure of both models with its interval over seeds, and what their difference says."""
    found = figures(study)
    if not found or study is None:
        return Paragraphs([ABSENT if study is None else EMPTY])
    shown = {name: row for name, row in found.items() if not name.endswith(HIDDEN)}
    rows = [[_title(name), _spread(row["shortcut"]), _spread(row["shortcut-off"]), _told(row["difference"])] for name, row in shown.items()]
    seeds = _seeds(study)
    caption = f"The six labels of the themes, {seeds} {many(seeds, 'seed')}: mean and 95 % interval"
    return Table(["figure", "misled", "twin", "misled − twin"], rows, caption)


def verdict(study: Mapping[str, Any] | None, kind: str) -> Paragraphs:
    """Each part of the hypothesis, compared with the numbers of one kind of map, and how far they can be trusted."""
    found = figures(study)
    if not found or study is None:
        return Paragraphs([ABSENT if study is None else EMPTY])
    said = [_score(found), _maps(found, kind), _leakage(found), _checked(study, kind), _apart(found), _edits(found)]
    seeds = _seeds(study)
    said.append(
        f"{seeds} {many(seeds, 'seed')} {'makes' if seeds == 1 else 'make'} wide intervals: “not told apart” does not mean equal. "
        "One kind of drawn scene, one small network, one perfect rule: real shortcuts are weaker, and harder to find."
    )
    return Paragraphs([word for word in said if word])


def _score(found: Mapping[str, Any]) -> str:
    row = found["AP, together"]
    both = [row[name]["mean"] for name in ("shortcut", "shortcut-off")]
    return (
        f"(1) The score on pictures like those learned from: that part {_holds(min(both) >= HIGH)}. The misled model has an AP of "
        f"{both[0]:.3f}, its twin {both[1]:.3f}; the difference is {_told(row['difference'])}."
    )


def _maps(found: Mapping[str, Any], kind: str) -> str:
    if f"pointing, {kind}" not in found:
        return ""
    point, energy, deletion = (found[f"{measure}, {kind}"]["difference"] for measure in ("pointing", "energy", "deletion"))
    if point["half_width"] is None:
        return f"(2) The map ({KINDS.get(kind, kind)}): one seed cannot tell. Pointing differs by {point['mean']:+.3f}."
    holds = side(point) < 0 and side(energy) < 0 and side(deletion) <= 0
    pair = found[f"pointing, {kind}"]
    return (
        f"(2) The map ({KINDS.get(kind, kind)}): that part {_holds(holds)}. Pointing is {pair['shortcut']['mean']:.2f} in the misled model "
        f"and {pair['shortcut-off']['mean']:.2f} in its twin ({_told(point)}); energy inside: {_told(energy)}; deletion: {_told(deletion)}"
        f"{_faithful(found, kind)}."
    )


def _faithful(found: Mapping[str, Any], kind: str) -> str:
    """Where the deletion of the misled model's map is worse than its twin's, against the hypothesis: what is left of it beside noise."""
    own, noise = (found.get(f"deletion, {name}") for name in (kind, "random map"))
    if own is None or noise is None or side(own["difference"]) <= 0:
        return ""
    left = ", ".join(
        f"{own[name]['mean']:.2f} in the {title} (random cells {noise[name]['mean']:.2f})"
        for name, title in (("shortcut", "misled model"), ("shortcut-off", "twin"))
    )
    return f", and no worse was expected. The score that is left is {left}"


def _leakage(found: Mapping[str, Any]) -> str:
    row = found["leakage within a theme"]
    on, off = row["shortcut"]["mean"], row["shortcut-off"]["mean"]
    return (
        f"(3) Leakage between members of a theme: that part {_holds(on >= TWICE * off)}. Painting over one of them moves the others by "
        f"{on:.3f} in the misled model, by {off:.3f} in its twin."
    )


def _checked(study: Mapping[str, Any], kind: str) -> str:
    verdicts = {
        rule: [row["sanity"][kind]["verdict"] for row in study["rows"] if row["rule"] is rule and kind in row["sanity"]]
        for rule in (True, False)
    }
    if not all(verdicts.values()):
        return ""
    told = "; ".join(f"{name}: {', '.join(verdicts[rule])}" for rule, name in ((True, "misled"), (False, "twin")))
    everywhere = all(verdict == "sensitive" for found in verdicts.values() for verdict in found)
    return f"(4) The randomised-weights check calls all maps sensitive: that part {_holds(everywhere)}. Seed by seed, {told}."


def _apart(found: Mapping[str, Any]) -> str:
    falls = [found["AP, together"][name]["mean"] - found["AP, apart"][name]["mean"] for name in ("shortcut", "shortcut-off")]
    return (
        f"(5) Each member on its own: that part {_holds(falls[0] >= LARGE_FALL and falls[1] < SMALL_FALL)}. AP falls by {falls[0]:.3f} in "
        f"the misled model and by {falls[1]:.3f} in its twin."
    )


def _edits(found: Mapping[str, Any]) -> str:
    on, off = (found["said, itself gone"][name]["mean"] for name in ("shortcut", "shortcut-off"))
    return (
        f"(6) The thing itself taken out: that part {_holds(on > STILL_SAID and off < RARELY_SAID)}. The label is still said in a share of "
        f"{on:.2f} of the scenes by the misled model, {off:.2f} by its twin."
    )


def _holds(yes: bool) -> str:
    return "holds" if yes else "does not hold"


def _told(difference: Mapping[str, Any]) -> str:
    half = difference["half_width"]
    if half is None:
        return f"{difference['mean']:+.3f}, one seed"
    word = {1: "higher", -1: "lower", 0: "not told apart"}[side(difference)]
    return f"{difference['mean']:+.3f} ± {half:.3f}, {word}"


def _title(name: str) -> str:
    measure, _, row = name.partition(", ")
    return TITLES.get(name) or f"{ARROWS.get(measure, measure)}, {KINDS.get(row, f'({row})')}"


def _seeds(study: Mapping[str, Any]) -> int:
    return len({row["seed"] for row in study["rows"]})


def _spread(figure: Mapping[str, Any]) -> str:
    half = figure["half_width"]
    return f"{figure['mean']:.3f}" + ("" if half is None else f" ± {half:.3f}")
