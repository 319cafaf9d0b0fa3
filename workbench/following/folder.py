"""A training seen from outside: what its folder says while it runs and afterwards, read without torch.

While it runs, the first process of a training replaces ``status.json`` at most once a second (see `workbench.training.status`); after each
epoch it writes the history and the probe: maps of a few fixed images, whose pictures stand in ``probe/pictures.safetensors``.
Shapes: E epochs, C categories, n images of the probe, h w grid of a map.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from workbench.errors import WorkbenchError
from workbench.following.rows import read_rows, state_of
from workbench.inspection import MapKind
from workbench.lock import holder

STATUS = "status.json"
PICTURES = "pictures.safetensors"
RUNNING = ("starting", "training", "evaluating")
STATES = ("new", *RUNNING, "stopped", "failed", "killed", "done")
COUNTS = ("epoch", "epochs", "stage_epoch", "stage_epochs", "step", "steps", "images", "images_in_all", "processes")
MEASURES = ("images_per_second", "loss", "lr")
NO_ROWS: list[dict[str, Any]] = []  # always the same, as the rows of an unchanged file are
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Probe:
    """What the probe of one epoch says about one label.

    Attributes:
        maps: float32 [n, h, w] by kind, as shown (through the kind's transform).
        logits: float32 [n], those that are scored; targets: int8 [n]: 1 present, 0 absent, -1 unknown.
    """

    maps: dict[str, np.ndarray]
    logits: np.ndarray
    targets: np.ndarray


class Following:
    """A run folder that may still be written to, or that is not there yet. Files are read again only when they have changed.

    Attributes:
        folder: where it is.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._read: dict[str, tuple[tuple[int, int], Any]] = {}
        self._strongest: dict[int, tuple[int, dict[str, dict[str, float]]]] = {}

    def facts(self) -> dict[str, Any]:
        """How the training stands, as JSON.

        Always there: ``state``, one of `STATES`; ``sentence``, why it failed, or ""; ``recipe``; ``pid`` and ``host`` of the process that
        trains, 0 and "" if none does; ``rows``, finished epochs. As far as known, else None: ``stage``; ``epoch``, the one that runs,
        through all stages, and ``stage_epoch``, both from 1, of ``epochs`` and ``stage_epochs``; ``step`` of ``steps`` of the epoch;
        ``images`` of ``images_in_all``; ``images_per_second`` of training; ``seconds_left``, estimated; ``loss``, of the epoch so far;
        ``lr``; ``processes``.

        Raises: WorkbenchError for a damaged history.
        """
        status, recipe, rows = self._json(STATUS), self._json("recipe.json"), self.history()
        process = holder(self.folder)
        said = str(status.get("state", ""))
        if process is None:
            state = ("killed" if said in RUNNING else said) or self._without_status(recipe, rows)
        else:  # a status that another process left says nothing of this one
            state = said if said in RUNNING and status.get("pid") == process else "starting"
        state = state if state in STATES else "stopped"
        facts = {"state": state, "sentence": str(status.get("sentence", ""))[:1000] if state == "failed" else "", "rows": len(rows)}
        facts |= {"recipe": str(recipe.get("name", "")), "pid": process or 0, "host": str(status.get("host", "")) if process else ""}
        facts |= {"stage": str(status["stage"]) if isinstance(status.get("stage"), str) else None}
        facts |= {key: _count(status.get(key)) for key in COUNTS} | {key: _finite(status.get(key)) for key in MEASURES}
        facts["epochs"] = facts["epochs"] or _total_epochs(recipe)
        if state not in RUNNING:
            facts |= {"images_per_second": None, "loss": None}
        elif rows and facts["images_per_second"] is None:
            facts["images_per_second"] = _finite(rows[-1].get("images_per_second"))
        facts["seconds_left"] = seconds_left(facts, rows) if state in RUNNING else None
        return facts

    def history(self) -> list[dict[str, Any]]:
        """One row for each finished epoch, as `workbench.training.loop` describes it. Raises WorkbenchError if the file is damaged."""
        return self._cached("history.jsonl", _rows, NO_ROWS)

    def probed(self) -> list[int]:
        """Epochs that have a probe and a row in the history, from 1."""
        found = [int(path.stem[6:]) for path in (self.folder / "probe").glob("epoch-*.safetensors") if path.stem[6:].isdecimal()]
        return sorted(number for number in found if 1 <= number <= len(self.history()))

    def header(self, epoch: int) -> dict[str, Any]:
        """What a probe says of itself: ``categories`` and ``ids``, names; ``kinds``, map kinds by name; ``scored``; ``targets`` [n, C]."""
        with self._probe(epoch) as file:
            return _header(file)

    def probe(self, epoch: int, label: str) -> Probe:
        """Maps and scores of one label. Raises WorkbenchError if the epoch has no probe, or the probe no such label."""
        with self._probe(epoch) as file:
            header = _header(file)
            if label not in header["categories"]:
                raise WorkbenchError(f'The probe of epoch {epoch} in {self.folder} has no label "{label}".')
            column, scored = header["categories"].index(label), f"logits.{header['scored']}"
            targets = header["targets"][:, column]
            maps = {name: _shown(kind, file.get_tensor(f"maps.{name}")[:, column]) for name, kind in header["kinds"].items()}
            known = scored in file.keys()  # noqa: SIM118, a handle is no dict
            logits = file.get_tensor(scored)[:, column].astype(np.float32) if known else np.full(len(targets), np.nan, np.float32)
            if any(values.ndim != 3 or len(values) != len(targets) for values in maps.values()) or logits.shape != targets.shape:
                raise ValueError("its maps, scores and targets are not of the same images")
            return Probe(maps, logits, targets)

    def strongest(self, label: str) -> dict[str, float]:
        """The largest magnitude of each kind of map for a label over all epochs: one scale, so that epochs can be compared."""
        found: dict[str, float] = {}
        for epoch in self.probed():
            mark = self._path(epoch).stat().st_mtime_ns
            if epoch not in self._strongest or self._strongest[epoch][0] != mark:
                self._strongest[epoch] = (mark, self._magnitudes(epoch))
            for name, value in self._strongest[epoch][1].get(label, {}).items():
                found[name] = max(found.get(name, 0.0), value)
        return found

    def _magnitudes(self, epoch: int) -> dict[str, dict[str, float]]:
        """The largest magnitude by label and kind of map."""
        with self._probe(epoch) as file:
            header = _header(file)
            found: dict[str, dict[str, float]] = {label: {} for label in header["categories"]}
            for name, kind in header["kinds"].items():
                values = np.abs(_shown(kind, file.get_tensor(f"maps.{name}")))
                largest = np.where(np.isfinite(values), values, 0).max(axis=(0, 2, 3), initial=0)  # [C]
                for label, value in zip(header["categories"], largest, strict=True):
                    found[label][name] = float(value)
            return found

    def pictures(self) -> list[bytes]:
        """JPEGs of the probe's images, in the order of its ids; none where the run kept none."""
        path = self.folder / "probe" / PICTURES
        if not path.exists():
            return []
        with _opened(path, "remove it, the training writes it again") as file:
            return [file.get_tensor(str(place)).tobytes() for place in range(len(file.keys()))]

    def _cached(self, name: str, read: Any, otherwise: Any) -> Any:
        path = self.folder / name
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_size)
            if name not in self._read or self._read[name][0] != mark:
                self._read[name] = (mark, read(path))
            return self._read[name][1]
        except (FileNotFoundError, NotADirectoryError):
            return otherwise
        except (ValueError, RecursionError, OSError) as error:
            raise WorkbenchError(f"{path} cannot be read ({error!s:.200}); look after the disk, or train into a new folder.") from None

    def _json(self, name: str) -> dict[str, Any]:
        """A JSON object, or an empty one where there is none: what is shown of a training must not depend on each of its files."""
        try:
            return self._cached(name, _object, {})
        except WorkbenchError:
            return {}

    def _without_status(self, recipe: Row, rows: Sequence[Row]) -> str:
        """The state of a run that says nothing of it, such as one of an earlier version."""
        if not recipe:
            return "new"
        return "done" if rows and len(rows) == _total_epochs(recipe) else "stopped"

    def _path(self, epoch: int) -> Path:
        return self.folder / "probe" / f"epoch-{epoch:04d}.safetensors"

    def _probe(self, epoch: int) -> AbstractContextManager[Any]:
        path = self._path(epoch)
        if not path.exists():
            raise WorkbenchError(f"{self.folder} has no probe of epoch {epoch}.")
        return _opened(path, "look at another epoch, or train into a new folder")


