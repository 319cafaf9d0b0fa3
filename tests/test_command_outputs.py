"""What ``-o`` may write over, and a full disk at each write of each command: the old file is whole."""

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from workbench import cli
from workbench.shelf import archives

FIXTURE = Path(__file__).parent / "fixtures" / "run-schema-1.zip"
ARCHIVE = Path(__file__).parent / "fixtures" / "archive-schema-1.safetensors"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run and the paths of all that the commands read."""
    place = tmp_path_factory.mktemp("outputs")
    with zipfile.ZipFile(FIXTURE) as archive:
        archive.extractall(place, [name for name in archive.namelist() if name.startswith("finished/")])
    shutil.copy(ARCHIVE, place / "archive.safetensors")
    return place


def commands(place):
    """Arguments without ``-o`` by the kind of file that each command writes."""
    run, archive = str(place / "finished"), str(place / "archive.safetensors")
    return {
        "inspect": ["inspect", run, "--limit", "2", "--no-measure"],
        "export": ["export", archive],
        "report": ["report", run],
    }


def refused(capsys, arguments, told):
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1, said


@pytest.mark.parametrize("command", ["inspect", "export", "report"])
def test_only_files_of_its_kind_are_written_over(command, made, tmp_path, capsys):
    arguments = commands(made)[command]
    kind = "archive" if command == "inspect" else "page"
    thesis, weights = tmp_path / "thesis.html", made / "finished" / "best.safetensors"
    thesis.write_text("<!doctype html><p>Three years of work")
    held = weights.read_bytes()
    for path in (thesis, weights, made / "finished" / "recipe.json"):
        refused(capsys, [*arguments, "-o", str(path)], f"is no {kind} of ours")
    refused(capsys, [*arguments, "-o", str(tmp_path)], "is a folder")
    assert thesis.read_text() == "<!doctype html><p>Three years of work"
    assert weights.read_bytes() == held
    target = tmp_path / f"out.{'safetensors' if command == 'inspect' else 'html'}"
    for _ in range(2):  # over its own, too
        assert cli.main([*arguments, "-o", str(target)]) == 0
    assert cli.main([*arguments, "-o", str(thesis), "--force"]) == 0
    assert thesis.read_bytes()[:50] == target.read_bytes()[:50]


@pytest.mark.skipif(os.name != "posix", reason="needs devices")
@pytest.mark.parametrize("command", ["inspect", "export", "report"])
def test_never_a_device_and_never_the_input(command, made, tmp_path, capsys):
    arguments = commands(made)[command]
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/null", str(tmp_path / "pipe")):
        refused(capsys, [*arguments, "-o", path, "--force"], "is a device")
    assert Path("/dev/null").is_char_device()
    if command == "export":
        (tmp_path / "link.html").symlink_to(made / "archive.safetensors")
        refused(capsys, [*arguments, "-o", str(tmp_path / "link.html"), "--force"], "is what this command reads")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file sizes")
@pytest.mark.parametrize("command", ["inspect", "export", "report", "evaluate", "data export"])
def test_a_full_disk_leaves_the_old_file_whole(command, made, tmp_path, capsys):
    """A limit of file sizes fails the same writes with a sibling of the error of a full disk."""
    import resource

    run = shutil.copytree(made / "finished", tmp_path / "finished")
    target, arguments = tmp_path / "out.file", commands(made).get(command)
    if command == "evaluate":
        arguments, target = ["evaluate", str(run)], run / "evaluation-sklearn.json"
        assert cli.main(arguments) == 0
    elif command == "data export":
        target = tmp_path / "exported"
        arguments = ["data", "export", "scenes", "--count", "2", "-o", str(target)]
    else:
        arguments = [*arguments, "-o", str(target)]
        assert cli.main(arguments) == 0
    before = target.read_bytes() if target.is_file() else None
    capsys.readouterr()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        code = cli.main(arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = capsys.readouterr().err
    assert code == 2
    assert "the disk or your quota is full" in said
    if before is not None:
        assert target.read_bytes() == before
    assert not list(tmp_path.rglob(".*")), "nothing half-written stays"
    assert cli.main(arguments) == 0, "the second try is not blocked by what the first one left"


def test_every_shipped_archive_and_page_is_known_as_one(tmp_path):
    from workbench.commands.output import KINDS
    from workbench.inspection import Inspection
    from workbench.reports.page import write_report
    from workbench.widgets import AttentionExplorer

    assert archives()
    assert all(KINDS["archive"](path) for path in archives().values())
    explorer = AttentionExplorer(Inspection.open(ARCHIVE))
    for path in (explorer.export_html(tmp_path / "a.html"), write_report([], tmp_path / "b.html")):
        assert KINDS["page"](path)
        assert not KINDS["archive"](path)
