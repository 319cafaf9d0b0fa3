"""What the files of a run folder say of themselves, and putting right what can be put right.

A run knows from several of its files what it is and how far it came: checkpoints say of which recipe and epoch they are, the state keeps a
copy of every small file, the history has a row for each epoch. So a run that is finished stays finished with any of them gone, and what
is missing or damaged is written again from the others. Weights are never touched here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from workbench.errors import WorkbenchError
from workbench.files import write_json, write_text
from workbench.following import STATUS
from workbench.following.rows import HISTORY, STATE, checked, read_rows, state_of
from workbench.training.broken import FILE as BROKEN
from workbench.training.recipe import Recipe

WEIGHTS = ("last", "best")
EARLIER = "earlier-"


def say(sentence: str) -> None:
    """To whoever started the training; what stands in a run's files is not lost with the terminal."""
    print(sentence, file=sys.stderr, flush=True)


def different(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """What two recipes, as JSON, would train differently. Where the data lies and what was expected of the run do not count."""
    old, new = _flat(before), _flat(after)
    for key in [*old, *(key for key in new if key not in old)]:
        if old.get(key) != new.get(key) and not key.startswith("expected") and key != "data.root":
            yield f"{key} is {old.get(key, 'not there')} there and {new.get(key, 'not there')} here"


def shown(differences: list[str]) -> str:
    return ", ".join(differences[:3]) + (f" and {len(differences) - 3} more" if len(differences) > 3 else "")


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: item for name, inner in value.items() for key, item in _flat(inner, f"{prefix}{name}.").items()}
    return {prefix.rstrip("."): value}


