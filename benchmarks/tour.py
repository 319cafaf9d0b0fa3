"""How long does ``workbench tour`` take, and how much memory? Runs it in a process of its own, into an empty folder.

python -m benchmarks.tour                 # writes studies/tour.json
python -m benchmarks.tour --keep FOLDER   # keeps runs, archives and report there
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common import STUDIES, machine, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="folder to keep what the tour makes")
    parser.add_argument("--out", type=Path, default=STUDIES / "tour.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch) / "tour"
        begin = time.perf_counter()
        command = [sys.executable, "-m", "workbench", "tour", "--json", "-o", str(folder)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - begin
        training = {path.parent.name: _training(path) for path in sorted(folder.glob("*/history.jsonl"))}
    result = {
        "study": "tour",
        "command": "workbench tour",
        "seconds": round(seconds, 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "mAP": json.loads(printed.splitlines()[-1])["mAP"],
        "training_seconds": training,
        "machine": machine(),
    }
    write_json(arguments.out, result)
    print(json.dumps(result, indent=1))


def _training(path: Path) -> float:
    return round(sum(json.loads(line)["seconds"] for line in path.read_text().splitlines()), 1)


if __name__ == "__main__":
    main()
