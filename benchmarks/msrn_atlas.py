"""Claim atlas, MSRN's part: what do the label graph, the groups and the three layers give? Trainings on scenes with each on and off.

    python -m benchmarks.msrn_atlas              # stop it any time, start it again to go on
    python -m benchmarks.msrn_atlas --summary    # only print what studies/msrn_atlas.json says

Hypothesis, written before the first run: (1) with `cooccurrence` on, the graph raises the AP of the theme labels, more on small and faint
instances than on large ones, and with `cooccurrence` off it changes nothing beyond the interval; (2) three layers beat the last one alone,
and by more on small instances than on large ones; (3) with the graph on, groups change nothing beyond the interval; (4) a linear probe on
the finest layer is the best of the three for the theme labels' small instances, and one on the coarsest for the labels by relation.

Arms: MSRN (elementwise head) with and without graph, groups and lower layers, in all eight combinations, and the pooled baseline; the same
images through the backbone, the same optimiser and schedule. Axis: `cooccurrence` 0.8 (members of a theme mostly come together; most
pairs pass the graph's threshold) or 0 (each on its own, as often as before). `scale_spread` is 1, so that half of the theme members are
drawn smaller and fainter. Scored on test scenes that no training saw, the last weights count. "Small" AP takes as positive only the images
whose largest instance of the label is in the lower half of that label's areas, "large" the others; both against all images without it.

Linear probes: logistic regression on what one layer pooled for a label (o of that label, D numbers), fitted on training scenes, AP on test
scenes, of the model with everything on.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas_summary import interval
from benchmarks.common import STUDIES, read_json
from benchmarks.grid import hypothesis_in, run_grid

ARMS = ("pooled", *("-".join(names) for names in itertools.product(("graph", "nograph"), ("groups", "nogroups"), ("all", "last"))))
FULL = "graph-groups-all"
COOCCURRENCE = (0.8, 0.0)
SEEDS = (0, 1, 2)
IMAGES, EPOCHS, TEST_IMAGES = 1200, 10, 1500
KEYS = ("arm", "cooccurrence", "seed")
MEASURES = ("mAP", "theme_AP", "theme_AP_small", "theme_AP_large", "relational_AP")
COMPARISONS = {
    "graph": ("graph-groups-all", "nograph-groups-all"),
    "graph, without groups": ("graph-nogroups-all", "nograph-nogroups-all"),
    "groups": ("graph-groups-all", "graph-nogroups-all"),
    "three layers": ("graph-groups-all", "graph-groups-last"),
    "MSRN against pooled": ("graph-groups-all", "pooled"),
}


def grid() -> list[tuple]:
    """All trainings: first the arms that are compared, one seed after the other, then the rest of the eight combinations."""
    compared = {arm for pair in COMPARISONS.values() for arm in pair}
    ordered = sorted(ARMS, key=lambda arm: arm not in compared)
    first, rest = ordered[: len(compared)], ordered[len(compared) :]
    return [(arm, rate, seed) for arms in (first, rest) for seed, rate, arm in itertools.product(SEEDS, COOCCURRENCE, arms)]


def knobs(cooccurrence: float, seed: int) -> dict[str, float]:
    return {"seed": seed, "cooccurrence": cooccurrence, "scale_spread": 1.0}


def recipe_of(cell: tuple) -> Any:
    """`scenes-pooled` or `scenes-msrn` with the axes set and this study's budget."""
    from workbench.training import get_recipe

    arm, cooccurrence, seed = cell
    changes: dict[str, Any] = {f"data.options.{name}": value for name, value in knobs(cooccurrence, seed).items()}
    changes |= {"data.options.count": IMAGES, "data.validation_options.count": 64, "stages.all.epochs": EPOCHS, "seed": seed}
    if arm != "pooled":
        graph, groups, layers = arm.split("-")
        changes |= {"model.options.use_graph": graph == "graph", "model.options.use_groups": groups == "groups"}
        changes |= {"model.options.layers": layers}
    return get_recipe("scenes-pooled" if arm == "pooled" else "scenes-msrn", changes)


