"""Real photos: pooled, CSRA, SRN, MSRN and the class disentangler with and without its loss, on the study split of the VOC2007 test
photos at 224 px. NOT comparable with published VOC figures.

    WORKBENCH_TEST_DATA=FOLDER python -m benchmarks.voc_study               # FOLDER/data/voc2007; three seeds; goes on where it was stopped
    WORKBENCH_TEST_DATA=FOLDER python -m benchmarks.voc_study --last-stage  # the backbone's last stage learns too: minutes each
    python -m benchmarks.voc_study --summary                                # only print what studies/voc_study.json says

EfficientNet-Lite0 with ImageNet weights, frozen; its maps are computed once for each photo and its mirror image, every system learns its
heads from them with the same optimiser, for the same number of images. The last weights count. Intervals: of mAP over the photos of one
seed (percentile bootstrap), of differences over seeds (Student's t) and over photos (paired bootstrap of the seeds' mean scores).
Pointing and energy against the boxes of the first 500 photos to be scored.

Hypothesis on the discriminative loss, written before the first run: it raises the ratio inter / intra of the class features on photos
too, by more than the interval over seeds, and moves mAP by less than 0.01 in either direction.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import STUDIES, machine, read_json, write_json
from benchmarks.tables import markdown
from benchmarks.voc_summary import rows, summarise

SYSTEMS = ("pooled", "csra", "srn", "msrn", "disc-off", "disc")
SEEDS = (0, 1, 2)
INSPECTED = 500
TITLE = "VOC study split, not comparable with published VOC figures"


def cell(system: str, seed: int, last_stage: bool, root: Path, runs: Path) -> dict[str, Any]:
    """Train, score and inspect one recipe; the figures of one row, and its scores in a file of `runs`."""
    from workbench.analysis.separation import separation
    from workbench.inspector import inspect
    from workbench.metrics import average_precision, bootstrap, mean_average_precision
    from workbench.metrics.pointing import localisation
    from workbench.metrics.references import BEST_MAP
    from workbench.training import get_recipe, train

    overrides = {"seed": str(seed), "data.root": str(root), **({"frozen_backbone": "false"} if last_stage else {})}
    name = row_name(system, seed, last_stage)
    run = train(get_recipe(f"voc-study-{system}", overrides), runs / name, cache=runs / "features")
    validation = run.validation()
    logits, features, pairs = scored(run, runs / "features")
    np.save(runs / f"{name}-scores.npy", logits)
    ap = average_precision(logits, validation.targets)
    spread = bootstrap(logits, validation.targets, resamples=500)
    row: dict[str, Any] = {"system": system, "seed": seed, "backbone": "last stage learns" if last_stage else "frozen"}
    row |= {"mAP": mean_average_precision(ap), "interval": [spread.low, spread.high], "images": len(validation)}
    row["trained_parameters"] = trained_parameters(run)
    row["AP"] = {label: round(float(value), 5) for label, value in zip(validation.categories, ap, strict=True)}
    row["training_seconds"] = round(sum(entry["seconds"] for entry in run.history), 1)
    begin = time.perf_counter()
    inspection = inspect(run.model("last"), validation, name=name, limit=INSPECTED, measure=False)
    measured = localisation(inspection)
    row["inspection_seconds"] = round(time.perf_counter() - begin, 1)
    figures = {measure: {kind: entry["overall"] for kind, entry in measured[measure].items()} for measure in ("pointing", "energy")}
    row |= {measure: {kind: value for kind, value in by.items() if not kind.startswith(BEST_MAP)} for measure, by in figures.items()}
    row["best maps"] = {kind: value for kind, value in figures["pointing"].items() if kind.startswith(BEST_MAP)}
    if features is not None:
        apart = separation(features, pairs, len(validation.categories), seed=seed)
        row["separation"] = {key: value for key, value in apart["overall"].items() if isinstance(value, float)}
    return row


def trained_parameters(run: Any) -> int:
    """Numbers that some stage of a run learns."""
    from workbench.training.stages import frozen_throughout

    model = run.model("last")
    model.frozen_backbone = run.recipe.frozen_backbone
    frozen = {id(parameter) for parameter in frozen_throughout(model, run.recipe.stages)}
    return sum(parameter.numel() for parameter in model.parameters() if id(parameter) not in frozen)


def row_name(system: str, seed: int, last_stage: bool) -> str:
    return f"voc-study-{system}-{seed}" + ("-last-stage" if last_stage else "")


def scored(run: Any, cache: Path) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Scored logits [N, C] of the validation photos from cached trunk maps, and the class features [P, D] of their present pairs [P, 2]."""
    import torch
    from lightning_fabric import Fabric

    from workbench.training.batches import evaluation_plan
    from workbench.training.features import input_sources
    from workbench.training.probe import present_features

    model, validation = run.model("last"), run.validation()
    model.frozen_backbone = run.recipe.frozen_backbone
    fabric = Fabric(devices=1, precision=run.recipe.precision)
    source = input_sources(model, run.training(), validation, run.recipe, cache, fabric, True)[1]
    plan = evaluation_plan(len(validation), 64)
    logits, values, pairs = [], [], []
    with torch.no_grad(), fabric.autocast():
        for indices, inputs in zip(plan, source.inputs(plan, None), strict=True):
            scores, out = model(inputs)
            logits.append(scores.float().numpy())
            if "features" in out:
                found, where = present_features(out["features"], torch.from_numpy(validation.targets[indices]))
                values.append(found.float().numpy())
                pairs.append(np.stack([indices[where[:, 0].numpy()], where[:, 1].numpy()], 1))
    return np.concatenate(logits), np.concatenate(values) if values else None, np.concatenate(pairs) if pairs else np.zeros((0, 2), int)


def main() -> None:
    parser = argparse.ArgumentParser(description="Real photos: all systems on the VOC study split.")
    parser.add_argument("--root", type=Path, help="VOC folder; WORKBENCH_TEST_DATA/data/voc2007 by default")
    parser.add_argument("--runs", type=Path, default=Path("runs/voc-study"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=SYSTEMS)
    parser.add_argument("--last-stage", action="store_true", help="let the backbone's last stage learn too")
    parser.add_argument("--summary", action="store_true", help="only print what the study says")
    parser.add_argument("--out", type=Path, default=STUDIES / "voc_study.json")
    arguments = parser.parse_args()
    result = read_json(arguments.out, {"study": TITLE, "rows": []})
    if not arguments.summary:
        root = arguments.root or Path(os.environ["WORKBENCH_TEST_DATA"]) / "data" / "voc2007"
        backbone = "last stage learns" if arguments.last_stage else "frozen"
        for seed in arguments.seeds:
            for system in arguments.systems:
                if any((row["system"], row["seed"], row["backbone"]) == (system, seed, backbone) for row in result["rows"]):
                    continue
                begin = time.perf_counter()
                row = cell(system, seed, arguments.last_stage, root, arguments.runs)
                row["seconds"] = round(time.perf_counter() - begin, 1)
                result["rows"].append(row)
                result["machine"] = machine()
                result["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
                result["summary"] = summarise(result["rows"], lambda row: arguments.runs / f"{name_of(row)}-scores.npy", root)
                write_json(arguments.out, result)
                print(f"{system}, seed {seed}: mAP {row['mAP']:.4f}, {row['seconds']:.0f} s", flush=True)
    print(TITLE, markdown(rows(result)), sep="\n\n")


def name_of(row: dict[str, Any]) -> str:
    return row_name(row["system"], row["seed"], row["backbone"] != "frozen")


if __name__ == "__main__":
    main()
