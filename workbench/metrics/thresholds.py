"""Thresholds chosen on held-out images, kept as JSON: schema 1, categories, thresholds, criterion, and the split they were chosen on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.files import write_json

SCHEMA = 1


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which labels are predicted.

    Attributes:
        values: one for each of `categories`, between 0 and 1.
        criterion: what they are best by; split: name of the images on which they were chosen.
    """

    categories: Categories
    values: tuple[float, ...]
    criterion: str
    split: str

    @classmethod
    def read(cls, path: str | Path) -> Thresholds:
        """Raises WorkbenchError for a file that is missing, damaged or of another schema."""
        path = Path(path)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except OSError:
            raise WorkbenchError(
                f"There is no file of thresholds {path}; give a number, or the JSON that the threshold lab saved."
            ) from None
        except (ValueError, RecursionError) as error:
            raise WorkbenchError(f"{path} is no JSON ({error!s:.200}); save the thresholds again.") from None
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise WorkbenchError(f'{path} has no "schema": {SCHEMA}, so it holds no thresholds that can be read; save them again.')
        names, numbers = value.get("categories"), value.get("thresholds")
        if not isinstance(names, list) or not isinstance(numbers, list) or len(names) != len(numbers):
            raise WorkbenchError(f'{path} must list as many "thresholds" as "categories"; save the thresholds again.')
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 1:
                raise WorkbenchError(f"{path} has the threshold {number!r}; each must be a probability between 0 and 1, both left out.")
        split = value.get("split")
        if not isinstance(split, str) or not split:
            raise WorkbenchError(f'{path} does not say on which "split" its thresholds were chosen; save the thresholds again.')
        try:
            categories = Categories(names)
        except WorkbenchError as error:
            raise WorkbenchError(f"{path}: {error}") from None
        return cls(categories, tuple(map(float, numbers)), str(value.get("criterion") or "not named"), split)

    def save(self, path: str | Path) -> Path:
        """Write what `read` and ``workbench evaluate --thresholds`` take, whole or not at all."""
        value = {
            "schema": SCHEMA,
            "categories": list(self.categories),
            "thresholds": list(self.values),
            "criterion": self.criterion,
            "split": self.split,
        }
        return write_json(path, value, names=True)

    def for_categories(self, categories: Categories) -> np.ndarray:
        """float64 [C] in the order of `categories`. Raises WorkbenchError unless the names are the same."""
        return np.array(self.values)[categories.columns_of(self.categories)]

    def require_held_out(self, evaluated: Iterable[str]) -> None:
        """Raise WorkbenchError if they were chosen on one of the `evaluated` names of the images to be scored."""
        if self.split in evaluated:
            raise WorkbenchError(
                f'These thresholds were chosen on "{self.split}", the images to be scored, so the result would be too good; '
                "choose them on a held-out split, or score another one with --split."
            )

    @property
    def words(self) -> str:
        return f'chosen on "{self.split}", criterion: {self.criterion}'
