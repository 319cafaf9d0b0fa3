"""What is known about a run, read from its folder and from the archive beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.following.rows import HISTORY, read_rows
from workbench.inspection import Inspection
from workbench.reports.scores import Scores


@dataclass
class RunFacts:
    """A run as a report sees it: recipe and environment as JSON, history rows, evaluations by convention, the scores of the last
    one, the archive if there is one."""

    name: str
    folder: Path
    recipe: dict[str, Any]
    environment: dict[str, Any]
    history: list[dict[str, Any]]
    evaluations: dict[str, dict[str, Any]] = field(default_factory=dict)
    inspection: Inspection | None = None
    scores: Scores | None = None

    def scores_of(self, result: dict[str, Any]) -> Scores | None:
        """The scores behind an evaluation, unless another one came later and wrote over them."""
        kept = self.scores
        fits = kept and (kept.data, kept.weights, len(kept.ids)) == (result.get("data"), result.get("weights"), result.get("images"))
        return kept if fits else None

    @property
    def seconds(self) -> float:
        """Training time, validation included."""
        return float(sum(row.get("seconds", 0) for row in self.history))


def collect(folder: Path) -> RunFacts:
    """Read a run folder. The archive is ``inspection.safetensors`` in it, or ``<folder>.safetensors`` beside it.

    Raises: WorkbenchError if the folder is not a run or a file in it is damaged.
    """
    folder = Path(folder)
    if not (folder / "recipe.json").is_file():
        raise WorkbenchError(f"{folder} is not a run folder, it has no recipe.json; give the folder that `workbench train` wrote.")
    recipe = _json(folder / "recipe.json")
    history = _history(folder)
    evaluations = {path.stem.removeprefix("evaluation-"): _json(path) for path in sorted(folder.glob("evaluation-*.json"))}
    try:
        environment = _json(folder / "environment.json")
    except WorkbenchError as error:  # what a run says of its surroundings must not keep it from being compared
        environment = {"unknown": str(error)}
    places = (folder / "inspection.safetensors", folder.with_name(f"{folder.name}.safetensors"))
    archive = next((Inspection.open(path) for path in places if path.is_file()), None)
    return RunFacts(str(recipe.get("name", folder.name)), folder, recipe, environment, history, evaluations, archive, Scores.read(folder))


def _history(folder: Path) -> list[dict[str, Any]]:
    rows, _ = read_rows(folder)
    for number, row in enumerate(rows, start=1):
        numbers = [row.get(key) or 0 for key in ("images", "seconds", "loss", "validation.map")]
        if not all(isinstance(number, int | float) for number in numbers):
            raise WorkbenchError(f"{folder / HISTORY} is damaged (line {number} is no row of a history); make it again.")
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise WorkbenchError(f"{path} cannot be read ({error!s:.200}); make it again.") from None


def _json(path: Path) -> dict[str, Any]:
    value = _parsed(_text(path), path)
    if not isinstance(value, dict):
        raise WorkbenchError(f"{path} is damaged (not a JSON object); make it again.")
    return value


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WorkbenchError(f"{path} is damaged ({error!s:.200}); make it again.") from None
