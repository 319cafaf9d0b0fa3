"""Run folders with files missing, cut, or from another run, alone and in pairs, trained again: no weights change without the word.

For a finished run the weights have to stay as they are. One that was stopped half-way either is refused, its weights as they are, or ends
with the weights of the run that nothing befell.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch

import workbench.datasets
from tests.soak.registry import listed, proof
from tests.training.colored_blocks import blocks_recipe, load_blocks
from workbench.errors import WorkbenchError
from workbench.evaluation import evaluate
from workbench.training import Recipe, train

FILES = (
    "recipe.json", "environment.json", "status.json", "history.jsonl", "last.safetensors", "best.safetensors", "state.safetensors",
    "probe/epoch-0001.safetensors", "probe/pictures.safetensors",
)  # fmt: skip
FAULTS = ("missing", "cut", "other")
WEIGHTS = ("last.safetensors", "best.safetensors")
RECIPE = blocks_recipe(epochs=2)
OTHER = RECIPE.with_overrides({"seed": "7", "stages.all.lr": "0.002"})


@dataclass(frozen=True)
class Case:
    """Faults by file, in a run that is "finished" or "stopped", trained again with its own recipe or with another one."""

    faults: tuple[tuple[str, str], ...]
    run: str
    recipe: str

    def __str__(self) -> str:
        return f"{self.run}, {self.recipe} recipe: " + ", ".join(f"{file} {fault}" for file, fault in self.faults)


def cases(most: int = 2) -> list[Case]:
    """All of them, those with one fault first."""
    found = []
    for number in range(1, most + 1):
        for files in itertools.combinations(FILES, number):
            for faults in itertools.product(FAULTS, repeat=number):
                for run, recipe in itertools.product(("finished", "stopped"), ("its own", "another")):
                    found.append(Case(tuple(zip(files, faults, strict=True)), run, recipe))
    return found


def make(place: Path) -> None:
    """The runs that the cases are made of."""

    def stop(run: object, row: object) -> None:
        raise KeyboardInterrupt

    train(RECIPE, place / "finished", progress=False)
    train(OTHER, place / "other", progress=False)
    with contextlib.suppress(KeyboardInterrupt):
        train(RECIPE, place / "stopped", progress=False, on_epoch=stop)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in WEIGHTS if (folder / name).exists()}


def tried(case: Case, place: Path) -> tuple[str, str]:
    """ "usable", "refused", or what went wrong; and what was said."""
    folder = place / "case"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place / case.run, folder)
    for file, fault in case.faults:
        _befall(folder / file, place / "other" / file, fault)
    before = contents(folder)
    recipe: Recipe = RECIPE if case.recipe == "its own" else OTHER
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            run = train(recipe, folder, progress=False)
        except WorkbenchError as error:
            return ("refused" if contents(folder) == before else "refused, but weights changed"), str(error)
    after = contents(folder)
    if case.run == "finished" and after != before:
        return "weights changed", said.getvalue()
    if case.run == "stopped" and case.recipe == "its own" and after != contents(place / "finished") and _best_is_whole(case):
        return "ends with other weights", said.getvalue()
    if case.run == "stopped" and case.recipe == "another" and after != before:
        return "weights changed", said.getvalue()
    for which in ("best", "last"):
        with contextlib.suppress(WorkbenchError):
            evaluate(run.folder, which=which)
            return "usable", said.getvalue()
    return "neither checkpoint can be used", said.getvalue()


def _best_is_whole(case: Case) -> bool:
    """Where the best checkpoint so far is gone, the best of the epochs to come is kept."""
    return "best.safetensors" not in dict(case.faults)


def _befall(path: Path, other: Path, fault: str) -> None:
    if fault == "missing":
        path.unlink(missing_ok=True)
    elif fault == "other":
        shutil.copy(other, path)
    elif path.exists():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def study(chosen: list[Case]) -> Iterator[tuple[Case, str, str]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name, mock.patch.object(workbench.datasets, "load_dataset", load_blocks):
        make(Path(name))
        for case in chosen:
            yield case, *tried(case, Path(name))
    torch.set_num_threads(threads)


@proof(whole=len(cases()), sample=36, marks=("slow",))
def run_faults(seed: int, count: int) -> dict[str, int]:
    """With any files of a run missing, cut or of another run, no weights change without the word."""
    found: Counter[str] = Counter()
    for case, outcome, said in study(listed(cases(), seed, count)):
        assert outcome in ("usable", "refused"), f"{case}: {outcome}; {said}"
        alone = "one fault, " if len(case.faults) == 1 and case.recipe == "its own" else ""
        found[f"{alone}{outcome}"] += 1
    return dict(found)
