"""The one error type that users meet, and the near-miss hint that its sentences carry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorkbenchError(Exception):
    """Bad input, told as one sentence: what was wrong, where, and what to do about it.

    The command line prints it and exits with 2; notebooks show it as it stands. Anything else that is raised is a defect of ours.
    """


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``' Did you mean "x"?'`` for the known name nearest to `name`, else the list of known names."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f' Did you mean "{near[0]}"?'
    shown = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
    return f" Known names: {shown}."
