"""Can the relations that are true in scenes be read out of a model? SRN, its matched control and the pooled baseline, rule on and off.

    python -m benchmarks.relations              # 24 small trainings; stop it any time, start it again to go on
    python -m benchmarks.relations --summary    # only print what studies/relations.json says

Hypothesis, written before the first run: with the rule (relation = 1) moving the houses lowers the score of the labels that follow from
them: at least three quarters of the true pairs are found in SRN and in the matched control alike, and fewer in the pooled baseline, whose
average hardly knows where things are. The gradient of SRN's regularisation finds at least half of them, its weights alone fewer. Without
the rule (relation = 0), where the same pairs are not true, nothing is found beyond the false alarms.

Second hypothesis, written when ten models of a first run had shown that "moved" finds every pair in every arm and in both worlds, because
houses that are moved also cover papers; and before this was measured: "swapped" finds at least three quarters of the true pairs in SRN and
in the matched control, fewer in the pooled baseline, and nothing beyond the false alarms without the rule.

True pairs: a label by relation and the houses that it follows from, six in a model, so 24 over four seeds. Read-outs: "moved" (how far the
score falls when all things of the other label are moved up and down by a quarter of the frame, see `workbench.analysis.relations`),
"swapped" (the same for the score less that of the other name of its shape, sun less ball, which covering leaves alone),
"gradient" (input times gradient of y_sr, mean size over the scenes with both labels) and "weights" (what the neurons lead from where to
where, see `workbench.analysis.templates`); the last two as shares of their row. A pair is found if it is larger than all but 5 % of
one half of the pairs of labels that no rule connects; the false alarms are counted on the other half.
"""

from __future__ import annotations

import argparse
import itertools
import math
import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas import recipe_of
from benchmarks.common import STUDIES, read_json
from benchmarks.grid import hypothesis_in, run_grid

ARMS = ("srn", "control", "pooled")
RELATION = (1.0, 0.0)
SEEDS = (0, 1, 2, 3)
SCENES = 600
KEYS = ("arm", "relation", "seed")
LEAST = 10


