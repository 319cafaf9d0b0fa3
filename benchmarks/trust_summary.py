"""The table of benchmarks.trust, read from studies/trust.json."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

MEASURES = {"pointing": "pointing ↑", "energy": "energy ↑", "insertion": "insertion ↑", "deletion": "deletion ↓"}
ADDED = ("grad_cam", "integrated_gradients")
NAMES = {"scenes": "scenes, test split", "coco": "COCO photos, masks", "voc": "VOC photos, boxes"}


def rows(found: list[dict[str, Any]]) -> list[list[str]]:
    """Head and body: one line a map, each reference once for each kind of picture; in brackets the share of the best map."""
    shown_before: dict[str, set[str]] = defaultdict(set)
    table = [["pictures", "model", "map", *MEASURES.values(), "randomised weights", "leakage", "seconds"]]
    for row in found:
        leaked = row["leakage"]["other labels move"] if row["leakage"] else None
        shown = [entry for entry in row["maps"].values() if not entry["reference"]]
        for place, entry in enumerate(shown):
            check = entry["sanity"]
            verdict = f"{check['verdict']} ({check['rank_correlation']:.2f}, chance {check['baseline']:.2f})" if check else "–"
            once = [_number(leaked, 3), f"{row['seconds']['together']:.0f}"] if place == 0 else ["", ""]
            table.append([NAMES[row["data"]], row["model"], entry["title"], *_figures(entry, row["maps"]), verdict, *once])
        references = {name: entry for name, entry in row["maps"].items() if entry["reference"] and name not in shown_before[row["data"]]}
        shown_before[row["data"]] |= set(references)
        for entry in references.values():
            table.append([NAMES[row["data"]], f"reference ({row['model']})", entry["title"], *_figures(entry, {}), "", "", ""])
    return table


def shortened(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Scenes alone, with the first and the added maps of each model, and the references."""
    kept = []
    for row in found:
        first = next(name for name, entry in row["maps"].items() if not entry["reference"])
        names = [name for name, entry in row["maps"].items() if name == first or entry["reference"] or name.startswith(ADDED)]
        kept += [{**row, "maps": {name: row["maps"][name] for name in names}}] if row["data"] == "scenes" else []
    return kept


def markdown(found: list[dict[str, Any]]) -> str:
    """The same as a table of Markdown."""
    head, *body = rows(found)
    lines = [head, ["---"] * 3 + ["---:"] * len(MEASURES) + ["---", "---:", "---:"], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _figures(entry: dict[str, Any], maps: dict[str, Any]) -> list[str]:
    best = maps.get(entry.get("ceiling"), {})
    shares = {measure: f" ({100 * entry[measure] / best[measure]:.0f} %)" for measure in MEASURES if best.get(measure)}
    return [_number(entry.get(measure)) + shares.get(measure, "") for measure in MEASURES]


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
