"""See why a multi-label image model says what it says. The names below are loaded on first use; nothing heavy is imported before."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.categories import Categories as Categories
    from workbench.datasets import load_dataset as load_dataset
    from workbench.errors import WorkbenchError as WorkbenchError
    from workbench.evaluation import Evaluation as Evaluation
    from workbench.evaluation import evaluate as evaluate
    from workbench.inspection import Inspection as Inspection
    from workbench.inspection import MapKind as MapKind
    from workbench.inspector import inspect as inspect
    from workbench.models import create_model as create_model
    from workbench.prediction import predictor as predictor
    from workbench.shelf import open_inspection as open_inspection
    from workbench.training import Run as Run
    from workbench.training import train as train
    from workbench.widgets import AttentionExplorer as AttentionExplorer
    from workbench.widgets import EmbeddingExplorer as EmbeddingExplorer
    from workbench.widgets import LabelExplorer as LabelExplorer
    from workbench.widgets import ThresholdLab as ThresholdLab
    from workbench.widgets import TrainingMonitor as TrainingMonitor

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


if not TYPE_CHECKING:  # an editor and a type checker see the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'workbench' has no attribute '{name}'")
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
