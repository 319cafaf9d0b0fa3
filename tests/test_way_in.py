"""The way in for a contributor stays true: every room stands in the floor plan, the version is one, the forge's files can be read."""

import re
import tomllib
from pathlib import Path

import pytest

import workbench

ROOT = Path(__file__).parents[1]
PLAN = (ROOT / "CONTRIBUTING.md").read_text()


def test_every_room_stands_in_the_floor_plan():
    library = ROOT / "workbench"
    rooms = [f"{path.name}/" for path in library.iterdir() if (path / "__init__.py").is_file()]
    rooms += [path.name for path in library.glob("*.py") if not path.name.startswith("__")]
    missing = [room for room in rooms if f"`{room}`" not in PLAN]
    assert not missing, f"CONTRIBUTING.md does not say what belongs into {missing}"


def test_nothing_stands_there_that_is_gone():
    named = set(re.findall(r"`((?:[\w.-]+/)*[\w.-]+(?:/|\.py|\.toml|\.md))`", PLAN))
    gone = [name for name in named if not any((ROOT / place / name).exists() for place in ("", "workbench"))]
    assert not gone


def test_one_version():
    assert f"version: {workbench.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {workbench.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_supported_pythons_are_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = {each.rsplit(" ", 1)[1] for each in project["classifiers"] if re.search(r"Python :: 3\.\d+$", each)}
    low, high = (int(number) for number in re.match(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups())
    assert said == {f"3.{minor}" for minor in range(low, high)}
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
    assert set(jobs["linux"]["strategy"]["matrix"]["python"]) == said
    assert jobs["untested"]["continue-on-error"] is True


def test_the_forges_files_can_be_read():
    yaml = pytest.importorskip("yaml")
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} == {"format", "lint", "house"}
    for template in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.md"):
        assert {"name", "about"} <= set(yaml.safe_load(template.read_text().split("---")[1]))
