"""What comes from a browser, looked at before anything is done with it: only JSON of a sensible size, and numbers where numbers belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import WorkbenchError

LONGEST = 4000  # letters of a text
DEEPEST = 10  # lists and dicts in one another
MOST = 300_000  # values; strokes and thresholds of ten thousand labels together are fewer
LARGEST = 2**63  # beyond it a number of JSON counts nothing that is here


class Question(dict[str, Any]):
    """A question of the browser. What it lacks, or holds in another form than asked for here, is a WorkbenchError."""

    def __init__(self, content: Any) -> None:
        if not isinstance(content, Mapping) or not isinstance(content.get("ask"), str):
            raise WorkbenchError('A question is a dict with a text "ask"; restart the kernel after an update.')
        # What "data" holds is as long as a picture; whoever reads it looks at it.
        require_plain({key: value for key, value in content.items() if not (key == "data" and isinstance(value, str))}, "The question")
        super().__init__(content)

    def __missing__(self, key: str) -> Any:
        raise WorkbenchError(f'The question "{self["ask"]:.40}" lacks "{key}"; restart the kernel after an update.')

    def number(self, key: str) -> int:
        """A whole number."""
        return self._whole(key, self[key])

    def numbers(self, key: str) -> list[int]:
        """Whole numbers, each once."""
        value = self[key]
        if not isinstance(value, list | tuple):
            raise WorkbenchError(f'"{key}" is a list of whole numbers, not {value!r:.60}.')
        return list(dict.fromkeys(self._whole(key, each) for each in value))

    def text(self, key: str) -> str:
        """A text."""
        value = self[key]
        if not isinstance(value, str):
            raise WorkbenchError(f'"{key}" is a text, not {value!r:.60}.')
        return value

    @staticmethod
    def _whole(key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise WorkbenchError(f'"{key}" needs whole numbers, not {value!r:.60}.')
        return value


def require_plain(value: Any, what: str) -> None:
    """Raise WorkbenchError for what JSON does not hold, or what is longer, larger, deeper or more than anything that is shown."""
    waiting, seen = [(value, DEEPEST)], 0
    while waiting:
        each, depth = waiting.pop()
        if isinstance(each, str):
            _require_text(each, what)
        elif isinstance(each, int | float):
            if not abs(each) < LARGEST:  # nor is one that is no number
                raise WorkbenchError(f"{what} holds {each!r:.30}, which is no number of a size that is met here.")
        elif isinstance(each, list | tuple | Mapping):
            seen += len(each)
            if not depth:
                raise WorkbenchError(f"{what} holds more than {DEEPEST} lists and dicts in one another.")
            if seen > MOST:
                raise WorkbenchError(f"{what} holds more than {MOST:,} values; a page sends fewer.")
            if isinstance(each, Mapping):
                for key in each:
                    _require_text(key, what)
            waiting += [(held, depth - 1) for held in (each.values() if isinstance(each, Mapping) else each)]
        elif each is not None:
            raise WorkbenchError(f"{what} holds a {type(each).__name__}; it takes what JSON can say.")


def _require_text(value: Any, what: str) -> None:
    if not isinstance(value, str):
        raise WorkbenchError(f"{what} holds a {type(value).__name__} where a text belongs.")
    if len(value) > LONGEST:
        raise WorkbenchError(f"{what} holds a text of {len(value)} letters; at most {LONGEST} are taken.")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise WorkbenchError(f"{what} holds a text of half a letter ({value!a:.60}), which cannot be sent.")


def echoed(question: Any) -> dict[str, Any]:
    """By which entries the browser knows its question again, those left out that cannot be sent back."""
    found = {}
    for key, value in question.items() if isinstance(question, Mapping) else ():
        try:
            require_plain(value, "")
            _require_text(key, "")
        except WorkbenchError:
            continue
        if not isinstance(value, list | tuple | Mapping):
            found[key] = value
    return found


def sentence(error: Exception) -> str:
    """What is told of an error: its kind and its sentence, on one line, as far as that can be read and sent."""
    told = " ".join(str(error).split()).encode("utf-8", "replace").decode()
    return f"{type(error).__name__}: {told[:1000]}"
