"""Constraints for pip that pin every package of pyproject.toml to the lowest version that it allows: python -m tests.support.lowest

pip takes the newest version that fits; with these constraints it takes the oldest of each package that we name ourselves. What those want
in their turn is left to pip. Nothing but the standard library is needed, because it runs before anything is installed.

    python -m tests.support.lowest > constraints-lowest.txt
    python -m tests.support.lowest --installed       # exit code 1 where the environment holds other versions
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*(?P<bounds>[^;]*)(?:;.*)?")
_LOWEST = re.compile(r"(?:>=|==|~=)\s*([0-9]+(?:\.[0-9]+)*)")


def requirements(pyproject: Path = PYPROJECT) -> list[str]:
    """What the project and all of its extras want."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(item for items in project["optional-dependencies"].values() for item in items)]


def lowest(wanted: Iterable[str]) -> dict[str, str]:
    """The lowest version that these requirements allow, by package; of several bounds for one package the highest.

    Raises: ValueError for a requirement without a lower bound, which would be tested with whatever is newest.
    """
    found: dict[str, str] = {}
    for requirement in wanted:
        match = _REQUIREMENT.fullmatch(requirement.strip())
        bounds = _LOWEST.findall(match["bounds"]) if match else []
        if not match or not bounds:
            raise ValueError(
                f'"{requirement}" in pyproject.toml has no lowest version; write the oldest that the tests pass with, name>=1.2.'
            )
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()
        found[name] = max([*bounds, found.get(name, "0")], key=numbers)
    return found


def numbers(text: str) -> tuple[int, ...]:
    """A version's numbers without zeros at its end, so that 2.4 and 2.4.0 are the same: "2.15.0+cpu" -> (2, 15)."""
    parts = [int(part) for part in re.match(r"[0-9.]*", text.partition("+")[0]).group().split(".") if part]  # type: ignore[union-attr]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def constraints(pins: dict[str, str]) -> str:
    """The text of a constraints file."""
    return "".join(f"{name}=={held}\n" for name, held in sorted(pins.items()))


def drifted(pins: dict[str, str]) -> list[str]:
    """What is installed in another version than pinned, or not at all, in words."""
    said = []
    for name, held in sorted(pins.items()):
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "not installed"
        if numbers(installed) != numbers(held):
            said.append(f"{name} is {installed}, the lowest that pyproject.toml allows is {held}")
    return said


if __name__ == "__main__":
    try:
        pins = lowest(requirements())
    except ValueError as error:
        sys.exit(str(error))
    if "--installed" in sys.argv[1:]:
        problems = drifted(pins)
        print("\n".join(problems) or f"{len(pins)} packages in their lowest versions", file=sys.stderr)
        sys.exit(bool(problems))
    print(constraints(pins), end="")