def imprint(recipe: Recipe, row: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint says of the training that it is from: the recipe, without where the data lies, and the epoch of its weights."""
    told: dict[str, Any] = json.loads(json.dumps(recipe.to_json()))
    told.pop("expected", None)
    told["data"].pop("root", None)
    return {"recipe": told, "epoch": row["epoch"], "epochs": recipe.total_epochs, "stage": row["stage"]}


class Found:
    """What is in a folder.

    Attributes:
        weights: what each checkpoint that is there says of its training (see `imprint`); {} of an earlier version, None if it is damaged.
        state: the description in the state file, {} if it is missing or damaged.
        rows: of the history, as far as they can be had; problem: what is wrong with its file, or "".
        recipe: the recipe in recipe.json as JSON, None if it is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.weights = {name: _imprint(path) for name in WEIGHTS if (path := folder / f"{name}.safetensors").is_file()}
        self.state = state_of(folder)
        self.rows, self.problem = read_rows(folder)
        self.recipe = json_object(folder / "recipe.json")
        self.kept: dict[str, Any] = self.state["kept"] if isinstance(self.state.get("kept"), dict) else {}

    @property
    def trained(self) -> bool:
        """Whether there is anything that a training left, and that another one would write over."""
        begun = (self.folder / STATE).exists() and self.state.get("position", {}).get("steps") != 0
        return bool(self.weights or self.rows or self.problem or begun)

    def recipes(self) -> dict[str, dict[str, Any]]:
        """The recipe that each file says it is of, by the file's name: checkpoints first, then the state."""
        told = {f"{name}.safetensors": held.get("recipe") for name, held in self.weights.items() if held}
        return {name: recipe for name, recipe in {**told, STATE: self.kept.get("recipe")}.items() if isinstance(recipe, dict)}

    def foreign(self, recipe: Recipe) -> dict[str, list[str]]:
        """The files that are of another recipe, with what differs."""
        found = {name: list(different(_complete(told), recipe.to_json())) for name, told in self.recipes().items()}
        return {name: differences for name, differences in found.items() if differences}

    def finished(self, recipe: Recipe) -> bool:
        """Whether the training of this recipe came to its end, by whatever file still says so."""
        foreign = self.foreign(recipe)
        if STATE not in foreign and self.state.get("position", {}).get("done") is True:
            return True
        last = self.weights.get("last") if "last.safetensors" not in foreign else None
        if last:  # it is written ahead of the best one and the row of its epoch
            complete = len(self.rows) == recipe.total_epochs or bool(self.problem) or not self.state
            return last.get("epoch") == recipe.total_epochs and complete
        if not self.weights or foreign or (STATE not in foreign and self.state.get("groups")):
            return False  # without weights the rows alone are no training, and a state with an optimiser is of one that goes on
        return len(self.rows) == recipe.total_epochs and not self.problem


def mend(found: Found, recipe: Recipe, environment: dict[str, Any]) -> Iterator[str]:
    """Write again what a finished run lacks; yields a sentence for each file, also for those that cannot be written again."""
    folder, kept = found.folder, found.kept if STATE not in found.foreign(recipe) else {}
    if found.recipe is None or list(different(found.recipe, recipe.to_json())):
        write_json(folder / "recipe.json", recipe.to_json())
        yield "recipe.json was not the one that it was trained with, and is written again"
    around = json_object(folder / "environment.json")
    if around is None or around != kept.get("environment", around):
        if "environment" in kept:
            write_json(folder / "environment.json", kept["environment"])
            yield f"environment.json {'was missing or damaged' if around is None else 'was not its own'}, and is written again"
        else:
            write_json(folder / "environment.json", {**environment, "note": "written after the training, whose own was lost"})
            yield "environment.json was missing or damaged; what is there now is of today"
    rows = kept.get("history") or found.rows
    if found.problem or len(found.rows) != recipe.total_epochs or rows != found.rows:
        if len(rows) == recipe.total_epochs:
            write_history(folder, rows)
            yield f"{HISTORY} {found.problem or 'was not its own'}, and is written again"
        else:
            yield f"{HISTORY} {found.problem or 'lacks epochs'}; {len(rows)} of {recipe.total_epochs} epochs can still be read"
    if kept.get("broken") and json_object(folder / BROKEN) is None:
        write_json(folder / BROKEN, kept["broken"])
        yield f"{BROKEN} was missing or damaged, and is written again"
    status = json_object(folder / STATUS)
    if status is not None and status.get("state") != "done":
        write_json(folder / STATUS, {"state": "done"})
        yield f"{STATUS} said that it is {status.get('state')!r:.20}, and is corrected"
    yield from _lacking(found, recipe)


def damaged_weights(found: Found, recipe: Recipe) -> Iterator[str]:
    """Put damaged checkpoints of a training that goes on aside; the next epochs write new ones."""
    for name, told in found.weights.items():
        if told is None:
            path = found.folder / f"{name}.safetensors"
            path.rename(path.with_suffix(".damaged"))
            yield f"{path.name} is damaged and is now {path.stem}.damaged; the epochs to come write another one"
    if "best" not in found.weights and any(row["stage"] == recipe.last_stage for row in found.rows):
        yield "best.safetensors is missing; the best of the epochs to come is kept"


def repaired_rows(found: Found, recipe: Recipe) -> Iterator[str]:
    """Put the history of a training that goes on in step with its state, whose copy counts; yields what was done.

    Rows that nothing keeps any more, as of an earlier version, are written as lost: the best epoch is then sought among the others.
    """
    done = found.state.get("position", {}).get("rows", 0)
    rows = checked(found.kept.get("history"))[:done] or found.rows[:done]
    if not found.problem and found.rows[: len(rows)] == rows and len(rows) == done:
        return
    stages = [(name, place) for name, stage in recipe.stages.items() for place in range(1, stage.epochs + 1)]
    for number in range(len(rows) + 1, done + 1):
        name, place = stages[number - 1]
        rows.append(
            {"stage": name, "epoch": number, "stage_epoch": place, "lost": True, "loss": None, "validation.map": None, "seconds": 0}
        )
    write_history(found.folder, rows)
    lost = [row["epoch"] for row in rows if row.get("lost")]
    yield f"{HISTORY} {found.problem or 'was not in step with the state'}, and is written again" + (
        f"; what epoch {', '.join(map(str, lost[:5]))} measured is lost" if lost else ""
    )


def _lacking(found: Found, recipe: Recipe) -> Iterator[str]:
    """What no other file holds."""
    foreign = found.foreign(recipe)
    for name in WEIGHTS:
        if name not in found.weights or found.weights[name] is None:
            yield f'{name}.safetensors is {"missing" if name not in found.weights else "damaged"}; use the other ones ("last" or "best")'
        elif f"{name}.safetensors" in foreign:
            yield f"{name}.safetensors is of another training ({shown(foreign[f'{name}.safetensors'])})"
        elif name == "last" and (found.weights[name] or {}).get("epoch", recipe.total_epochs) != recipe.total_epochs:
            yield f"last.safetensors is of epoch {found.weights[name]['epoch']}, not of the last one"  # type: ignore[index]
    if not found.kept:
        return  # of an earlier version, which wrote less
    probes = [
        number for number in range(1, recipe.total_epochs + 1) if not readable(found.folder / "probe" / f"epoch-{number:04d}.safetensors")
    ]
    if probes:
        yield f"the probe of epoch {', '.join(map(str, probes[:5]))} is missing or damaged; the epoch slider leaves it out"
    if any(stage.discriminative for stage in recipe.stages.values()) and not readable(found.folder / "centres.safetensors"):
        yield "centres.safetensors, the running class centres, is missing or damaged"


def write_history(folder: Path, rows: list[dict[str, Any]]) -> None:
    write_text(folder / HISTORY, "".join(json.dumps(row) + "\n" for row in rows))


def _complete(told: dict[str, Any]) -> dict[str, Any]:
    """With what a later version added to recipes."""
    try:
        return Recipe.from_json(told).to_json()
    except (WorkbenchError, TypeError, ValueError, AttributeError, KeyError):
        return told


def keep_aside(folder: Path) -> Path:
    """Move all that a training left into a folder of its own within its folder."""
    number = 1 + max((int(name) for path in folder.glob(f"{EARLIER}*") if (name := path.name.removeprefix(EARLIER)).isdecimal()), default=0)
    aside = folder / f"{EARLIER}{number}"
    aside.mkdir()
    for path in sorted(folder.iterdir()):
        if not path.name.startswith((".", EARLIER)):
            path.rename(aside / path.name)
    return aside


def _imprint(path: Path) -> dict[str, Any] | None:
    try:
        with safe_open(path, framework="numpy") as file:
            told = json.loads(file.metadata()["workbench-model"]).get("run", {})
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    return told if isinstance(told, dict) else {}


def json_object(path: Path) -> dict[str, Any] | None:
    """None where there is none, or the file is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def readable(path: Path) -> bool:
    """Whether there is a safetensors file, and a whole one."""
    try:
        with safe_open(path, framework="numpy") as file:
            file.keys()
    except (SafetensorError, OSError, ValueError):
        return False
    return True
