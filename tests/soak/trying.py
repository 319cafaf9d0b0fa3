"""One piece of a proof, tried, in this process or in one of its own, and what came of it as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.soak.registry import Proof, load

ROOT = Path(__file__).parents[2]


def processor_seconds() -> float:
    """Of this process and of the children that it waited for."""
    return sum(os.times()[:4])


def tried(proof: Proof, seed: int, count: int) -> dict[str, Any]:
    """{"seed", "count", "processor_seconds"} and, unless it simply holds, one of "found", "failed" and "skipped"."""
    return _apart(proof, seed, count) if proof.apart else _here(proof, seed, count)


def _here(proof: Proof, seed: int, count: int) -> dict[str, Any]:
    began = processor_seconds()
    result: dict[str, Any] = {"seed": seed, "count": count}
    try:
        with warnings.catch_warnings():
            if not os.environ.get("PYTEST_CURRENT_TEST"):  # pytest has filters of its own, those of pyproject.toml
                warnings.simplefilter("error")
            found = proof.run(seed, count)
        result |= {"found": found} if found else {}
    except pytest.skip.Exception as reason:
        result["skipped"] = str(reason)
    except (Exception, pytest.fail.Exception) as error:
        result["failed"] = f"{type(error).__name__}: {error!s:.3000}"
        traceback.print_exc()
    return {**result, "processor_seconds": round(processor_seconds() - began, 2)}


def _apart(proof: Proof, seed: int, count: int) -> dict[str, Any]:
    began = processor_seconds()
    command = [sys.executable, "-m", "tests.soak.trying", proof.name, str(seed), str(count)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment, check=False)
    lines = ended.stdout.splitlines()
    if ended.returncode or not lines:
        result: dict[str, Any] = {"seed": seed, "count": count, "failed": f"the process ended with code {ended.returncode}"}
    else:
        result = json.loads(lines[-1])
    return {**result, "processor_seconds": round(processor_seconds() - began, 2)}


if __name__ == "__main__":
    print(json.dumps(_here(load()[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]))))
