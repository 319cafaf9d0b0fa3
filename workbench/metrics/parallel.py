"""Work on the categories of a large matrix in threads: numpy lets go of the interpreter while it sorts and adds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

SMALL = 200_000
"""Entries up to which starting threads costs more than it saves."""
MOST_THREADS = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(work: Callable[[Item], Result], items: Iterable[Item], entries: int, threads: int | None = None) -> list[Result]:
    """Results in the order of `items`. Which thread does what never changes a digit, because no two items share a sum.

    Args:
        entries: how many numbers are looked at in all; few are done without threads.
        threads: how many; None: one a core, `MOST_THREADS` at most.
    """
    count = min(os.cpu_count() or 1, MOST_THREADS) if threads is None else threads
    if count <= 1 or (threads is None and entries < SMALL):
        return [work(item) for item in items]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, items))
