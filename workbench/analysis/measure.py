"""The numbers that stand beside the picture, measured when an archive is made and stored in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from workbench.analysis.agreement import agreement
from workbench.analysis.faithfulness import COURSES, THOROUGH, faithfulness
from workbench.analysis.leakage import TABLE, leakage
from workbench.analysis.robustness import robustness
from workbench.analysis.sanity import sanity
from workbench.capture import Subject
from workbench.datasets.base import MultiLabelDataset
from workbench.inspection import Inspection, Table
from workbench.metrics import evaluate
from workbench.metrics.pointing import localisation

__all__ = ["measure"]

MATRIX_UP_TO = 200  # labels for which the leakage matrix is kept


def measure(
    subject: Subject,
    rebuild: Callable[[nn.Module], Subject],
    dataset: MultiLabelDataset,
    inspection: Inspection,
    *,
    images: int = 60,
    thorough: bool = False,
) -> tuple[dict[str, Any], dict[str, Table]]:
    """Accuracy and localisation on all images; deletion, insertion, the randomised-weights check and leakage, which run the model, on the
    first `images`.

    Args:
        rebuild: makes a Subject of a module, as `subject` was made.
        thorough: deletion and insertion with every way to paint over, ROAD's among them, infidelity and sensitivity as well: minutes.

    Returns: JSON by measure, and tables by name: the leakage matrix, for at most `MATRIX_UP_TO` labels.
    """
    logits = inspection.logits()
    known = np.isfinite(logits).all(axis=1)
    scores = evaluate(logits[known], inspection.targets[known], inspection.categories, scores="logits")
    leaked = leakage(subject, dataset, inspection, limit=images)
    measured = {
        "accuracy": {"convention": scores["convention"], "mAP": _number(scores["mAP"]), "AP": scores["AP"], "images": int(known.sum())},
        **localisation(inspection),
        **faithfulness(subject, dataset, inspection, limit=images, courses=THOROUGH if thorough else COURSES),
        **sanity(subject, rebuild, dataset, inspection, limit=images),
        **(robustness(subject, dataset, inspection, limit=max(1, images // 6)) if thorough else {}),
        **agreement(inspection),
        **(leaked.measurement(inspection.categories.names) if leaked else {}),
    }
    kept = leaked is not None and len(inspection.categories) <= MATRIX_UP_TO
    return measured, {TABLE: leaked.table(inspection.categories.names)} if leaked and kept else {}


def _number(value: float) -> float | None:
    return None if value != value else value  # NaN is not JSON
