"""What a training says of itself while it runs: ``status.json`` in its folder, replaced at most once a second.

For whoever looks on (`workbench watch`, the training monitor). Nothing that a training needs stands in it, so it is not flushed to the disk
and a disk that does not take it stops nothing. Keys: see `workbench.following.Following.facts`; also ``state``, ``written`` and
``started`` (seconds since 1970), and ``sentence`` where the training failed.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from workbench.errors import WorkbenchError
from workbench.files import atomic, json_text
from workbench.following import STATUS
from workbench.training.discriminative import PREFIX
from workbench.training.recipe import Recipe
from workbench.training.run import Run
from workbench.training.state import Position

SECONDS = 1.0  # between two versions of the file
WINDOW = 12  # versions over which images a second are counted


class Status:
    """The status of one training.

    Args:
        processes: how many there are. The first one writes; in the others `run` is None.
    """

    def __init__(self, run: Run | None, processes: int) -> None:
        self.run = run
        self._always = {"pid": os.getpid(), "host": socket.gethostname(), "processes": processes, "started": time.time()}
        self._place: tuple[Position, int, int] | None = None
        self._samples: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self._written = 0.0

    def tell(self, state: str, position: Position, steps: int, images: int) -> None:
        """Say where the training is, unless that was said less than a second ago.

        Args:
            state: "training" or "evaluating".
            position: is kept, and looked at again at the end.
            steps: of an epoch; images: of an epoch.
        """
        now = time.monotonic()
        self._place = position, steps, images
        if state != "training":
            self._samples.clear()  # an evaluation counts as no training
        if self.run is None or now - self._written < SECONDS:
            return
        if state == "training":
            self._samples.append((now, position.images))
        self.write(state)

    def write(self, state: str, sentence: str = "") -> None:
        """Replace the file now."""
        if self.run is None:
            return
        self._written = time.monotonic()
        said = {"state": state, "sentence": sentence, **self._always, "written": time.time(), **self._where(self.run.recipe)}
        with suppress(WorkbenchError), atomic(self.run.folder / STATUS, flush=False) as temporary:
            temporary.write_text(json_text(said, indent=1) + "\n", encoding="utf-8")

    def _where(self, recipe: Recipe) -> dict[str, Any]:
        """The position for readers, numbers from 1."""
        if self._place is None:
            return {}
        position, steps, images = self._place
        name, stage = list(recipe.stages.items())[position.stage]
        seen = position.images - position.rows * images  # in this epoch
        sums = sum(value for key, value in position.sums.items() if not key.startswith(PREFIX))
        return {
            "stage": name,
            "stage_epoch": min(position.epoch + 1, stage.epochs),
            "stage_epochs": stage.epochs,
            "epoch": min(position.rows + 1, recipe.total_epochs),
            "epochs": recipe.total_epochs,
            "step": position.step,
            "steps": steps,
            "images": position.images,
            "images_in_all": recipe.total_epochs * images,
            "images_per_second": self._rate(),
            "loss": sums / seen if seen else None,
            "lr": position.lr,
        }

    def _rate(self) -> float | None:
        """Images a second over the last versions of the file."""
        if len(self._samples) < 2:
            return None
        (began, before), (now, images) = self._samples[0], self._samples[-1]
        return round((images - before) / (now - began), 1)


@contextmanager
def reported(run: Run, processes: int, first: bool) -> Iterator[Status]:
    """Keep the status of a training inside, and say at the end how it ended."""
    status = Status(run if first else None, processes)
    status.write("starting")
    try:
        yield status
    except KeyboardInterrupt:
        status.write("stopped")
        raise
    except BaseException as error:
        status.write("failed", str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}")
        raise
    status.write("done")
