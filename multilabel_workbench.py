"""What the command `workbench` starts, under a name that no other project has: is `import workbench` ours, and then its command line.

An unrelated distribution called `workbench` installs a package and a command of the same name. Installed in one environment, one hides the
other or their files lie mixed in one folder; that is found here, before any of it is imported, and ends with a sentence.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, entry_points, packages_distributions
from importlib.util import find_spec
from pathlib import Path

NAME = "multilabel-workbench"
COMMANDS = ("multilabel_workbench:main", "workbench.cli:main")  # ours, now and under the name that we had before
REMEDY = "run `pip uninstall workbench`, then install this one again: pip install --force-reinstall --no-deps -e . in its folder"


def clash() -> str | None:
    """A sentence, if `import workbench` gives another project's package or a mixture of two; else None. Imports nothing of either."""
    spec = find_spec("workbench")
    if spec is None or spec.origin is None:
        return f"The package workbench of {NAME} lacks its __init__.py, as after an unrelated `workbench` was uninstalled; {REMEDY}."
    first = Path(spec.origin)
    if f'DISTRIBUTION = "{NAME}"' not in first.read_text(encoding="utf-8"):
        whose = next((f"{described(other)}, " for other in foreign() if _folder(other) == first.parent), "")
        return f"`import workbench` gives {first.parent}, {whose}another project of the same name that hides {NAME}; {REMEDY}."
    for other in foreign(["workbench"]):
        if _folder(other) == first.parent:
            return f"{described(other)}, another project, has files of its own among those of {NAME} in {first.parent}; {REMEDY}."
    return None


def foreign(names: Iterable[str] | None = None) -> list[Distribution]:
    """Distributions other than ours that bring a package `workbench` or a command of that name; of `names` alone, which takes no search."""
    if names is None:
        commands = {script.dist.name for script in entry_points(group="console_scripts", name="workbench") if script.dist}
        names = {*packages_distributions().get("workbench", ()), *commands, "workbench"}
    found = [each for name in sorted(names) if name != NAME for each in Distribution.discover(name=name)]
    return [each for each in found if not any(script.value in COMMANDS for script in each.entry_points)]


def described(distribution: Distribution) -> str:
    return f"{distribution.name} {distribution.version}"


def _folder(distribution: Distribution) -> Path:
    return Path(str(distribution.locate_file("workbench")))


def main() -> int:
    """The command line of `workbench`; exit code 2 and a sentence where the package of that name is not ours."""
    problem = clash()
    if problem:
        print(f"workbench: {problem}", file=sys.stderr)
        return 2
    from workbench.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