def run_cell(cell: tuple, threads: int) -> dict[str, Any]:
    """Train and score one cell."""
    import torch
    from threadpoolctl import threadpool_limits

    from workbench.capture import predict, subject_of
    from workbench.datasets import load_dataset
    from workbench.datasets.scenes.rules import RELATION_LABELS, THEME_LABELS
    from workbench.metrics import average_precision, mean_average_precision
    from workbench.training import train

    torch.set_num_threads(threads)
    threadpool_limits(threads)  # the probes' linear algebra too
    arm, cooccurrence, seed = cell
    folder = Path(tempfile.mkdtemp(prefix="msrn-atlas-"))
    begin = time.perf_counter()
    try:
        run = train(recipe_of(cell), folder / "run", progress=False)
        model = run.model("last")
        seconds = time.perf_counter() - begin
        test = load_dataset("scenes", "test", count=TEST_IMAGES, **knobs(cooccurrence, seed))
        scores = predict(subject_of(model), test)
        probes = layer_probes(model, run.training(), test) if arm == FULL else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ap = dict(zip(test.categories, average_precision(scores, test.targets), strict=True))
    by_size = size_ap(scores, test)
    row = {"arm": arm, "cooccurrence": cooccurrence, "seed": seed, "mAP": mean_average_precision(np.array(list(ap.values())))}
    row["theme_AP"] = float(np.mean([ap[name] for name in THEME_LABELS]))
    row |= {f"theme_AP_{size}": float(np.mean([values[name] for name in THEME_LABELS])) for size, values in by_size.items()}
    row["relational_AP"] = float(np.mean([ap[name] for name in RELATION_LABELS]))
    row["AP"] = {name: round(float(value), 5) for name, value in ap.items()}
    if probes:
        row["probes"] = probes
    return row | {"parameters": sum(parameter.numel() for parameter in model.parameters()), "seconds": round(seconds, 1)}


def size_ap(scores: np.ndarray, test: Any) -> dict[str, dict[str, float]]:
    """AP of each label on its small and on its large instances: the others' images are left out, all images without it stay."""
    from workbench.metrics import average_precision

    areas = largest_areas(test)
    result: dict[str, dict[str, float]] = {"small": {}, "large": {}}
    for column, name in enumerate(test.categories):
        present = test.targets[:, column] == 1
        middle = np.median(areas[present, column])
        for size, kept in (("small", areas[:, column] <= middle), ("large", areas[:, column] > middle)):
            target = np.where(present & ~kept, -1, test.targets[:, column])
            result[size][name] = float(average_precision(scores[:, [column]], target[:, None])[0])
    return result


def largest_areas(data: Any) -> np.ndarray:
    """Visible pixels of the largest instance of each label in each image: float [N, C], 0 where there is none."""
    areas = np.zeros(data.targets.shape)
    for image in range(len(data)):
        for region in data.regions(image):
            column = data.categories.index(region.category)
            areas[image, column] = max(areas[image, column], float(np.sum(region.mask)))
    return areas


