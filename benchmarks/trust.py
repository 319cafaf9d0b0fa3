"""Which maps deserve trust? Every map of every model, with random, centre and ground-truth rows: on held-out scenes, on COCO photos with
masks, on VOC photos with boxes. Goes on where it was stopped.

    python -m benchmarks.trust                                    # the models of `workbench tour`, trained where they are not there yet
    WORKBENCH_TEST_DATA=FOLDER python -m benchmarks.trust         # the same, then photos, by the models of benchmarks.voc_study, seed 0
    python -m benchmarks.trust --best-maps                        # only add the best map at each grid to rows made without it: no training
    python -m benchmarks.trust --summary                          # only print what studies/trust.json says

Scenes: the test split, which no training and no choice of an epoch has seen. Photos: models trained on the study split of the VOC2007 test
photos; VOC is its other half, COCO the pictures of the small excerpt that hold one of the twenty classes under COCO's name.
Beside a model's own maps stand Grad-CAM on its last stage and, on scenes, integrated gradients. Localisation is measured on more images
than what has to run the model many times; both numbers stand in each row.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path
from typing import Any

from benchmarks.common import STUDIES, machine, read_json, write_json
from benchmarks.trust_data import photos
from benchmarks.trust_summary import markdown

DATA = ("scenes", "coco", "voc")
PHOTO_SYSTEMS = ("pooled", "csra", "srn", "msrn")
IMAGES = {"scenes": (120, 12), "coco": (60, 16), "voc": (60, 16)}  # for localisation, and for what runs the model many times
STEPS = {"scenes": 8, "coco": 8, "voc": 8}


def row(run: Any, data: str, dataset: Any) -> dict[str, Any]:
    """Everything about one model on one kind of picture."""
    from workbench.analysis.agreement import agreement
    from workbench.analysis.attribution import add_attribution
    from workbench.analysis.faithfulness import COURSES, THOROUGH, faithfulness
    from workbench.analysis.leakage import leakage
    from workbench.analysis.robustness import robustness
    from workbench.analysis.sanity import sanity
    from workbench.inspector import inspect
    from workbench.metrics.pointing import localisation
    from workbench.subject import subject_of

    few = IMAGES[data][1]
    model = run.model("best")
    asked = attributions(model, data)

    def wrap(module: Any) -> Any:
        subject = subject_of(module)
        for attribution in asked:
            add_attribution(subject, attribution)
        return subject

    seconds: dict[str, float] = {}

    def timed(name: str, work: Any) -> Any:
        begin = time.perf_counter()
        result = work()
        seconds[name] = round(time.perf_counter() - begin, 1)
        return result

    dataset = measured_on(dataset, data)
    inspection = timed("inspect", lambda: inspect(model, dataset, attributions=asked, measure=False, top_labels=0))
    subject = wrap(model)
    courses = THOROUGH if data == "scenes" else COURSES
    measured = timed("localisation", lambda: localisation(inspection))
    measured |= timed("faithfulness", lambda: faithfulness(subject, dataset, inspection, few, STEPS[data], courses))
    checked = timed("sanity", lambda: sanity(subject, wrap, dataset, inspection, few))["sanity"]
    leaked = timed("leakage", lambda: leakage(subject, dataset, inspection, limit=2 * few))
    if data == "scenes":
        measured |= timed("robustness", lambda: robustness(subject, dataset, inspection, limit=max(2, few // 4)))
    beside = agreement(inspection).get("agreement", {})
    kinds = {name: kind.title for name, kind in inspection.map_kinds.items()}
    maps = {}
    for name in dict.fromkeys(name for entries in measured.values() for name in entries):
        figures = {measure: entries[name]["overall"] for measure, entries in measured.items() if name in entries}
        check = {key: checked[name][key] for key in ("verdict", "rank_correlation", "baseline", "cascade")} if name in checked else None
        maps[name] = {"title": kinds.get(name, name), "reference": name not in kinds, **figures, "sanity": check}
        maps[name] |= {"ceiling": measured["pointing"][name]["ceiling"]} if name in kinds else {}
        maps[name]["agreement"] = beside[name]["with"] if name in beside else {}
    return {
        "data": data,
        "model": run.recipe.name,
        "images": [len(inspection), few],
        "pairs": measured["pointing"]["random map"]["n"],
        "steps": STEPS[data],
        "maps": maps,
        "leakage": leaked.measurement(inspection.categories.names)["leakage"] if leaked else None,
        "seconds": {**seconds, "together": round(sum(seconds.values()), 1)},
    }


def attributions(model: Any, data: str, steps: int = 16) -> list[Any]:
    """What stands beside a model's own maps."""
    from workbench.analysis.attribution import Attribution

    asked = [Attribution("grad_cam", layer=f"backbone.stages.{model.used_stages[-1]}")]
    return [*asked, Attribution("integrated_gradients", steps=steps)] if data == "scenes" else asked


