"""The training monitor: starts, stops and resumes a training in a process of its own, and shows how it goes.

Everything that is shown comes from the run folder (see `workbench.following`). So it does not matter who started the training: this
monitor, one of a kernel that is gone, or a terminal.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
import weakref
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from IPython.display import display

from workbench.errors import WorkbenchError, did_you_mean
from workbench.following import RUNNING, Following, progress_words, series
from workbench.shelf import home, run_folder
from workbench.widgets.asked import Question
from workbench.widgets.explorer import Explorer, Snapshot
from workbench.widgets.kernel_loop import in_kernel, running_loop
from workbench.widgets.payload import pack
from workbench.widgets.training_process import TrainingProcess, settings

SORTS = ("stored", "name", "low", "high", "fell", "rose")
OFTEN, SELDOM = 0.5, 2.0  # seconds between two looks at a training that runs, and at one that does not
WATCHED = 150.0  # seconds for which a view's word holds that it looks on; a hidden page has its turn once a minute
STILL_EVERY = 5.0  # seconds between two still pictures of a training that runs
ACTIVE = (*RUNNING, "stopping")
NOTHING: dict[str, Any] = {"categories": [], "ids": [], "kinds": {}}  # of a probe that is not there


class TrainingMonitor(Explorer, kind="monitor"):
    """Start, stop and resume a training and see how it goes, without blocking the notebook.

    The training is a process of its own: it goes on when the page is reloaded, and when the kernel is interrupted, restarted or gone.
    A monitor that is made for the same folder later takes it up again, and so does one for a training that was started in a terminal.

    It looks at the folder from the kernel's loop, as long as some page shows it: while a cell runs, what is shown stands still, and a
    monitor that is shown nowhere costs nothing. `state`, `history` and `look` look at once.

    Args:
        source: name of a recipe (see ``workbench recipes``), or the folder of a run that is there: as given, or as seen from the project
            folder.
        overrides: settings of the recipe to change, ``{"stages.joint.lr": 0.01}``.
        folder: of the run; ``runs/RECIPE`` in the project folder by default.
        workers: processes that read images, see `workbench.train`.
        view: other entries of `view_state`: ``label="sun"``, ``epoch=3`` (None: the last one), ``map="attention"``, ``sort="low"``.

    Attributes:
        facts: how the training stands, see `workbench.following.Following.facts`; also ``problem``, a sentence.
        view_state, image, label, status: see `Explorer`; `image` is the picture that was clicked.

    Raises:
        WorkbenchError: a run folder that is not there, or together with settings that are a recipe's; or a view that cannot be.
    """

    facts = traitlets.Dict().tag(sync=True)
    series = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        source: str | Path,
        overrides: Mapping[str, Any] | None = None,
        folder: str | Path | None = None,
        *,
        workers: int | None = None,
        **view: Any,
    ) -> None:
        self._looking = threading.RLock()
        self._watched: dict[str, float] = {}  # until when each view has said that it looks on
        self._timer: asyncio.TimerHandle | None = None
        found = Path(source)
        run = folder is None and (isinstance(source, Path) or len(found.parts) > 1 or (found / "recipe.json").is_file())
        if run and overrides:
            raise WorkbenchError(f"{source} is a run with a recipe of its own, which cannot be changed; name a recipe and a new folder.")
        place = run_folder(found) if run else Path(folder or home() / "runs" / str(source))
        if folder is None and not overrides and Following(place).facts()["recipe"] not in ("", str(source)):
            run = True  # runs/NAME of another recipe
        self._name, self._follow = str(source), Following(place.absolute())
        options = [*settings(overrides or {}), "--json", *(["--workers", str(workers)] if workers is not None else [])]
        self._arguments = (
            [*options, "--", str(self._follow.folder)] if run else [*options, "-o", str(self._follow.folder), "--", str(source)]
        )
        self._recipe = None if run else str(source)
        self._process: TrainingProcess | None = None
        self._began = self._stopping = False
        self._beside: int | None = None  # who trained in the folder when the process of ours had ended
        self._rows: Any = None
        self._header, self._unread = NOTHING, ""
        self._stills: list[Any] = []
        self._drawn = 0.0
        self._view: dict[str, Any] = {"image": "", "label": "", "epoch": None, "map": "", "sort": "stored"}
        self._look_up()
        self._view = self._checked(view)
        super().__init__()
        self.look()

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._follow.folder

    @property
    def history(self) -> list[dict[str, Any]]:
        """One row for each finished epoch, as the folder holds them now."""
        return self._follow.history()

    @property
    def state(self) -> str:
        """new, starting, training, evaluating, stopping, stopped, failed, killed or done; as the folder says now."""
        self.look()
        return str(self.facts["state"])

    def start(self) -> None:
        """Start the training, or go on with it where it stopped. Returns at once. Raises WorkbenchError if it runs, or is finished."""
        with self._looking:
            state = self.state
            if state in ACTIVE:
                raise WorkbenchError(f"The training in {self.folder.name} is running already; stop it first.")
            if state == "done":
                raise WorkbenchError(f"The training in {self.folder.name} is finished; give another folder to train anew.")
            if self._recipe is None and state == "new":
                raise WorkbenchError(f"There is no run in {self.folder.name} to go on with; name a recipe, and the folder as folder=.")
            self._began, self._stopping, self._beside = False, False, None
            self._process = TrainingProcess(self._arguments)
            self.look()
        self._look_again()

    def stop(self) -> None:
        """Ask the training to finish its step, save and end, whoever started it. Returns at once. Raises WorkbenchError if none runs."""
        with self._looking:
            state = self.state
            pid, host = self.facts["pid"], self.facts["host"]
            own = self._process is not None and self._process.running and pid in (0, self._process.pid)
            if not own and state not in ACTIVE:
                raise WorkbenchError(f"No training runs in {self.folder.name}; there is nothing to stop.")
            if self._stopping:
                return  # a second signal would end it before it has saved
            if own and self._process is not None:
                self._process.stop()
            elif host not in ("", socket.gethostname()) or not pid:
                raise WorkbenchError(f"The training in {self.folder.name} runs on another machine ({host or 'unknown'}); stop it there.")
            else:
                try:
                    os.kill(pid, signal.SIGTERM)
                except OSError as error:
                    raise WorkbenchError(f"Process {pid} cannot be stopped from here ({error.strerror}); stop it where it runs.") from None
            self._stopping = True
            self.look()
        self._look_again()

    def wait(self, timeout: float | None = None) -> str:
        """Wait until no training runs here, or `timeout` seconds. Returns the state."""
        until = None if timeout is None else time.monotonic() + timeout
        while (state := self.state) in ACTIVE and (until is None or time.monotonic() < until):
            time.sleep(0.1)
        return state

    def look(self) -> None:
        """Read the run folder now; while a page shows the monitor, that happens every moment anyway."""
        with self._looking:
            before = self.facts.get("state")
            facts = self._current()
            fresh = self._look_up()
            if fresh or not self.series:
                self.series = self._series()
            if facts != self.facts:
                self.facts = facts
            ended = before in ACTIVE and facts["state"] not in ACTIVE
            if ended or ((fresh or before != facts["state"]) and time.monotonic() - self._drawn > STILL_EVERY):
                self._redraw_stills()

    def close(self) -> None:
        """End the monitor, not the training."""
        self._watched.clear()
        self._look_again()
        super().close()

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        from workbench.widgets.monitor_still import describe_training, training_html

        with self._looking:
            return Snapshot(training_html(self), describe_training(self))

    def __repr__(self) -> str:
        name = self.facts["recipe"] or self._name
        return f"TrainingMonitor of {name} in {self.folder.name}: {self.facts['problem'] or progress_words(self.facts)}"

    def _ipython_display_(self) -> None:
        self.shown += 1
        bundle, metadata = super(Explorer, self)._repr_mimebundle_() or ({}, {})
        display(bundle, metadata=metadata, raw=True)
        still = display(self._still(), display_id=True)
        if still is not None:
            self._stills.append(still)

    def _redraw_stills(self) -> None:
        """What remains without a kernel follows the training, too."""
        self._drawn = time.monotonic()
        for still in self._stills:
            in_kernel(partial(still.update, self._still()))

    def _look_again(self) -> None:
        """Have the loop look again in a moment, if somebody looks on; without a loop each word of a view is a look."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, loop, now = None, running_loop(), time.monotonic()
        self._watched = {view: until for view, until in self._watched.items() if until > now}
        if self._watched and loop is not None:
            self._timer = loop.call_later(OFTEN if self.facts["state"] in ACTIVE else SELDOM, _next_look, weakref.ref(self))

    def _current(self) -> dict[str, Any]:
        """The facts of the folder and of the process that was started here."""
        process, problem = self._process, self._unread
        running = process is not None and process.running  # asked first: what the folder says is then of after its end
        try:
            facts = self._follow.facts()
        except WorkbenchError as error:
            facts, problem = {**Following(self.folder / "nowhere").facts(), "state": "failed"}, str(error)
        if process is not None and running:
            self._began = self._began or facts["pid"] == process.pid
            if not self._began and not facts["pid"]:
                facts["state"] = "starting"
        elif process is not None:
            self._beside = facts["pid"] if self._beside is None else self._beside
            if facts["pid"] != self._beside:
                self._process = None  # somebody else began or ended since: what ours said is over
            elif process.sentence and facts["state"] != "done":
                facts["state"] = facts["state"] if facts["state"] in RUNNING else "failed"
                problem = problem or process.sentence
        if facts["state"] not in RUNNING:
            self._stopping = False
        elif self._stopping:
            facts["state"] = "stopping"
        if facts["state"] == "failed":
            problem = problem or facts["sentence"]
        return {
            **facts,
            "problem": problem,
            "folder": self.folder.name,
            "name": facts["recipe"] or self._name,
            "can_start": self._can(facts),
        }

    def _can(self, facts: Mapping[str, Any]) -> bool:
        """Whether there is something to start or to go on with."""
        return facts["state"] not in (*ACTIVE, "done") and (self._recipe is not None or facts["state"] != "new")

    def _look_up(self) -> bool:
        """Take up what the finished epochs left; whether there is something new."""
        try:
            rows = self._follow.history()
        except WorkbenchError:
            return False  # the facts say so
        if rows is self._rows:
            return False
        self._rows = rows
        probed = self._follow.probed()
        self._header, self._unread = NOTHING, ""
        try:
            self._header = self._follow.header(probed[-1]) if probed else NOTHING
        except WorkbenchError as error:
            self._unread = str(error)
        known = self._header["categories"]
        if known and self._view["label"] not in known:
            # The label that most pictures show: its maps are worth a look.
            self._show_at_once({"label": known[int((self._header["targets"] == 1).sum(0).argmax())]})
        return True

    def _show_at_once(self, changes: dict[str, Any]) -> None:
        if "view_state" in self._trait_values:
            self.view_state = {**self._view, **changes}
        else:  # not made yet
            self._view |= changes

    def _series(self) -> dict[str, Any]:
        """The history as columns for the browser, and what the probe consists of."""
        kinds = [kind.to_json() for kind in self._header["kinds"].values()]
        names = {"categories": self._header["categories"], "ids": self._header["ids"], "kinds": kinds}
        rows = self._rows or []
        return {**names, "stages": [row["stage"] for row in rows], "probed": self._follow.probed(), **pack(series(rows))}

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        result = {**self._view, **changes}
        for key in changes:
            if key not in self._view:
                raise WorkbenchError(f'A view has no "{key}".{did_you_mean(key, self._view)}')
        known = {"label": self._header["categories"], "image": self._header["ids"], "map": list(self._header["kinds"])}
        for key, names in known.items():
            if key == "image" and isinstance(result[key], int) and 0 <= result[key] < len(names):
                result[key] = names[result[key]]
            # What a training that has not begun will show is not known: the first epoch settles it.
            if names and result[key] not in ("", *names):
                raise WorkbenchError(f'There is no {key} "{result[key]}" in this training.{did_you_mean(str(result[key]), names)}')
        if result["sort"] not in SORTS:
            raise WorkbenchError(f'"sort" cannot be {result["sort"]!r} here; use one of {", ".join(SORTS)}.')
        probed = self._follow.probed() if changes.get("epoch") is not None else []
        if changes.get("epoch") is not None and changes["epoch"] not in probed:
            raise WorkbenchError(
                f"Epoch {result['epoch']!r} has no maps; there are those of {len(probed)} epochs, and None for the last one."
            )
        return result

    def _packet(self, question: Question) -> dict[str, Any] | None:
        if question["ask"] in ("start", "stop"):
            (self.start if question["ask"] == "start" else self.stop)()
            return pack({})
        if question["ask"] in ("watch", "leave"):
            self._watched.pop(str(question["view"]), None)
            if question["ask"] == "watch":
                self._watched[str(question["view"])] = time.monotonic() + WATCHED
                self.look()
            self._look_again()
            return pack({})
        if question["ask"] == "pictures":
            pictures = {str(place): np.frombuffer(jpeg, dtype=np.uint8) for place, jpeg in enumerate(self._follow.pictures())}
            return pack(pictures)
        if question["ask"] == "maps":
            epoch, label = question.number("epoch"), question.text("label")
            found = self._follow.probe(epoch, label)
            arrays = {f"maps.{name}": values.astype(np.float16) for name, values in found.maps.items()}
            arrays |= {"logits": found.logits, "targets": found.targets}
            return {"epoch": epoch, "label": label, "strongest": self._follow.strongest(label), **pack(arrays)}
        return None


def _next_look(monitor: weakref.ref[TrainingMonitor]) -> None:
    """A moment later, in the kernel's loop."""
    if (found := monitor()) is None:
        return
    try:
        found.look()
    except Exception as error:  # of a disk that fails for a moment: the next look may do better
        found.status = f"{type(error).__name__}: {error}"
    found._look_again()
