"""MSRN's part of the claim atlas in words. Every sentence follows from comparing the numbers in studies/msrn_atlas.json.

A gain is one arm minus another, paired by seed, with a 95 % interval over seeds; it counts only where the interval does not hold zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.lessons.atlas import WORDS, many, shown, side
from workbench.lessons.show import Paragraphs, Table

ABSENT = "studies/msrn_atlas.json is not there, so there is nothing to compare with; measure it with `python -m benchmarks.msrn_atlas`."
MEASURES = {
    "theme_AP": "theme labels",
    "theme_AP_small": "their small instances",
    "theme_AP_large": "their large instances",
    "relational_AP": "relational labels",
}
CHARTED = ("theme_AP", "theme_AP_small", "theme_AP_large")
ADDED = {
    "graph": "the label graph",
    "groups": "the groups",
    "three layers": "three layers in place of the last one",
    "MSRN against pooled": "MSRN in place of the pooled baseline",
}


def panel(row: Mapping[str, Any]) -> str:
    """What `cooccurrence` of a setting means."""
    return "labels go together" if row["cooccurrence"] else "each label comes on its own"


def gain(study: Mapping[str, Any] | None, title: str, measure: str, together: bool) -> Mapping[str, Any] | None:
    """One gain with its interval, or None where it was not measured."""
    for row in (study or {}).get("summary", []):
        if bool(row["cooccurrence"]) == together:
            return row["gains"].get(title, {}).get(measure)
    return None


def word(study: Mapping[str, Any] | None, title: str, measure: str, together: bool) -> str:
    """That gain as a word, "better", "worse" or "not told apart"; the last one too where nothing was measured."""
    figure = gain(study, title, measure, together)
    return WORDS[side(figure) if figure else 0]


def hypothesis(study: Mapping[str, Any] | None) -> Paragraphs:
    """What was expected, as it was written down before the first run."""
    return Paragraphs([f"Written before the first run: {study['hypothesis']}" if study else ABSENT])


def points(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For `workbench.widgets.interval_chart`: what each part of MSRN adds, in points of AP."""
    return [
        {
            "panel": panel(row),
            "row": ADDED[title],
            "series": MEASURES[measure],
            "mean": 100 * figures[measure]["mean"],
            "half_width": None if figures[measure]["half_width"] is None else 100 * figures[measure]["half_width"],
            "values": [100 * value for value in figures[measure]["values"]],
        }
        for row in study["summary"]
        for title, figures in row["gains"].items()
        if title in ADDED
        for measure in CHARTED
    ]


def chart(study: Mapping[str, Any] | None) -> Any:
    """What each part adds, with its interval over seeds: an `IntervalChart`."""
    from workbench.widgets.plots import interval_chart  # plotly, which only this function needs

    if study is None or not (found := points(study)):
        return Paragraphs([ABSENT])
    return interval_chart(found, "gain in points of AP: mean, 95 % interval over seeds")


def gains_table(study: Mapping[str, Any] | None) -> Table | Paragraphs:
    """Every gain in every setting, with its interval and what follows from it."""
    if study is None:
        return Paragraphs([ABSENT])
    rows = []
    for row in study["summary"]:
        for title, figures in row["gains"].items():
            cells = [f"{shown(figures[measure])}, {WORDS[side(figures[measure])]}" for measure in MEASURES]
            rows.append([f"{panel(row)}; {ADDED.get(title, title)}", *cells])
    return Table(["what is added", *MEASURES.values()], rows, "Gains in points of AP, 95 % interval over seeds")


def probe_table(study: Mapping[str, Any] | None) -> Table | Paragraphs:
    """How well a linear classifier on one layer's features of a label tells whether the label is there."""
    if study is None:
        return Paragraphs([ABSENT])
    rows, kinds = [], list(dict.fromkeys(kind for row in study["summary"] for layer in row["probes"].values() for kind in layer))
    for row in study["summary"]:
        for layer, found in row["probes"].items():
            rows.append([f"{panel(row)}; {layer.replace('-', ' ')}", *(_spread(found.get(kind)) for kind in kinds)])
    return Table(["features of", *kinds], rows, "AP (0 to 1) of a linear probe, 95 % interval over seeds")


def verdict(study: Mapping[str, Any] | None) -> Paragraphs:
    """Each part of the hypothesis, compared with the numbers, then how far that can be trusted."""
    if study is None:
        return Paragraphs([ABSENT])
    seeds = len({run["seed"] for run in study["runs"]})
    words = [
        f"This part of the atlas holds {len(study['runs'])} trainings, {seeds} {many(seeds, 'seed')}, made on "
        f"{study.get('machine', {}).get('cores', '?')} processor cores. All gains are in points of AP (hundredths).",
        _graph(study),
        _layers(study),
        _groups(study),
        _unexpected(study),
        _probes(study["summary"]),
    ]
    counted = sum(len(MEASURES) * len(row["gains"]) for row in study["summary"])
    words.append(
        f"Read this with care. These are {counted} gains, and a 95 % interval leaves out the truth about once in twenty times. "
        f"{seeds} {many(seeds, 'seed')} {'makes' if seeds == 1 else 'make'} wide intervals: “not told apart” does not mean equal. "
        "The pictures are drawn, and the networks small."
    )
    return Paragraphs([word for word in words if word])


