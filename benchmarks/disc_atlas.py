"""Claim atlas, discriminative features: does the loss (ours, after Hassanin et al., whose equations were not
available to us) pull classes apart, and is the separation worth anything?

    python -m benchmarks.disc_atlas              # 36 small trainings; stop it any time, start it again to go on
    python -m benchmarks.disc_atlas --summary    # only print what studies/disc_atlas.json says
    python -m benchmarks.disc_atlas --quick      # a few images and epochs, to see that it runs; writes elsewhere

Hypothesis, written before the first run: in every host the loss raises the ratio inter / intra on test scenes, at look_alike = 1 and at
0, by more than the interval. It raises the AP of the look-alike labels at look_alike = 1 by 0.01 or more where the host trains its features
for the logits (disentangled), and by less or not at all at look_alike = 0, where little is left to gain. It does not raise mAP by more
than 0.01 in any host. The labels that always occur together do not gain, and may lose: their features are pushed apart although
their company is what gives them away.

Arms: the loss on and off (in the stage in which all parts learn; weight 0.1 with a ramp over its first epoch). Axes: look_alike (0: each
animal has its own shape and colours, 1: they differ in their ears) and the host: disentangled (the plain network with a class
disentangler in the place of its pooling), SRN, MSRN. Everything else is the same for both arms: data, seed, order, weights at the
start, epochs, optimiser. The themes come together always (cooccurrence = 1), so that there are labels which always co-occur. Scored on test
scenes that no training and no choice of an epoch saw; the last weights count. Separation is measured with the class means of the test
scenes in both arms. Differences are taken seed by seed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas_summary import interval
from benchmarks.common import STUDIES, read_json
from benchmarks.grid import hypothesis_in, run_grid

HOSTS = ("disentangled", "srn", "msrn")
LOOK_ALIKE = (1.0, 0.0)
SEEDS = (0, 1, 2)
IMAGES, EPOCHS, TEST_IMAGES = 1200, 10, 1000
KNOBS = {"terraces": 1.0, "cooccurrence": 1.0}
MEASURES = ("ratio", "intra", "inter", "silhouette", "fisher", "nearest_centre", "within_image", "mAP", "look_alike_AP", "cooccurring_AP")
Cell = tuple[str, float, bool, int]  # host, look_alike, loss, seed


def cells() -> list[Cell]:
    """All trainings, one seed after the other and both arms beside each other, so that a stopped atlas holds whole comparisons."""
    return [(host, look_alike, loss, seed) for seed, look_alike, host, loss in itertools.product(SEEDS, LOOK_ALIKE, HOSTS, (False, True))]


def recipe_of(cell: Cell, images: int, epochs: int) -> Any:
    """The recipe of one training."""
    from workbench.training.recipe import DataSpec, Discriminative, ModelSpec, Recipe, Stage

    host, look_alike, loss, seed = cell
    options = {"count": images, "seed": seed, "look_alike": look_alike, **KNOBS}
    data = DataSpec("scenes", train="train", validation="val", options=options, validation_options={"count": 64})
    term = Discriminative() if loss else None
    cycle = partial(Stage, optimizer="adamw", schedule="onecycle", lr=3e-3, batch_size=32)
    if host == "srn":
        first, short = max(1, epochs // 6), 1
        joint: dict[str, str | float] = {"logits.cls": "bce", "logits.sr": "bce", "logits.att": "bce"}
        stages = {
            "classifier": cycle(train=("trunk", "classifier"), losses={"logits.cls": "bce"}, epochs=first),
            "attention": cycle(train=("attention",), losses={"logits.att": "bce"}, epochs=short),
            "regularisation": cycle(train=("regularisation",), losses={"logits.sr": "bce"}, epochs=short),
            "joint": cycle(train=("all",), losses=joint, epochs=epochs - first - 2 * short, discriminative=term),
        }
    else:
        losses: dict[str, dict[str, str | float]] = {
            "disentangled": {"logits.cls": "bce", "logits.cam": "bce"},
            "msrn": {"logits.final": "bce_mean", "loss.group": 1.0},
        }
        factors = {"semantics": 0.1} if host == "msrn" else {}
        stages = {"all": cycle(train=("all",), losses=losses[host], epochs=epochs, lr_factors=factors, discriminative=term)}
    return Recipe(f"atlas-{host}", data, ModelSpec(host, "small-narrow"), stages, seed=seed)


def run_cell(cell: Cell, threads: int, size: tuple[int, int, int]) -> dict[str, Any]:
    """Train one cell, score it and measure its class features."""
    import torch

    from workbench.analysis.separation import separation
    from workbench.capture import batch_of
    from workbench.datasets import load_dataset
    from workbench.datasets.scenes.rules import ANIMALS, THEME_LABELS
    from workbench.metrics import average_precision, mean_average_precision
    from workbench.training import train
    from workbench.training.probe import present_features

    torch.set_num_threads(threads)
    host, look_alike, loss, seed = cell
    images, epochs, tests = size
    folder = Path(tempfile.mkdtemp(prefix="disc-atlas-"))
    begin = time.perf_counter()
    try:
        run = train(recipe_of(cell, images, epochs), folder / "run", progress=False)
        model = run.model("last")
        seconds = time.perf_counter() - begin
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    test = load_dataset("scenes", "test", count=tests, seed=seed, look_alike=look_alike, **KNOBS)
    pixels, targets = test.pixels(model.image_size), torch.from_numpy(test.targets)
    logits, values, pairs = [], [], []
    with torch.no_grad():
        for first in range(0, tests, 64):
            rows = range(first, min(first + 64, tests))
            scores, out = model(batch_of(pixels, rows, torch.device("cpu")))
            found, where = present_features(out["features"], targets[rows.start : rows.stop])
            logits.append(scores.numpy())
            values.append(found.numpy())
            pairs.append(where.numpy() + [first, 0])
    ap = average_precision(np.concatenate(logits), test.targets)
    by_name = dict(zip(test.categories, map(float, ap), strict=True))
    apart = separation(np.concatenate(values), np.concatenate(pairs), len(test.categories), seed=seed)
    return {
        "host": host,
        "look_alike": look_alike,
        "loss": loss,
        "seed": seed,
        **apart["overall"],
        "mAP": mean_average_precision(ap),
        "look_alike_AP": float(np.mean([by_name[name] for name in ANIMALS])),
        "cooccurring_AP": float(np.mean([by_name[name] for name in THEME_LABELS])),
        "AP": {name: round(value, 5) for name, value in by_name.items()},
        "ratio_by_category": dict(zip(test.categories, apart["by_category"]["ratio"], strict=True)),
        "points": apart["points"],
        "silhouette_points": apart["silhouette_points"],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "images_through_backbone": images * epochs,
        "seconds": round(seconds, 1),
    }


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each host and look_alike: both arms, and on minus off seed by seed, with 95 % intervals (Student's t)."""
    rows = []
    for host, look_alike in itertools.product(HOSTS, LOOK_ALIKE):
        arms = {
            loss: {run["seed"]: run for run in runs if (run["host"], run["look_alike"], run["loss"]) == (host, look_alike, loss)}
            for loss in (False, True)
        }
        shared = sorted(set(arms[False]) & set(arms[True]))
        if not shared:
            continue
        row: dict[str, Any] = {"host": host, "look_alike": look_alike, "off": {}, "on": {}, "on_minus_off": {}}
        for measure in MEASURES:
            off, on = ([arms[loss][seed][measure] for seed in shared] for loss in (False, True))
            if None in (*off, *on):
                continue
            row["off"][measure], row["on"][measure] = interval(off), interval(on)
            row["on_minus_off"][measure] = interval([after - before for before, after in zip(off, on, strict=True)])
        rows.append(row)
    return rows


