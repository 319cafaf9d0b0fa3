"""A run knows its data: it keeps their fingerprint in ``data.safetensors`` and compares before the first step of each start.

Other columns are refused always; other images or labels unless they are accepted by word, which the file and the history then record.
Several processes compare what each of them has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load as load_bytes
from safetensors.numpy import save as save_bytes

from workbench.datasets import MultiLabelDataset
from workbench.datasets.fingerprint import Fingerprint
from workbench.errors import WorkbenchError
from workbench.files import write_bytes
from workbench.training.labels_seen import say_odd_labels
from workbench.training.mending import different, say, shown
from workbench.training.processes import Processes

if TYPE_CHECKING:
    from workbench.training.run import Run

FILE = "data.safetensors"
ROLES = ("training", "validation")


@dataclass
class KnownData:
    """Fingerprints by role, and what was accepted knowingly: ``{"epoch": finished epochs by then, "what": [sentences]}`` each."""

    prints: dict[str, Fingerprint]
    accepted: list[dict[str, Any]] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        told = {"schema": 1, "roles": {role: held.header() for role, held in self.prints.items()}, "accepted": self.accepted}
        tensors = {name: value for role, held in self.prints.items() for name, value in held.tensors(role).items()}
        return save_bytes(tensors, metadata={"data": json.dumps(told)})

    @classmethod
    def from_parts(cls, tensors: dict[str, np.ndarray], text: str) -> KnownData:
        told = json.loads(text)
        prints = {role: Fingerprint.from_parts(role, tensors, header) for role, header in told["roles"].items()}
        return cls(prints, list(told["accepted"]))

    @classmethod
    def read(cls, folder: Path) -> KnownData | None:
        """What a run folder keeps; None where it is missing or damaged."""
        try:
            with safe_open(folder / FILE, framework="numpy") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, a handle is no dict
                return cls.from_parts(tensors, file.metadata()["data"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
            return None

    def summary(self) -> dict[str, Any]:
        """For the copy in the state."""
        return {role: {"digest": held.digest, "categories": held.categories} for role, held in self.prints.items()}

    def changed(self, now: KnownData) -> tuple[list[str], list[str]]:
        """What differs in the columns, and in images and labels, as sentences without a full stop."""
        columns, rows = [], []
        for role, held in self.prints.items():
            if role in now.prints:
                other = held.columns_changed(now.prints[role])
                columns += [f"{role}: {sentence}" for sentence in other]
                rows += [] if other else [f"{role}: {sentence}" for sentence in held.rows_changed(now.prints[role])]
        return columns, rows


def opened(run: Run, processes: Processes) -> tuple[MultiLabelDataset, MultiLabelDataset]:
    """Training and validation data of a run, known to be those that it was trained on so far, and the same in all processes.

    The first process looks for broken images, the others read what it found.

    Raises: WorkbenchError that says what differs.
    """
    if not processes.first:
        processes.wait()
    found = run.training(), run.validation()
    if processes.first:
        processes.wait()
    now = KnownData({role: Fingerprint.of(data) for role, data in zip(ROLES, found, strict=True)})
    problem = ""
    if processes.first:
        try:
            run.other_data = _require_same(run, now)
        except WorkbenchError as error:
            problem = str(error)
    if processes.count > 1:
        problem = _of_all(run, now, processes, problem)
    if problem:
        raise WorkbenchError(problem)
    if processes.first:
        say_odd_labels(*found)
    run.other_data = bool(processes.totals([run.other_data])[0])
    return found


def _require_same(run: Run, now: KnownData) -> bool:
    """Compare with what the run keeps, and keep it where it keeps nothing or the change is accepted; whether the state is of other data."""
    position, kept = run.position, run.state_kept
    known = KnownData.read(run.folder)
    if known is None:
        columns = [] if not position.steps else _columns(run, kept, now)
        other = [role for role, held in (kept.get("data") or {}).items() if held.get("digest") != now.prints[role].digest]
        rows = [f"{' and '.join(other)}: they are not those of {FILE}, which is missing, so that nobody can say in what"] if other else []
        if position.steps and not kept.get("data"):
            say(
                f"{run.folder.name}: it is of an earlier version and does not know its data; they are taken to be those that it began with."
            )
    else:
        columns, rows = known.changed(now)
        now.accepted = known.accepted
    if columns:
        raise WorkbenchError(
            f"The data of {run.folder} have other columns than it was trained on ({'; '.join(columns)}); bring the old ones back, or train "
            "into another folder."
        )
    if rows and position.steps:
        if not run.accept_data:
            raise WorkbenchError(
                f"The data of {run.folder} are not those that it was trained on ({'; '.join(rows)}); bring the old ones back, train into "
                "another folder, or go on with these knowingly with --accept-data, which its history records."
            )
        say(f"{run.folder.name}: other data are accepted ({'; '.join(rows)}).")
        now.accepted = [*now.accepted, {"epoch": position.rows, "what": rows}]
    if known is None or rows:
        write_bytes(run.folder / FILE, now.to_bytes())
    return bool(position.steps) and any(
        held.get("digest") not in _digests(role, now, None if rows else known) for role, held in (kept.get("data") or {}).items()
    )


def _digests(role: str, now: KnownData, same: KnownData | None) -> set[str]:
    """The digests of these data: an image that could not be read before, and can now, gives the same data another one."""
    return {held.prints[role].digest for held in (now, same) if held is not None and role in held.prints}


def _columns(run: Run, kept: dict[str, Any], now: KnownData) -> list[str]:
    """The columns as state or checkpoint name them, where there is no fingerprint."""
    from workbench.models.checkpoint import read_config

    names = (kept.get("data") or {}).get("training", {}).get("categories")
    path = run.folder / "last.safetensors"
    if names is None and path.exists():
        names = read_config(path)["categories"]["names"]
    mine = now.prints["training"]
    empty = (np.zeros((0, len(names or ())), np.int8), np.zeros(0), np.zeros((0, 2)), np.zeros((0, 16)))
    return Fingerprint("", list(names), [], *empty).columns_changed(mine) if names else []


def _of_all(run: Run, now: KnownData, processes: Processes, problem: str) -> str:
    """The first problem of any process, or ""; each compares its recipe and its data with those of the first one."""
    recipe = json.dumps(run.recipe.to_json()).encode()
    theirs, data = (
        processes.gathered(np.frombuffer(sent if processes.first else b"", np.uint8))[0].tobytes() for sent in (recipe, now.to_bytes())
    )
    if not processes.first:
        length = int.from_bytes(data[:8], "little")
        told = json.loads(data[8 : 8 + length])["__metadata__"]["data"]
        columns, rows = KnownData.from_parts(load_bytes(data), told).changed(now)
        other = [f"the recipe: {shown(list(different(json.loads(theirs), run.recipe.to_json())))}"]
        differs = [*(other if list(different(json.loads(theirs), run.recipe.to_json())) else []), *columns, *rows]
        if differs:
            problem = (
                f"Process {processes.rank} of this training has something else than process 0 ({'; '.join(differs)}); give all of them the "
                "same recipe and the same data."
            )
    told_by_all = processes.gathered(np.frombuffer(problem.encode(), np.uint8))
    return next((part.tobytes().decode() for part in told_by_all if len(part)), "")


def accepted(folder: Path, epoch: int) -> dict[str, Any]:
    """``{"accepted": [...]}`` for the row of an epoch ahead of which other data were accepted, else empty."""
    known = KnownData.read(folder)
    what = [sentence for entry in (known.accepted if known else []) if entry["epoch"] == epoch - 1 for sentence in entry["what"]]
    return {"accepted": what} if what else {}
