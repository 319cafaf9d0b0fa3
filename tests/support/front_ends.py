"""Which front ends were tried, and what explorers do there: the tests take their cells from here, and so does the table in the documents.

To write the table anew: python -m tests.support.front_ends
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "frontends.md"
COLUMNS = {
    "drawn": "drawn",
    "every key": "every key",
    "state back": "view back after a reload",
    "still picture": "still picture",
    "nested": "nested",
}
MOST = 15  # cells that cannot be


@dataclass(frozen=True)
class FrontEnd:
    """One row. `nested`: the containers that were tried; `more`: what else was; `cannot`: reasons, by column, for cells that cannot be."""

    tests: str
    nested: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    simulated: bool = False
    cannot: Mapping[str, str] = field(default_factory=dict)

    @property
    def aspects(self) -> list[str]:
        """What is tried of each explorer."""
        return [name for name in COLUMNS if name != "nested" and name not in self.cannot] + [*self.nested, *self.more]

    def cell(self, column: str) -> str:
        if column in self.cannot:
            return self.cannot[column]
        return f"yes: {', '.join(self.nested)}" if column == "nested" else "yes"


CONTAINERS = ("Output", "interact", "Tab", "HBox")  # of ipywidgets, in the order in which they stand in the page
HOST = FrontEnd("test_hosts.py", nested=("HBox", "Tab"), more=("state in Python", "dark", "narrow"), simulated=True)
FRONT_ENDS = {
    "JupyterLab 4": FrontEnd("test_jupyter.py", nested=CONTAINERS),
    "Notebook 7": FrontEnd("test_jupyter.py", nested=CONTAINERS),
    "marimo": FrontEnd(
        "test_marimo.py", nested=("mo.output", "mo.hstack", "mo.ui.tabs"), more=("state in Python", "dark", "cell run again")
    ),
    "Voila": FrontEnd(
        "test_voila.py", nested=CONTAINERS, cannot={"state back": "no: a reload starts a new kernel, with the view at its start"}
    ),
    "pages made by nbconvert": FrontEnd(
        "test_pages.py",
        cannot={
            "drawn": "no: the still picture stands for it",
            "every key": "no: nothing to type at without a kernel",
            "state back": "no: the picture is that of the last run",
            "nested": "no: such a page has no widget containers",
        },
    ),
    "VS Code": HOST,
    "Colab": HOST,
}


def table() -> str:
    """The table of docs/frontends.md."""
    lines = [f"| front end | {' | '.join(COLUMNS.values())} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for name, front in FRONT_ENDS.items():
        title = f"{name}: *simulated, not run*" if front.simulated else name
        lines.append(f"| {title} | {' | '.join(map(front.cell, COLUMNS))} |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """The document's text with its first table replaced."""
    return re.sub(r"^\|.*?(?=\n\n)", lambda _: table(), text, count=1, flags=re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
