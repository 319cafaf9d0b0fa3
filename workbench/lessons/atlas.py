"""The claim atlas in words. Every sentence follows from comparing the numbers in studies/atlas.json; none takes the hypothesis for granted.

The numbers are AP on the relational labels, shown in points (hundredths). A difference is SRN minus another arm, paired by seed, with a
95 % interval over seeds; it counts only where the interval does not hold zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.lessons.show import Paragraphs, Table

ABSENT = "studies/atlas.json is not there, so there is nothing to compare with; measure it with `python -m benchmarks.atlas`."
MEASURE = "relational_AP"
ARMS = {
    "pooled": "pooled baseline",
    "srn": "SRN",
    "shuffled": "SRN, places shuffled",
    "control": "matched control, no attention",
}
NOTHING = {"mean": 0.0, "half_width": None}
BACKBONES = {"small-narrow": "small receptive field", "small": "large receptive field"}
WORDS = {1: "better", -1: "worse", 0: "not told apart"}
RELATIONS = {1.0: "with the rule", 0.0: "without the rule"}


def side(difference: Mapping[str, Any]) -> int:
    """1 where the interval of a difference lies above zero, -1 below, 0 where it holds zero or there is none."""
    half = difference.get("half_width")
    if half is None or abs(difference["mean"]) <= half:
        return 0
    return 1 if difference["mean"] > 0 else -1


def setting(row: Mapping[str, Any]) -> str:
    """Name of a corner of the grid, without its relation: "few images, small receptive field"."""
    return f"{row['images']} images, {BACKBONES.get(row['backbone'], row['backbone'])}"


def panel(relation: float) -> str:
    return RELATIONS.get(float(relation), f"the rule names {100 * relation:g} % of the objects")


def points(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For `workbench.widgets.interval_chart`: each arm in each setting."""
    return [
        {
            "panel": panel(row["relation"]),
            "row": setting(row),
            "series": ARMS.get(arm, arm),
            "mean": figures[MEASURE]["mean"],
            "half_width": figures[MEASURE]["half_width"],
            "values": figures[MEASURE]["values"],
        }
        for row in study["summary"]
        for arm, figures in sorted(row["arms"].items(), key=lambda item: list(ARMS).index(item[0]) if item[0] in ARMS else len(ARMS))
    ]


def hypothesis(study: Mapping[str, Any] | None) -> Paragraphs:
    """What was expected, as it was written down before the first run."""
    return Paragraphs([f"Written before the first run: {study['hypothesis']}" if study else ABSENT])


def chart(study: Mapping[str, Any] | None) -> Any:
    """Every arm in every setting, with its interval over seeds: an `IntervalChart`."""
    from workbench.widgets.plots import interval_chart  # plotly, which only this function needs

    if study is None:
        return Paragraphs([ABSENT])
    return interval_chart(points(study), "AP on the labels of the rule: mean, 95 % interval over seeds")


def verdict(study: Mapping[str, Any] | None) -> Paragraphs:
    """What came out, hypothesis first, then where SRN differs from each of the others, then how far that can be trusted."""
    if study is None:
        return Paragraphs([ABSENT])
    rows = study["summary"]
    seeds = {run["seed"] for run in study["runs"]}
    cores = study.get("machine", {}).get("cores", "?")
    words = [
        f"The atlas holds {len(study['runs'])} trainings of {len(rows)} settings, {len(seeds)} {many(len(seeds), 'seed')}, "
        f"made on {cores} processor cores. All differences are in points of AP (hundredths) on the labels that the rule names.",
        _outcome(rows),
    ]
    words += [_against(rows, arm) for arm in ("pooled", "control", "shuffled")]
    words.append(_why(rows))
    count = sum(len(row["srn_minus"]) for row in rows)
    words.append(
        f"{_passes(study)}Read this with care. These are {count} differences, and a 95 % interval leaves out the truth about once in "
        "twenty times. "
        f"{len(seeds)} {many(len(seeds), 'seed')} {'makes' if len(seeds) == 1 else 'make'} wide intervals: “not told apart” does not mean "
        "equal. The pictures are drawn, and the networks small."
    )
    return Paragraphs([word for word in words if word])


def differences_table(study: Mapping[str, Any] | None) -> Table | Paragraphs:
    """SRN minus each other arm in every setting, with its interval and what follows from it."""
    if study is None:
        return Paragraphs([ABSENT])
    arms = [arm for arm in ARMS if any(arm in row["srn_minus"] for row in study["summary"])]
    rows = []
    for row in study["summary"]:
        found = [row["srn_minus"].get(arm, {}).get(MEASURE) for arm in arms]
        cells = [None if difference is None else f"{shown(difference)}, {WORDS[side(difference)]}" for difference in found]
        rows.append([f"{panel(row['relation'])}; {setting(row)}", *cells])
    return Table(["setting", *(f"SRN − {ARMS[arm]}" for arm in arms)], rows, "Differences in points of AP, 95 % interval over seeds")


