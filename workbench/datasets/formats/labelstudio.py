"""Label Studio: JSON (tasks with their annotations) and JSON-MIN. Choices and boxes are labels; unannotated tasks are unknown.
Pictures are named by address, by upload, or relative to a local storage; those that lie below the folder are found, see `PictureFolder`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.datasets.files import read_text
from workbench.datasets.formats.listed import Listed, ListedDataset
from workbench.errors import WorkbenchError

_MISSING = "name the JSON that was exported, or its folder."
_LABELS = ("rectanglelabels", "polygonlabels", "brushlabels", "ellipselabels", "keypointlabels", "choices", "taxonomy", "labels")


def labelstudio(
    root: str | Path, split: str = "all", categories: Sequence[str] | None = None, images: str | Path | None = None, bits: int | None = None
) -> ListedDataset:
    """An export; it has no splits, so `split` is "all".

    Args:
        root: the JSON, or a folder with exactly one. images: folder of the pictures, if it is not the JSON's.
    """
    root = Path(root)
    files = sorted(root.glob("*.json")) if root.is_dir() else [root]
    if len(files) != 1:
        raise WorkbenchError(f"{root} holds {len(files)} JSON files; {_MISSING}")
    try:
        tasks = json.loads(read_text(files[0], _MISSING))
    except (ValueError, RecursionError) as error:
        raise WorkbenchError(f"{files[0]} is not whole JSON ({error!s:.80}); export it again.") from None
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise WorkbenchError(f"{files[0]} is not a list of tasks; export it as JSON or JSON-MIN.")
    if split != "all":
        raise WorkbenchError(f'A Label Studio export has no split "{split}"; ask for "all".')
    listed = [_task(task, f"{files[0]}, task {task.get('id', number)}") for number, task in enumerate(tasks)]
    folder = Path(images) if images else files[0].parent
    return ListedDataset(files[0].stem, folder, listed, split, categories, bits=bits)


def _task(task: dict[str, Any], where: str) -> Listed:
    data = task["data"] if isinstance(task.get("data"), dict) else task
    picture = next((data[key] for key in ("image", "img", "photo", "picture", "url") if isinstance(data.get(key), str)), None)
    if picture is None:
        picture = next((value for value in data.values() if isinstance(value, str) and ("/" in value or "\\" in value)), "")
    one = Listed(picture, where, relative=True)
    annotations = task.get("annotations", task.get("completions"))
    if isinstance(annotations, list):
        done = [annotation for annotation in annotations if isinstance(annotation, dict) and not annotation.get("was_cancelled")]
        one.unlabelled = not done
        for annotation in done:
            for result in annotation.get("result") or []:
                if isinstance(result, dict) and isinstance(result.get("value"), dict):
                    _value(result["value"], one, result)
        return one
    one.unlabelled = not any(key in task for key in ("annotator", "annotation_id")) and not any(True for _ in _minimal(task))
    for value in _minimal(task):
        _value(value, one, value)
    return one


def _minimal(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What JSON-MIN has: a choice as text or {"choices": [...]}, boxes as a list of values."""
    for key, held in task.items():
        if isinstance(held, str) and key.lower() in ("choice", "choices", "label", "class", "sentiment"):
            yield {"choices": [held]}
        for value in held if isinstance(held, list) else [held]:
            if isinstance(value, dict) and any(name in value for name in _LABELS):
                yield value


def _value(value: dict[str, Any], one: Listed, result: dict[str, Any]) -> None:
    for key in _LABELS:
        for name in value.get(key) or []:
            label = "/".join(map(str, name)) if isinstance(name, list) else str(name)
            one.labels[label] = 1
            edges = [value.get(side) for side in ("x", "y", "width", "height")]
            if key == "rectanglelabels" and all(isinstance(edge, int | float) for edge in edges) and not value.get("rotation"):
                x, y, wide, high = (float(edge) / 100 for edge in edges)  # type: ignore[arg-type]
                one.boxes.append((label, (x, y, x + wide, y + high)))
