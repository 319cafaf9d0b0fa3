"""A run: the folder that a training writes and everything later reads.

======================= ============================================================================================
recipe.json             the recipe, complete
environment.json        versions, machine, commit
status.json             how the training stands, for whoever looks on (see `workbench.training.status`)
history.jsonl           one JSON object an epoch (see `workbench.training.loop`)
last.safetensors        the model after the last finished epoch
best.safetensors        the model after the best epoch of the last stage, by validation mAP
broken.json             images that were left out because they cannot be read, where the recipe allows some
state.safetensors       what is needed to go on: weights, optimiser, position; only the position once the training is done
centres.safetensors     the running class centres of the last finished epoch, where a discriminative loss keeps some
probe/epoch-0001...     maps and class features of a few fixed validation images after each epoch
probe/pictures          those images
probe/features-0001...  class features of more of them, where the recipe asks for it
======================= ============================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError, unwritable
from workbench.files import sweep, write_json, write_text
from workbench.training.broken import FILE as BROKEN
from workbench.training.broken import without_broken
from workbench.training.environment import environment
from workbench.training.recipe import Recipe
from workbench.training.state import Position, read_state

if TYPE_CHECKING:
    from workbench.datasets import MultiLabelDataset
    from workbench.models import WorkbenchModel


class Run:
    """A run folder. Open one with `Run.open`; `train` makes one.

    Attributes:
        folder: where it is.
        recipe: what was, or is to be, trained.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder = folder
        self.recipe = recipe
        self._datasets: dict[str, MultiLabelDataset] = {}

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Open a run folder. Raises WorkbenchError if it is missing, not a run, or its recipe cannot be read."""
        folder = Path(folder)
        if not folder.is_dir():
            raise WorkbenchError(f"There is no run folder {folder}; make one with `workbench train RECIPE -o {folder.name}`.")
        path = folder / "recipe.json"
        if not path.is_file():
            raise WorkbenchError(f"{folder} is not a run folder, it has no recipe.json; give the folder that `workbench train` wrote.")
        try:
            return cls(folder, Recipe.from_json(json.loads(path.read_text(encoding="utf-8"))))
        except WorkbenchError as error:
            raise WorkbenchError(f"{path}: {error}") from None
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError, OSError) as error:
            raise WorkbenchError(f"{path} is damaged ({error!s:.200}); train into a new folder.") from None

    @classmethod
    def start(cls, recipe: Recipe, folder: str | Path) -> Run:
        """Make the folder, or take up the run of the same recipe that is in it.

        Raises: WorkbenchError if the folder holds a run of another recipe, or something else.
        """
        folder = Path(folder)
        try:
            return cls._start(recipe, folder)
        except OSError as error:
            raise unwritable(folder / "recipe.json", error) from None

    @classmethod
    def _start(cls, recipe: Recipe, folder: Path) -> Run:
        if folder.exists() and not folder.is_dir():
            raise WorkbenchError(f"{folder} is a file; give a folder for the run.")
        if (folder / "recipe.json").exists():
            run = cls.open(folder)
            different = list(_differences(run.recipe, recipe))
            if different and run.state_path.exists():
                shown = ", ".join(different[:3]) + (f" and {len(different) - 3} more" if len(different) > 3 else "")
                raise WorkbenchError(f"{folder} already holds a run of another recipe ({shown}); train into another folder.")
            for place in (folder, folder / "probe"):
                sweep(place, ours=True)
            if not different:
                return run
            # Nothing was trained: the first try ended with what is corrected now.
            (folder / BROKEN).unlink(missing_ok=True)
        elif folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise WorkbenchError(f"{folder} holds other files and no run; give a new or empty folder.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "probe").mkdir(exist_ok=True)
        write_json(folder / "environment.json", environment())
        write_json(folder / "recipe.json", recipe.to_json())
        return cls(folder, recipe)

    def __repr__(self) -> str:
        epochs = f"{len(self.history)} of {self.recipe.total_epochs} epochs"
        return f"Run {self.folder.name}: {self.recipe.name}, {epochs}"

    @property
    def history(self) -> list[dict[str, Any]]:
        """One row for each finished epoch."""
        path = self.folder / "history.jsonl"
        if not path.exists():
            return []
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        except (ValueError, RecursionError, OSError) as error:
            raise WorkbenchError(f"{path} is damaged ({error!s:.200}); train into a new folder.") from None
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict) or row.get("epoch") != number or not isinstance(row.get("stage"), str):
                raise WorkbenchError(f"{path} is damaged (line {number} is not the row of epoch {number}); train into a new folder.")
        return rows

    @property
    def environment(self) -> dict[str, Any]:
        """What the training ran on."""
        path = self.folder / "environment.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError, OSError) as error:
            raise WorkbenchError(f"{path} is damaged ({error!s:.200}); the run can be used without it, but not reported.") from None
        if not isinstance(found, dict):
            raise WorkbenchError(f"{path} is damaged (no JSON object); the run can be used without it, but not reported.")
        return found

    @property
    def position(self) -> Position:
        """How far the training has come."""
        return read_state(self.state_path, tensors=False).position if self.state_path.exists() else Position()

    @property
    def done(self) -> bool:
        return self.position.done

    @property
    def state_path(self) -> Path:
        return self.folder / "state.safetensors"

    @property
    def probes(self) -> list[Path]:
        """Probe files, one an epoch (see `workbench.training.probe`)."""
        return sorted((self.folder / "probe").glob("epoch-*.safetensors"))

    @property
    def feature_probes(self) -> list[Path]:
        """Files with the class features of the recipe's `feature_images` first validation images, one an epoch; none unless asked for."""
        return sorted((self.folder / "probe").glob("features-*.safetensors"))

    def weights(self, which: str = "best") -> Path:
        """Path of the "best" or the "last" checkpoint. Raises WorkbenchError if it is not there (yet)."""
        if which not in ("best", "last"):
            raise WorkbenchError(f'A run has the checkpoints "best" and "last", not "{which}".')
        path = self.folder / f"{which}.safetensors"
        if path.exists():
            return path
        if which == "best" and (self.folder / "last.safetensors").exists():
            reason = f'the best epoch is chosen in the last stage, "{self.recipe.last_stage}", which has not finished an epoch'
            raise WorkbenchError(f'{path} is not there: {reason}; train on, or ask for the "last" checkpoint.')
        raise WorkbenchError(f"{path} is not there: no epoch is finished; train on with `workbench train`.")

    def model(self, which: str = "best") -> WorkbenchModel:
        """The trained model in evaluation mode. Raises WorkbenchError if the checkpoint is of another model than the recipe's."""
        from workbench.models import load_model

        path = self.weights(which)
        model = load_model(path)
        name = model.config.get("name")
        if name != self.recipe.model.name:
            raise WorkbenchError(f'{path} holds a model "{name}", the recipe beside it names "{self.recipe.model.name}"; train again.')
        return model.eval()

    def training(self) -> MultiLabelDataset:
        """The data set that the model learns from."""
        return self._dataset("training", self.recipe.data.train, self.recipe.data.options)

    def validation(self) -> MultiLabelDataset:
        """The data set that every epoch is measured on."""
        data = self.recipe.data
        return self._dataset("validation", data.validation, {**data.options, **data.validation_options})

    def split(self, name: str) -> MultiLabelDataset:
        """Another split of the same data, read as the validation split is."""
        data = self.recipe.data
        return self._dataset(f"split {name}", name, {**data.options, **data.validation_options})

    def _dataset(self, role: str, split: str, options: dict[str, Any]) -> MultiLabelDataset:
        from workbench.datasets import load_dataset

        if role not in self._datasets:
            data, limit = load_dataset(self.recipe.data.name, split, self.recipe.data.root, **options), self.recipe.data.skip_broken
            self._datasets[role] = without_broken(data, limit, self.folder, role) if limit else data
        return self._datasets[role]

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        write_text(self.folder / "history.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def _differences(old: Recipe, new: Recipe) -> Iterator[str]:
    """What would train differently. Where the data lies and what was expected of the run do not count."""
    before, after = _flat(old.to_json()), _flat(new.to_json())
    for key in [*before, *(key for key in after if key not in before)]:
        if before.get(key) != after.get(key) and not key.startswith("expected") and key != "data.root":
            yield f"{key} is {before.get(key, 'not there')} there and {after.get(key, 'not there')} here"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: item for name, inner in value.items() for key, item in _flat(inner, f"{prefix}{name}.").items()}
    return {prefix.rstrip("."): value}
