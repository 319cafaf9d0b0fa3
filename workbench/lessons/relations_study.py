"""Which read-outs find the pairs of labels that the rule of the scenes connects: studies/relations.json as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.lessons.atlas import panel
from workbench.lessons.show import Paragraphs, Table

ABSENT = "studies/relations.json is not there, so there is nothing to compare with; measure it with `python -m benchmarks.relations`."
READOUTS = {
    "gradient": "influence (input times gradient)",
    "weights": "weights of the branch",
    "moved": "houses moved, score of the label",
    "swapped": "houses moved, score less that of the paper's other name",
}


def table(study: Mapping[str, Any] | None, arm: str = "srn") -> Table | Paragraphs:
    """True pairs that each read-out finds in a model, in scenes with the rule and, where there is none to find, without it."""
    if study is None:
        return Paragraphs([ABSENT])
    found = {(row["readout"], row["relation"]): row for row in study["summary"] if row["arm"] == arm}
    worlds = sorted({relation for _, relation in found}, reverse=True)
    cells = {key: f"{row['found']} of {row['asked']}" for key, row in found.items()}
    rows = [[title, *(cells.get((readout, relation)) for relation in worlds)] for readout, title in READOUTS.items()]
    seeds = len({run["seed"] for run in study["runs"]})
    return Table(["read-out", *map(panel, worlds)], rows, f"Pairs of the rule that are found in {arm.upper()}, {seeds} seeds together")
