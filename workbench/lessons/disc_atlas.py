"""The discriminative loss in the claim atlas, in words. Every sentence follows from comparing the numbers in studies/disc_atlas.json.

A difference is a model trained with the loss minus the same one trained without it, paired by seed, with a 95 % interval over seeds; it
counts only where the interval does not hold zero. AP is shown in points (hundredths).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.lessons.atlas import WORDS, many, shown, side
from workbench.lessons.show import Paragraphs, Table

ABSENT = "studies/disc_atlas.json is not there, so there is nothing to compare with; measure it with `python -m benchmarks.disc_atlas`."
HOSTS = {"disentangled": "disentangled", "srn": "SRN", "msrn": "MSRN"}
CHARTED = {"mAP": "all labels", "look_alike_AP": "look-alike labels", "cooccurring_AP": "labels that always come together"}
EXPECTED_GAIN = 0.01  # AP, as the hypothesis names it
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)  # 97.5 % points of Student's t for 2, 3, ... seeds


def setting(row: Mapping[str, Any]) -> str:
    """Name of a corner of the grid: "SRN, animals look alike"."""
    return f"{HOSTS.get(row['host'], row['host'])}, animals {'look alike' if row['look_alike'] else 'differ'}"


def hypothesis(study: Mapping[str, Any] | None) -> Paragraphs:
    """What was expected, as it was written down before the first run."""
    return Paragraphs([f"Written before the first run: {study['hypothesis']}" if study else ABSENT])


def points(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For `workbench.widgets.interval_chart`: AP with and without the loss in each setting."""
    return [
        {
            "panel": CHARTED[measure],
            "row": setting(row),
            "series": f"loss {arm}",
            "mean": row[arm][measure]["mean"],
            "half_width": row[arm][measure]["half_width"],
            "values": row[arm][measure]["values"],
        }
        for measure in CHARTED
        for row in study["summary"]
        for arm in ("off", "on")
        if measure in row[arm]
    ]


def chart(study: Mapping[str, Any] | None) -> Any:
    """AP with the loss on and off, with its interval over seeds: an `IntervalChart`."""
    from workbench.widgets.plots import interval_chart  # plotly, which only this function needs

    if study is None or not (found := points(study)):
        return Paragraphs([ABSENT])
    return interval_chart(found, "AP: mean, 95 % interval over seeds")


def differences_table(study: Mapping[str, Any] | None) -> Table | Paragraphs:
    """The loss on minus off in every setting: separation first, then AP, each with what follows from it."""
    if study is None:
        return Paragraphs([ABSENT])
    rows = []
    for row in study["summary"]:
        found = row["on_minus_off"]
        rows.append([setting(row), _grown(row), *(_told(found.get(measure)) for measure in CHARTED)])
    head = ["setting", "inter / intra, off to on", *(f"AP, {name}" for name in CHARTED.values())]
    return Table(head, rows, "Loss on minus loss off; AP in points, 95 % interval over seeds")


def per_class_table(study: Mapping[str, Any] | None, look_alike: float = 1.0) -> Table | Paragraphs:
    """The difference in AP of every label, for each host, at one setting of `look_alike`."""
    if study is None:
        return Paragraphs([ABSENT])
    found: dict[str, dict[str, list[float]]] = {}
    for host in HOSTS:
        arms = {
            loss: {
                run["seed"]: run["AP"] for run in study["runs"] if (run["host"], run["look_alike"], run["loss"]) == (host, look_alike, loss)
            }
            for loss in (False, True)
        }
        for seed in sorted(set(arms[False]) & set(arms[True])):
            for name, value in arms[True][seed].items():
                found.setdefault(name, {}).setdefault(host, []).append(value - arms[False][seed][name])
    hosts = [host for host in HOSTS if any(host in row for row in found.values())]
    rows = [[name, *(_told(_interval(row[host])) if host in row else None for host in hosts)] for name, row in found.items()]
    caption = (
        f"Loss on minus loss off, points of AP of each label, animals {'look alike' if look_alike else 'differ'}; 95 % interval over seeds"
    )
    return Table(["label", *(HOSTS[host] for host in hosts)], rows, caption)


def verdict(study: Mapping[str, Any] | None) -> Paragraphs:
    """Each part of the hypothesis, compared with the numbers, then how far that can be trusted."""
    if study is None:
        return Paragraphs([ABSENT])
    rows, seeds = study["summary"], len({run["seed"] for run in study["runs"]})
    if not rows:
        return Paragraphs(["The atlas holds no pair of trainings with and without the loss yet."])
    words = [
        f"This part of the atlas holds {len(study['runs'])} trainings of {len(rows)} {many(len(rows), 'setting')}, with and without the "
        f"loss, {seeds} {many(seeds, 'seed')}, made on {study.get('machine', {}).get('cores', '?')} processor cores.",
        _separated(rows),
        _look_alike(rows),
        _overall(rows),
        _together(rows),
        _worth(rows),
    ]
    count = len(rows) * (1 + len(CHARTED))
    words.append(
        f"Read this with care. These are {count} differences, and a 95 % interval leaves out the truth about once in twenty times. "
        f"{seeds} {many(seeds, 'seed')} {'makes' if seeds == 1 else 'make'} wide intervals: “not told apart” does not mean equal. "
        "The pictures are drawn, the networks small, and the weight of the loss was not tuned for each host."
    )
    return Paragraphs([word for word in words if word])


