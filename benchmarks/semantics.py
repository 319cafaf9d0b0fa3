"""What did MSRN learn about its labels? Groups beside the themes that are true in scenes, embeddings beside who comes with whom.

    python -m benchmarks.semantics              # six small trainings; stop it any time, start it again to go on
    python -m benchmarks.semantics --run FOLDER ... # add runs that are trained already, those of voc-study-msrn too
    python -m benchmarks.semantics --summary    # only print what studies/semantics.json says

Hypothesis, written before the first run: (1) with the graph, groups gather the labels of a theme beyond chance (adjusted Rand index above
0.3, permutation p at most 0.05 in at least two of three seeds), because labels that listen to each other become alike; without it they do
not. (2) The memberships are sharp (largest share at least 0.8 on average), with the graph and without. (3) Cosines of the word vectors
rank pairs of labels hardly as their correlation in the images does (below 0.2); through the graph, before any training, they do (at least
0.3), and training adds at most 0.1 to that; without the graph neither fresh nor trained embeddings do beyond chance. So what the
semantics know of who comes with whom is what the graph put there.

Arms: `scenes-msrn` as the recipe says, and the same with `use_graph` off, where every label listens to itself alone; three seeds of scenes
and weights, the last weights count. Themes: pond, duck, reed; tree, bench, lamp; the house and what is named by it. Animals have none and
are left out. On photos (voc-study-msrn) a theme is one of the four families into which VOC divides its labels. Correlations are those of
the training images. See `workbench.analysis.semantics` for every figure and its chance.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.atlas_summary import interval
from benchmarks.common import STUDIES, read_json
from benchmarks.grid import hypothesis_in, run_grid

ARMS = ("graph", "nograph")
SEEDS = (0, 1, 2)
KEYS = ("data", "arm", "seed")
STAGES = ("words", "untrained", "trained")


def scene_themes() -> dict[str, str]:
    """The theme of each label of the scenes that has one."""
    from workbench.datasets.scenes.rules import REFERENCE, RELATION_LABELS, THEMES

    named = {name: theme for theme, members in THEMES.items() for name in members}
    return named | dict.fromkeys((REFERENCE, *RELATION_LABELS), "town")


def recipe_of(cell: tuple) -> Any:
    from workbench.training import get_recipe

    _, arm, seed = cell
    return get_recipe("scenes-msrn", {"seed": seed, "data.options.seed": seed, "model.options.use_graph": arm == "graph"})


def run_cell(cell: tuple, threads: int) -> dict[str, Any]:
    """Train one model and read its semantics."""
    import torch
    from threadpoolctl import threadpool_limits

    from workbench.training import train

    torch.set_num_threads(threads)
    threadpool_limits(threads)
    data, arm, seed = cell
    folder = Path(tempfile.mkdtemp(prefix="semantics-"))
    begin = time.perf_counter()
    try:
        run = train(recipe_of(cell), folder / "run", progress=False)
        row = read_run(run, scene_themes(), seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"data": data, "arm": arm, "seed": seed, **row, "seconds": round(time.perf_counter() - begin, 1)}


def read_run(run: Any, themes: dict[str, str], seed: int) -> dict[str, Any]:
    """The figures of one trained run, and how well it scores."""
    from workbench.analysis.semantics import learned_semantics

    found = learned_semantics(run.model("last").eval(), run.training().targets, themes, seed=seed)
    return {"mAP": run.history[-1]["validation.map"], **found}


def trained_row(folder: Path) -> dict[str, Any]:
    """A row for a run that is trained already: of scenes as this study trains them, or of photos, whose labels have families."""
    from workbench.training import Run

    run = Run.open(folder)
    scenes = run.recipe.data.name == "scenes"
    arm = ARMS[0] if run.recipe.model.options.get("use_graph", True) else ARMS[1]
    settled = {"data.options.seed": run.recipe.data.options.get("seed", 0), "model.options.use_graph": arm == ARMS[0]}
    if scenes and run.recipe.with_overrides(settled) != recipe_of(("scenes-msrn", arm, run.recipe.seed)):
        raise SystemExit(f"{folder} was trained with other settings than this study's; train it here.")
    themes = scene_themes() if scenes else run.training().categories.groups
    return {"data": run.recipe.name, "arm": arm, "seed": run.recipe.seed, **read_run(run, themes, run.recipe.seed)}


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each data set and arm: every figure as an interval over seeds, and in how many of them it stands out from chance."""
    rows = []
    for data, arm in dict.fromkeys(
        (run["data"], run["arm"]) for run in sorted(runs, key=lambda run: (run["data"], ARMS.index(run["arm"])))
    ):
        here = sorted((run for run in runs if (run["data"], run["arm"]) == (data, arm)), key=lambda run: run["seed"])
        row: dict[str, Any] = {"data": data, "arm": arm, "seeds": len(here), "mAP": interval([run["mAP"] for run in here])}
        row |= {key: interval([run["groups"][key] for run in here]) for key in ("largest", "told", "used")}
        row["count"] = here[0]["groups"]["count"]
        for measure in ("rand", "information"):
            row[measure] = beside_chance([run["themes"][measure] for run in here])
        row["vectors"] = {stage: beside_chance([run["vectors"][stage] for run in here]) for stage in STAGES}
        row["cosine"] = {stage: interval([run["vectors"][stage]["cosine"] for run in here]) for stage in STAGES}
        rows.append(row)
    return rows


