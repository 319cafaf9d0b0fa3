"""The long proofs: statements about thousands of cases, of which CI tries a fixed sample and `make soak` all.

To add one, write this in a module ``tests/soak/prove_<topic>.py``; nothing else has to know of it:

    @proof(whole=2000, sample=100)
    def damaged_tables(seed, count):
        "Every damaged table is read, or refused in one sentence of our own."
        for case in range(count): ...

- A proof draws `count` cases from `seed` alone (``random.Random(f"{seed} ...")``), so that a piece that failed can be tried again:
  ``python -m tests.soak damaged_tables --seed 7 --count 100``.
- It asserts; what it may return is a dict of numbers that are added up over all pieces ({"refused": 71}). `pytest.skip` where data are
  not at hand.
- `whole` is how many cases `make soak` tries, `sample` how many CI does, in at most 60 s of processor time; `piece` how many are tried
  before the result is written down (as many as the sample, unless given). CI tries seed 0, soak the seeds 1, 2, 3, ...
- ``apart=True`` runs it in a process of its own: for what forks, opens a browser or must not leave memory behind.
- ``marks=("slow",)`` or ``("browser",)`` puts those marks on the test of the sample. What takes more than a few seconds is slow.
- Where the cases of a kind are listed rather than drawn (recipes, data sets), case number n is item n, see `listed`.
"""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Found = dict[str, int] | None
PROOFS: dict[str, Proof] = {}


@dataclass(frozen=True)
class Proof:
    """One long proof; `says` is the first line of its docstring."""

    name: str
    says: str
    run: Callable[[int, int], Found]
    whole: int
    sample: int
    piece: int
    apart: bool
    marks: tuple[str, ...]

    def pieces(self) -> list[tuple[int, int]]:
        """(seed, count) of all that soak tries."""
        counts = [min(self.piece, self.whole - begin) for begin in range(0, self.whole, self.piece)]
        return [(number + 1, count) for number, count in enumerate(counts)]


def proof(
    *, whole: int, sample: int, piece: int | None = None, apart: bool = False, marks: Sequence[str] = (), name: str | None = None
) -> Callable[[Callable[[int, int], Found]], Callable[[int, int], Found]]:
    """Register a function of (seed, count); its name, unless given, is that of the proof."""

    def register(run: Callable[[int, int], Found]) -> Callable[[int, int], Found]:
        known = name or run.__name__
        assert known not in PROOFS, f"two proofs are called {known}"
        says = (run.__doc__ or "").strip().splitlines()
        assert says, f"{known} does not say what it proves"
        assert re.fullmatch(r"[a-z0-9_.-]+", known), f"{known}: letters, digits, . _ - only"
        assert 0 < sample <= whole
        PROOFS[known] = Proof(known, says[0], run, whole, sample, piece or sample, apart, tuple(marks))
        return run

    return register


def listed(items: Sequence[str], seed: int, count: int) -> list[str]:
    """`count` of the items: of seed 0, CI's, a fixed choice from all over the list; of 1, 2, 3, ... the next `count` in their order."""
    if seed == 0:
        return random.Random(len(items)).sample(list(items), count)
    return list(items)[(seed - 1) * count : seed * count]


def load() -> dict[str, Proof]:
    """All proofs, by name."""
    for path in sorted(Path(__file__).parent.glob("prove_*.py")):
        importlib.import_module(f"tests.soak.{path.stem}")
    return dict(sorted(PROOFS.items()))
