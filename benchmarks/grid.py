"""Run a grid of trainings, some at a time, and keep every result as soon as it is there, so that a stopped study goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.common import machine, write_json

Row = dict[str, Any]


def run_grid(
    study: Row,
    out: Path,
    cells: Sequence[tuple],
    keys: Sequence[str],
    run_cell: Callable[[tuple, int], Row],
    summarise: Callable[[list[Row]], Any],
    describe: Callable[[Row], str],
    workers: int,
) -> None:
    """Fill ``study["runs"]`` with a row for each cell that has none yet, and write the study to `out` after each.

    Args:
        keys: the entries of a row that make up its cell, in the cell's order.
        run_cell: trains and scores one cell with the given number of threads; runs in a process of its own, so it must be importable.
        summarise: what stands in ``study["summary"]``, from all rows.
        describe: the row as a line for the terminal.
        workers: trainings at a time, one thread each.
    """
    done = {tuple(row[key] for key in keys) for row in study["runs"]}
    left = [cell for cell in cells if cell not in done]
    begin, before = time.perf_counter(), study.get("wall_seconds", 0.0)

    def save() -> None:
        study.update(machine=machine(), workers=workers, wall_seconds=round(before + time.perf_counter() - begin, 1))
        study["summary"] = summarise(study["runs"])
        write_json(out, study)

    with ProcessPoolExecutor(workers) as pool:
        waiting = {pool.submit(run_cell, cell, 1): cell for cell in left}
        for number, future in enumerate(as_completed(waiting), start=1):
            row = future.result()
            study["runs"].append(row)
            save()
            print(f"{number}/{len(left)} {describe(row)}; {(time.perf_counter() - begin) / 60:.1f} min", flush=True)
    save()


def hypothesis_in(document: str) -> str:
    """The paragraph of a module's docstring that states the hypothesis, so that the study holds the words that stood there first."""
    return " ".join(document.split("Hypothesis, written before the first run: ")[1].split("\n\n")[0].split())