def run_cell(cell: tuple, threads: int) -> dict[str, Any]:
    """Train one model and apply every read-out that it has."""
    import torch

    from workbench.analysis.relations import all_moves, detect, moved_effects, swapped_effects, true_relations, unrelated
    from workbench.datasets.scenes.compose import compose
    from workbench.datasets.scenes.rules import CATEGORIES, Knobs
    from workbench.training import train

    torch.set_num_threads(threads)
    arm, relation, seed = cell
    folder = Path(tempfile.mkdtemp(prefix="relations-"))
    begin = time.perf_counter()
    try:
        run = train(recipe_of((arm, relation, "many", "small-narrow", seed)), folder / "run", progress=False)
        model = run.model("last").eval()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    size, order = model.image_size, model.categories.columns_of(CATEGORIES)

    def predict(pixels: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.concatenate([model(images(pixels[at : at + 64]))[0].numpy()[:, order] for at in range(0, len(pixels), 64)])

    # The rule names what is moved in both worlds, so that both are asked about the same pictures.
    scenes = [compose(seed, "test", index, Knobs(terraces=1.0)) for index in range(SCENES)]
    moves = all_moves(predict, scenes, size)
    values = {"moved": moved_effects(moves, LEAST), "swapped": swapped_effects(moves, LEAST)}
    if arm != "pooled":
        values |= branch_values(
            model, np.stack([scene.render(size) for scene in scenes]), np.stack([scene.target for scene in scenes]), order
        )
    row: dict[str, Any] = {"arm": arm, "relation": relation, "seed": seed, "readouts": {}}
    for name, matrix in values.items():
        found = detect(matrix, true_relations(), unrelated(), seed=seed)
        row["readouts"][name] = {
            "found": [CATEGORIES[label] for label, _ in found.found],
            "asked": found.asked,
            "false_alarms": found.false_alarms,
            "unrelated": found.unrelated,
            "threshold": found.threshold,
            "values": [round(float(value), 5) for value in matrix[true_relations()]],
        }
    return row | {"seconds": round(time.perf_counter() - begin, 1)}


def images(pixels: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def branch_values(model: Any, pixels: np.ndarray, targets: np.ndarray, order: Any) -> dict[str, np.ndarray]:
    """Shares of each row of the gradient and of the weights of SRN's regularisation: float64 [C, C] each."""
    from workbench.analysis.templates import trace

    total, count = np.zeros((targets.shape[1],) * 2), np.zeros((targets.shape[1],) * 2)
    for at in range(0, len(pixels), 64):
        influence = np.abs(model.relations(images(pixels[at : at + 64]))["regularisation"].numpy())[:, order][:, :, order]  # [B, i, j]
        both = (targets[at : at + 64, :, None] * targets[at : at + 64, None, :]).astype(float)
        total += (influence * both).sum(0)
        count += both.sum(0)
    gradient = np.divide(total, count, out=np.full_like(total, np.nan), where=count >= LEAST)
    weights = trace(model).strengths()[np.ix_(order, order)]
    return {"gradient": shares(gradient), "weights": shares(weights)}


def shares(values: np.ndarray) -> np.ndarray:
    """Each value as a share of its row, the label's own place left out."""
    values = np.where(np.eye(len(values), dtype=bool), np.nan, values)
    return values / np.nansum(values, 1, keepdims=True)


def wilson(hits: int, asked: int) -> tuple[float, float]:
    """95 % interval of a share."""
    z = 1.959964
    middle, spread = (hits + z * z / 2) / (asked + z * z), z / (asked + z * z) * math.sqrt(hits * (asked - hits) / asked + z * z / 4)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each arm, world and read-out, pairs pooled over the seeds."""
    groups: dict[tuple, list[dict[str, Any]]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (-run["relation"], ARMS.index(run["arm"]), run["seed"])):
        for name, readout in run["readouts"].items():
            groups[run["relation"], run["arm"], name].append(readout)
    rows = []
    for (relation, arm, name), readouts in groups.items():
        hits, asked = sum(len(readout["found"]) for readout in readouts), sum(readout["asked"] for readout in readouts)
        alarms = sum(readout["false_alarms"] * readout["unrelated"] for readout in readouts)
        unrelated = sum(readout["unrelated"] for readout in readouts)
        row = {"relation": relation, "arm": arm, "readout": name, "found": hits, "asked": asked, "interval": wilson(hits, asked)}
        rows.append(row | {"seeds": len(readouts), "false_alarms": alarms / unrelated, "unrelated": unrelated})
    return rows


def describe(row: dict[str, Any]) -> str:
    found = ", ".join(f"{name} {len(readout['found'])}/{readout['asked']}" for name, readout in row["readouts"].items())
    return f"{row['arm']:<8} relation {row['relation']:g} seed {row['seed']}: {found}, {row['seconds']:.0f} s"


def print_summary(study: dict[str, Any]) -> None:
    for row in study["summary"]:
        low, high = row["interval"]
        found = f"{row['found']:>2} of {row['asked']} ({low:.2f} to {high:.2f})"
        alarms = f"false alarms {row['false_alarms']:.3f} of {row['unrelated']}"
        print(f"relation {row['relation']:g}  {row['arm']:<8} {row['readout']:<9} {found}, {alarms}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Can the relations that are true in scenes be read out of a model?")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time, one thread each")
    parser.add_argument("--summary", action="store_true", help="only print what the study says")
    parser.add_argument("--out", type=Path, default=STUDIES / "relations.json")
    arguments = parser.parse_args()
    hypotheses = {"hypothesis": hypothesis_in(__doc__ or ""), "second_hypothesis": (__doc__ or "").split("\n\n")[3].replace("\n", " ")}
    study = read_json(arguments.out, {"study": "relations read out", **hypotheses, "runs": []})
    if not arguments.summary:
        cells = [(arm, relation, seed) for seed, relation, arm in itertools.product(SEEDS, RELATION, ARMS)]
        run_grid(study, arguments.out, cells, KEYS, run_cell, summarise, describe, arguments.workers)
    print_summary(study)


if __name__ == "__main__":
    main()
