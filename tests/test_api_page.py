"""docs/api.md says what is public, and what it says is so."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re

import pytest

import workbench
from tests.support.api_page import PACKAGES, PAGE, members, names_block, parts, public_names, signature
from workbench.cli import COMMANDS

VERBS = ("train", "inspect", "evaluate", "explore", "figure")
TEXT, WRITTEN, _ = parts(PAGE.read_text(encoding="utf-8"))
ROWS = {match[1]: line for line in TEXT.splitlines() if (match := re.match(r"\| `(\w+)\(", line))}
EVERYTHING = [(package, name, value) for package, names in public_names() for name, value in names]


def test_the_tables_are_those_of_the_code():
    assert WRITTEN.splitlines() == names_block().strip("\n").splitlines(), "run: python -m tests.support.api_page"


def test_five_verbs_and_those_that_are_not_there_say_so():
    assert tuple(ROWS) == VERBS
    for verb, row in ROWS.items():
        assert (verb in workbench.__all__) != ("*not there yet*" in row), verb


def test_verbs_are_called_as_their_arguments_are_named():
    for verb in set(VERBS) & set(workbench.__all__):
        said = re.search(r"\((.*?)\)", ROWS[verb]).group(1).split(", ")
        assert said == list(inspect.signature(getattr(workbench, verb)).parameters)[: len(said)]


def test_each_command_stands_once():
    in_rows = [name for row in ROWS.values() for name in re.findall(r"`([a-z]+)`", row.split("|")[4])]
    assert sorted([*in_rows, "data", "doctor"]) == sorted(COMMANDS)
    for verb in ("train", "inspect", "evaluate"):
        assert in_rows.count(verb) == 1
        assert f"`{verb}`" in ROWS[verb].split("|")[4]


def test_options_of_evaluate_are_the_arguments_of_evaluate():
    from workbench.commands import evaluate

    parser = argparse.ArgumentParser(add_help=False)
    evaluate.add_arguments(parser)
    options = {action.dest for action in parser._actions if action.option_strings} - {"json"}
    assert options <= set(inspect.signature(workbench.evaluate).parameters)


def test_what_the_text_names_exists():
    packages = [workbench, *(importlib.import_module(f"workbench.{name}") for name in PACKAGES)]
    explorer = members(workbench.AttentionExplorer)
    for quoted in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.S)):
        name = quoted.split("(")[0].removeprefix("workbench").removeprefix(".")
        if not name or name in (*COMMANDS, *VERBS, *PACKAGES) or name in explorer:
            continue
        target = packages
        for step in name.split("."):
            target = [getattr(each, step) for each in target if hasattr(each, step)]
        assert target, f"{quoted} does not exist"


def test_the_example_uses_what_exists():
    tree = ast.parse(re.search(r"```python\n(.*?)```", TEXT, flags=re.S).group(1))
    used = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "workbench"]
    assert set(used) <= set(workbench.__all__)
    assert {"train", "evaluate", "inspect"} <= set(used)


@pytest.mark.parametrize("package", ["inspection", "models", "losses", "metrics", "analysis", "datasets"])
def test_what_a_package_lists_is_there(package):
    module = importlib.import_module(f"workbench.{package}")
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__) > 0
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_every_public_name_has_a_docstring():
    without = []
    for package, name, value in EVERYTHING:
        doc = getattr(value, "__doc__", None) or ""
        if callable(value) and (not doc.strip() or doc.startswith(f"{name}(")):  # a dataclass without one gets its signature
            without.append(f"{package}.{name}")
    assert not without


def test_a_signature_names_arguments_and_plain_defaults():
    def example(a, b=1, *rest, c, d=None, e=(), f=[2], **more):  # noqa: B006, an example of what is left out
        pass

    def keywords(a, *, b="x"):
        pass

    assert signature(example) == "(a, b=1, *rest, c, d=None, e=(), f=..., **more)"
    assert signature(keywords) == "(a, *, b='x')"
    assert signature({}) is None