def probe_table(study: Mapping[str, Any] | None) -> Table | Paragraphs:
    """How well the place of an object alone gives its name: AP of each relational label."""
    if study is None:
        return Paragraphs([ABSENT])
    probe = study.get("position_probe", {})
    labels = list(dict.fromkeys(label for entry in probe.values() for label in entry))
    rows = [[name, *(float(entry[label]) for label in labels)] for name, entry in probe.items()]
    return Table(["kind of scene", *labels], rows, "AP (0 to 1) from the object's box alone")


def shown(difference: Mapping[str, Any]) -> str:
    """A difference in points with its interval: "+2.0 ± 1.1"."""
    half = difference["half_width"]
    spread = f" ± {100 * half:.1f}" if half is not None else f", {difference['n']} seed, no interval"
    return f"{100 * difference['mean']:+.1f}{spread}"


def many(count: int, word: str) -> str:
    """`word` in the plural unless `count` is 1."""
    return word if count == 1 else f"{word}s"


def _passes(study: Mapping[str, Any]) -> str:
    """That the sizes of the training set differ in passes too, where they do."""
    seen = {run["images"]: run["images_through_backbone"] for run in study["runs"] if "images_through_backbone" in run}
    if len(set(seen.values())) < 2:
        return ""
    told = ", ".join(f"{count:,} with {size} images" for size, count in seen.items())
    return f"Few and many images also differ in how many the network sees in all ({told}), so they say nothing about data alone. "


def _outcome(rows: Sequence[Mapping[str, Any]]) -> str:
    """Each part of the hypothesis, compared with the numbers."""
    said = []
    corner = next((r for r in rows if (r["relation"], r["images"], r["backbone"]) == (1, "few", "small-narrow")), None)
    if corner is None or "error_ratio_to_pooled" not in corner:
        return "The setting that the hypothesis is about has not been measured yet."
    ratio = corner["error_ratio_to_pooled"]
    held = ratio <= 0.5
    said.append(
        f"The first part of the hypothesis {'holds' if held else 'does not hold'}: with the rule, few images and a small receptive field, "
        f"SRN's mean error is {ratio:.2f} of the pooled baseline's, and at most 0.50 was expected."
    )
    if "control" in corner["srn_minus"]:
        difference = corner["srn_minus"]["control"][MEASURE]
        outcome = {1: "holds: SRN is better than", -1: "does not hold: SRN is worse than", 0: "is not shown: nothing separates SRN from"}
        said.append(f"The second part {outcome[side(difference)]} the matched control there ({shown(difference)}).")
    flat = [difference[MEASURE] for row in rows if row["relation"] == 0 for difference in row["srn_minus"].values()]
    if flat:
        outside = sum(side(difference) != 0 for difference in flat)
        unsure = sum(difference["half_width"] is None for difference in flat)
        said.append(
            f"The third part {'holds' if not outside and not unsure else 'is not shown' if not outside else 'does not hold everywhere'}: "
            f"without the rule {outside} of {len(flat)} differences lie beyond their interval."
        )
    return " ".join(said)


def _against(rows: Sequence[Mapping[str, Any]], arm: str) -> str:
    """SRN against one arm: in how many settings it is better, worse or not told apart, for each value of the relation."""
    parts = []
    for relation in sorted({row["relation"] for row in rows}, reverse=True):
        sides = [side(row["srn_minus"][arm][MEASURE]) for row in rows if row["relation"] == relation and arm in row["srn_minus"]]
        if sides:
            counts = ", ".join(f"{word} in {sides.count(sign)}" for sign, word in WORDS.items())
            parts.append(f"{panel(relation)} ({len(sides)} {many(len(sides), 'setting')}) {counts}")
    return f"SRN against “{ARMS[arm]}”: {'; '.join(parts)}." if parts else ""


def _why(rows: Sequence[Mapping[str, Any]]) -> str:
    """Where SRN beats the pooled baseline with the rule: whether the other arms tell what it owes that to."""
    won = [row["srn_minus"] for row in rows if row["relation"] == 1 and side(row["srn_minus"].get("pooled", {}).get(MEASURE, NOTHING)) > 0]
    if not won:
        return "With the rule there is no setting in which SRN is better than the pooled baseline beyond the interval."
    said = [f"With the rule SRN is better than the pooled baseline in {len(won)} {many(len(won), 'setting')}. What does it owe that to?"]
    for arm, lacks in (("control", "attention and gate"), ("shuffled", "the places in the maps")):
        better = sum(side(differences.get(arm, {}).get(MEASURE, NOTHING)) > 0 for differences in won)
        shows = (
            "that speaks for them"
            if better == len(won)
            else "it depends on the setting"
            if better
            else "nothing here shows that they matter"
        )
        said.append(f"It also beats “{ARMS[arm]}”, which lacks {lacks}, in {better} of these: {shows}.")
    return " ".join(said)
