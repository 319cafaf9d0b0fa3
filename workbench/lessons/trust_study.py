"""The study on all models and maps, as a table and as counts, read from studies/trust.json, whatever rows are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.lessons.atlas import many
from workbench.lessons.show import Paragraphs, Table

ABSENT = "studies/trust.json is not there, so there is nothing to compare; measure it with `python -m benchmarks.trust`."
EMPTY = "studies/trust.json holds no model yet; measure it with `python -m benchmarks.trust`."
PICTURES = {"scenes": "scenes", "coco": "COCO photos", "voc": "VOC photos"}
MEASURES = {"pointing": "pointing ↑", "energy": "energy inside ↑", "insertion": "insertion ↑", "deletion": "deletion ↓"}
CENTRE, NOISE = "centre blob", "random map"


def entries(study: Mapping[str, Any] | None) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """(row, map) for every map that belongs to a model."""
    for row in (study or {}).get("rows", []):
        for entry in row["maps"].values():
            if not entry["reference"]:
                yield row, entry


def table(study: Mapping[str, Any] | None) -> Table | Paragraphs:
    """A line for every map of every model; the references in brackets, once for each model, since insertion and deletion ask it."""
    if study is None or not study.get("rows"):
        return Paragraphs([ABSENT if study is None else EMPTY])
    rows: list[list[Any]] = []
    for row in study["rows"]:
        leaked = (row.get("leakage") or {}).get("other labels move")
        for place, entry in enumerate(sorted(row["maps"].values(), key=lambda entry: entry["reference"])):
            name = f"({entry['title']})" if entry["reference"] else entry["title"]
            check = entry.get("sanity")
            said = f"{check['verdict']}: {check['rank_correlation']:.2f}, chance {check['baseline']:.2f}" if check else ""
            first = [PICTURES.get(row["data"], row["data"]), row["model"]] if place == 0 else ["", ""]
            moved = ("–" if leaked is None else f"{leaked:.3f}") if place == 0 else ""
            rows.append([*first, name, *(entry.get(measure) for measure in MEASURES), said, moved])
    head = ["pictures", "model", "map", *MEASURES.values(), "randomised weights", "leakage"]
    return Table(head, rows, "All maps, mean over labels; (in brackets): references, which know nothing of the model")


def below(study: Mapping[str, Any] | None, measure: str = "pointing", reference: str = CENTRE) -> tuple[int, int]:
    """How many maps of models do no better than a reference on the same pictures and model, and how many could be compared."""
    beaten = compared = 0
    for row, entry in entries(study):
        yardstick = next((other.get(measure) for name, other in row["maps"].items() if name == reference), None)
        if entry.get(measure) is None or yardstick is None:
            continue
        compared += 1
        worse = entry[measure] >= yardstick if measure == "deletion" else entry[measure] <= yardstick
        beaten += bool(worse)
    return beaten, compared


def verdict(study: Mapping[str, Any] | None) -> Paragraphs:
    """What the counts say, for each kind of picture."""
    if study is None or not study.get("rows"):
        return Paragraphs([ABSENT if study is None else EMPTY])
    said = []
    for data in dict.fromkeys(row["data"] for row in study["rows"]):
        part = {"rows": [row for row in study["rows"] if row["data"] == data]}
        worse, compared = below(part)
        useless, measured = below(part, "deletion", NOISE)
        checks = [entry["sanity"]["verdict"] for _, entry in entries(part) if entry.get("sanity")]
        blind = checks.count("insensitive")
        models = len(part["rows"])
        said.append(
            f"{PICTURES.get(data, data).capitalize() if data == 'scenes' else PICTURES.get(data, data)}, {models} {many(models, 'model')}: "
            f"{worse} of {compared} maps point no better than a blob in the middle; {useless} of {measured} say no more than noise about "
            f"what the model needs (deletion); {blind} of {len(checks)} are insensitive to the weights, {checks.count('partly sensitive')} "
            "partly sensitive."
        )
    counts = {PICTURES.get(row["data"], row["data"]): row["images"] for row in study["rows"]}
    located, few = (", ".join(f"{images[place]} {name}" for name, images in counts.items()) for place in (0, 1))
    said.append(
        f"Pointing and energy were measured on {located}; insertion, deletion and the check with random weights, which ask the "
        f"model many times, on {few}: read differences of a few hundredths as none."
    )
    return Paragraphs(said)
