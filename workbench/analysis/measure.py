"""The numbers that stand beside the picture, measured when an archive is made and stored in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from workbench.analysis.faithfulness import deletion
from workbench.analysis.pointing import localisation
from workbench.analysis.sanity import sanity
from workbench.capture import Subject
from workbench.datasets.base import MultiLabelDataset
from workbench.inspection import Inspection
from workbench.metrics import evaluate


def measure(
    subject: Subject,
    rebuild: Callable[[nn.Module], Subject],
    dataset: MultiLabelDataset,
    inspection: Inspection,
    *,
    images: int = 60,
) -> dict[str, Any]:
    """Accuracy and localisation on all images; deletion and the randomised-weights check, which run the model, on the first `images`.

    Args:
        rebuild: makes a Subject of a module, as `subject` was made.
    """
    scores = evaluate(inspection.logits(), inspection.targets, inspection.categories)
    return {
        "accuracy": {"convention": scores["convention"], "mAP": _number(scores["mAP"]), "AP": scores["AP"], "images": len(inspection)},
        **localisation(inspection),
        **deletion(subject, dataset, inspection, limit=images),
        **sanity(subject, rebuild, dataset, inspection, limit=images),
    }


def _number(value: float) -> float | None:
    return None if value != value else value  # NaN is not JSON
