"""Right for the wrong reason, on purpose: is a model that may take a shortcut found out by the numbers beside its maps?

    python -m benchmarks.shortcut               # six small trainings and what is measured of them; goes on where it was stopped
    python -m benchmarks.shortcut --archives    # then writes what notebooks/05_trust.ipynb opens: data/scenes-shortcut*, data/weights/
    python -m benchmarks.shortcut --summary     # only print what studies/shortcut.json says

Hypothesis, written before the first run: on pictures like those that they learned from, both models score the six labels of the themes
with an AP of 0.9 or more, so that the score does not tell them apart. On those same pictures the misled model's map lies on its label's
object less often than its twin's (pointing and energy lower beyond the interval), while its deletion is no worse: the map shows truly
what a wrong model uses. When the evidence of one member of a theme is painted over, the other two move at least twice as far in the
misled model. The randomised-weights check calls the maps of both sensitive, because it asks about maps and not about reasons. Where each
member comes on its own, the misled model loses 0.2 of AP or more on these labels, its twin less than 0.05. With the object itself taken
out of the scene the misled model still says its label in more than half of the pictures, its twin in less than a fifth.

Two recipes, three seeds: "shortcut" (the members of a theme always come together in training) and "shortcut-off" (each comes on its own,
as often). Scored on 1,000 test scenes of either kind that no training and no choice of an epoch saw; maps are measured on the first of
those in which members come together, which is where a user would look. Edits are made in those scenes too: all things of one label are
taken away, and the picture is drawn again, so that nothing is painted over and no model is asked about a hole.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas_summary import interval
from benchmarks.common import STUDIES, machine, read_json, write_json
from benchmarks.grid import hypothesis_in

RECIPES = {"shortcut": True, "shortcut-off": False}
SEEDS = (0, 1, 2)
TEST_IMAGES, MAP_IMAGES, EDITED = 1000, 160, 40  # images scored, images whose maps are measured, edited scenes of each theme
TOGETHER, APART = {"cooccurrence": 1.0}, {"cooccurrence": 0.0}
MAPS = ("pointing", "energy", "insertion", "deletion")
SHIPPED, SHIPPED_EDITS, PICTURE = 80, 8, 160  # images of an archive, scenes of each theme that are edited, side of the stored pictures
DATA = STUDIES.parent / "data"


def held_out(seed: int, knobs: dict[str, float]) -> Any:
    """Test scenes of one kind, from the world that the training of this seed was drawn from."""
    from workbench.datasets import load_dataset

    return load_dataset("scenes", "test", count=TEST_IMAGES, terraces=1.0, seed=seed, **knobs)


def edited(scenes: Any, theme: tuple[str, ...], count: int) -> list[Any]:
    """The first scenes that hold all members of a theme."""
    places = [scenes.categories.index(member) for member in theme]
    return [scenes.scene(int(index)) for index in np.flatnonzero((scenes.targets[:, places] == 1).all(axis=1))[:count]]


def said(model: Any, together: Any) -> dict[str, Any]:
    """Share of edited scenes in which the model says a label: as drawn, without the thing itself, and with all its company gone."""
    from workbench.capture import predict, subject_of
    from workbench.datasets.edited_scenes import EditedScenes, without_label
    from workbench.datasets.scenes import CATEGORIES, THEMES

    found: dict[str, dict[str, float]] = {"as drawn": {}, "itself gone": {}, "company gone": {}}
    count = 0
    for theme in THEMES.values():
        drawn = edited(together, theme, EDITED)
        count += len(drawn)
        for member in theme:
            others = [other for other in theme if other != member]
            versions = {
                "as drawn": drawn,
                "itself gone": [without_label(scene, member) for scene in drawn],
                "company gone": [without_label(without_label(scene, others[0]), others[1]) for scene in drawn],
            }
            for name, scenes in versions.items():
                pictures = EditedScenes({scene.id: scene for scene in scenes})
                logits = predict(subject_of(model), pictures)[:, CATEGORIES.index(member)]
                found[name][member] = float((logits >= 0).mean())
    return {**{name: {"overall": float(np.mean(list(by.values()))), "per_label": by} for name, by in found.items()}, "scenes": count}


def measured(run: Any, seed: int) -> dict[str, Any]:
    """What one trained model says on pictures of both kinds, and what its maps show."""
    from workbench.capture import predict, subject_of
    from workbench.datasets.scenes import THEME_LABELS, THEMES
    from workbench.inspector import inspect
    from workbench.metrics import average_precision
    from workbench.metrics.references import BEST_MAP

    model = run.model("best")
    kinds = {"together": held_out(seed, TOGETHER), "apart": held_out(seed, APART)}
    scores = {}
    for name, data in kinds.items():
        ap = average_precision(predict(subject_of(model), data), data.targets)
        scores[name] = dict(zip(data.categories, map(float, ap), strict=True))
    looked = kinds["together"].subset(range(MAP_IMAGES))
    inspection = inspect(model, looked, attributions=["integrated_gradients"], measure=True)
    numbers = inspection.measurements
    own = {
        measure: {
            row: float(np.mean([entry["per_label"][name] for name in THEME_LABELS]))
            for row, entry in numbers[measure].items()
            if not row.startswith(BEST_MAP)  # of the pictures, the same for both models
        }
        for measure in MAPS
    }
    moved, index = inspection.table("leakage").values, looked.categories.index
    inside = [moved[index(a), index(b)] for theme in THEMES.values() for a, b in itertools.permutations(theme, 2)]
    across = [moved[index(a), index(b)] for one, other in itertools.permutations(THEMES.values(), 2) for a in one for b in other]
    return {
        "AP": scores,
        "theme_AP": {name: float(np.mean([ap[label] for label in THEME_LABELS])) for name, ap in scores.items()},
        "maps": own,
        "titles": {name: kind.title for name, kind in inspection.map_kinds.items()},
        "sanity": {
            name: {key: entry[key] for key in ("verdict", "rank_correlation", "baseline")} for name, entry in numbers["sanity"].items()
        },
        "leakage": {"within a theme": float(np.mean(inside)), "between the themes": float(np.mean(across))},
        "said": said(model, kinds["together"]),
        "pairs": numbers["pointing"]["random map"]["n"],
    }


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each figure: both models with 95 % intervals over seeds (Student's t), and misled minus twin seed by seed."""
    arms = {rule: {row["seed"]: _figures(row) for row in rows if row["rule"] is rule} for rule in (True, False)}
    shared = sorted(set(arms[True]) & set(arms[False]))
    summary = []
    for name in arms[True][shared[0]] if shared else ():
        on, off = ([arms[rule][seed][name] for seed in shared] for rule in (True, False))
        difference = [a - b for a, b in zip(on, off, strict=True)]
        summary.append({"figure": name, "shortcut": interval(on), "shortcut-off": interval(off), "difference": interval(difference)})
    return summary


