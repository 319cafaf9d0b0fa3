"""A lesson: questions with their checks, and worked solutions that lie apart from the notebook."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection import Inspection
from workbench.lessons.feedback import OPEN, Feedback, is_open, wrong
from workbench.lessons.show import Paragraphs
from workbench.shelf import open_inspection

SOLUTIONS = Path(__file__).with_name("solutions")


class Lesson:
    """The questions q1, q2 ... of one notebook. A check never raises: it passes, gives a hint, or says "not answered yet".

    Attributes:
        archives: names on the shelf of the archives that the answers are worked out from.
        inspections: those archives, opened.
        results: the last feedback to each question.
    """

    name: ClassVar[str]
    archives: ClassVar[tuple[str, ...]]

    def __init__(self, *inspections: Inspection) -> None:
        self.inspections = inspections or tuple(open_inspection(name) for name in self.archives)
        if len(self.inspections) != len(self.archives):
            raise WorkbenchError(f"The lesson {self.name} looks at {len(self.archives)} archives, {len(self.inspections)} were given.")
        self.results: dict[str, Feedback] = {}

    @property
    def questions(self) -> list[str]:
        names = [name for name in dir(self) if name[0] == "q" and name[1:].isdigit()]
        return sorted(names, key=lambda name: int(name[1:]))

    def solution(self, question: str) -> Paragraphs:
        """A worked solution: what to put in the place of the three dots, and why."""
        entry = self.solutions().get(question)
        if entry is None:
            raise WorkbenchError(f'{self.name} has no question "{question}".{did_you_mean(question, self.questions)}')
        return Paragraphs([f"{question}: {entry['answer']}", entry["why"]])

    @classmethod
    def solutions(cls) -> dict[str, dict[str, str]]:
        """For each question the "answer", an expression in the notebook's own names, and the "why"."""
        return json.loads((SOLUTIONS / f"{cls.name}.json").read_text("utf-8"))

    def __repr__(self) -> str:
        answered = [feedback for feedback in self.results.values() if feedback is not OPEN]
        passed = sum(feedback.passed is True for feedback in answered)
        return f"Lesson {self.name}: {len(answered)} of {len(self.questions)} questions answered, {passed} of them right."


def question(check: Callable[[Any, Any], Feedback]) -> Callable[..., Feedback]:
    """Make a method of a `Lesson` a question: an empty answer is "not answered yet", one that cannot be read gets a sentence."""

    @functools.wraps(check)
    def ask(self: Lesson, answer: Any = ...) -> Feedback:
        if is_open(answer):
            feedback = OPEN
        else:
            try:
                feedback = check(self, answer)
            except (WorkbenchError, ValueError, TypeError, LookupError, AttributeError, Warning) as error:
                # A warning where somebody made them errors: older numpy only warns of an array in the place of a number.
                feedback = wrong(f"This answer cannot be read ({type(error).__name__}: {error}).")
        self.results[check.__name__] = feedback
        return feedback

    return ask
