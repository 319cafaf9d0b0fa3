"""The page of the API, docs/api.md: everything between its two marks is written from the code by

    python -m tests.support.api_page

Each public name stands there with its arguments and the first sentence of its docstring; what is public is what a package lists in its
``__all__``. A test compares the page with the code.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
BEGIN, END = "<!-- names -->", "<!-- end of names -->"
PACKAGES = ("inspection", "training", "widgets", "models", "losses", "metrics", "analysis", "datasets", "labels")


def public_names() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Every package, that of the door first, with its public names and what they are; of `analysis` its modules in their place."""
    for module in [importlib.import_module("workbench"), *(importlib.import_module(f"workbench.{name}") for name in PACKAGES)]:
        found = {name: getattr(module, name) for name in sorted(module.__all__, key=lambda name: (name[0].isupper(), name))}
        rooms = {name: value for name, value in found.items() if isinstance(value, ModuleType)}
        yield module.__name__, [(name, value) for name, value in found.items() if name not in rooms and not name.startswith("_")]
        for room in rooms.values():
            yield room.__name__, [(name, getattr(room, name)) for name in sorted(room.__all__, key=lambda name: (name[0].isupper(), name))]


def signature(value: Any) -> str | None:
    """Its arguments with their defaults, without types: ``(model, maps=None, *, size=None)``; None for what cannot be called."""
    if not callable(value) or isinstance(value, dict):
        return None
    try:
        arguments = inspect.signature(value).parameters.values()
    except ValueError:  # dicts and exceptions take what those of Python take
        return None
    shown, starred = [], False
    for each in arguments:
        if each.kind is each.KEYWORD_ONLY and not starred:
            shown.append("*")
        starred = starred or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            shown.append(f"{'*' if each.kind is each.VAR_POSITIONAL else '**'}{each.name}")
        else:
            plain = isinstance(each.default, bool | int | float | str | None) or each.default == ()
            shown.append(each.name + ("" if each.default is each.empty else f"={each.default!r}" if plain else "=..."))
    return f"({', '.join(shown)})"


def first_sentence(value: Any) -> str:
    """The first sentence of its docstring, on one line; of a value without one, what kind of value it is."""
    if not callable(value):
        return "keys: " + ", ".join(f"`{key}`" for key in value) if isinstance(value, dict) else f"`{value!r}`"
    first = re.sub(r"\s+", " ", (inspect.getdoc(value) or "").split("\n\n")[0]).replace("|", r"\|")
    return re.split(r"(?<=[.!?])\s", first)[0]


def members(value: Any) -> list[str]:
    """Public methods and properties of a class of ours, those that it inherits from another one of ours included."""
    kinds = (FunctionType, property, classmethod, staticmethod, cached_property)
    ours = [base for base in getattr(value, "__mro__", ()) if isinstance(value, type) and base.__module__.startswith("workbench.")]
    return sorted({name for base in ours for name, held in vars(base).items() if isinstance(held, kinds) and not name.startswith("_")})


def row(name: str, value: Any) -> str:
    held = ", ".join(f"`{member}`" for member in members(value))
    return f"| `{name}{signature(value) or ''}` | {first_sentence(value)}{f' Has {held}.' if held else ''} |"


def names_block() -> str:
    """What stands between the marks."""
    lines: list[str] = []
    for package, names in public_names():
        if not names:
            continue
        lines += [f"### `{package}`", "", "| name | what it is |", "|---|---|"]
        lines += [row(name, value) for name, value in names]
        lines.append("")
    return "\n".join(lines)


def parts(text: str) -> tuple[str, str, str]:
    """What stands before, between and after the marks."""
    before, _, rest = text.partition(BEGIN)
    between, _, after = rest.partition(END)
    return before, between.strip("\n"), after


def main() -> None:
    before, _, after = parts(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(f"{before}{BEGIN}\n\n{names_block()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
