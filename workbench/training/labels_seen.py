"""What the labels of two splits let nobody learn or measure, in words, before the first step."""

from __future__ import annotations

import sys

import numpy as np

from workbench.datasets import MultiLabelDataset
from workbench.errors import WorkbenchError

NAMED = 5


def say_odd_labels(training: MultiLabelDataset, validation: MultiLabelDataset) -> None:
    """Print them, for whoever has started a training."""
    for note in odd_labels(training, validation):
        print(f"workbench: {note}", file=sys.stderr)


def odd_labels(training: MultiLabelDataset, validation: MultiLabelDataset) -> list[str]:
    """Sentences about categories that are present in one split only, in none, or unknown throughout.

    Raises: WorkbenchError if every label of the training images is unknown: there is nothing to learn.
    """
    if (training.targets == -1).all():
        raise WorkbenchError(
            f"Every label of {training.name} is unknown (-1), so there is nothing to learn; give a table of labels, or another split."
        )
    measured = validation.targets[:, training.categories.columns_of(validation.categories)]
    learned, shown = (training.targets == 1).any(axis=0), (measured == 1).any(axis=0)
    unknown = (training.targets == -1).all(axis=0)
    kinds = [
        (unknown, f"unknown in every image of {training.name}, so nothing is learned about {{them}}"),
        (~learned & ~unknown & shown, f"in {validation.name} only: no image of {training.name} shows {{them}}"),
        (~learned & ~unknown & ~shown, f"in no image of {training.name} and {validation.name}"),
        (learned & ~shown, f"in no image of {validation.name}: there is no average precision for {{them}}"),
    ]
    notes = [_sentence(training.categories.names, marks, words) for marks, words in kinds if marks.any()]
    if (measured == -1).all():
        notes.append(f"Every label of {validation.name} is unknown (-1): nothing can be measured on it.")
    return notes


def _sentence(names: tuple[str, ...], marks: np.ndarray, words: str) -> str:
    which = [names[column] for column in np.flatnonzero(marks)]
    listed = ", ".join(which[:NAMED]) + (f" and {len(which) - NAMED} more" if len(which) > NAMED else "")
    return f"{len(which)} of {len(names)} categories ({listed}) {'is' if len(which) == 1 else 'are'} {words.format(them='it' if len(which) == 1 else 'them')}."  # noqa: E501
