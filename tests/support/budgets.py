"""What the repository holds, counted for tests/budgets.toml: python -m tests.support.budgets"""

from __future__ import annotations

import io
import json
import re
import subprocess
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "budgets.toml"
SOURCE = (".py", ".js", ".mjs", ".ts", ".css", ".ipynb")
PACKAGES = (  # the first that fits
    ("tests", "tests/*"),
    ("benchmarks", "benchmarks/*"),
    ("benchmarks", "studies/*"),
    ("course", "notebooks/*"),
    ("course", "workbench/lessons/*"),
    ("scenes", "workbench/datasets/scenes/*"),
    ("explorers-javascript", "workbench/*.js"),
    ("explorers-javascript", "workbench/*.mjs"),
    ("explorers-javascript", "workbench/*.ts"),
    ("explorers-javascript", "workbench/*.css"),
    ("explorers-python", "workbench/widgets/*"),
    ("explorers-python", "workbench/explorers/*"),
    ("library", "workbench/*"),
    ("library", "multilabel_workbench.py"),
)


def tracked() -> list[str]:
    """Names of the tracked files that are there."""
    names = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def package_of(name: str) -> str | None:
    return next((package for package, pattern in PACKAGES if fnmatch(name, pattern)), None)


def lines_of(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return sum(len("".join(cell["source"]).splitlines()) for cell in json.loads(text)["cells"])
    return len(text.splitlines())


def lines() -> dict[str, int]:
    """Lines of source by package."""
    found: dict[str, int] = {}
    for name in tracked():
        if name.endswith(SOURCE):
            package = package_of(name) or "none"
            found[package] = found.get(package, 0) + lines_of(ROOT / name)
    return found


def megabytes() -> dict[str, float]:
    """All tracked files, and the files of the package squeezed as a wheel holds them."""
    names = tracked()
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    data = [f"workbench/{pattern.removeprefix('**/')}" for pattern in setuptools["package-data"]["workbench"]]
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            if name.startswith("workbench/") and (name.endswith(".py") or any(fnmatch(name, pattern) for pattern in data)):
                archive.write(ROOT / name, name)
    return {"tracked": sum((ROOT / name).stat().st_size for name in names) / 1e6, "wheel": len(wheel.getvalue()) / 1e6}


def reasons(text: str) -> dict[str, tuple[float, str]]:
    """Number and reason of every line of the table."""
    return {name: (float(most), why) for name, most, why in re.findall(r"^([a-z-]+) = ([\d.]+) *# *(.*)$", text, flags=re.M)}


def raised_without_reason(before: str, after: str) -> list[str]:
    """Names of the budgets whose number rose from one version of the table to the next while the reason stayed as it was."""
    old = reasons(before)
    return [name for name, (most, why) in reasons(after).items() if name in old and most > old[name][0] and why == old[name][1]]


def versions() -> list[str]:
    """The table as it was in every commit that this clone knows, oldest first, then as it is."""
    asked = ["git", "log", "--reverse", "--format=%H", "--", "tests/budgets.toml"]
    commits = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=True).stdout.split()
    shown = [
        subprocess.run(["git", "show", f"{commit}:tests/budgets.toml"], capture_output=True, text=True, cwd=ROOT, check=False)
        for commit in commits
    ]
    return [*(result.stdout for result in shown if result.returncode == 0), TABLE.read_text(encoding="utf-8")]


def main() -> None:
    most = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    for table, held in (("lines", lines()), ("megabytes", megabytes())):
        for name, value in held.items():
            print(f"{name:<22}{value:>10.{table == 'megabytes':d}f} of {most[table].get(name)}")


if __name__ == "__main__":
    main()