@contextmanager
def _opened(path: Path, remedy: str) -> Iterator[Any]:
    """A safetensors file to read from; whatever is wrong with it is told as one sentence."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, OSError, KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise WorkbenchError(f"{path} is damaged ({' '.join(str(error).split())[:200]}); {remedy}.") from None


def _header(file: Any) -> dict[str, Any]:
    header = json.loads(file.metadata()["probe"])
    names = [key.removeprefix("maps.") for key in file.keys() if key.startswith("maps.")]  # noqa: SIM118, a handle is no dict
    told = {kind["name"]: MapKind.from_json(kind) for kind in header.get("kinds", [])}
    logits = [key.removeprefix("logits.") for key in file.keys() if key.startswith("logits.")]  # noqa: SIM118
    categories, ids = ([str(name) for name in listed] for listed in (header["categories"]["names"], header["ids"]))
    kinds = {name: told.get(name) or MapKind(name, name, "") for name in sorted(names, key=[*told, *names].index)}
    targets = file.get_tensor("targets").astype(np.int8)
    if targets.shape != (len(ids), len(categories)):
        raise ValueError("its targets are not those of its images and categories")
    scored = str(header.get("scored", logits[0] if logits else ""))
    return {"categories": categories, "ids": ids, "kinds": kinds, "scored": scored, "targets": targets}


def seconds_left(facts: Row, rows: Sequence[Row]) -> float | None:
    """Estimated from the last epoch of the stage, its evaluation included; before there is one, from the images a second of now."""
    images, total, epochs = facts["images"], facts["images_in_all"], facts["epochs"]
    if images is None or not total or not epochs:
        return None
    last = rows[-1] if rows and rows[-1].get("stage") == facts["stage"] else {}
    if took := _finite(last.get("seconds")):
        return max(0.0, (total - images) * took * epochs / total)
    return max(0.0, (total - images) / facts["images_per_second"]) if facts["images_per_second"] else None


def series(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """The history as float32 columns [E], and "ap" [E, C]; NaN where a row has no number."""
    keys = list(dict.fromkeys(key for row in rows for key, value in row.items() if _finite(value) is not None))
    columns = {key: np.array([_number(row.get(key)) for row in rows], dtype=np.float32) for key in keys}
    given = [row.get("validation.ap") for row in rows]
    found = [values if isinstance(values, list) else [] for values in given]
    width = max(map(len, found), default=0)
    ap = np.array([[_number(value) for value in values] + [math.nan] * (width - len(values)) for values in found], dtype=np.float32)
    return columns | {"ap": ap.reshape(len(rows), width)}


def _rows(path: Path) -> list[dict[str, Any]]:
    rows, problem = read_rows(path.parent)
    if problem and not state_of(path.parent).get("kept"):
        raise ValueError(problem)
    return rows


def _object(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8"))
    return value if isinstance(value, dict) else {}


def _total_epochs(recipe: Row) -> int | None:
    stages = recipe.get("stages")
    counts = [_count(stage.get("epochs")) for stage in stages.values() if isinstance(stage, dict)] if isinstance(stages, dict) else []
    return sum(count or 0 for count in counts) or None


def _shown(kind: MapKind, values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float32)
    return 1 / (1 + np.exp(-np.clip(values, -80, 80))) if kind.transform == "sigmoid" else values


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _finite(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if -1e300 < value < 1e300 else None


def _number(value: Any) -> float:
    found = _finite(value)
    return math.nan if found is None else found
