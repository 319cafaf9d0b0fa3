"""The training loop. It knows stages, losses and files, and nothing of particular models.

A row of the history: stage; epoch (from 1, through all stages) and stage_epoch (from 1); step and images (done so far in all); lr (of the
last batch); loss and its terms loss.<name>, means over the images of the epoch; validation.map (plain mAP of the scored logits),
validation.map.<name> (of each of the model's logits where there are several) and validation.ap (of each category, scored logits; null
without a present one); seconds (with the evaluation); images_per_second (of training alone). Where a discriminative loss is on also
discriminative.loss (without its weight), .pull, .push, and of a mean batch the .anchors and the .dropped ones.
"""

from __future__ import annotations

import gc
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from workbench.errors import WorkbenchError, did_you_mean
from workbench.following import PICTURES
from workbench.lock import holder, locked
from workbench.models import save_model
from workbench.training.average import WeightAverage
from workbench.training.batches import epoch_draws, epoch_plan
from workbench.training.build import build_model, own_random_numbers
from workbench.training.compiling import compiled
from workbench.training.discriminative import PREFIX, DiscriminativeTerm
from workbench.training.evaluation import answer, validation_figures
from workbench.training.faults import not_finite, told
from workbench.training.features import input_sources
from workbench.training.known_data import accepted, opened
from workbench.training.mending import imprint
from workbench.training.probe import FeatureProbe, probe_images, write_pictures, write_probe
from workbench.training.processes import Processes, end_processes, process_count, start_processes
from workbench.training.progress import silent, training_bar
from workbench.training.recipe import Recipe, Stage
from workbench.training.run import Run
from workbench.training.stages import (
    images_or_entries,
    loss_terms,
    make_optimizer,
    make_schedule,
    seed_step,
    set_modes,
    trained_parts,
)
from workbench.training.state import Position, read_state, write_done, write_state
from workbench.training.status import Status, reported
from workbench.training.stopping import Stopped, StopRequest, stop_request

SAVE_EVERY_SECONDS = 300.0
SAVE_BEFORE_EVALUATION = 2.0  # seconds of training since the last save that an evaluation cut short must not cost


def train(
    recipe: Recipe,
    folder: str | Path,
    *,
    on_epoch: Callable[[Run, dict[str, Any]], None] | None = None,
    progress: str | bool = "auto",
    cache: str | Path | None = None,
    workers: int | None = None,
    restart: bool = False,
    accept_data: bool = False,
) -> Run:
    """Train a recipe into a run folder; go on where an earlier call with the same recipe was stopped.

    On a CPU the result does not depend on whether and where it was stopped. Ctrl-C, SIGTERM and SIGHUP save and then stop. Started by
    torchrun or SLURM in several processes, they share the work; the first writes and calls `on_epoch`.

    Args:
        folder: new, empty, or the run to go on with.
        on_epoch: called after each epoch with the run (its "last" checkpoint is of this epoch) and the new row of the history.
        progress: a bar always (True), never (False), or where somebody can see it ("auto").
        cache: folder for trunk maps (`workbench.training.features`); unless given, ``.features`` beside the run folder.
        workers: processes that read images which do not fit into memory; None: as many as there are cores, less one.
        restart: begin anew; what was trained in the folder is kept aside in it, as ``earlier-1`` and so on.
        accept_data: go on though images or labels are not those that it was trained on so far; the history says so.

    Raises:
        WorkbenchError: bad recipe or data, a folder that holds something else, that another training writes into or that cannot be written
            to, no memory left, an image that cannot be read, or a loss that is not finite.
        Stopped: a KeyboardInterrupt, after a signal.
    """
    folder = Path(folder)
    if not restart and holder(folder) is None and Run(folder, recipe).done:
        return Run.start(recipe, folder)
    several = process_count() > 1
    with stop_request(watched=several) as stop, own_random_numbers():
        fabric = start_processes(recipe.precision)
        first = fabric.global_rank == 0
        with locked(folder) if first else nullcontext():
            run = Run.start(recipe, folder, restart) if first else Run(folder, recipe)
            run.accept_data = accept_data
            if several:
                fabric.barrier()
            with reported(run, fabric.world_size, first) as status:
                maps = Path(cache) if cache else run.folder.parent / ".features"
                with stop.interruptible():
                    training = _Training(run, fabric, stop, status, progress, maps, workers)
                training.go(on_epoch)
                end_processes()
    return run


