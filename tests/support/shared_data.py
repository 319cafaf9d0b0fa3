"""Data that is not shipped: real photos and reference numbers, found through WORKBENCH_TEST_DATA; absent, the test skips and says so."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


def shared(*parts: str) -> Path:
    """Path inside the folder that WORKBENCH_TEST_DATA names; skips the test where it is absent."""
    root = os.environ.get("WORKBENCH_TEST_DATA")
    if not root:
        pytest.skip("WORKBENCH_TEST_DATA is not set: tests on real photos and published reference numbers did not run")
    path = Path(root).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"WORKBENCH_TEST_DATA has no {'/'.join(parts)}: tests on it did not run")
    return path


def reference(name: str) -> dict[str, np.ndarray]:
    """Arrays of one file of reference numbers."""
    with np.load(shared("reference", name), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}
