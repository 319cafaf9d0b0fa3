"""Explorers for notebooks: pictures, maps and numbers of an archive, drawn in the browser. Nothing here imports torch.

The names below load on first use, so that ``import workbench.widgets`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.widgets.attention import AttentionExplorer as AttentionExplorer
    from workbench.widgets.curves import LiveCurves as LiveCurves
    from workbench.widgets.curves import live_curves as live_curves
    from workbench.widgets.curves import training_curves as training_curves
    from workbench.widgets.embedding import EmbeddingExplorer as EmbeddingExplorer
    from workbench.widgets.embedding import link_explorers as link_explorers
    from workbench.widgets.export import export_html as export_html
    from workbench.widgets.labels import LabelExplorer as LabelExplorer
    from workbench.widgets.monitor import TrainingMonitor as TrainingMonitor
    from workbench.widgets.moves import MoveLab as MoveLab
    from workbench.widgets.thresholds import ThresholdLab as ThresholdLab
    from workbench.widgets.traces import TemplateExplorer as TemplateExplorer

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


if not TYPE_CHECKING:  # an editor and a type checker see the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'workbench.widgets' has no attribute '{name}'")
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
