"""From the atlas' runs to means, intervals and paired differences over seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np

# 97.5 % points of Student's t for n - 1 = 1, 2, ... degrees of freedom
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
MEASURES = ("relational_AP", "mAP")


def interval(values: list[float]) -> dict[str, Any]:
    """Mean and half width of its 95 % interval over seeds (Student's t), with the values."""
    n = len(values)
    half = STUDENT[n - 2] * float(np.std(values, ddof=1)) / math.sqrt(n) if 2 <= n <= len(STUDENT) + 1 else None
    return {"mean": float(np.mean(values)), "half_width": half, "n": n, "values": [round(value, 4) for value in values]}


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each corner of the grid: every arm's figures, and SRN against each other arm, seed by seed."""
    corners: dict[tuple, dict[str, dict[int, dict[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        corners[(run["relation"], run["images"], run["backbone"])][run["arm"]][run["seed"]] = run
    rows = []
    for (relation, images, backbone), arms in sorted(corners.items(), reverse=True):
        row: dict[str, Any] = {"relation": relation, "images": images, "backbone": backbone, "arms": {}, "srn_minus": {}}
        for arm, by_seed in arms.items():
            row["arms"][arm] = {measure: interval([run[measure] for _, run in sorted(by_seed.items())]) for measure in MEASURES}
        for arm, by_seed in arms.items():
            shared = sorted(set(by_seed) & set(arms.get("srn", {})))
            if arm == "srn" or not shared:
                continue
            row["srn_minus"][arm] = {
                measure: interval([arms["srn"][seed][measure] - by_seed[seed][measure] for seed in shared]) for measure in MEASURES
            }
        if "srn" in arms and "pooled" in arms:
            errors = {arm: 1 - row["arms"][arm]["relational_AP"]["mean"] for arm in ("srn", "pooled")}
            row["error_ratio_to_pooled"] = errors["srn"] / errors["pooled"]
        rows.append(row)
    return rows


def print_summary(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        print(f"\nrelation {row['relation']:g}, {row['images']} images, {row['backbone']}")
        for arm, figures in row["arms"].items():
            print(f"  {arm:<9} relational AP {_shown(figures['relational_AP'])}   mAP {_shown(figures['mAP'])}")
        for arm, figures in row["srn_minus"].items():
            print(f"  srn - {arm:<9} {_shown(figures['relational_AP'], sign=True)}   mAP {_shown(figures['mAP'], sign=True)}")
        if "error_ratio_to_pooled" in row:
            print(f"  SRN's error on relational labels is {row['error_ratio_to_pooled']:.2f} of the pooled baseline's")


def _shown(figure: dict[str, Any], sign: bool = False) -> str:
    half = "" if figure["half_width"] is None else f" ± {figure['half_width']:.3f}"
    return f"{figure['mean']:{'+' if sign else ''}.3f}{half}"
