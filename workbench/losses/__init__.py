"""Losses: pure functions of logits and targets, in float32 inside."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "CLASSIFICATION_LOSSES": "workbench.losses.classification",
    "bce": "workbench.losses.classification",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench.losses' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