def ratio_of(study: Mapping[str, Any] | None, host: str) -> Paragraphs:
    """Whether the loss moves inter / intra in one host, over the seeds of the study: for a reader who has seen one training of each."""
    if study is None:
        return Paragraphs([ABSENT])
    rows = [row for row in study["summary"] if row["host"] == host and "ratio" in row["on_minus_off"]]
    told = "; ".join(f"{setting(row)}: {_grown(row)}" for row in rows) or "not measured"
    seeds = len({run["seed"] for run in study["runs"]})
    return Paragraphs([f"In the study, {seeds} {many(seeds, 'seed')}, inter / intra without and with the loss: {told}."])


def _separated(rows: Sequence[Mapping[str, Any]]) -> str:
    """Part 1: inter / intra rises in every host."""
    sides = [side(row["on_minus_off"]["ratio"]) for row in rows if "ratio" in row["on_minus_off"]]
    outcome = "holds" if sides and all(one > 0 for one in sides) else "does not hold everywhere"
    return (
        f"(1) Separation: that part {outcome}. With the loss, inter / intra is higher beyond the interval in {sides.count(1)} of "
        f"{len(sides)} settings, lower in {sides.count(-1)}, not told apart in {sides.count(0)}."
    )


def _look_alike(rows: Sequence[Mapping[str, Any]]) -> str:
    """Part 2: the look-alike labels of the disentangled model gain a point or more where they look alike, less where they differ."""
    alike, differ = (_difference(rows, "disentangled", value, "look_alike_AP") for value in (1.0, 0.0))
    if alike is None:
        return "(2) The look-alike labels of the disentangled model have not been measured yet."
    enough = alike["mean"] >= EXPECTED_GAIN
    outcome = "holds" if enough and side(alike) > 0 else "is not shown" if side(alike) == 0 else "does not hold"
    said = f"(2) Look-alike labels in the disentangled model: where they look alike, the loss changes their AP by {shown(alike)} points; "
    said += f"at least {100 * EXPECTED_GAIN:+.1f} was expected, and that {outcome}."
    if differ is not None:
        less = "less, as expected" if differ["mean"] < alike["mean"] else "not less, unlike what was expected"
        said += f" Where they differ, it changes it by {shown(differ)}: in the means {less}."
    return said


def _overall(rows: Sequence[Mapping[str, Any]]) -> str:
    """Part 3: mAP does not rise by more than a point in any host."""
    found = [(row, row["on_minus_off"]["mAP"]) for row in rows if "mAP" in row["on_minus_off"]]
    above = [setting(row) for row, difference in found if difference["mean"] > EXPECTED_GAIN]
    sides = [side(difference) for _, difference in found]
    said = f"(3) mAP over all labels: {_counted(sides)}. "
    if above:
        return f"{said}In the mean it rises by more than a point in {'; '.join(above)}, which was not expected."
    return f"{said}Nowhere does it rise by more than a point in the mean, as expected."


def _together(rows: Sequence[Mapping[str, Any]]) -> str:
    """Part 4: labels that always come together do not gain, and may lose."""
    sides = [side(row["on_minus_off"]["cooccurring_AP"]) for row in rows if "cooccurring_AP" in row["on_minus_off"]]
    outcome = "does not hold everywhere: some gain" if 1 in sides else "holds: none gains beyond the interval"
    lost = "the risk that they lose shows" if -1 in sides else "the risk that they lose does not show here"
    return f"(4) Labels that always come together: {_counted(sides)}. That they do not gain {outcome}; {lost}."


def _worth(rows: Sequence[Mapping[str, Any]]) -> str:
    """Of the settings where the separation rose: in how many any accuracy rose or fell with it."""
    apart = [row["on_minus_off"] for row in rows if side(row["on_minus_off"].get("ratio", {"mean": 0, "half_width": None})) > 0]
    if not apart:
        return "Was it worth anything? The separation did not rise beyond the interval anywhere, so nothing can follow from it."
    gained, lost = (sum(side(row["mAP"]) == sign for row in apart if "mAP" in row) for sign in (1, -1))
    return (
        f"Was it worth anything? Of the {len(apart)} {many(len(apart), 'setting')} whose classes stand further apart, mAP is better beyond "
        f"the interval in {gained} and worse in {lost}. In the remaining {len(apart) - gained - lost} of them the picture "
        "changed, and the answers did not, as far as these seeds can tell."
    )


def _difference(rows: Sequence[Mapping[str, Any]], host: str, look_alike: float, measure: str) -> Mapping[str, Any] | None:
    return next((row["on_minus_off"].get(measure) for row in rows if (row["host"], row["look_alike"]) == (host, look_alike)), None)


def _interval(values: Sequence[float]) -> dict[str, Any]:
    """Mean and half width of the 95 % interval; None where there is one seed, or more than the table of quantiles has."""
    count = len(values)
    half = STUDENT[count - 2] * float(np.std(values, ddof=1)) / count**0.5 if 2 <= count <= len(STUDENT) + 1 else None
    return {"mean": float(np.mean(values)), "half_width": half, "n": count}


def _told(difference: Mapping[str, Any] | None) -> str | None:
    return None if difference is None else f"{shown(difference)}, {WORDS[side(difference)]}"


def _grown(row: Mapping[str, Any]) -> str | None:
    ratio = row["on_minus_off"].get("ratio")
    return None if ratio is None else f"{row['off']['ratio']['mean']:.2f} to {row['on']['ratio']['mean']:.2f}, {_raised(ratio)}"


def _raised(difference: Mapping[str, Any]) -> str:
    return {1: "higher", -1: "lower", 0: "not told apart"}[side(difference)]


def _counted(sides: Sequence[int]) -> str:
    return ", ".join(f"{word} in {sides.count(sign)}" for sign, word in WORDS.items()) + f" of {len(sides)} settings"
