"""Claim atlas: when does SRN help? A grid of small trainings on scenes whose rules are known, with the claim switched on and off.

    python -m benchmarks.atlas                 # default grid, at most an hour on 2 cores; stop it any time, start it again to go on
    python -m benchmarks.atlas --grid large    # more steps on each axis, five seeds
    python -m benchmarks.atlas --summary       # only print what studies/atlas.json says

Hypothesis, written before the first run: with relation = 1, few images and a small receptive field, SRN at least halves the pooled
baseline's error (1 - AP) on relational labels and beats the matched control; at relation = 0 nothing differs beyond the interval.

Arms, all with the same images through the backbone, the same optimiser and the same schedule of stages where they have the parts:
pooled (average pooling), srn, shuffled (SRN whose maps have their cells permuted before the regularisation: labels without places),
control (SRN's layers and parameters without softmax, gate and attention loss). Axes: relation (0: relational labels are a coin toss,
1: they follow the rule), training images (few, many), receptive field of the backbone (small-narrow 39 px, small 79 px at 64 px input;
same layers and parameters). Scored on test scenes that no training and no choice of an epoch saw; the last weights count.
The position probe asks how far the object's absolute place alone gives its label (gradient boosting on the box). Towns have two
terraces here (`terraces=1`), because with one street place alone gives most labels away; the probe shows both.

The two sizes were chosen by a pilot on another seed (100), so that the labels are neither at the floor nor solved for the baseline.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas_summary import print_summary, summarise
from benchmarks.common import STUDIES, read_json, write_json
from benchmarks.grid import hypothesis_in, run_grid

ARMS = ("pooled", "srn", "shuffled", "control")
GATES = {"srn": "attention", "shuffled": "shuffled", "control": "none"}
IMAGES = {"few": 1000, "many": 4000}
EPOCHS = {"few": 12, "many": 8}  # over all stages
GRIDS = {
    "default": {"relation": (1.0, 0.0), "images": ("few", "many"), "backbone": ("small-narrow", "small"), "seeds": (0, 1, 2)},
    "large": {"relation": (1.0, 0.5, 0.0), "images": ("few", "many"), "backbone": ("small-narrow", "small"), "seeds": (0, 1, 2, 3, 4)},
}
TEST_IMAGES = 1500
TERRACES = 1.0
Cell = tuple[str, float, str, str, int]  # arm, relation, images, backbone, seed


def cells(grid: str) -> list[Cell]:
    """All trainings of a grid, one seed after the other, so that a stopped atlas holds whole comparisons."""
    axes = GRIDS[grid]
    return [
        (arm, relation, images, backbone, seed)
        for seed, relation, images, backbone, arm in itertools.product(
            axes["seeds"], axes["relation"], axes["images"], axes["backbone"], ARMS
        )
    ]


def recipe_of(cell: Cell) -> Any:
    """The recipe of one training: `scenes-srn` or `scenes-pooled` with the axes set and the budget of the cell."""
    from workbench.training.recipe import DataSpec, ModelSpec, Recipe, Stage

    arm, relation, images, backbone, seed = cell
    data = DataSpec(
        "scenes",
        train="train",
        validation="val",
        options={"count": IMAGES[images], "seed": seed, "relation": relation, "terraces": TERRACES},
        validation_options={"count": 64},  # only for the progress bar; nothing is chosen by it
    )
    cycle = partial(Stage, optimizer="adamw", schedule="onecycle", lr=3e-3, batch_size=32)
    budget = EPOCHS[images]
    if arm == "pooled":
        stages = {"all": cycle(train=("all",), losses={"logits.cls": "bce"}, epochs=budget)}
        model = ModelSpec("pooled", backbone)
    else:
        attention = {"logits.att": "bce"} if arm != "control" else {}
        first, short = budget // 6, 1
        stages = {
            "classifier": cycle(train=("trunk", "classifier"), losses={"logits.cls": "bce"}, epochs=first),
            "attention": cycle(train=("attention",), losses=attention or {"logits.sr": "bce"}, epochs=short),
            "regularisation": cycle(train=("regularisation",), losses={"logits.sr": "bce"}, epochs=short),
            "joint": cycle(
                train=("all",),
                losses={"logits.cls": "bce", "logits.sr": "bce", **attention},
                epochs=budget - first - 2 * short,
            ),
        }
        if arm == "control":  # no attention loss: what feeds the regularisation is trained together with it
            both = replace(stages["regularisation"], train=("attention", "regularisation"))
            stages = {**stages, "attention": both, "regularisation": both}
        model = ModelSpec("srn", backbone, options={"gate": GATES[arm]})
    return Recipe(f"atlas-{arm}", data, model, stages, seed=seed)


def run_cell(cell: Cell, threads: int) -> dict[str, Any]:
    """Train and score one cell."""
    import torch

    from workbench.capture import predict, subject_of
    from workbench.datasets import load_dataset
    from workbench.datasets.scenes.rules import RELATION_LABELS
    from workbench.metrics import average_precision, mean_average_precision
    from workbench.training import train

    torch.set_num_threads(threads)
    arm, relation, images, backbone, seed = cell
    folder = Path(tempfile.mkdtemp(prefix="atlas-"))
    begin = time.perf_counter()
    try:
        recipe = recipe_of(cell)
        run = train(recipe, folder / "run", progress=False)
        model = run.model("last")
        seconds = time.perf_counter() - begin
        test = load_dataset("scenes", "test", count=TEST_IMAGES, seed=seed, relation=relation, terraces=TERRACES)
        ap = average_precision(predict(subject_of(model), test), test.targets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    by_name = dict(zip(test.categories, map(float, ap), strict=True))
    return {
        "arm": arm,
        "relation": relation,
        "images": images,
        "backbone": backbone,
        "seed": seed,
        "mAP": mean_average_precision(ap),
        "relational_AP": float(np.mean([by_name[name] for name in RELATION_LABELS])),
        "AP": {name: round(value, 5) for name, value in by_name.items()},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "training_images": IMAGES[images],
        "images_through_backbone": IMAGES[images] * EPOCHS[images],
        "seconds": round(seconds, 1),
    }


def position_probe(relation: float, terraces: float, seed: int = 0, count: int = 2400) -> dict[str, float]:
    """AP of each relational label from the object's box alone, on test scenes; images without such an object come last."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    from workbench.datasets import load_dataset
    from workbench.datasets.scenes.rules import RELATIONS
    from workbench.metrics import average_precision

    knobs = {"seed": seed, "relation": relation, "terraces": terraces}
    train = load_dataset("scenes", "train", count=count, **knobs)
    test = load_dataset("scenes", "test", count=TEST_IMAGES, **knobs)
    result = {}
    for above, below in RELATIONS.values():
        rows, labels = _boxes(train, above, below)
        probe = HistGradientBoostingClassifier(random_state=0, max_iter=100).fit(rows, labels)
        boxes, owners = _boxes(test, above, below, keep_image=True)
        likely = probe.predict_proba(boxes)[:, 1]
        for label, values in ((above, likely), (below, 1 - likely)):
            scores = np.full(len(test), -1.0)
            np.maximum.at(scores, owners, values)
            column = test.categories.index(label)
            result[label] = float(average_precision(scores[:, None], test.targets[:, [column]])[0])
    return result


