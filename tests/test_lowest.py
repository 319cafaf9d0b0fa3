"""The constraints of `make check-lowest`: every package that pyproject.toml names, at the lowest version that it allows."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.support.lowest import constraints, drifted, lowest, numbers, requirements
from tests.test_house import PROJECT, ROOT


def test_bounds_become_pins():
    found = lowest(["numpy>=1.26", "A_b.C >=2.0, <3", "transformers[torch]>=4.56; python_version < '3.13'", "exact==1.2.3", "near~=0.4.5"])
    assert found == {"numpy": "1.26", "a-b-c": "2.0", "transformers": "4.56", "exact": "1.2.3", "near": "0.4.5"}
    assert constraints(found).splitlines()[0] == "a-b-c==2.0"


def test_of_two_bounds_for_one_package_the_higher_one_counts():
    assert lowest(["torch>=2.4", "Torch>=2.10", "torch>=2.9"]) == {"torch": "2.10"}


@pytest.mark.parametrize("loose", ["numpy", "numpy<3", "numpy!=2.0", "git+https://example.org/numpy"])
def test_a_requirement_without_a_lowest_version_is_refused(loose):
    with pytest.raises(ValueError, match="has no lowest version"):
        lowest([loose])


@pytest.mark.parametrize(
    ("text", "expected"), [("2.15.0+cpu", (2, 15)), ("2.4", (2, 4)), ("0.1.0", (0, 1)), ("1.0.9", (1, 0, 9)), ("not installed", ())]
)
def test_versions_are_compared_as_numbers(text, expected):
    assert numbers(text) == expected


def test_every_package_of_the_project_is_pinned_and_by_the_command_too():
    said = subprocess.run([sys.executable, "-S", "-m", "tests.support.lowest"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pins = dict(line.split("==") for line in said.splitlines())
    named = {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", item).group()).lower() for item in requirements()}
    assert set(pins) == named
    assert len(named) >= 20
    for item in PROJECT["dependencies"]:
        name, bound = item.split(">=")
        assert pins[name] == bound


def test_what_drifted_is_named():
    held = version("numpy")
    assert drifted({"numpy": held}) == []
    assert drifted({"numpy": "0.1"}) == [f"numpy is {held}, the lowest that pyproject.toml allows is 0.1"]
    assert drifted({"no-such-package": "1.0"}) == ["no-such-package is not installed, the lowest that pyproject.toml allows is 1.0"]


def test_the_target_installs_every_extra_at_its_lowest():
    text = (ROOT / "Makefile").read_text()
    extras = re.search(r"LOWEST.*-e \"\.\[(.+)\]\"", text).group(1).split(",")
    assert set(extras) == set(PROJECT["optional-dependencies"])
    assert "-m tests.support.lowest >" in text
    assert "-m tests.support.lowest --installed" in text