class _Training:
    """A run in the making: model, data and position."""

    def __init__(
        self, run: Run, fabric: Fabric, stop: StopRequest, status: Status, progress: str | bool, cache: Path, workers: int | None
    ) -> None:
        self.run, self.recipe, self.fabric, self.stop, self.status = run, run.recipe, fabric, stop, status
        self.processes = Processes(fabric)
        self.progress = progress if self.processes.first else False
        self.training, self.validation = opened(run, self.processes)
        self.training.categories.require_same_names(self.validation.categories, f'the split "{self.recipe.data.validation}"')
        self.model = build_model(self.recipe, self.training).to(memory_format=torch.channels_last)
        known = run.state_path.exists()
        if self.processes.totals([known])[0] not in (0, self.processes.count):
            raise WorkbenchError(f"{run.folder} is not the same folder for all processes; put it on a disk that all machines share.")
        self.state = read_state(run.state_path) if known else None
        self.position = self.state.position if self.state else Position()
        if self.run.other_data:  # the epoch that runs is done once more, with these
            self.position.step, self.position.sums = 0, {}
        if self.state:
            self.state.restore_model(self.model)
        if self.recipe.sync_normalisation and self.processes.count > 1 and fabric.device.type == "cuda":
            self.model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(self.model)
        self.fabric.to_device(self.model)
        self.look = partial(answer, fabric, self.model)
        self.scored = self.recipe.scored or self.model.scored
        self.targets = torch.from_numpy(self.training.targets)
        self.sources = input_sources(self.model, self.training, self.validation, self.recipe, cache, fabric, silent(self.progress), workers)
        self.probed = probe_images(self.validation.targets)
        self.features = FeatureProbe(self.validation, self.recipe.feature_images) if self.recipe.feature_images else None
        self.discriminative: DiscriminativeTerm | None = None
        self.average = WeightAverage(self.model, self.recipe.average) if self.recipe.average else None
        if self.average and self.state:
            self.average.restore(self.state.tensors)
        self.stepping: tuple[str, Stage] = next(iter(self.recipe.stages.items()))
        self.evaluating = False
        self._check()

    def go(self, on_epoch: Callable[[Run, dict[str, Any]], None] | None) -> None:
        try:
            self._go(on_epoch)
        except (RuntimeError, MemoryError) as error:
            sentence = told(error, *self.stepping, self.processes.count, self.evaluating)
            if sentence is None:
                raise
            raise sentence from None

    def _go(self, on_epoch: Callable[[Run, dict[str, Any]], None] | None) -> None:
        total = self.recipe.total_epochs * len(self.training)
        with training_bar(total, self.position.images, self.progress) as self.bar:
            for number, (name, stage) in enumerate(self.recipe.stages.items()):
                if number >= self.position.stage:
                    for row in self._stage(number, name, stage):
                        if on_epoch and self.processes.first:
                            with self.stop.interruptible():  # this epoch is on the disk
                                on_epoch(self.run, row)
                        self._stop_if_asked(self.processes.totals([self.stop.signal])[0])
        if self.processes.first:
            write_done(self.run.state_path, Position(**{**vars(self.position), "done": True}), self.run.kept(self.run.history))

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
                plan = epoch_plan(len(self.training), stage.batch_size, self.recipe.seed, 0)
                self.processes.require_enough(plan, stage.accumulate, name)
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
        self.stepping = name, stage
        trained = trained_parts(self.model, stage)
        set_modes(self.model, trained, stage.freeze_statistics)
        self.optimizer = make_optimizer(self.model, stage)
        batches = len(epoch_plan(len(self.training), stage.batch_size, 0, 0))
        self.schedule = make_schedule(self.optimizer, stage, stage.epochs * batches)
        self.discriminative = self._discriminative_term(stage, self.shapes)
        if self.state and self.state.position.stage == number and self.state.groups:
            anew = self.position.epoch * batches if self.run.other_data else None
            self.state.restore_optimizer(self.optimizer, self.schedule, anew)
            if self.discriminative:
                self.discriminative.restore(self.state.tensors)
        self.state = None
        self.module: Any = None  # the last stage's, whose hooks on the parameters would be in the way of the next
        self.stepper: Any = None
        gc.collect()
        stepped = compiled(self.model) if self.recipe.compile else self.model
        self.module, self.stepper = self.fabric.setup(stepped, self.optimizer)
        if not self.position.steps:
            self._write_state()  # so that there always is one once there are weights
        while self.position.epoch < stage.epochs:
            set_modes(self.model, trained, stage.freeze_statistics)
            row = self._epoch(name, stage)
            if self.processes.first:
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
        left = [self.processes.parts(batch, stage.accumulate) for batch in plan[position.step :]]
        inputs = self.sources[0].inputs([part for parts in left for part in parts[self.processes.rank]], draws)
        for parts in left:
            given = self._read(inputs, stage.accumulate)
            seed_step(seed, epoch, position.step, self.processes.rank)
            asked = self._step(name, stage, given, parts, position.epoch + (position.step + 1) / len(plan))
            images = sum(len(part) for share in parts for part in share)
            position.step += 1
            position.steps += 1
            position.images += images
            position.seconds = earlier + time.monotonic() - began
            self.bar.update(images)
            self.status.tell("training", position, len(plan), len(self.training))
            if asked or (time.monotonic() - saved > SAVE_EVERY_SECONDS and position.step < len(plan)):
                saved = time.monotonic()
                self._write_state()
            self._stop_if_asked(asked)
        self._require_finite_weights()
        trained_for = position.seconds
        means = {key: value / len(self.training) for key, value in position.sums.items()}
        logged = {key: means.pop(key) for key in list(means) if key.startswith(PREFIX)}
        if time.monotonic() - saved > SAVE_BEFORE_EVALUATION:
            self._write_state()
        with self.stop.interruptible(self._write_state):
            measured = self._evaluate()
        row = {"stage": name, "epoch": position.rows + 1, "stage_epoch": position.epoch + 1, "step": position.steps}
        row |= {"images": position.images, "lr": position.lr, "loss": sum(means.values())}
        row |= {f"loss.{key.split('.', 1)[-1]}": value for key, value in means.items()} | logged | measured
        row["seconds"] = round(earlier + time.monotonic() - began, 3)
        row["images_per_second"] = round(len(self.training) / max(trained_for, 1e-9), 1)
        position.epoch, position.rows, position.step, position.seconds, position.sums = position.epoch + 1, position.rows + 1, 0, 0.0, {}
        self.bar.set_postfix(loss=f"{row['loss']:.3g}", mAP=f"{row['validation.map'] or 0:.3f}")
        return row

    def _read(self, inputs: Iterator[Any], parts: int) -> list[Any]:
        """The input of one step. Where it cannot be read, everything up to the step before is kept."""
        with self.stop.interruptible(self._write_state):
            return [next(inputs) for _ in range(parts)]

    def _step(self, name: str, stage: Stage, given: list[Any], parts: list[list[np.ndarray]], epochs: float) -> float:
        """One batch; `parts` are its indices by process and part, `epochs` says how much of the stage is done with it.

        Returns whether some process was asked to stop.
        """
        batch = np.concatenate([part for share in parts for part in share])
        everybody = self.targets[torch.from_numpy(batch)]
        sums: dict[str, float] = {}
        self.stepper.zero_grad()
        for number, (inputs, indices) in enumerate(zip(given, parts[self.processes.rank], strict=True)):
            with self.fabric.no_backward_sync(self.module, enabled=number < len(given) - 1):
                _, out = self.module(inputs)
                targets = self.targets[torch.from_numpy(indices)]
                terms = loss_terms(out, targets.to(self.fabric.device), stage.losses, self.recipe.unknown_in_loss)
                # The gradient of the whole batch is the mean over processes of these terms, each with the weight of its images.
                weights = {key: self._share(key, stage, targets, everybody) * self.processes.count for key in terms}
                logged: dict[str, float] = {}
                if self.discriminative:
                    term, logged = self.discriminative(out, targets.to(self.fabric.device), epochs)
                    terms |= term
                    whole = sum(len(share[number]) for share in parts) / len(batch)  # of all processes: it looks at them together
                    weights |= dict.fromkeys([*term, *logged], whole)
                values = {key: float(value.detach()) for key, value in terms.items()} | logged
                for key, value in values.items():
                    sums[key] = sums.get(key, 0.0) + value * weights[key] / self.processes.count
                self.fabric.backward(torch.stack([weights[key] * term for key, term in terms.items()]).sum())
        asked, *totals = self.processes.totals([self.stop.signal, *sums.values()])
        for key, value in zip(sums, totals, strict=True):
            if not math.isfinite(value):
                raise self._not_finite(f"The loss of {key} became {value}", batch)
            self.position.sums[key] = self.position.sums.get(key, 0.0) + value * len(batch)
        if stage.clip:
            clipped = self.fabric.clip_gradients(self.module, self.stepper, max_norm=stage.clip, error_if_nonfinite=False)
            norm = float(clipped) if clipped is not None else 0.0
            if not math.isfinite(norm):
                raise self._not_finite(f"The gradient became {norm}", batch)
        self.position.lr = self.optimizer.param_groups[0]["lr"]
        self.stepper.step()
        self.schedule.step()
        if self.average:
            self.average.update(self.model, self.position.steps)
        return asked

    def _averaged(self) -> AbstractContextManager[None]:
        """The model as it is evaluated and kept: with averaged weights where the recipe asks for them."""
        return self.average.in_place_of(self.model) if self.average else nullcontext()

    def _share(self, key: str, stage: Stage, targets: torch.Tensor, everybody: torch.Tensor) -> float:
        """How much of a batch's mean the targets of one part stand for: 1 where there are no other parts."""
        part, whole = (images_or_entries(key, stage.losses, held, self.recipe.unknown_in_loss) for held in (targets, everybody))
        return part / whole if whole else 0.0

    def _not_finite(self, what: str, batch: np.ndarray | None = None) -> WorkbenchError:
        ids = [self.training.ids[index] for index in batch] if batch is not None else []
        return not_finite(what, *self.stepping, self.position, ids)

    def _require_finite_weights(self) -> None:
        """A gradient that is not finite shows in the weights only, until the next batch meets them."""
        for name, values in self.model.named_parameters():
            if values.requires_grad and not bool(torch.isfinite(values).all()):
                raise self._not_finite(f"The weights {name} stopped being finite")

    def _stop_if_asked(self, asked: float) -> None:
        """Everything is saved: end, if a signal of that number said so (in some process)."""
        if asked:
            raise Stopped(self.stop.signal or signal.SIGTERM)

    def _evaluate(self) -> dict[str, Any]:
        self.processes.share_buffers(self.model)
        self.model.eval()
        self.evaluating = True

        def keep(indices: np.ndarray, out: dict[str, torch.Tensor]) -> None:
            self.status.tell("evaluating", self.position, self.position.step, len(self.training))
            if self.features:
                self.features.add(indices, out)

        names = tuple(key.removeprefix("logits.") for key in self.shapes if key.startswith("logits."))
        with self._averaged():
            self.processes.share_buffers(self.model)  # averages too
            measured = validation_figures(
                *(self.look, self.sources[1], self.validation.targets, self.scored, self.recipe.unknown_in_ap, keep, self.processes, names)
            )
        if self.features and self.processes.count > 1 and "features" in self.shapes:
            self.features.gather(self.processes, self.shapes["features"].shape[-1])
        self.evaluating = False
        return measured

    def _write(self, row: dict[str, Any], stage: str) -> None:
        """Put an epoch on the disk. The state comes last: killed before it, the epoch is done again, with the same result."""
        rows = self.run.history[: row["epoch"] - 1]
        with self._averaged():
            self._write_model(row, rows, stage)
        row |= accepted(self.run.folder, row["epoch"])
        self.run.write_history([*rows, row])
        self._write_state()

    @torch.no_grad()
    def _write_model(self, row: dict[str, Any], rows: list[dict[str, Any]], stage: str) -> None:
        """Probe and checkpoints of an epoch."""
        run, number = self.run, row["epoch"]
        _, out = self.look(next(self.sources[1].inputs([self.probed], None)))
        path = run.folder / "probe" / f"epoch-{number:04d}.safetensors"
        place = {"epoch": number, "stage": stage, "scored": self.scored}
        write_pictures(run.folder / "probe" / PICTURES, self.validation, self.probed)
        write_probe(path, self.model, out, self.validation, self.probed, place)
        if self.features:
            self.features.write(run.folder / "probe" / f"features-{number:04d}.safetensors", {**place, "step": row["step"]})
        if self.discriminative:
            self.discriminative.write(run.folder / "centres.safetensors", self.model.categories)
        save_model(self.model, run.folder / "last.safetensors", imprint(self.recipe, row))
        if stage == self.recipe.last_stage:
            earlier = [math.inf if old.get("lost") else old["validation.map"] or 0.0 for old in rows if old["stage"] == stage]
            best = run.folder / "best.safetensors"
            if not earlier or not best.exists() or (row["validation.map"] or 0.0) > max(earlier):
                save_model(self.model, best, imprint(self.recipe, row))

    def _write_state(self) -> None:
        if not self.processes.first:
            return
        self._require_finite_weights()
        extra = self.discriminative.tensors() if self.discriminative else {}
        extra |= self.average.tensors() if self.average else {}
        kept = self.run.kept(self.run.history[: self.position.rows])
        write_state(self.run.state_path, self.position, self.model, self.optimizer, self.schedule, extra, kept)
