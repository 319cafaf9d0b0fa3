"""The whole suite in two processes (`make test`): which tests stay together, and one thread for each.

Tests of one file share its fixtures and run in one process. So do those that need the home of the hasty student, which takes half a minute
to make, and those of the files below, which look at the clock: they never compete with each other.
"""

from __future__ import annotations

import os

import pytest

from tests.support.chromium import chromium

__all__ = ["chromium"]

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before numpy and torch are imported; processes inherit it
    os.environ.setdefault(_name, "1")

CLOCK = ("test_training_benchmark.py", "test_metrics_benchmark.py", "test_processes.py", "test_lab_command.py", "test_get_is_safe.py")


def group_of(item: pytest.Item) -> str:
    if "hasty_home" in getattr(item, "fixturenames", ()):
        return "hasty_home"
    return "clock" if item.path.name in CLOCK else item.nodeid.partition("::")[0]


@pytest.hookimpl(tryfirst=True)  # before pytest looks at marks and xdist at groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):  # whatever opens a browser, so that no tier meets one by surprise
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(group_of(item)))
