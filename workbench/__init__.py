"""See why a multi-label image model says what it says. The names below are loaded on first use; nothing heavy is imported before."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.2.0"
DISTRIBUTION = "multilabel-workbench"  # what is installed under this name is ours; another project has the name "workbench"

_HOMES = {
    "AttentionExplorer": "workbench.widgets",
    "Categories": "workbench.categories",
    "EmbeddingExplorer": "workbench.widgets",
    "Evaluation": "workbench.evaluation",
    "Inspection": "workbench.inspection",
    "LabelExplorer": "workbench.widgets",
    "MapKind": "workbench.inspection",
    "Run": "workbench.training",
    "ThresholdLab": "workbench.widgets",
    "TrainingMonitor": "workbench.widgets",
    "WorkbenchError": "workbench.errors",
    "create_model": "workbench.models",
    "evaluate": "workbench.evaluation",
    "inspect": "workbench.inspector",
    "load_dataset": "workbench.datasets",
    "open_inspection": "workbench.shelf",
    "predictor": "workbench.prediction",
    "train": "workbench.training",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
