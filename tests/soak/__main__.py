"""All long proofs, in pieces, each written down when it is done: `make soak`, or python -m tests.soak [NAME ...]

Stopped and started again at the same commit it goes on where it was; at another commit it begins anew. It writes studies/robustness.json:
for each proof what was tried with which seeds, what was found, and at the top the commit and the machine.

    python -m tests.soak --list
    python -m tests.soak damaged_tables                          # one proof
    python -m tests.soak damaged_tables --seed 7 --count 100     # one piece again, nothing is written
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.common import STUDIES, machine, read_json, write_json
from tests.soak.registry import Proof, load
from tests.soak.trying import tried


def commit() -> str:
    """The commit, and whether tracked files differ from it."""
    asked = ["git", "describe", "--always", "--dirty=, with changes", "--abbrev=12", "--match="]
    return subprocess.run(asked, capture_output=True, text=True, check=False, cwd=STUDIES.parent).stdout.strip() or "unknown"


def summed(proof: Proof, pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """A proof as the study keeps it."""
    found: dict[str, int] = {}
    for piece in pieces:
        for key, value in piece.get("found", {}).items():
            found[key] = found.get(key, 0) + value
    return {
        "says": proof.says,
        "whole": proof.whole,
        "tried": sum(piece["count"] for piece in pieces if "skipped" not in piece),
        "failed": sum("failed" in piece for piece in pieces),
        "found": found,
        "processor_seconds": round(sum(piece["processor_seconds"] for piece in pieces), 1),
        "pieces": pieces,
    }


def soak(proofs: dict[str, Proof], out: Path, names: list[str]) -> bool:
    """Try what is not yet written down of `names`. Whether nothing failed."""
    study = read_json(out, {})
    if study.get("commit") != commit():
        if study:
            print(f"{out.name} is of commit {study.get('commit')}; this is {commit()}: all is tried anew.")
        study = {"study": "long proofs: what was tried to break it", "commit": commit(), "proofs": {}}
    for name in names:
        proof = proofs[name]
        done = study["proofs"].get(name, {}).get("pieces", [])
        known = {(piece["seed"], piece["count"]) for piece in done}
        for seed, count in proof.pieces():
            if (seed, count) in known:
                continue
            piece = tried(proof, seed, count)
            print(
                f"{name} --seed {seed} --count {count}: {piece.get('failed') or piece.get('skipped') or piece.get('found') or 'holds'}",
                flush=True,
            )
            done = sorted([*done, piece], key=lambda piece: piece["seed"])
            study["proofs"][name] = summed(proof, done)
            whole = {each: proof.whole for each, proof in proofs.items()}
            study["finished"] = all(study["proofs"].get(each, {}).get("tried", 0) >= whole[each] for each in whole)
            write_json(out, {**study, "machine": machine()})
    return not any(study["proofs"].get(name, {}).get("failed") for name in names)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="proofs; all by default")
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("--seed", type=int, help="one piece of one proof; nothing is written")
    parser.add_argument("--count", type=int, help="how many cases of it")
    parser.add_argument("--out", type=Path, default=STUDIES / "robustness.json")
    arguments = parser.parse_args()
    proofs = load()
    unknown = [name for name in arguments.names if name not in proofs]
    if unknown:
        parser.error(f"there is no proof {unknown[0]}; there are: {', '.join(proofs)}")
    if arguments.list:
        for proof in proofs.values():
            print(f"{proof.name:<28}{proof.sample:>6} of {proof.whole:>6}   {proof.says}")
        return 0
    names = arguments.names or list(proofs)
    if arguments.seed is not None:
        if len(arguments.names) != 1:
            parser.error("--seed goes with one proof")
        piece = tried(proofs[names[0]], arguments.seed, arguments.count or proofs[names[0]].piece)
        print(json.dumps(piece, indent=1))
        return int("failed" in piece)
    return 0 if soak(proofs, arguments.out, names) else 1


if __name__ == "__main__":
    sys.exit(main())
