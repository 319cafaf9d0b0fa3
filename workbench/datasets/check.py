"""What is in a data set, and what is wrong with it: counts, missing and broken pictures, label frequencies, order of the columns.

The order matters because tables and scores of COCO circulate in two orders, by category id and alphabetical, and a mix-up gives numbers
that are wrong without a word. Two checks find it. The names of the columns are compared with the official list. And scores of a model,
where there are some, are held against every column of the labels: a column of scores ranks its own label best, so when most columns fit
another label better, the average precisions give the true order away.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from workbench.categories import Categories
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.official import official_categories
from workbench.errors import WorkbenchError
from workbench.metrics import average_precision, mean_average_precision

MOST_ROWS = 10_000
"""Images that are enough to tell which label a column of scores belongs to."""
LEAST_PRESENT = 5
"""Images that a label has to be present in to be judged: with fewer, chance ranks them well."""
CLEARLY = 0.1
"""By how much another label has to fit better to count, in average precision above chance, where 0 is chance and 1 perfect."""
PERMUTED = 0.8
"""Share of the misplaced columns that fit labels of their own: in a wrong order each does, noise crowds on a few labels."""


def contents(data: MultiLabelDataset, progress: Callable[[str, int, int], None] | None = None) -> dict[str, Any]:
    """Counts, label frequencies and pictures that cannot be read, as JSON values. Reads every picture."""
    broken = []
    for index, identifier in enumerate(data.ids):
        try:
            data.image(index)
        except WorkbenchError as error:
            missing = str(error).startswith("There is no image")
            broken.append({"id": identifier, "problem": str(error), "missing": missing})
        if progress:
            progress(data.name, index + 1, len(data))
    present, unknown = (data.targets == 1).sum(axis=0), (data.targets == -1).sum(axis=0)
    return {
        "name": data.name,
        "images": len(data),
        "categories": len(data.categories),
        "labels_per_image": round(float(present.sum()) / max(len(data), 1), 3),
        "without_label": int(((data.targets == 1).sum(axis=1) == 0).sum()),
        "broken": broken,
        "notes": list(data.notes),
        "frequencies": {name: int(count) for name, count in zip(data.categories, present, strict=True)},
        "unknown": {name: int(count) for name, count in zip(data.categories, unknown, strict=True) if count},
    }


def order_of_names(name: str, categories: Categories) -> str:
    """The categories against the official list of data set `name`: "official", "no official list", or what differs, in words."""
    official = official_categories(name)
    if official is None or (name == "coco" and set(categories) != set(official)):  # the format serves any data
        return "no official list"
    if categories == official:
        return "official"
    missing = [label for label in official if label not in categories]
    extra = [label for label in categories if label not in official]
    if missing or extra:
        parts = [f"{word} {', '.join(labels[:3])}" for word, labels in (("lacks", missing), ("adds", extra)) if labels]
        return f"other names than the official list: {' and '.join(parts)}"
    first = next(column for column, label in enumerate(categories) if label != official[column])
    kind = "alphabetical, not official" if list(categories) == sorted(categories) else "not official"
    return f'{kind}: column {first} is "{categories[first]}", officially "{official[first]}"'


def read_scores(path: Path) -> tuple[np.ndarray, list[str] | None]:
    """Scores [N, C] from a .npy, or from ``scores`` or ``logits`` of a .npz or .safetensors, and the images' ``ids`` where a .npz has them.

    Raises: WorkbenchError for a file that is missing, damaged or holds no such table.
    """
    if not path.is_file():
        raise WorkbenchError(f"There is no file of scores at {path}; give a .npy, .npz or .safetensors file.")
    ids = None
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="numpy") as file:
                stored = {key: file.get_tensor(key) for key in file.keys() if key in ("scores", "logits")}  # noqa: SIM118
        else:
            stored = _numpy_arrays(path)
            ids = [str(identifier) for identifier in stored["ids"]] if "ids" in stored else None
    except Exception as error:  # numpy, zip and its decompressors have a dozen kinds of error for a damaged file
        raise WorkbenchError(
            f"{path} cannot be read as a table of scores ({error!s:.200}); save it with numpy.savez(path, scores=...)."
        ) from None
    scores = stored.get("scores", stored.get("logits"))
    if scores is None or scores.ndim != 2 or scores.dtype.kind not in "fiu":
        raise WorkbenchError(f'{path} holds no table "scores" of [images, categories]; save it with numpy.savez(path, scores=...).')
    return np.asarray(scores, dtype=np.float32), ids


def _numpy_arrays(path: Path) -> dict[str, np.ndarray]:
    with open(path, "rb") as file:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"scores": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files if key in ("scores", "logits", "ids")}


def order_of_scores(data: MultiLabelDataset, scores: np.ndarray, ids: list[str] | None = None) -> dict[str, Any]:
    """Does each column of the scores rank its own label?

    Args:
        scores: float [N, C], columns as in `data`, supposedly.
        ids: which image each row is of; unless given, the rows are the images in order.

    Returns:
        ``map`` of the columns as they stand, and ``map_matched``, with the misplaced ones taken for the label they fit;
        ``judged``: the number of labels that are present `LEAST_PRESENT` times or more, the others say nothing;
        ``misplaced``: for each column that fits another label clearly better, that label;
        ``verdict``: "as named", "some columns fit another label better" (labels that occur together do), or "wrong order";
        ``order``: the known order that the columns follow, if it is one.

    Raises: WorkbenchError where images or columns do not match.
    """
    targets = data.targets
    if ids is not None:
        row_of = {identifier: row for row, identifier in enumerate(data.ids)}
        unknown = [identifier for identifier in ids if identifier not in row_of]
        if unknown:
            raise WorkbenchError(f"The scores are of image {unknown[0]}, which {data.name} does not have; use the split they were made on.")
        targets = targets[[row_of[identifier] for identifier in ids]]
    if scores.shape != targets.shape:
        raise WorkbenchError(
            f"The scores are {list(scores.shape)} and {data.name} has {list(targets.shape)} labels; use the split and categories they "
            "were made on."
        )
    step = max(1, len(scores) // MOST_ROWS)
    scores, targets = scores[::step], targets[::step]
    judged = (targets == 1).sum(axis=0) >= LEAST_PRESENT
    if not judged.any():
        raise WorkbenchError(f"No label of {data.name} is present in {LEAST_PRESENT} of the images that were scored; score more of them.")
    above = _above_chance(scores, targets)
    above[:, ~judged] = -1
    best = above.argmax(axis=1)
    wrong = judged & (above.max(axis=1) > np.diag(above) + CLEARLY)
    own = average_precision(scores, targets)
    matched = average_precision(scores, targets[:, np.where(wrong, best, np.arange(len(best)))])
    names = list(data.categories)
    verdict = "as named" if not wrong.any() else "some columns fit another label better"
    order = None
    if wrong.sum() > judged.sum() / 2 and len(set(best[wrong])) >= PERMUTED * wrong.sum():
        verdict = "wrong order"
        for kind, candidate in _orders(data):
            columns = np.array([names.index(label) for label in candidate])
            kept = judged & judged[columns]
            if kept.any() and (best[kept] == columns[kept]).mean() > 0.5:
                order = kind
    return {
        "map": mean_average_precision(own[judged]),
        "map_matched": mean_average_precision(matched[judged]),
        "judged": int(judged.sum()),
        "misplaced": {names[column]: names[best[column]] for column in np.flatnonzero(wrong)},
        "verdict": verdict,
        "order": order,
    }


def _above_chance(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """float [C, C]: how well each column of scores ranks each label, 1 perfect, 0 chance; tied scores in the order of the rows.

    Chance, the share of present images, is taken off because any ranking has a high average precision for a frequent label.
    """
    present, known = targets == 1, targets != -1
    count = np.maximum(present.sum(axis=0), 1)
    chance = present.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    fits = np.empty((scores.shape[1], targets.shape[1]))
    for column, order in enumerate(np.argsort(-scores, axis=0, kind="stable").T):
        ranked = present[order]
        precision = np.cumsum(ranked, axis=0) / np.maximum(np.cumsum(known[order], axis=0), 1)
        fits[column] = (precision * ranked).sum(axis=0) / count
    return (fits - chance) / np.maximum(1 - chance, 1e-9)


def _orders(data: MultiLabelDataset) -> list[tuple[str, list[str]]]:
    """Orders in which the same names are found elsewhere."""
    names = list(data.categories)
    known = [("alphabetical order", sorted(names)), ("reversed order", names[::-1])]
    official = official_categories("coco")
    if official is not None and set(official) == set(names):
        known.append(("category-id order", list(official)))
    return [(kind, order) for kind, order in known if order != names]
