"""Named evaluation conventions: the same scores give different numbers under each, so a number always carries its convention's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.metrics.precision_recall import precision_recall_f1, top_k
from workbench.metrics.ranking import average_precision, known_and_positive, mean_average_precision


@dataclass(frozen=True)
class Convention:
    """How to count.

    Attributes:
        ap: "plain" or "interpolated".
        unknown_in_ap, unknown_in_f1: "ignore", "positive" or "negative".
        threshold: probability from which a label is predicted; the threshold itself counts.
        cf1: "of_means" or "mean_of_f1"; empty: rule for classes without a prediction.
        top: also report the numbers on the `top` highest scores of each image, those above the threshold only.
    """

    name: str
    description: str
    ap: str = "plain"
    unknown_in_ap: str = "ignore"
    unknown_in_f1: str = "ignore"
    threshold: float = 0.5
    cf1: str = "of_means"
    empty: str = "zero"
    top: int = 3


PRESETS = {
    preset.name: preset
    for preset in (
        Convention(
            "sklearn",
            "plain AP with ties grouped; unknown labels left out everywhere; CF1 is the mean of per-class F1",
            cf1="mean_of_f1",
        ),
        Convention(
            "mlgcn",
            "plain AP without unknown labels; unknown counts as absent in P, R, F1; CF1 from mean precision and mean recall; "
            "a class without predictions counts as one wrong prediction",
            unknown_in_f1="negative",
            empty="zero_counted",
        ),
    )
}


def evaluate(logits: np.ndarray, targets: np.ndarray, categories: Categories, preset: str | Convention = "sklearn") -> dict[str, Any]:
    """All numbers of one convention.

    Args:
        logits: float [N, C]; targets: int [N, C] in {1, 0, -1}.

    Returns: {"convention", "description", "mAP", "AP": {category: AP or None}, "skipped": categories without a present image,
        "images", "all": {CP, CR, CF1, OP, OR, OF1}, "top3": the same}.
    """
    convention = preset if isinstance(preset, Convention) else get_preset(preset)
    logits, targets = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    per_class = average_precision(logits, targets, convention.ap, convention.unknown_in_ap)
    known, positive = known_and_positive(targets, convention.unknown_in_f1)
    predicted = logits >= np.log(convention.threshold / (1 - convention.threshold))
    options: dict[str, Any] = {"known": known, "cf1": convention.cf1, "empty": convention.empty}
    return {
        "convention": convention.name,
        "description": convention.description,
        "images": len(logits),
        "mAP": mean_average_precision(per_class),
        "AP": {name: None if np.isnan(ap) else float(ap) for name, ap in zip(categories, per_class, strict=True)},
        "skipped": [name for name, ap in zip(categories, per_class, strict=True) if np.isnan(ap)],
        "threshold": convention.threshold,
        "all": precision_recall_f1(predicted, positive, **options),
        f"top{convention.top}": precision_recall_f1(predicted & top_k(logits, convention.top), positive, **options),
    }


def get_preset(name: str) -> Convention:
    if name not in PRESETS:
        raise WorkbenchError(f'There is no evaluation preset "{name}".{did_you_mean(name, PRESETS)}')
    return PRESETS[name]
