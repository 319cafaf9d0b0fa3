"""``workbench tour``: the small models trained on drawn scenes, compared, and laid out to be explored. Goes on where it stopped."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from workbench.commands.numbers import whole
from workbench.files import json_text

RECIPES = ("scenes-pooled", "scenes-srn", "scenes-msrn", "scenes-disentangled")
IMAGES = 120
PICTURE = 192  # side of the stored pictures in pixels: scenes can be drawn finer than the model sees them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", type=Path, help="folder; runs/tour by default")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, help="seed of weights, order and scenes (default 0)")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON, and no progress bar")


def run(arguments: argparse.Namespace) -> int:
    from workbench.analysis.embedding import embedding_of
    from workbench.evaluation import evaluate
    from workbench.inspector import inspect
    from workbench.reports.collect import collect
    from workbench.reports.page import write_report
    from workbench.shelf import home
    from workbench.training import get_recipe, train

    out = arguments.out or home() / "runs" / "tour"
    start = time.perf_counter()
    scores = {}
    for name in RECIPES:
        _say(arguments, f"{name}: training")
        run = train(get_recipe(name, {"seed": str(arguments.seed)}), out / name, progress=False if arguments.json else "auto")
        scores[name] = evaluate(run)["mAP"]
        archive = out / f"{name}.safetensors"
        if not archive.exists() or archive.stat().st_mtime < run.weights("best").stat().st_mtime:
            _say(arguments, f"{name}: looking at {IMAGES} validation scenes")
            inspection = inspect(run, limit=IMAGES, picture_size=PICTURE)
            if run.feature_probes:
                inspection = inspection.with_embeddings(*embedding_of(run, inspection))
            inspection.save(archive)
    report = write_report([collect(out / name) for name in RECIPES], out / "report.html", title="Tour: the small models on scenes")
    seconds = time.perf_counter() - start
    if arguments.json:
        print(json_text({"mAP": scores, "seconds": round(seconds, 1), "report": str(report)}))
        return 0
    print("\n" + "\n".join(f"{name:<20} mAP {100 * score:.1f}" for name, score in scores.items()))
    print(f"{seconds:.0f} s. Report: {report}. Explore: workbench lab 01_srn, the notebooks take what was just trained.")
    return 0


def _say(arguments: argparse.Namespace, text: str) -> None:
    if not arguments.json:
        print(text, flush=True)
