"""A run: the folder that a training writes and everything later reads.

======================= ============================================================================================
recipe.json             the recipe, complete
environment.json        versions, machine, commit
status.json             how the training stands, for whoever looks on (see `workbench.training.status`)
history.jsonl           one JSON object an epoch (see `workbench.training.loop`)
last.safetensors        the model after the last finished epoch
best.safetensors        the model after the best epoch of the last stage, by validation mAP
data.safetensors        which data they were: ids, labels, sizes and a digest of the pictures (see `workbench.training.known_data`)
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

from workbench.datasets.fingerprint import Fingerprint
from workbench.errors import WorkbenchError, unwritable
from workbench.files import sweep, write_json
from workbench.following import PICTURES
from workbench.following.rows import STATE, read_rows
from workbench.training.broken import FILE as BROKEN
from workbench.training.broken import left_out, without_broken
from workbench.training.environment import environment
from workbench.training.known_data import FILE as DATA
from workbench.training.known_data import KnownData
from workbench.training.mending import (
    EARLIER,
    Found,
    damaged_weights,
    different,
    json_object,
    keep_aside,
    mend,
    readable,
    repaired_rows,
    say,
    shown,
    write_history,
)
from workbench.training.recipe import Recipe
from workbench.training.state import Position, read_state, write_done

if TYPE_CHECKING:
    from workbench.datasets import MultiLabelDataset
    from workbench.models import WorkbenchModel


class Run:
    """A run folder. Open one with `Run.open`; `train` makes one.

    Attributes:
        folder: where it is.
        recipe: what was, or is to be, trained.
        accept_data: whether a training goes on with other images or labels than it began with; other_data: whether it does now.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder = folder
        self.recipe = recipe
        self.accept_data = self.other_data = False
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
            raise WorkbenchError(
                f"{path} is damaged ({error!s:.200}); `workbench train RECIPE -o {folder.name}` with the recipe that it was trained with "
                "writes it again."
            ) from None

    @classmethod
    def start(cls, recipe: Recipe, folder: str | Path, restart: bool = False) -> Run:
        """Make the folder, or take up the run of the same recipe that is in it; what a finished one lacks is written again, and said.

        Args:
            restart: begin anew; what was trained there is kept aside in ``earlier-1`` (-2, ...) within the folder.

        Raises: WorkbenchError if the folder holds a run of another recipe, weights that nothing can go on from, or something else.
        """
        folder = Path(folder)
        try:
            return cls._start(recipe, folder, restart)
        except OSError as error:
            raise unwritable(folder / "recipe.json", error) from None

    @classmethod
    def _start(cls, recipe: Recipe, folder: Path, restart: bool) -> Run:
        if folder.exists() and not folder.is_dir():
            raise WorkbenchError(f"{folder} is a file; give a folder for the run.")
        found = Found(folder)
        if found.trained or (folder / "recipe.json").exists():
            for place in (folder, folder / "probe"):
                sweep(place, ours=True)
        if restart and (found.trained or (folder / "recipe.json").exists()):
            say(f"What was trained in {folder} is kept in {keep_aside(folder)}.")
        elif found.trained:
            return cls._take_up(recipe, folder, found)
        elif (folder / "recipe.json").exists():
            for name in (BROKEN, STATE, DATA):  # nothing was trained: the first try ended with what is corrected now
                (folder / name).unlink(missing_ok=True)
        elif folder.exists() and any(not path.name.startswith(".") and not path.name.startswith(EARLIER) for path in folder.iterdir()):
            raise WorkbenchError(f"{folder} holds other files and no run; give a new or empty folder.")
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder, ours=True)
        (folder / "probe").mkdir(exist_ok=True)
        write_json(folder / "environment.json", environment())
        write_json(folder / "recipe.json", recipe.to_json())
        return cls(folder, recipe)

    @classmethod
    def _take_up(cls, recipe: Recipe, folder: Path, found: Found) -> Run:
        """Go on with what was trained, or refuse: nothing of it is written over."""
        run, foreign, told = cls(folder, recipe), found.foreign(recipe), list(found.recipes())
        another = f"train into another folder, or begin anew with --restart, which keeps what is there in {EARLIER}1"
        own = found.recipe is not None and not list(different(found.recipe, recipe.to_json()))
        outvoted = 2 * len(foreign) >= len(told) if found.recipe is None else not own  # where files say different things
        if foreign and (len(foreign) == len(told) or outvoted):
            of = f" ({shown(next(iter(foreign.values())))})"
            edited = own and len(foreign) == len(told)
            how = "recipe.json was changed since it was trained" if edited else f"{folder} already holds a run of another recipe"
            raise WorkbenchError(f"{how}{of}; {'put it back, or ' if edited else ''}{another}.")
        if not told and found.recipe is None:
            raise WorkbenchError(f"{folder} holds a training without its recipe.json, or with a damaged one; put it back, {another}.")
        if not told and found.recipe is not None and not own:
            differences = list(different(found.recipe, recipe.to_json()))
            raise WorkbenchError(f"{folder} already holds a run of another recipe ({shown(differences)}); {another}.")
        if found.finished(recipe):
            for sentence in (*mend(found, recipe, environment()), *run._pictures(found)):
                say(f"{folder.name}: {sentence}.")
            if STATE in foreign or found.state.get("position", {}).get("done") is not True:
                write_done(run.state_path, Position(rows=recipe.total_epochs, done=True), run.kept(run.history))
                say(f"{folder.name}: {STATE} was not that of the finished training, which the other files say it is; it is written again.")
            return run
        if foreign:
            name, differences = next(iter(foreign.items()))
            raise WorkbenchError(f"{folder / name} is of another training ({shown(differences)}); move it away, or {another}.")
        if not found.state:
            lost = "is damaged" if run.state_path.exists() else "is missing"
            raise WorkbenchError(
                f"{folder} holds {len(found.rows)} of {recipe.total_epochs} epochs, and {STATE}, from which it would go on, {lost}; "
                f"put it back, or {another}."
            )
        if found.recipe is None or list(different(found.recipe, recipe.to_json())):
            write_json(folder / "recipe.json", recipe.to_json())
            say(f"{folder.name}: recipe.json was not the one that it was trained with, and is written again.")
        for sentence in (*damaged_weights(found, recipe), *repaired_rows(found, recipe)):
            say(f"{folder.name}: {sentence}.")
        (folder / "probe").mkdir(exist_ok=True)
        now = environment()
        before = json_object(folder / "environment.json")
        if before is None:
            before = found.kept.get("environment") or now
            write_json(folder / "environment.json", before)
        for key, words in (("torch_threads", "threads"), ("device", "the device")):
            if before.get(key) != now[key]:
                say(
                    f"{folder.name}: it began with {words} {before.get(key)} and goes on with {now[key]}: it will end equal to about the "
                    "fifth decimal, not bit for bit."
                )
        return run

    def _pictures(self, found: Found) -> Iterator[str]:
        """The pictures of the probe once more, where they are lost; an earlier version kept none."""
        from workbench.training.probe import probe_images, write_pictures

        path = self.folder / "probe" / PICTURES
        if not found.kept or readable(path):
            return
        path.unlink(missing_ok=True)
        try:
            data = self.validation()
            path.parent.mkdir(exist_ok=True)
            write_pictures(path, data, probe_images(data.targets))
            yield f"probe/{PICTURES} was missing or damaged, and is written again"
        except WorkbenchError as error:
            yield f"probe/{PICTURES} is missing or damaged, and cannot be written again ({error})"

    def kept(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The copy of the small files that the state carries, so that none of them is lost alone."""
        try:
            around = self.environment
        except WorkbenchError:
            around = environment()
        known = KnownData.read(self.folder)
        told = {"recipe": self.recipe.to_json(), "history": rows, "environment": around, "broken": left_out(self.folder)}
        return {**told, "data": known.summary() if known else {}}

    def __repr__(self) -> str:
        epochs = f"{len(self.history)} of {self.recipe.total_epochs} epochs"
        return f"Run {self.folder.name}: {self.recipe.name}, {epochs}"

    @property
    def history(self) -> list[dict[str, Any]]:
        """One row for each finished epoch; what a damaged file lacks comes from the state, where that keeps it."""
        return read_rows(self.folder)[0]

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
    def state_kept(self) -> dict[str, Any]:
        """The copy of the small files in the state; empty without one."""
        return Found(self.folder).kept

    @property
    def done(self) -> bool:
        """Whether the training came to its end, by whatever file of the folder still says so."""
        return Found(self.folder).finished(self.recipe)

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

    def data_changed(self, validation: MultiLabelDataset) -> list[str]:
        """How its validation images and labels differ from those that it knows; nothing for a run of an earlier version."""
        known = KnownData.read(self.folder)
        columns, rows = known.changed(KnownData({"validation": Fingerprint.of(validation)})) if known else ([], [])
        return columns + rows

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
        write_history(self.folder, rows)
