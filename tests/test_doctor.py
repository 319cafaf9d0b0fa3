"""``workbench doctor`` says where caches lie and removes them, but none that somebody holds."""

import json
from pathlib import Path

import pytest

from workbench.cli import main
from workbench.commands.doctor import caches
from workbench.errors import WorkbenchError
from workbench.lock import locked
from workbench.shelf import cache_home


@pytest.fixture
def places(tmp_path, monkeypatch):
    """One cache of each kind, and a run beside them."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    run = tmp_path / "home/runs/mine"
    run.mkdir(parents=True)
    (run / "best.safetensors").write_bytes(b"weights")
    folders = [tmp_path / "own/annotations", tmp_path / "own/scenes", tmp_path / "home/runs/.features"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "entry").write_bytes(bytes(2_000_000))
    return folders


def test_it_says_where_they_lie_and_how_large_they_are(places, capsys):
    main(["doctor", "--json"])
    said = [finding["what"] for finding in json.loads(capsys.readouterr().out)]
    for folder in places:
        assert any(str(folder) in line and "2.0 MB" in line for line in said), folder


def test_purge_removes_them_and_nothing_else(places, tmp_path, capsys):
    assert main(["doctor", "--purge"]) == 0
    assert "removed" in capsys.readouterr().out
    assert not any(folder.exists() for folder in places)
    assert (tmp_path / "home/runs/mine/best.safetensors").read_bytes() == b"weights"
    assert caches() == {}
    assert main(["doctor", "--purge"]) == 0
    assert "there are no caches" in capsys.readouterr().out


def test_what_is_held_stays(places, capsys):
    with locked(places[2]):
        assert main(["doctor", "--purge"]) == 0
    assert "is in use" in capsys.readouterr().out
    assert [folder.exists() for folder in places] == [False, False, True]


def test_without_a_home_the_cache_is_temporary_and_said(tmp_path, monkeypatch):
    for name in ("WORKBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("Could not determine home directory.")))
    with pytest.warns(UserWarning, match="There is no home folder to keep caches in: they lie in"):
        place = cache_home()
    assert place.parent == tmp_path
    assert place.stat().st_mode & 0o077 == 0
    (tmp_path / "blocked").write_text("a file")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "blocked")
    with pytest.warns(UserWarning, match="set WORKBENCH_CACHE to choose"):
        assert cache_home() == place
    monkeypatch.setattr("os.getuid", lambda: 12345)
    (tmp_path / "workbench-12345").mkdir()
    with pytest.raises(WorkbenchError, match="belongs to somebody else"):
        cache_home()
