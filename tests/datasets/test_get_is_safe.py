"""``data get`` beside itself: two at once, killed while it unpacks, and files that were deleted afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import pytest

from workbench.datasets import download
from workbench.datasets.download import get
from workbench.errors import WorkbenchError
from workbench.lock import locked

FILES = {f"pictures/{number:03}.jpg": bytes([number]) * 20_000 for number in range(60)}
UNPACK_SLOWLY = """
import pathlib, sys, time
from workbench.datasets import download, unpack
whole = unpack.os.replace
def slow(source, target):
    time.sleep(0.01)
    whole(source, target)
unpack.os.replace = slow
download.sources = lambda: {"mine": __import__("json").loads(sys.argv[2])}
download.get("mine", pathlib.Path(sys.argv[1]))
"""


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """A data set of one archive that lies in its folder already, so that nothing is asked of a network."""
    folder = tmp_path / "set"
    folder.mkdir()
    with zipfile.ZipFile(folder / "all.zip", "w") as file:
        for name, content in FILES.items():
            file.writestr(name, content)
    size = (folder / "all.zip").stat().st_size
    entry = {"page": "p", "terms": "t", "unpacked": 2, "archives": [{"url": "http://127.0.0.1:9/all.zip", "bytes": size}]}
    monkeypatch.setattr(download, "sources", lambda: {"mine": entry})
    return folder, entry


def whole(folder):
    return all((folder / name).read_bytes() == content for name, content in FILES.items())


def test_a_second_one_is_refused_and_spoils_nothing(entry):
    folder, _ = entry
    with locked(folder), pytest.raises(WorkbenchError, match=r"Another process is fetching into .*; wait for it"):
        get("mine", folder)
    assert sorted(path.name for path in folder.iterdir()) == ["all.zip"]
    assert get("mine", folder) == 1
    assert whole(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
@pytest.mark.parametrize("files_before", [0, 7, 40])
def test_killed_while_it_unpacks(entry, files_before):
    folder, data = entry
    command = [sys.executable, "-c", UNPACK_SLOWLY, str(folder), json.dumps(data)]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while len(list(folder.glob("pictures/[0-9]*.jpg"))) <= files_before and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < len(list(folder.glob("pictures/[0-9]*.jpg"))) < len(FILES)
    (folder / "pictures/.unpack-left").write_bytes(b"half a file")
    assert get("mine", folder) == 1
    assert whole(folder)
    assert sorted(path.name for path in folder.iterdir()) == [".fetched", "pictures"]
    assert len(list((folder / "pictures").iterdir())) == len(FILES)


def test_what_was_deleted_is_said_and_fetched_again(entry):
    folder, _ = entry
    original = (folder / "all.zip").read_bytes()
    get("mine", folder)
    said = []
    assert get("mine", folder, say=said.append) == 0
    assert said == []
    for name in ("pictures/003.jpg", "pictures/017.jpg"):
        (folder / name).unlink()
    (folder / "all.zip").write_bytes(original)
    assert get("mine", folder, say=said.append) == 1
    assert said == ["2 of the 60 files of all.zip are gone, such as pictures/003.jpg; it is fetched again."]
    assert whole(folder)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"bytes": 1}', '{"bytes": 1, "digest": null, "files": 3}'])
def test_a_damaged_record_means_fetched_again(entry, record):
    folder, _ = entry
    (folder / ".fetched").mkdir()
    (folder / ".fetched/all.zip.json").write_text(record)
    assert get("mine", folder) == 1
    assert whole(folder)
