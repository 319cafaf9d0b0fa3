"""The package is `multilabel-workbench`, imported as `workbench`; a project that has the name `workbench` too is met with a sentence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import multilabel_workbench
from tests.test_house import PROJECT, ROOT

OURS = {"multilabel_workbench.py", "workbench/__init__.py", "workbench/errors.py"}


def install(folder: Path, name: str, version: str, command: str, files: dict[str, str]) -> None:
    """Put a distribution into `folder` as pip does: its files, its list of them, the command that it brings."""
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(f"[console_scripts]\nworkbench = {command}\n")
    (about / "RECORD").write_text("".join(f"{path},,\n" for path in files))
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def install_ours(folder: Path) -> None:
    files = {path: (ROOT / path).read_text() for path in OURS}
    files["workbench/cli.py"] = "def main():\n    print('ours')\n    return 0\n"
    install(folder, "multilabel-workbench", "0.1.0", "multilabel_workbench:main", files)


def install_foreign(folder: Path) -> None:
    files = {"workbench/__init__.py": "raise RuntimeError('imported')\n", "workbench/api/__init__.py": ""}
    install(folder, "workbench", "0.8.506", "workbench.repl.workbench_shell:launch_shell", files)


def started(*folders: Path) -> subprocess.CompletedProcess:
    """Our command in an environment of these folders."""
    code = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]}; from multilabel_workbench import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, cwd=folders[0], check=False)


def refused(result: subprocess.CompletedProcess, sentence: str) -> None:
    assert result.returncode == 2
    assert result.stdout == ""
    assert sentence in result.stderr
    assert "pip uninstall workbench" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_name_stands_once():
    import workbench

    assert PROJECT["name"] == multilabel_workbench.NAME == workbench.DISTRIBUTION
    assert PROJECT["scripts"] == {"workbench": multilabel_workbench.COMMANDS[0]}
    assert "Do not type `pip install workbench`" in (ROOT / "README.md").read_text()


def test_alone_it_starts(tmp_path):
    install_ours(tmp_path)
    assert started(tmp_path).stdout == "ours\n"


def test_under_the_former_name_it_starts(tmp_path):
    install_ours(tmp_path)
    install(tmp_path, "workbench", "0.1.0", "workbench.cli:main", {})
    assert started(tmp_path).stdout == "ours\n"


def test_another_project_in_front_is_named_and_not_imported(tmp_path):
    install_foreign(tmp_path / "site")
    install_ours(tmp_path / "clone")
    result = started(tmp_path / "site", tmp_path / "clone")
    refused(result, "workbench 0.8.506, another project of the same name that hides multilabel-workbench")


@pytest.mark.parametrize("last", ["ours", "foreign"])
def test_files_of_two_projects_in_one_folder_are_refused(last, tmp_path):
    for who in ("foreign", "ours") if last == "ours" else ("ours", "foreign"):
        (install_ours if who == "ours" else install_foreign)(tmp_path)
    refused(started(tmp_path), "workbench 0.8.506, another project")


def test_what_an_uninstalled_project_took_along_is_missed(tmp_path):
    install_ours(tmp_path)
    (tmp_path / "workbench/__init__.py").unlink()
    refused(started(tmp_path), "lacks its __init__.py")


def test_nothing_called_workbench_at_all(tmp_path):
    install_ours(tmp_path)
    shutil.rmtree(tmp_path / "workbench")
    refused(started(tmp_path), "lacks its __init__.py")


def test_another_project_behind_ours_is_only_told_by_doctor(tmp_path, monkeypatch, capsys):
    from workbench.cli import main

    install_foreign(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert multilabel_workbench.clash() is None
    assert main(["doctor", "--json"]) == 1
    (found,) = [finding for finding in json.loads(capsys.readouterr().out) if finding["state"] == "clash"]
    assert "workbench 0.8.506, another project" in found["what"]
    assert "pip uninstall workbench" in found["remedy"]
