"""The scores of a run on one set of images, kept in its folder, so that curves and comparisons need no model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.files import atomic
from workbench.targets import checked_targets

FILE = "scores.safetensors"


@dataclass(frozen=True)
class Scores:
    """What one evaluation scored.

    Attributes:
        data: name of the images; weights: "best" or "last"; ids: one for each row.
        logits: float32 [N, C]; targets: int8 [N, C] in {1, 0, -1}.
    """

    data: str
    weights: str
    categories: Categories
    ids: list[str]
    logits: np.ndarray
    targets: np.ndarray

    def save(self, folder: Path) -> Path:
        """Write ``scores.safetensors`` into a run folder, in place of the one that is there."""
        header = {"data": self.data, "weights": self.weights, "ids": self.ids, "categories": self.categories.to_json()}
        tensors: dict[str, np.ndarray] = {
            "logits": np.ascontiguousarray(self.logits, np.float32),
            "targets": np.ascontiguousarray(self.targets, np.int8),
        }
        path = folder / FILE
        with atomic(path) as temporary:
            save_file(tensors, temporary, metadata={"scores": json.dumps(header)})
        return path

    @classmethod
    def read(cls, folder: Path) -> Scores | None:
        """The scores in a run folder; None if there are none. Raises WorkbenchError for a damaged file."""
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="numpy") as file:
                header = json.loads(file.metadata()["scores"])
                logits, targets = file.get_tensor("logits"), file.get_tensor("targets")
            scores = cls(header["data"], header["weights"], Categories.from_json(header["categories"]), header["ids"], logits, targets)
            if not isinstance(scores.ids, list) or not all(isinstance(held, str) for held in (scores.data, scores.weights, *scores.ids)):
                raise ValueError("names that are no texts")
            if logits.dtype != np.float32 or targets.dtype != np.int8:
                raise ValueError(f"numbers of the types {logits.dtype} and {targets.dtype}")
            if logits.shape != targets.shape or logits.shape != (len(scores.ids), len(scores.categories)):
                raise ValueError("its parts do not fit together")
            checked_targets(targets, scores.categories)
            return scores
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError, WorkbenchError) as error:
            raise WorkbenchError(f"{path} is damaged ({error!s:.200}); run `workbench evaluate` again.") from None

    def same_images(self, other: Scores) -> bool:
        """Whether rows and columns of both stand for the same: data, images in order, categories, targets."""
        same_names = self.data == other.data and self.ids == other.ids and self.categories == other.categories
        return same_names and np.array_equal(self.targets, other.targets)
