"""Images that cannot be read: an error, or, where the recipe allows some, counted and left out of every epoch.

They are looked for once, ahead of the training, and listed in the run folder as broken.json; whoever opens the run leaves out the same
ones, so that a resumed training and an evaluation see the same data whatever happens to the files later.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workbench.datasets import MultiLabelDataset
from workbench.errors import WorkbenchError
from workbench.files import write_json

FILE = "broken.json"


def without_broken(data: MultiLabelDataset, limit: int, folder: Path, role: str) -> MultiLabelDataset:
    """`data` without the images that the run folder's list names; the list is made, by reading every image, where it lacks `role`.

    Raises: WorkbenchError if there are more than `limit`, naming the first.
    """
    known = left_out(folder)
    if role not in known:
        known[role] = _look_through(data, limit)
        if folder.is_dir():
            write_json(folder / FILE, known)
    broken = known[role]
    if not broken:
        return data
    kept = data.subset([index for index, identifier in enumerate(data.ids) if identifier not in broken])
    kept.name = data.name
    return kept


def left_out(folder: Path) -> dict[str, dict[str, str]]:
    """What is wrong with each image that was left out, by role ("training", "validation") and id; empty without a list."""
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {str(role): {str(key): str(value) for key, value in problems.items()} for role, problems in known.items()}
    except (ValueError, AttributeError, RecursionError, OSError) as error:
        raise WorkbenchError(f"{path} is damaged ({error!s:.80}); delete it, and the images are looked through again.") from None


def _look_through(data: MultiLabelDataset, limit: int) -> dict[str, str]:
    broken: dict[str, str] = {}
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        for index, problem in enumerate(pool.map(lambda number: _problem(data, number), range(len(data)))):
            if problem:
                broken[data.ids[index]] = problem
                if len(broken) > limit:
                    raise WorkbenchError(
                        f"More than {limit} images of {data.name} cannot be read, the first being {next(iter(broken))}: "
                        f"{next(iter(broken.values()))} Repair the data, or allow more with data.skip_broken."
                    )
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if len(broken) == len(data):
        raise WorkbenchError(f"Not one image of {data.name} can be read; is its folder complete?")
    return broken


def _problem(data: MultiLabelDataset, index: int) -> str | None:
    try:
        data.image(index)
    except WorkbenchError as error:
        return str(error)
    return None
