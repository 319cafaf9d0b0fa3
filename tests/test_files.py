"""The one atomic write: whole or as it was, whatever happens; what a killed writer leaves goes, what a living one holds stays."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from workbench import files
from workbench.errors import WorkbenchError
from workbench.files import atomic, atomic_folder, json_text, sweep, write_json, write_text

ROOT = Path(__file__).parents[1]
WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from safetensors.numpy import save_file
from workbench.files import atomic
with atomic(Path(sys.argv[1])) as temporary:
    save_file({"a": np.zeros(1000)}, temporary)
    print("here", flush=True)
    time.sleep(60)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("failing", ["fsync", "replace", "chmod"])
def test_whatever_fails_the_old_file_is_whole(failing, tmp_path, monkeypatch):
    path = write_text(tmp_path / "a.json", "old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, failing, full)
    with pytest.raises(WorkbenchError, match="the disk or your quota is full"):
        write_text(path, "new")
    assert (path.read_text(), names(tmp_path)) == ("old", ["a.json"])


def test_an_interrupted_writer_leaves_nothing(tmp_path):
    path = write_text(tmp_path / "a.json", "old")

    def half(place):
        place.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), atomic(path) as temporary:
        half(temporary)
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "pictures") as place:
        half(place / "1.png")
    assert (path.read_text(), names(tmp_path)) == ("old", ["a.json"])


def test_a_killed_writer_leaves_what_the_next_one_sweeps_and_a_living_one_is_left_alone(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "a.safetensors")], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "here\n"
        sweep(tmp_path)
        assert len(list(tmp_path.glob(".a.safetensors.*.part"))) == 1, "somebody holds it"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    (tmp_path / ".mine.part").write_text("no folder, not ours")
    sweep(tmp_path)
    assert names(tmp_path) == [".mine.part"]


@pytest.mark.skipif(os.name != "posix", reason="needs devices and links")
def test_what_is_no_file_is_never_replaced_and_a_link_stays_a_link(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place, what in ((Path("/dev/null"), "a device"), (tmp_path / "pipe", "a device"), (tmp_path, "a folder")):
        with pytest.raises(WorkbenchError, match=what):
            write_text(place, "x")
    target = write_text(tmp_path / "far.txt", "old")
    (tmp_path / "near.txt").symlink_to(target)
    write_text(tmp_path / "near.txt", "new")
    assert (tmp_path / "near.txt").is_symlink()
    assert target.read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="needs permissions as POSIX has them")
def test_files_are_as_open_to_others_as_this_user_makes_them(tmp_path):
    for mask, expected in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
        before = os.umask(mask)
        try:
            write_text(tmp_path / "a.txt", "x")
            with atomic(tmp_path / "b.safetensors") as temporary:
                save_file({"a": np.zeros(3)}, temporary)
        finally:
            os.umask(before)
        assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("a.txt", "b.safetensors")} == {expected}


def test_errors_name_the_target(tmp_path):
    with pytest.raises(WorkbenchError, match=r"gone is gone; make it again"):
        write_text(tmp_path / "gone" / "a.txt", "x")
    with pytest.raises(WorkbenchError, match=r"longer than the file system takes"):
        write_text(tmp_path / ("a" * 300), "x")
    write_text(tmp_path / ("a" * 250), "x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkbenchError, match=r"file is a file"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_json_is_always_json(tmp_path):
    value = {"a": float("nan"), "b": [float("inf"), 1.5, (None, True)], "ü": {"c": -float("inf")}}
    expected = {"a": None, "b": [None, 1.5, [None, True]], "ü": {"c": None}}
    assert json.loads(json_text(value), parse_constant=pytest.fail) == expected
    assert json.loads(write_json(tmp_path / "a.json", value, names=True).read_text("utf-8")) == expected
    assert "ü" in (tmp_path / "a.json").read_text("utf-8")
    assert "ü" not in write_json(tmp_path / "a.json", value).read_text("utf-8")


def test_nobody_writes_otherwise():
    """Every file that the library writes goes through `workbench.files`; what grows while it is fetched or unpacked is named here."""
    import re

    direct = re.compile(r"os\.replace|mkstemp|\.write_text\(|\.write_bytes\(|os\.rename|NamedTemporaryFile|\bopen\([^)]*\"[wax]")
    allowed = {"workbench/files.py", "workbench/datasets/download.py", "workbench/datasets/unpack.py"}
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / "workbench").rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in allowed
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if direct.search(line) and "temporary" not in line
    ]
    assert not found


@pytest.mark.parametrize("name", ["evaluation.json", "a[b]*.json"])
def test_what_was_killed_while_it_wrote_a_file_goes_when_the_file_is_written_again(tmp_path, name):
    left = tmp_path / f".{name}.abcdefgh.part"
    other = tmp_path / ".other.json.abcdefgh.part"
    for folder in (left, other):
        folder.mkdir()
        (folder / ".lock").write_text("1")
        (folder / name).write_text("half")
    with files.kept_open(other / ".lock"):
        files.write_text(tmp_path / "other.json", "whole")
        assert other.exists(), "somebody writes there"
    files.write_text(tmp_path / name, "whole")
    assert not left.exists()  # before, it stayed in run folders that only `evaluate` writes into
