"""Explorers for notebooks: pictures, maps and numbers of an archive, drawn in the browser. Nothing here imports torch.

The names below load on first use, so that ``import workbench.widgets`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "AttentionExplorer": "workbench.widgets.attention",
    "EmbeddingExplorer": "workbench.widgets.embedding",
    "LabelExplorer": "workbench.widgets.labels",
    "LiveCurves": "workbench.widgets.curves",
    "MoveLab": "workbench.widgets.moves",
    "TemplateExplorer": "workbench.widgets.traces",
    "ThresholdLab": "workbench.widgets.thresholds",
    "TrainingMonitor": "workbench.widgets.monitor",
    "export_html": "workbench.widgets.export",
    "link_explorers": "workbench.widgets.embedding",
    "live_curves": "workbench.widgets.curves",
    "training_curves": "workbench.widgets.curves",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench.widgets' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
