"""Colours and scales of every explorer, read from ``style.json``; the JavaScript reads the same file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection import MapKind

STYLE: dict[str, Any] = json.loads(Path(__file__).with_name("style.json").read_text("utf-8"))


@cache
def ramp(palette: str) -> np.ndarray:
    """The colours of a palette from low to high: uint8 [levels, 3], its anchors joined by straight lines."""
    if palette not in STYLE["palettes"]:
        raise WorkbenchError(f'There is no palette "{palette}".{did_you_mean(palette, STYLE["palettes"])}')
    anchors = np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in STYLE["palettes"][palette]], dtype=np.float64)
    place = np.linspace(0, len(anchors) - 1, STYLE["levels"])
    channels = [np.interp(place, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.floor(np.stack(channels, axis=1) + 0.5).astype(np.uint8)


def value_range(kind: MapKind, strongest: float) -> tuple[float, float]:
    """The values at both ends of the colour bar, where `strongest` is the largest magnitude that is shown."""
    strongest = strongest if strongest > 0 else 1.0
    if kind.scale == "signed":
        return -strongest, strongest
    return (0.0, 1.0) if unit_of(kind) == "unit" else (0.0, strongest)


def unit_of(kind: MapKind) -> str:
    """Kinds of the same unit may share a scale. Maps that sum to one are far below 1 in each cell: magnitudes."""
    return "magnitude" if kind.scale == "unit" and kind.sums_to == "one" else kind.scale


def levels(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where values stand on a ramp: int [...] in 0..levels-1."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.floor(share * (STYLE["levels"] - 1) + 0.5).astype(np.int64)