def _figures(row: dict[str, Any]) -> dict[str, float]:
    """A row's figures by name, those of the six labels."""
    found = {f"AP, {kind}": value for kind, value in row["theme_AP"].items()}
    found |= {f"{measure}, {name}": value for measure, by in row["maps"].items() for name, value in by.items()}
    found |= {f"leakage {where}": value for where, value in row["leakage"].items()}
    return found | {f"said, {name}": value["overall"] for name, value in row["said"].items() if name != "scenes"}


def write_archives(runs: dict[str, Any]) -> None:
    """What the notebook opens, for the models of seed 0: pictures of both kinds, edited scenes, and the weights."""
    from workbench.datasets.edited_scenes import EditedScenes, without_label
    from workbench.datasets.scenes import THEMES
    from workbench.inspector import inspect

    together, apart = held_out(0, TOGETHER), held_out(0, APART)
    versions = {}
    for theme in THEMES.values():
        for scene in edited(together, theme, SHIPPED_EDITS):
            versions[scene.id] = scene
            versions |= {f"{scene.id} without {member}": without_label(scene, member) for member in theme}
    for name, run in runs.items():
        for ending, pictures in (
            ("", together.subset(range(SHIPPED))),
            ("-apart", apart.subset(range(SHIPPED))),
            ("-edits", EditedScenes(versions)),
        ):
            archive = inspect(
                run,
                pictures,
                attributions=["integrated_gradients"],
                name=f"{name}{ending}",
                picture_size=PICTURE,
                measure=ending != "-edits",
            )
            file = archive.save(DATA / f"scenes-{name}{ending}.safetensors")
            print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB", flush=True)
        (DATA / "weights").mkdir(exist_ok=True)
        shutil.copy(run.weights("best"), DATA / "weights" / f"scenes-{name}.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description="Is a model that may take a shortcut found out by the numbers beside its maps?")
    parser.add_argument("--runs", type=Path, default=Path("runs/shortcut"), help="folder of the trainings")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument(
        "--archives", action="store_true", help="write data/scenes-shortcut* and data/weights/ from the trainings of seed 0"
    )
    parser.add_argument("--summary", action="store_true", help="only print what the study says")
    parser.add_argument("--out", type=Path, default=STUDIES / "shortcut.json")
    arguments = parser.parse_args()
    command = "python -m benchmarks.shortcut"
    study = read_json(arguments.out, {"study": "shortcut", "command": command, "hypothesis": hypothesis_in(__doc__ or ""), "rows": []})
    runs: dict[str, Any] = {}
    for seed, name in () if arguments.summary else itertools.product(arguments.seeds, RECIPES):
        done = any((row["seed"], row["rule"]) == (seed, RECIPES[name]) for row in study["rows"])
        if done and not (arguments.archives and seed == 0):
            continue
        import torch

        from workbench.training import get_recipe, train

        torch.set_num_threads(1)
        begin = time.perf_counter()
        run = train(
            get_recipe(name, {"seed": seed, "data.options.seed": seed} if seed else {}), arguments.runs / f"{name}-{seed}", progress=False
        )
        seconds = time.perf_counter() - begin
        if seed == 0:
            runs[name] = run
        if done:
            continue
        study["rows"].append({"rule": RECIPES[name], "seed": seed, **measured(run, seed), "training_seconds": round(seconds, 1)})
        study.update(machine=machine(), summary=summarise(study["rows"]))
        write_json(arguments.out, study)
        print(f"{name}, seed {seed}: theme AP {study['rows'][-1]['theme_AP']}, {time.perf_counter() - begin:.0f} s", flush=True)
    for row in study.get("summary", []):
        print(f"{row['figure']:<40} {row['shortcut']['mean']:.3f}  {row['shortcut-off']['mean']:.3f}")
    if arguments.archives:
        write_archives(runs)


if __name__ == "__main__":
    main()