def _boxes(data: Any, above: str, below: str, keep_image: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rows, second = [], []
    for image in range(len(data)):
        for region in data.regions(image):
            if region.category in (above, below):
                rows.append(region.box)
                second.append(image if keep_image else int(region.category == above))
    return np.array(rows), np.array(second)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grid", choices=sorted(GRIDS), default="default")
    parser.add_argument("--out", type=Path, default=STUDIES / "atlas.json")
    parser.add_argument("--workers", type=int, default=max(1, os.cpu_count() or 1), help="trainings at a time, one thread each")
    parser.add_argument("--summary", action="store_true", help="print the summary of what is there")
    arguments = parser.parse_args()
    study = read_json(arguments.out, {"study": "claim atlas, SRN", "hypothesis": hypothesis_in(__doc__), "runs": [], "position_probe": {}})
    if not arguments.summary:
        _go(study, arguments)
    print_summary(study["summary"])


def _go(study: dict[str, Any], arguments: argparse.Namespace) -> None:
    for relation, terraces in itertools.product(GRIDS[arguments.grid]["relation"], (TERRACES, 0.0)):
        name = f"relation {relation:g}, terraces {terraces:g}"
        if name not in study["position_probe"]:
            study["position_probe"][name] = position_probe(relation, terraces)
            write_json(arguments.out, study)
    keys = ("arm", "relation", "images", "backbone", "seed")
    run_grid(study, arguments.out, cells(arguments.grid), keys, run_cell, summarise, _line, arguments.workers)


def _line(row: dict[str, Any]) -> str:
    place = f"relation {row['relation']:g} {row['images']:<4} {row['backbone']:<12} seed {row['seed']}"
    return f"{row['arm']:<9} {place}: relational AP {row['relational_AP']:.3f}, mAP {row['mAP']:.3f}, {row['seconds']:.0f} s"


if __name__ == "__main__":
    main()