def layer_probes(model: Any, training: Any, test: Any) -> dict[str, dict[str, dict[str, float]]]:
    """AP of a linear probe by layer, size ("any", "small", "large") and label."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from workbench.metrics import average_precision

    learned, asked = label_features(model, training), label_features(model, test)
    width = learned.shape[2] // len(model.layer_names)
    probes: dict[str, dict[str, dict[str, float]]] = {}
    for number, layer in enumerate(model.layer_names):
        scores = np.zeros(test.targets.shape)
        part = slice(number * width, (number + 1) * width)
        for column in range(len(model.categories)):
            probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
            probe.fit(learned[:, column, part], training.targets[:, column])
            scores[:, column] = probe.decision_function(asked[:, column, part])
        plain = dict(zip(test.categories, map(float, average_precision(scores, test.targets)), strict=True))
        probes[layer] = {"any": plain, **size_ap(scores, test)}
    return probes


def label_features(model: Any, data: Any) -> np.ndarray:
    """What every layer pooled for every label: float32 [N, C, L * D]."""
    import torch

    from workbench.capture import batch_of

    pixels = data.pixels(model.image_size)
    with torch.no_grad():
        parts = [
            model(batch_of(pixels, range(row, min(row + 64, len(data))), torch.device("cpu")))[1]["features"].numpy()
            for row in range(0, len(data), 64)
        ]
    return np.concatenate(parts)


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each setting of `cooccurrence`: every arm's figures, each part's gain seed by seed, and the probes."""
    rows = []
    for cooccurrence in COOCCURRENCE:
        here = [run for run in runs if run["cooccurrence"] == cooccurrence]
        arms = {arm: {run["seed"]: run for run in here if run["arm"] == arm} for arm in ARMS}
        row: dict[str, Any] = {"cooccurrence": cooccurrence, "arms": {}, "gains": {}, "probes": {}}
        for arm, by_seed in arms.items():
            if by_seed:
                row["arms"][arm] = {measure: interval([by_seed[seed][measure] for seed in sorted(by_seed)]) for measure in MEASURES}
        for title, (more, less) in COMPARISONS.items():
            shared = sorted(set(arms[more]) & set(arms[less]))
            if shared:
                row["gains"][title] = {
                    measure: interval([arms[more][seed][measure] - arms[less][seed][measure] for seed in shared]) for measure in MEASURES
                }
                small_more = [_small_gain(arms[more][seed]) - _small_gain(arms[less][seed]) for seed in shared]
                row["gains"][title]["more_on_small"] = interval(small_more)
        row["probes"] = _probe_means([run["probes"] for run in here if "probes" in run])
        rows.append(row)
    return rows


def _small_gain(run: dict[str, Any]) -> float:
    return run["theme_AP_small"] - run["theme_AP_large"]


def _probe_means(probes: list[dict[str, Any]]) -> dict[str, Any]:
    """By layer: mean AP over the labels of a kind, as an interval over seeds."""
    from workbench.datasets.scenes.rules import ANIMALS, RELATION_LABELS, THEME_LABELS

    if not probes:
        return {}
    kinds = {"relational": ("any", RELATION_LABELS), "animals": ("any", ANIMALS)}
    kinds |= {f"theme, {size}": (size, THEME_LABELS) for size in ("small", "large")}
    return {
        layer: {
            kind: interval([float(np.mean([probe[layer][size][name] for name in names])) for probe in probes])
            for kind, (size, names) in kinds.items()
        }
        for layer in probes[0]
    }


def print_summary(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        print(f"\ncooccurrence {row['cooccurrence']:g}")
        for arm, figures in row["arms"].items():
            print(f"  {arm:<24}" + "  ".join(f"{measure} {_shown(figures[measure])}" for measure in MEASURES))
        for title, figures in row["gains"].items():
            print(f"  gain of {title:<22}" + "  ".join(f"{measure} {_shown(figures[measure], '+')}" for measure in figures))
        for layer, kinds in row["probes"].items():
            print(f"  probe {layer:<12}" + "  ".join(f"{kind} {_shown(figure)}" for kind, figure in kinds.items()))


def _shown(figure: dict[str, Any], sign: str = "") -> str:
    half = "" if figure["half_width"] is None else f"±{figure['half_width']:.3f}"
    return f"{figure['mean']:{sign}.3f}{half}"


def _line(row: dict[str, Any]) -> str:
    scores = f"theme AP {row['theme_AP']:.3f} (small {row['theme_AP_small']:.3f}), mAP {row['mAP']:.3f}"
    return f"{row['arm']:<24} cooccurrence {row['cooccurrence']:g} seed {row['seed']}: {scores}, {row['seconds']:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=STUDIES / "msrn_atlas.json")
    parser.add_argument("--workers", type=int, default=max(1, os.cpu_count() or 1), help="trainings at a time, one thread each")
    parser.add_argument("--summary", action="store_true", help="print the summary of what is there")
    arguments = parser.parse_args()
    study = read_json(arguments.out, {"study": "claim atlas, MSRN", "hypothesis": hypothesis_in(__doc__), "runs": []})
    if not arguments.summary:
        run_grid(study, arguments.out, grid(), KEYS, run_cell, summarise, _line, arguments.workers)
    print_summary(study["summary"])


if __name__ == "__main__":
    main()