def print_summary(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        print(f"\n{row['host']}, look_alike {row['look_alike']:g}")
        for measure, figure in row["on_minus_off"].items():
            half = "" if figure["half_width"] is None else f" ± {figure['half_width']:.3f}"
            off, on = row["off"][measure]["mean"], row["on"][measure]["mean"]
            print(f"  {measure:<15} off {off:.3f}  on {on:.3f}  on - off {figure['mean']:+.3f}{half} ({figure['n']} seeds)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="studies/disc_atlas.json by default")
    parser.add_argument("--workers", type=int, default=max(1, os.cpu_count() or 1), help="trainings at a time, one thread each")
    parser.add_argument("--summary", action="store_true", help="print the summary of what is there")
    parser.add_argument("--quick", action="store_true", help="one seed, few images, few epochs: only to see that it runs")
    arguments = parser.parse_args()
    out = arguments.out or (Path(tempfile.gettempdir()) / "disc_atlas_quick.json" if arguments.quick else STUDIES / "disc_atlas.json")
    size = (96, 5, 200) if arguments.quick else (IMAGES, EPOCHS, TEST_IMAGES)
    wanted = [cell for cell in cells() if not arguments.quick or cell[1:] in ((1.0, False, 0), (1.0, True, 0))]
    fresh = {"study": "claim atlas, discriminative features", "hypothesis": hypothesis_in(__doc__), "runs": [], "summary": []}
    study = read_json(out, fresh)
    if not arguments.summary:
        study["training_images"], study["epochs"], study["test_images"] = size
        train_one = partial(run_cell, size=size)
        run_grid(study, out, wanted, ("host", "look_alike", "loss", "seed"), train_one, summarise, _described, arguments.workers)
    print_summary(study["summary"])


def _described(row: dict[str, Any]) -> str:
    place = f"{row['host']:<12} look_alike {row['look_alike']:g} loss {'on ' if row['loss'] else 'off'} seed {row['seed']}"
    return f"{place}: ratio {row['ratio'] or 0:.2f}, mAP {row['mAP']:.3f}, look-alike AP {row['look_alike_AP']:.3f}, {row['seconds']:.0f} s"


if __name__ == "__main__":
    main()
