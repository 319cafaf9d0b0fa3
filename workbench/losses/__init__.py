"""Losses: pure functions of what a model gives and of targets, in at least float32 inside. What has to remember is a module."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "CLASSIFICATION_LOSSES": "workbench.losses.classification",
    "ClassCentres": "workbench.losses.centres",
    "DiscriminativeLoss": "workbench.losses.discriminative_loss",
    "asl": "workbench.losses.asymmetric",
    "bce": "workbench.losses.classification",
    "classification_loss": "workbench.losses.classification",
    "focal": "workbench.losses.asymmetric",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench.losses' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
