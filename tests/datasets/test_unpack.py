"""Archives that want out of their folder, or grow without bound, leave nothing behind."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from workbench.datasets.unpack import unpack
from workbench.errors import WorkbenchError


def zip_of(path, files, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def tar_of(path, files, mode="w", **kinds):
    """A tar of files; `kinds` maps a name to (type, link target) of an entry that is no file."""
    with tarfile.open(path, mode) as file:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
        for name, (kind, target) in kinds.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            file.addfile(entry)
    return path


def everything_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("make", [zip_of, tar_of, lambda path, files: tar_of(path, files, "w:gz")])
def test_files_come_out_and_replace_old_ones(tmp_path, make):
    out = tmp_path / "out"
    (out / "a").mkdir(parents=True)
    (out / "a" / "b.txt").write_text("old")
    (out / "keep.txt").write_text("mine")
    assert unpack(make(tmp_path / "archive", {"a/b.txt": b"new", "./c.txt": b"c", "empty": b""}), out) == ["a/b.txt", "c.txt", "empty"]
    assert everything_in(out) == ["a/b.txt", "c.txt", "empty", "keep.txt"]
    assert (out / "a/b.txt").read_text() == "new"
    assert stat.S_IMODE((out / "c.txt").stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil-absolute", "..\\evil", "C:\\evil", "a\n/evil"])
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_nothing_leads_out(tmp_path, make, name):
    out = tmp_path / "deep" / "out"
    with pytest.raises(WorkbenchError, match=r"leads out|cannot name a file"):
        unpack(make(tmp_path / "archive", {name: b"x"}), out)
    assert everything_in(tmp_path) == ["archive"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_no_links_and_devices_in_a_tar(tmp_path, kind):
    with pytest.raises(WorkbenchError, match="'way', a link or a device"):
        unpack(tar_of(tmp_path / "archive", {}, way=(kind, "../..")), tmp_path / "out")
    assert everything_in(tmp_path) == ["archive"]


def test_no_links_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive", "w") as file:
        entry = zipfile.ZipInfo("way")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(entry, "../..")
    with pytest.raises(WorkbenchError, match="'way', a link or a device"):
        unpack(tmp_path / "archive", tmp_path / "out")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_a_link_that_is_there_already_is_not_followed_out(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WorkbenchError, match="a link that leads out"):
        unpack(zip_of(tmp_path / "archive", {"a/b.txt": b"x"}), tmp_path / "out")
    assert everything_in(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("make", [zip_of, lambda path, files: tar_of(path, files, "w:gz")])
def test_a_bomb_is_stopped_early(tmp_path, make):
    bomb = make(tmp_path / "archive", {f"{number}.bin": bytes(4_000_000) for number in range(5)})
    assert bomb.stat().st_size < 100_000
    with pytest.raises(WorkbenchError, match="far more than its size"):
        unpack(bomb, tmp_path / "out")
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) < 4_000_000
    assert len(unpack(bomb, tmp_path / "out", most_bytes=20_000_000)) == 5


def test_a_zip_that_lies_about_its_sizes(tmp_path):
    """What counts is what comes out: the header says ten bytes."""
    path = zip_of(tmp_path / "archive", {"a.bin": bytes(4_000_000)})
    content = bytearray(path.read_bytes())
    for place in (content.index(b"PK\x03\x04") + 22, content.index(b"PK\x01\x02") + 24):
        content[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(WorkbenchError, match=r"cannot be unpacked|far more"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("make", [zip_of, tar_of, lambda path, files: tar_of(path, files, "w:gz")])
def test_damaged_archives_are_one_sentence(tmp_path, make):
    whole = make(tmp_path / "archive", {"a.bin": os.urandom(50_000)}).read_bytes()
    for number, content in enumerate((b"", b"nothing of the kind", whole[:20_000], whole[:100] + b"\xff" * 30_000 + whole[30_100:])):
        path = tmp_path / f"damaged-{number}"
        path.write_bytes(content)
        if number == 3 and make is tar_of:
            continue  # a plain tar has no checksum of its content: the published digest stands for that
        with pytest.raises(WorkbenchError, match="cannot be unpacked"):
            unpack(path, tmp_path / "out")
