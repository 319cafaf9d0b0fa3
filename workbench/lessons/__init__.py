"""What the notebooks need: questions that are checked, cases worth looking at, small figures and tables. Nothing here imports torch."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError, did_you_mean

if TYPE_CHECKING:
    from workbench.inspection import Inspection
    from workbench.lessons.questions import Lesson
    from workbench.lessons.show import Table as Table
    from workbench.lessons.show import measurements_table as measurements_table
    from workbench.lessons.show import show_picture as show_picture
    from workbench.lessons.study import read_study as read_study
    from workbench.lessons.study import run_folder as run_folder

LESSONS = {
    "00_start_here": ("workbench.lessons.start_here", "StartHere"),
    "01_srn": ("workbench.lessons.srn", "SRNLesson"),
    "02_msrn": ("workbench.lessons.msrn", "MSRNLesson"),
    "03_class_separation": ("workbench.lessons.separation", "SeparationLesson"),
    "04_real_photos": ("workbench.lessons.real_photos", "RealPhotosLesson"),
    "05_trust": ("workbench.lessons.trust", "TrustLesson"),
    "06_your_gpu": ("workbench.lessons.your_gpu", "YourGPULesson"),
}
_HOMES = {
    "Table": "workbench.lessons.show",
    "measurements_table": "workbench.lessons.show",
    "read_study": "workbench.lessons.study",
    "run_folder": "workbench.lessons.study",
    "show_picture": "workbench.lessons.show",
}
__all__ = ["LESSONS", "lesson", "torch_is_here", *_HOMES]


def lesson(name: str, *inspections: Inspection) -> Lesson:
    """The questions of a notebook. Their answers are worked out from these archives, so they are right for archives of your own too.

    Args:
        name: name of the notebook, "01_srn".
        inspections: the archives that the notebook looks at, in the order of the lesson's own `archives`; by default those on the shelf.

    Raises:
        WorkbenchError: an unknown lesson, or an archive that is not there.
    """
    if name not in LESSONS:
        raise WorkbenchError(f'There is no lesson "{name}".{did_you_mean(name, LESSONS)}')
    module, kind = LESSONS[name]
    return getattr(importlib.import_module(module), kind)(*inspections)


def torch_is_here(what: str = "This cell") -> bool:
    """Whether PyTorch is installed; if it is not, says that `what` was skipped and how to get it. Does not import it."""
    try:
        found = find_spec("torch") is not None
    except ImportError:
        found = False
    if not found:
        print(f"{what} needs PyTorch and was skipped; everything else works without it. To install it: make lab")
    return found


if not TYPE_CHECKING:  # an editor and a type checker see the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'workbench.lessons' has no attribute '{name}'")
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