def _graph(study: Mapping[str, Any]) -> str:
    on, off = (gain(study, "graph", "theme_AP", together) for together in (True, False))
    if on is None or off is None:
        return "The graph has not been measured in both settings yet."
    said = [f"(1) Where labels go together, the graph changes the AP of the theme labels by {shown(on)}: {_outcome(on, 'it raises it')}."]
    more = gain(study, "graph", "more_on_small", True)
    if more is not None:
        said.append(f"On small instances it gives {shown(more)} more than on large ones: {_outcome(more, 'more on small ones')}.")
    nothing = "as expected, nothing beyond the interval" if not side(off) else "a change beyond the interval, which was not expected"
    said.append(f"Where each label comes on its own, it changes it by {shown(off)}: {nothing if off['half_width'] else 'no interval'}.")
    return " ".join(said)


def _layers(study: Mapping[str, Any]) -> str:
    said = []
    for together in (True, False):
        figure, more = (gain(study, "three layers", measure, together) for measure in ("theme_AP", "more_on_small"))
        if figure is not None and more is not None:
            said.append(
                f"{'where labels go together' if together else 'where each comes on its own'}, by {shown(figure)} on the theme labels "
                f"({_outcome(figure, 'better')}), and by {shown(more)} more on small instances than on large ones "
                f"({_outcome(more, 'more on small ones')})"
            )
    return f"(2) Three layers against the last one alone: {'; '.join(said)}." if said else "The layers have not been measured yet."


def _groups(study: Mapping[str, Any]) -> str:
    figures = [gain(study, "groups", measure, together) for together in (True, False) for measure in MEASURES]
    found = [figure for figure in figures if figure is not None]
    if not found:
        return "The groups have not been measured yet."
    outside = sum(side(figure) != 0 for figure in found)
    unsure = any(figure["half_width"] is None for figure in found)
    outcome = "not shown with one seed" if unsure else "as expected" if not outside else "not what was expected"
    return f"(3) Groups, with the graph on: {outside} of {len(found)} gains lie beyond their interval, {outcome}."


def _unexpected(study: Mapping[str, Any]) -> str:
    """Where graph or groups give small instances another gain than large ones beyond the interval, though none was expected there."""
    found = [
        f"{ADDED[title]}, where {'labels go together' if together else 'each comes on its own'} ({shown(figure)})"
        for title, together in (("graph", False), ("groups", True), ("groups", False))
        if (figure := gain(study, title, "more_on_small", together)) is not None and side(figure)
    ]
    return f"Not expected: small and large instances differ beyond the interval in what they get of {'; of '.join(found)}." if found else ""


def _probes(summary: Sequence[Mapping[str, Any]]) -> str:
    """Which layer's features separate which labels best, from the means, and whether the seeds tell first and second apart."""
    said = []
    for row in summary:
        layers = row["probes"]
        if len(layers) < 2:
            continue
        parts = []
        for kind in next(iter(layers.values())):
            ranked = sorted(layers, key=lambda layer: -layers[layer][kind]["mean"])
            first, second = (layers[layer][kind] for layer in ranked[:2])
            clear = _all_seeds(first, second)
            parts.append(f"{kind}: {ranked[0].replace('-', ' ')}{'' if clear else ' (not in every seed)'}")
        finest, coarsest = next(iter(layers)), list(layers)[-1]
        kept = [
            all(layers[layer][kind]["mean"] >= other[kind]["mean"] for other in layers.values())
            for layer, kind in ((finest, "theme, small"), (coarsest, "relational"))
        ]
        parts.append(f"so {('neither half', 'one half', 'both halves')[sum(kept)]} of what was expected came out in the means")
        said.append(f"Where {panel(row)}: {'; '.join(parts)}.")
    return f"(4) The best layer for a linear probe. {' '.join(said)}" if said else ""


def _all_seeds(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    pairs = list(zip(first["values"], second["values"], strict=True))
    return len(pairs) > 1 and all(a > b for a, b in pairs)


def _outcome(figure: Mapping[str, Any], expected: str) -> str:
    if figure["half_width"] is None:
        return "one seed shows nothing"
    return {1: f"{expected}, as expected", -1: "the opposite of what was expected", 0: "not told apart from nothing"}[side(figure)]


def _spread(figure: Mapping[str, Any] | None) -> str | None:
    if figure is None:
        return None
    half = figure["half_width"]
    return f"{figure['mean']:.3f}" + ("" if half is None else f" ± {half:.3f}")
