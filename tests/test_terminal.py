"""Names from data on a terminal: none ends a command, and none moves the cursor or turns the text around."""

import io
import os
import subprocess
import sys

import pytest

from workbench.cli import main
from workbench.terminal import Escaped, printable

NAMES = ["Straße", "猫", "\u202eleft", "red\x1b[31m", "bell\x07", "🙂"]


def test_control_characters_become_escapes():
    assert printable("a\x1b[2Jb\u202ec\td\n") == "a\\x1b[2Jb\\u202ec\td\n"
    assert printable("Straße 猫") == "Straße 猫"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_no_letter_fails(encoding):
    raw = io.BytesIO()
    stream = Escaped(io.TextIOWrapper(raw, encoding=encoding))
    for name in NAMES:
        stream.write(name + "\n")
    stream.flush()
    assert len(raw.getvalue().splitlines()) == len(NAMES)
    assert b"\x1b" not in raw.getvalue()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_piped_command_on_a_narrow_console(tmp_path, encoding):
    (tmp_path / "table.csv").write_text("image,labels\na.png," + ";".join(NAMES) + "\n", encoding="utf-8")
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    command = [sys.executable, "-m", "workbench", "data", "check", "table", "--root", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=False)
    assert b"Traceback" not in found.stderr
    assert b"\x1b" not in found.stdout + found.stderr
    assert found.returncode == 0, found.stderr
    assert b"\\u732b" in found.stdout


def test_the_streams_are_given_back(capsys):
    before = sys.stdout, sys.stderr
    assert main(["recipes"]) == 0
    assert (sys.stdout, sys.stderr) == before
