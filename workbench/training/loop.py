"""The training loop. It knows stages, losses and files, and nothing of particular models.

A row of the history: stage; epoch (from 1, through all stages) and stage_epoch (from 1); step and images (done so far in all); lr (of the
last batch); loss and its terms loss.<name>, means over the images of the epoch; validation.map (plain mAP of the scored logits),
validation.map.<name> (of each of the model's logits where there are several) and validation.ap (of each category, scored logits; null
without a present one); seconds (with the evaluation); images_per_second (of training alone). Where a discriminative loss is on also
discriminative.loss (without its weight), .pull, .push, and of a mean batch the .anchors and the .dropped ones.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from workbench.datasets import MultiLabelDataset
from workbench.errors import WorkbenchError, did_you_mean
from workbench.models import WorkbenchModel, create_model, model_class, save_model
from workbench.training.average import WeightAverage
from workbench.training.batches import epoch_draws, epoch_plan
from workbench.training.discriminative import PREFIX, DiscriminativeTerm
from workbench.training.evaluation import validation_figures
from workbench.training.features import input_sources
from workbench.training.probe import FeatureProbe, probe_images, write_probe
from workbench.training.progress import silent, training_bar
from workbench.training.recipe import Recipe, Stage
from workbench.training.run import Run
from workbench.training.stages import loss_terms, make_optimizer, make_schedule, seed_step, set_modes, trained_parts
from workbench.training.state import Position, read_state, write_done, write_state

SAVE_EVERY_SECONDS = 300.0


def train(
    recipe: Recipe,
    folder: str | Path,
    *,
    on_epoch: Callable[[Run, dict[str, Any]], None] | None = None,
    progress: str | bool = "auto",
    cache: str | Path | None = None,
) -> Run:
    """Train a recipe into a run folder; go on where an earlier call with the same recipe was stopped.

    On a CPU the result does not depend on whether and where it was stopped.

    Args:
        folder: new, empty, or the run to go on with.
        on_epoch: called after each epoch with the run (its "last" checkpoint is of this epoch) and the new row of the history.
        progress: a bar always (True), never (False), or where somebody can see it ("auto").
        cache: folder for trunk maps (`workbench.training.features`); unless given, ``.features`` beside the run folder.

    Raises:
        WorkbenchError: bad recipe or data, a folder that holds something else, or a loss that is not finite.
    """
    run = Run.start(recipe, folder)
    if not run.done:
        with _own_random_numbers():
            _Training(run, progress, Path(cache) if cache else run.folder.parent / ".features").go(on_epoch)
    return run


class _Training:
    """A run in the making: model, data and position."""

    def __init__(self, run: Run, progress: str | bool, cache: Path) -> None:
        self.run, self.recipe, self.progress = run, run.recipe, progress
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise WorkbenchError("Training runs in a single process so far; start it without torchrun.")
        self.fabric = Fabric(devices=1, precision=self.recipe.precision)  # type: ignore[arg-type]
        self.training, self.validation = run.training(), run.validation()
        self.training.categories.require_same_names(self.validation.categories, f'the split "{self.recipe.data.validation}"')
        self.model = build_model(self.recipe, self.training).to(memory_format=torch.channels_last)
        self.state = read_state(run.state_path) if run.state_path.exists() else None
        self.position = self.state.position if self.state else Position()
        if self.state:
            self.state.restore_model(self.model)
        self.fabric.to_device(self.model)
        self.scored = self.recipe.scored or self.model.scored
        self.targets = torch.from_numpy(self.training.targets)
        self.sources = input_sources(self.model, self.training, self.validation, self.recipe, cache, self.fabric, silent(progress))
        self.probed = probe_images(self.validation.targets)
        self.features = FeatureProbe(self.validation, self.recipe.feature_images) if self.recipe.feature_images else None
        self.discriminative: DiscriminativeTerm | None = None
        self.average = WeightAverage(self.model, self.recipe.average) if self.recipe.average else None
        if self.average and self.state:
            self.average.restore(self.state.tensors)
        self._check()

    def go(self, on_epoch: Callable[[Run, dict[str, Any]], None] | None) -> None:
        total = self.recipe.total_epochs * len(self.training)
        with training_bar(total, self.position.images, self.progress) as self.bar:
            for number, (name, stage) in enumerate(self.recipe.stages.items()):
                if number >= self.position.stage:
                    for row in self._stage(number, name, stage):
                        if on_epoch:
                            on_epoch(self.run, row)
        write_done(self.run.state_path, Position(**{**vars(self.position), "done": True}))

    @torch.no_grad()
    def _check(self) -> None:
        """Refuse at once what would otherwise fail in a later stage, hours away."""
        self.model.eval()
        first = self.probed[:1]
        with self.fabric.autocast():
            _, out = self.model(next(self.sources[1].inputs([first], None)))
        if f"logits.{self.scored}" not in out:
            known = [key.removeprefix("logits.") for key in out if key.startswith("logits.")]
            raise WorkbenchError(f'The model gives no logits "{self.scored}" to score.{did_you_mean(self.scored, known)}')
        targets = torch.from_numpy(self.validation.targets[first]).to(self.fabric.device)
        for name, stage in self.recipe.stages.items():
            try:
                trained_parts(self.model, stage)
                loss_terms(out, targets, stage.losses, self.recipe.unknown_in_loss)
                self._discriminative_term(stage, out)
            except WorkbenchError as error:
                raise WorkbenchError(f'Stage "{name}": {error}') from None
        self.shapes = {key: value[:1] for key, value in out.items() if key == "features" or key.startswith("logits.")}

    def _discriminative_term(self, stage: Stage, out: dict[str, torch.Tensor]) -> DiscriminativeTerm | None:
        return DiscriminativeTerm(stage.discriminative, out, self.scored, self.fabric.device) if stage.discriminative else None

    def _stage(self, number: int, name: str, stage: Stage) -> Iterator[dict[str, Any]]:
        """Run what is left of a stage; yields the row of each epoch once everything of it is written."""
        if number > self.position.stage:
            self.position.stage, self.position.epoch = number, 0
        trained = trained_parts(self.model, stage)
        set_modes(self.model, trained)
        self.optimizer = make_optimizer(self.model, stage)
        batches = len(epoch_plan(len(self.training), stage.batch_size, 0, 0))
        self.schedule = make_schedule(self.optimizer, stage, stage.epochs * batches)
        self.discriminative = self._discriminative_term(stage, self.shapes)
        if self.state and self.state.position.stage == number and self.state.groups:
            self.state.restore_optimizer(self.optimizer, self.schedule)
            if self.discriminative:
                self.discriminative.restore(self.state.tensors)
        self.state = None
        self.module, self.stepper = self.fabric.setup(self.model, self.optimizer)
        while self.position.epoch < stage.epochs:
            set_modes(self.model, trained)
            row = self._epoch(name, stage)
            self._write(row, name)
            yield row

    def _epoch(self, name: str, stage: Stage) -> dict[str, Any]:
        """What is left of one epoch, and its evaluation."""
        position, seed, epoch = self.position, self.recipe.seed, self.position.rows
        plan = epoch_plan(len(self.training), stage.batch_size, seed, epoch)
        draws = epoch_draws(len(self.training), seed, epoch)
        self.bar.set_description(f"{name} {position.epoch + 1}/{stage.epochs}")
        began = saved = time.monotonic()
        earlier = position.seconds
        left = plan[position.step :]
        for indices, inputs in zip(left, self.sources[0].inputs(left, draws), strict=True):
            seed_step(seed, epoch, position.step, self.fabric.global_rank)
            self._step(name, stage, inputs, indices, position.epoch + (position.step + 1) / len(plan))
            position.step += 1
            position.steps += 1
            position.images += len(indices)
            position.seconds = earlier + time.monotonic() - began
            self.bar.update(len(indices))
            if time.monotonic() - saved > SAVE_EVERY_SECONDS and position.step < len(plan):
                saved = time.monotonic()
                self._write_state()
        trained_for = position.seconds
        means = {key: value / len(self.training) for key, value in position.sums.items()}
        logged = {key: means.pop(key) for key in list(means) if key.startswith(PREFIX)}
        self.model.eval()
        keep = self.features.add if self.features else None
        with self._averaged():
            measured = validation_figures(
                self.module, self.sources[1], self.validation.targets, self.scored, self.recipe.unknown_in_ap, keep
            )
        row = {"stage": name, "epoch": position.rows + 1, "stage_epoch": position.epoch + 1, "step": position.steps}
        row |= {"images": position.images, "lr": self.lr, "loss": sum(means.values())}
        row |= {f"loss.{key.split('.', 1)[-1]}": value for key, value in means.items()} | logged | measured
        row["seconds"] = round(earlier + time.monotonic() - began, 3)
        row["images_per_second"] = round(len(self.training) / max(trained_for, 1e-9), 1)
        position.epoch, position.rows, position.step, position.seconds, position.sums = position.epoch + 1, position.rows + 1, 0, 0.0, {}
        self.bar.set_postfix(loss=f"{row['loss']:.3g}", mAP=f"{row['validation.map'] or 0:.3f}")
        return row

    def _step(self, name: str, stage: Stage, inputs: Any, indices: np.ndarray, epochs: float) -> None:
        """One batch; `epochs` says how much of the stage is done with it."""
        _, out = self.module(inputs)
        targets = self.targets[torch.from_numpy(indices)].to(self.fabric.device)
        terms = loss_terms(out, targets, stage.losses, self.recipe.unknown_in_loss)
        logged: dict[str, float] = {}
        if self.discriminative:
            term, logged = self.discriminative(out, targets, epochs)
            terms |= term
        values = {key: float(value.detach()) for key, value in terms.items()} | logged
        for key, value in values.items():
            if not math.isfinite(value):
                raise WorkbenchError(
                    f'The loss of {key} became {value} in stage "{name}", epoch {self.position.epoch + 1}, step {self.position.step + 1}; '
                    f"train into a new folder with a lower learning rate (stages.{name}.lr is {stage.lr:g})."
                )
            self.position.sums[key] = self.position.sums.get(key, 0.0) + value * len(indices)
        self.lr = self.optimizer.param_groups[0]["lr"]
        self.stepper.zero_grad()
        self.fabric.backward(torch.stack(list(terms.values())).sum())
        self.stepper.step()
        self.schedule.step()
        if self.average:
            self.average.update(self.model, self.position.steps)

    def _averaged(self) -> AbstractContextManager[None]:
        """The model as it is evaluated and kept: with averaged weights where the recipe asks for them."""
        return self.average.in_place_of(self.model) if self.average else nullcontext()

    def _write(self, row: dict[str, Any], stage: str) -> None:
        """Put an epoch on the disk. The state comes last: killed before it, the epoch is done again, with the same result."""
        rows = self.run.history[: row["epoch"] - 1]
        with self._averaged():
            self._write_model(row, rows, stage)
        self.run.write_history([*rows, row])
        self._write_state()

    @torch.no_grad()
    def _write_model(self, row: dict[str, Any], rows: list[dict[str, Any]], stage: str) -> None:
        """Probe and checkpoints of an epoch."""
        run, number = self.run, row["epoch"]
        _, out = self.module(next(self.sources[1].inputs([self.probed], None)))
        path = run.folder / "probe" / f"epoch-{number:04d}.safetensors"
        place = {"epoch": number, "stage": stage}
        write_probe(path, self.model, out, self.validation, self.probed, place)
        if self.features:
            self.features.write(run.folder / "probe" / f"features-{number:04d}.safetensors", {**place, "step": row["step"]})
        if self.discriminative:
            self.discriminative.write(run.folder / "centres.safetensors", self.model.categories)
        save_model(self.model, run.folder / "last.safetensors")
        if stage == self.recipe.last_stage:
            earlier = [old["validation.map"] or 0.0 for old in rows if old["stage"] == stage]
            if not earlier or (row["validation.map"] or 0.0) > max(earlier):
                save_model(self.model, run.folder / "best.safetensors")

    def _write_state(self) -> None:
        extra = self.discriminative.tensors() if self.discriminative else {}
        extra |= self.average.tensors() if self.average else {}
        write_state(self.run.state_path, self.position, self.model, self.optimizer, self.schedule, extra)


def build_model(recipe: Recipe, dataset: MultiLabelDataset) -> WorkbenchModel:
    """The recipe's model for the categories of `dataset`, with the initial weights that its seed gives."""
    torch.manual_seed(recipe.seed)
    spec = recipe.model
    options = {**model_class(spec.name).options_from_training(dataset.categories, dataset.targets), **spec.options}
    model = create_model(
        spec.name, dataset.categories, backbone=spec.backbone, weights=spec.weights, image_size=recipe.image_size, **options
    )
    model.frozen_backbone = recipe.frozen_backbone
    return model


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Leave the caller's random numbers as they were."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        yield