def beside_chance(figures: list[dict[str, float]]) -> dict[str, Any]:
    """An interval of the value, with the mean of chance and how many seeds have p <= 0.05."""
    beyond = sum(figure["p"] <= 0.05 for figure in figures)
    chance = interval([figure["chance"] for figure in figures])["mean"]
    return interval([figure["value"] for figure in figures]) | {"chance": chance, "beyond": beyond}


def describe(row: dict[str, Any]) -> str:
    trained = row["vectors"]["trained"]
    return (
        f"{row['data']} {row['arm']:<8} seed {row['seed']}: mAP {row['mAP']:.3f}, groups used {row['groups']['used']}, largest share "
        f"{row['groups']['largest']:.2f}, adjusted Rand {row['themes']['rand']['value']:.2f} (p {row['themes']['rand']['p']:.3f}), "
        f"cosine with correlation {trained['value']:.2f} (p {trained['p']:.3f})"
    )


def print_summary(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        print(f"\n{row['data']} {row['arm']}, {row['seeds']} seeds, mAP {_shown(row['mAP'])}")
        print(f"  groups: {_shown(row['used'])} of {row['count']} used, largest share {_shown(row['largest'])}, told {_shown(row['told'])}")
        print(f"  themes: adjusted Rand {_beside(row['rand'])}, mutual information {_beside(row['information'])}")
        for stage in STAGES:
            print(f"  {stage:<10} cosine with correlation {_beside(row['vectors'][stage])}, mean cosine {_shown(row['cosine'][stage])}")


def _shown(figure: dict[str, Any]) -> str:
    return f"{figure['mean']:.2f}" + ("" if figure["half_width"] is None else f"±{figure['half_width']:.2f}")


def _beside(figure: dict[str, Any]) -> str:
    return f"{_shown(figure)} (chance {figure['chance']:.2f}, beyond it in {figure['beyond']} of {figure['n']})"


def main() -> None:
    parser = argparse.ArgumentParser(description="What did MSRN learn about its labels?")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time, one thread each")
    parser.add_argument("--run", type=Path, nargs="+", default=[], help="folders of trained runs to add")
    parser.add_argument("--summary", action="store_true", help="only print what the study says")
    parser.add_argument("--out", type=Path, default=STUDIES / "semantics.json")
    arguments = parser.parse_args()
    study = read_json(arguments.out, {"study": "label semantics of MSRN", "hypothesis": hypothesis_in(__doc__ or ""), "runs": []})
    for folder in arguments.run:
        row = trained_row(folder)
        study["runs"] = [run for run in study["runs"] if any(run[key] != row[key] for key in KEYS)] + [row]
    if not arguments.summary:
        cells = [] if arguments.run else [("scenes-msrn", arm, seed) for arm, seed in itertools.product(ARMS, SEEDS)]
        run_grid(study, arguments.out, cells, KEYS, run_cell, summarise, describe, arguments.workers)
    print_summary(study["summary"])


if __name__ == "__main__":
    main()