def measured_on(dataset: Any, data: str) -> Any:
    return dataset.subset(range(min(IMAGES[data][0], len(dataset))))


def add_best_maps(row: dict[str, Any], root: Path | None) -> None:
    """Give a row the best map at each grid of its maps. It follows from the regions and the grids, so that the weights do not matter."""
    from workbench.datasets import load_dataset
    from workbench.inspector import inspect
    from workbench.metrics.pointing import localisation
    from workbench.training import get_recipe
    from workbench.training.build import build_model

    data, photo = row["data"], row["data"] != "scenes"
    recipe = get_recipe(row["model"], {"data.root": str(root / "data" / "voc2007"), "model.weights": "none"} if root and photo else {})
    spec = recipe.data
    dataset = measured_on(photos(data, root / "data", spec) if root and photo else load_dataset(spec.name, "test", **spec.options), data)
    model = build_model(recipe, dataset).eval()
    inspection = inspect(model, dataset, attributions=attributions(model, data, steps=1), measure=False, top_labels=0)
    found = localisation(inspection)
    if found["pointing"]["random map"]["n"] != row["pairs"]:
        raise SystemExit(f"{data}, {row['model']}: {found['pointing']['random map']['n']} objects for {row['pairs']} in the study.")
    for name, entry in found["pointing"].items():
        if "ceiling" in entry:
            row["maps"][name]["ceiling"] = entry["ceiling"]
        elif name not in row["maps"]:
            figures = {measure: entries[name]["overall"] for measure, entries in found.items()}
            row["maps"][name] = {"title": name, "reference": True, **figures, "sanity": None, "agreement": {}}


def cases(data: str, runs: Path, root: Path | None) -> Any:
    """(name, function that gives the run and its pictures) of every row."""
    from workbench.commands.tour import RECIPES
    from workbench.training import get_recipe, train

    def of_scenes(name: str) -> tuple[Any, Any]:
        run = train(get_recipe(name), runs / "tour" / name)
        return run, run.split("test")

    def of_photos(name: str) -> tuple[Any, Any]:
        recipe = get_recipe(name, {"data.root": str(root / "data" / "voc2007")})
        run = train(recipe, runs / "voc-study" / f"{name}-0", cache=runs / "voc-study" / "features")
        return run, photos(data, root / "data", run.recipe.data)

    if data == "scenes":
        return [(name, lambda name=name: of_scenes(name)) for name in RECIPES]
    return [(f"voc-study-{system}", lambda name=f"voc-study-{system}": of_photos(name)) for system in PHOTO_SYSTEMS] if root else []


def main() -> None:
    parser = argparse.ArgumentParser(description="Which maps deserve trust? All models and maps, on scenes and on photos.")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder with tour/ and voc-study/")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--models", nargs="+", help="only these recipes")
    parser.add_argument("--summary", action="store_true", help="only print what the study says")
    parser.add_argument("--best-maps", action="store_true", help="only add the best map at each grid to the rows that lack it")
    parser.add_argument("--out", type=Path, default=STUDIES / "trust.json")
    arguments = parser.parse_args()
    result = read_json(arguments.out, {"study": "which maps deserve trust", "command": "python -m benchmarks.trust", "rows": []})
    root = Path(os.environ["WORKBENCH_TEST_DATA"]) if "WORKBENCH_TEST_DATA" in os.environ else None
    for found in result["rows"] if arguments.best_maps else ():
        if not any("ceiling" in entry for entry in found["maps"].values()) and (root or found["data"] == "scenes"):
            add_best_maps(found, root)
            write_json(arguments.out, result)
            print(f"{found['data']}, {found['model']}: {[name for name in found['maps'] if name.startswith('best map')]}", flush=True)
    for data in () if arguments.summary or arguments.best_maps else arguments.data:
        for name, prepared in cases(data, arguments.runs, root):
            done = any((found["data"], found["model"]) == (data, name) for found in result["rows"])
            if done or (arguments.models and name not in arguments.models):
                continue
            run, dataset = prepared()
            result["rows"].append(row(run, data, dataset))
            result["machine"] = machine()
            result["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            write_json(arguments.out, result)
            print(f"{data}, {name}: {result['rows'][-1]['seconds']}", flush=True)
    print(markdown(result["rows"]))


if __name__ == "__main__":
    main()
