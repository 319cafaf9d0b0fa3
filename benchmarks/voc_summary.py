"""From the rows of the study on photos to means and intervals over seeds, and each system against the pooled baseline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas_summary import interval

Row = dict[str, Any]
AGAINST = {"csra": "pooled", "srn": "pooled", "msrn": "pooled", "disc-off": "pooled", "disc": "disc-off"}


def summarise(rows: list[Row], scores_of: Callable[[Row], Path], root: Path) -> list[Row]:
    """One entry for each backbone and system: figures with intervals over seeds, and its gain on what it is compared with."""
    from workbench.datasets import load_dataset
    from workbench.metrics import paired_bootstrap

    groups: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    for row in rows:
        groups[row["backbone"], row["system"]][row["seed"]] = row
    targets = load_dataset("voc2007", "study_val", root=root).targets
    entries = []
    for (backbone, system), by_seed in groups.items():
        seeds = sorted(by_seed)
        entry: Row = {"backbone": backbone, "system": system, "mAP": interval([by_seed[seed]["mAP"] for seed in seeds])}
        entry["trained_parameters"] = by_seed[seeds[0]]["trained_parameters"]
        entry["training_seconds"] = interval([by_seed[seed]["training_seconds"] for seed in seeds])
        for measure in ("pointing", "energy"):
            kinds = by_seed[seeds[0]][measure]
            entry[measure] = {kind: interval([by_seed[seed][measure][kind] for seed in seeds]) for kind in kinds}
        if best := by_seed[seeds[0]].get("best maps"):
            entry["best maps"] = {name: interval([by_seed[seed]["best maps"][name] for seed in seeds]) for name in best}
        if "separation" in by_seed[seeds[0]]:
            entry["ratio"] = interval([by_seed[seed]["separation"]["ratio"] for seed in seeds])
        other = groups.get((backbone, AGAINST.get(system, "")), {})
        shared = sorted(set(other) & set(seeds))
        if shared:
            gain: Row = {"against": AGAINST[system], "mAP": interval([by_seed[seed]["mAP"] - other[seed]["mAP"] for seed in shared])}
            ours, theirs = (np.mean([np.load(scores_of(group[seed])) for seed in shared], axis=0) for group in (by_seed, other))
            paired = paired_bootstrap(ours, theirs, targets, resamples=500)
            gain["mean scores"] = {"mAP": paired.value, "interval": [paired.low, paired.high]}
            if all("separation" in group[seed] for group in (by_seed, other) for seed in shared):
                gain["ratio"] = interval([by_seed[seed]["separation"]["ratio"] - other[seed]["separation"]["ratio"] for seed in shared])
            entry["gain"] = gain
        entries.append(entry)
    return entries


def rows(result: Row) -> list[list[str]]:
    """The summary as a table, its head first; shares in points."""
    from benchmarks.tables import share
    from workbench.metrics.references import is_reference

    lines = [["backbone", "system", "learned, thousands", "mAP", "gain in mAP", "pointing of its best map", "inter / intra", "training, s"]]
    for entry in result.get("summary", []):
        own = {kind: value for kind, value in entry["pointing"].items() if not is_reference(kind)}
        best = max(own, key=lambda kind: own[kind]["mean"])
        gain = f"{share(entry['gain']['mAP'], sign=True)} on {entry['gain']['against']}" if "gain" in entry else ""
        ratio = f"{entry['ratio']['mean']:.2f}" if "ratio" in entry else ""
        learned = f"{entry['trained_parameters'] / 1000:,.0f}"
        cells = [
            entry["backbone"],
            entry["system"],
            learned,
            share(entry["mAP"]),
            gain,
            f"{best.replace('_', ' ')} {share(own[best])}",
            ratio,
        ]
        lines.append([*cells, f"{entry['training_seconds']['mean']:.0f}"])
    if result.get("summary"):
        references: Row = {}
        for entry in result["summary"]:
            known = {name: value for name, value in entry["pointing"].items() if is_reference(name)}
            references = {**known, **entry.get("best maps", {}), **references}
        lines += [["", name, "", "", "", share(value), "", ""] for name, value in references.items()]
    return lines
