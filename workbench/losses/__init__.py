"""Losses: pure functions of what a model gives and of targets, in at least float32 inside. What has to remember is a module."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.losses.asymmetric import asl as asl
    from workbench.losses.asymmetric import focal as focal
    from workbench.losses.centres import ClassCentres as ClassCentres
    from workbench.losses.classification import CLASSIFICATION_LOSSES as CLASSIFICATION_LOSSES
    from workbench.losses.classification import bce as bce
    from workbench.losses.classification import classification_loss as classification_loss
    from workbench.losses.discriminative_loss import DiscriminativeLoss as DiscriminativeLoss

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


if not TYPE_CHECKING:  # an editor and a type checker see the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'workbench.losses' has no attribute '{name}'")
        return getattr(importlib.import_module(_HOMES[name]), name)
