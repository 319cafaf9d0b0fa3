"""Pooled, CSRA, SRN and MSRN on real photos: the study split, halves of the VOC2007 test photos at 224 px. NOT comparable with published
VOC figures. EfficientNet-Lite0 with a frozen trunk, the same images through the backbone for all; goes on where it was stopped.

    WORKBENCH_TEST_DATA=FOLDER python -m benchmarks.voc_study      # FOLDER/data/voc2007; writes studies/voc_study.json
"""

from __future__ import annotations

import argparse
import os
import resource
from pathlib import Path
from typing import Any

from benchmarks.common import STUDIES, machine, read_json, write_json

RECIPES = ("voc-study-pooled", "voc-study-srn", "voc-study-csra", "voc-study-msrn")


def study(name: str, seed: int, root: Path, runs: Path) -> dict[str, Any]:
    """Train, score and inspect one recipe; the figures of one row."""
    from workbench.analysis.pointing import localisation
    from workbench.commands.evaluate import evaluate_run
    from workbench.inspector import inspect
    from workbench.training import get_recipe, train

    recipe = get_recipe(name, {"seed": str(seed), "data.root": str(root)})
    run = train(recipe, runs / f"{name}-{seed}", cache=runs / "features")
    scores = evaluate_run(run.folder, "sklearn", "last")
    archive = runs / f"{name}-{seed}.safetensors"
    inspection = inspect(run, limit=500, measure=False)
    inspection.save(archive)
    measured = localisation(inspection)
    return {
        "recipe": name,
        "seed": seed,
        "convention": scores["convention"],
        "mAP": scores["mAP"],
        "images": scores["images"],
        "training_seconds": round(sum(row["seconds"] for row in run.history), 1),
        "inspected_images": len(inspection),
        **{measure: {row: figures["overall"] for row, figures in measured[measure].items()} for measure in ("pointing", "energy")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="VOC folder; WORKBENCH_TEST_DATA/data/voc2007 by default")
    parser.add_argument("--runs", type=Path, default=Path("runs/voc-study"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=STUDIES / "voc_study.json")
    arguments = parser.parse_args()
    root = arguments.root or Path(os.environ["WORKBENCH_TEST_DATA"]) / "data" / "voc2007"
    result = read_json(arguments.out, {"study": "VOC study split, not comparable with published VOC figures", "rows": []})
    for seed in arguments.seeds:
        for name in RECIPES:
            if any((row["recipe"], row["seed"]) == (name, seed) for row in result["rows"]):
                continue
            row = study(name, seed, root, arguments.runs)
            result["rows"].append(row)
            result["machine"] = machine()
            result["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            write_json(arguments.out, result)
            print(row, flush=True)


if __name__ == "__main__":
    main()
