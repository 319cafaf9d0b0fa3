"""What a check says about an answer, and the comparisons that checks are made of."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Feedback:
    """One answer checked.

    Attributes:
        passed: True, False, or None where nothing can be said (not answered yet, or nothing to compare with).
        text: what to tell the student, in whole sentences.
    """

    passed: bool | None
    text: str

    @property
    def mark(self) -> str:
        return {True: "✔", False: "✘", None: "○"}[self.passed]

    def __repr__(self) -> str:
        return f"{self.mark} {self.text}"

    def _repr_html_(self) -> str:
        return f'<p role="status"><strong>{self.mark}</strong> {html.escape(self.text)}</p>'


OPEN = Feedback(None, "Not answered yet. Put your answer in the place of the three dots and run the cell again.")


def right(text: str) -> Feedback:
    return Feedback(True, f"Right. {text}".strip())


def wrong(hint: str) -> Feedback:
    return Feedback(False, f"Not yet. {hint}")


def is_open(answer: Any) -> bool:
    """Whether the place of an answer is still empty."""
    return answer is ... or answer is None or (isinstance(answer, str) and answer.strip() in ("", "..."))


def choose(answer: Any, truth: str, options: Mapping[str, str]) -> Feedback:
    """One of several texts.

    Args:
        options: for each possible answer what to say to it: to the true one why it is right, to another a hint.
    """
    given = str(answer).strip().lower()
    if given not in options:
        return wrong(f"Choose one of these: {', '.join(repr(option) for option in options)}.")
    return right(options[given]) if given == truth else wrong(options[given])


def near(answer: Any, truth: float, tolerance: float, reveal: str) -> Feedback:
    """A guessed number: passed within `tolerance`; `reveal` tells the true one."""
    guess = float(answer)
    if abs(guess - truth) <= tolerance:
        return right(f"You said {guess:g}. {reveal}")
    return wrong(f"You said {guess:g}, which is too {'high' if guess > truth else 'low'}. {reveal}")


def same(answer: Any, truth: np.ndarray, mistakes: Sequence[tuple[Any, str]], praise: str) -> Feedback:
    """An array. `mistakes` are pairs of what a usual mistake gives and the hint to it; the first that fits is told.

    Values count as equal within a thousandth of the largest one, because archives hold maps in half precision.
    """
    given = np.asarray(answer)
    if given.dtype == object or not (np.issubdtype(given.dtype, np.number) or given.dtype == bool):
        return wrong(f"An array of numbers is wanted, and this is {type(answer).__name__}.")
    for value, hint in mistakes:
        if _equal(given, np.asarray(value)) and not _equal(np.asarray(value), truth):
            return wrong(hint)
    if given.shape != truth.shape:
        return wrong(f"Your array has shape {list(given.shape)}, wanted is {list(truth.shape)}.")
    if _equal(given, truth):
        return right(praise)
    if truth.dtype == bool:
        return wrong(f"{int((given.astype(bool) != truth).sum())} of {truth.size} entries differ.")
    return wrong(f"The shape is right; the largest difference is {np.abs(given - truth).max():.3g}.")


def _equal(first: np.ndarray, second: np.ndarray) -> bool:
    if first.shape != second.shape:
        return False
    if first.dtype == bool or second.dtype == bool:
        return bool((first.astype(bool) == second.astype(bool)).all())
    first, second = first.astype(np.float64), second.astype(np.float64)
    return bool(np.allclose(first, second, rtol=0, atol=1e-3 * max(float(np.abs(second).max(initial=0)), 1e-12)))
