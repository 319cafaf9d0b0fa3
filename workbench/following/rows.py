"""The history of a run, one row an epoch: from its own file, or, where that is lost or damaged, from what the state file keeps of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

HISTORY, STATE = "history.jsonl", "state.safetensors"


def read_rows(folder: Path) -> tuple[list[dict[str, Any]], str]:
    """The rows, as far as they can be had, and what is wrong with the file: "" if nothing, or if there is none and nothing to put in it."""
    rows, problem = _own(folder / HISTORY)
    if problem or not rows:
        kept = state_of(folder).get("kept")
        found = checked(kept.get("history")) if isinstance(kept, dict) else []
        if len(found) >= len(rows) and found:
            return found, problem or "is missing or empty"
    return rows, problem


def state_of(folder: Path) -> dict[str, Any]:
    """What the state file says of itself besides its tensors; empty where it cannot be read."""
    try:
        with safe_open(folder / STATE, framework="numpy") as file:
            found = json.loads(file.metadata()["state"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def checked(rows: Any) -> list[dict[str, Any]]:
    """The rows up to the first that is not the next epoch's."""
    good: list[dict[str, Any]] = []
    for number, row in enumerate(rows if isinstance(rows, list) else [], start=1):
        if not isinstance(row, dict) or row.get("epoch") != number or not isinstance(row.get("stage"), str):
            break
        good.append(row)
    return good


def _own(path: Path) -> tuple[list[dict[str, Any]], str]:
    """The rows ahead of the first damage in the file, and what that is."""
    parsed = []
    try:
        for line in path.read_bytes().splitlines():
            if line.strip():
                parsed.append(json.loads(line.decode("utf-8")))
        problem = ""
    except FileNotFoundError:
        return [], ""
    except (ValueError, RecursionError, OSError) as error:
        problem = f"cannot be read from line {len(parsed) + 1} on ({error!s:.100})"
    good = checked(parsed)
    return good, f"is not a history from line {len(good) + 1} on" if len(good) < len(parsed) else problem
