"""Fetching from a server on this machine that drops the connection, ignores ranges, sends something else, or has nothing."""

import hashlib
import http.server
import io
import json
import threading
import zipfile

import pytest

from workbench.cli import main
from workbench.datasets import download
from workbench.datasets.download import Archive, fetch, get
from workbench.errors import WorkbenchError

PAYLOAD = bytes(range(256)) * 5000  # 1.28 MB


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; `drop` lists after how many bytes the next answers end, `ranges` says whether Range is understood."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.drop, self.ranges, self.status, self.asked = {}, [], True, 200, []

    def address(self, name):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        content = server.files.get(self.path.lstrip("/"))
        if content is None or server.status != 200:
            self.send_error(404 if content is None else server.status)
            return
        start = 0
        if server.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = min(len(content), start + server.drop.pop(0)) if server.drop else len(content)
        self.wfile.write(content[start:end])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    serving = Server()
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


def archive(server, content=PAYLOAD, name="data.zip", **changes):
    server.files[name] = content
    figures = {"bytes": len(content), "digest": "sha256:" + hashlib.sha256(content).hexdigest()}
    return Archive(server.address(name), **{**figures, **changes})


def test_whole_and_not_fetched_twice(server, tmp_path):
    seen = []
    wanted = archive(server)
    path = fetch(wanted, tmp_path, lambda *step: seen.append(step))
    assert path.read_bytes() == PAYLOAD
    assert seen[-1] == ("data.zip", len(PAYLOAD), len(PAYLOAD))
    fetch(wanted, tmp_path)
    assert server.asked == [None]
    assert [entry.name for entry in tmp_path.iterdir()] == ["data.zip"]


def test_goes_on_where_the_connection_was_dropped(server, tmp_path):
    server.drop = [300_000, 1, 500_000]
    assert fetch(archive(server), tmp_path, pause=0).read_bytes() == PAYLOAD
    assert server.asked == [None, "bytes=300000-", "bytes=300001-", "bytes=800001-"]


def test_goes_on_in_a_later_call(server, tmp_path):
    wanted = archive(server)
    server.drop = [400_000, *[0] * download.ATTEMPTS]
    with pytest.raises(WorkbenchError, match=r"could not be fetched \(.*\); 400000 of 1280000 bytes are there"):
        fetch(wanted, tmp_path, pause=0)
    assert fetch(wanted, tmp_path, pause=0).read_bytes() == PAYLOAD
    assert server.asked[-1] == "bytes=400000-"


def test_a_server_that_ignores_ranges_is_asked_for_all_of_it(server, tmp_path):
    server.ranges, server.drop = False, [700_000]
    assert fetch(archive(server), tmp_path, pause=0).read_bytes() == PAYLOAD
    assert len(server.asked) == 2


def test_what_is_there_may_be_of_another_file(server, tmp_path):
    wanted = archive(server, bytes=len(PAYLOAD) + 10)  # the server has less than we hold, and answers 416
    (tmp_path / "data.zip.part").write_bytes(b"x" * (len(PAYLOAD) + 5))
    with pytest.raises(WorkbenchError, match="could not be fetched"):
        fetch(wanted, tmp_path, pause=0)
    assert server.asked[:2] == [f"bytes={len(PAYLOAD) + 5}-", None]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"digest": "sha256:" + "0" * 64}, "sha256 [0-9a-f]{64} instead of 0000"),
        ({"digest": "md5:" + "0" * 32}, "md5 [0-9a-f]{32} instead of 0000"),
        ({"bytes": 1000}, "more than 1000 bytes"),
    ],
)
def test_wrong_content_is_said_and_removed(server, tmp_path, changes, problem):
    with pytest.raises(WorkbenchError, match=f"data.zip is not what was published .*{problem}"):
        fetch(archive(server, **changes), tmp_path, pause=0)
    assert list(tmp_path.iterdir()) == []


def test_without_a_published_digest_the_size_is_checked(server, tmp_path):
    assert fetch(archive(server, digest=None), tmp_path).stat().st_size == len(PAYLOAD)
    with pytest.raises(WorkbenchError, match="bytes"):
        fetch(archive(server, name="other.zip", digest=None, bytes=10), tmp_path, pause=0)


def test_nothing_at_the_address(server, tmp_path):
    with pytest.raises(WorkbenchError, match=r"answers 404 .* fetch it by hand"):
        fetch(Archive(server.address("gone.zip"), 10), tmp_path, pause=0)
    assert len(server.asked) == 1
    server.status = 503
    with pytest.raises(WorkbenchError, match="the server answers 503"):
        fetch(archive(server), tmp_path, pause=0)
    assert len(server.asked) == 1 + download.ATTEMPTS


def test_no_server_and_no_web_address(tmp_path):
    with pytest.raises(WorkbenchError, match="could not be fetched"):
        fetch(Archive("http://127.0.0.1:9/data.zip", 10), tmp_path, pause=0)
    with pytest.raises(WorkbenchError, match="not an address on the web"):
        fetch(Archive("file:///etc/passwd", 10), tmp_path, pause=0)


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def voc(server, monkeypatch):
    """The sources of voc2007 as two archives on our server."""
    contents = {
        "one.zip": zipped({"VOCdevkit/VOC2007/ImageSets/Main/test.txt": "1\n"}),
        "two.zip": zipped({"VOCdevkit/VOC2007/JPEGImages/1.jpg": "x"}),
    }
    archives = [archive(server, content, name) for name, content in contents.items()]
    entry = {
        "page": "p",
        "terms": "t",
        "unpacked": 1000,
        "archives": [{"url": item.url, "bytes": item.bytes, "digest": item.digest} for item in archives],
    }
    monkeypatch.setattr(download, "sources", lambda: {"voc2007": entry})
    return entry


def test_get_unpacks_and_can_be_repeated(server, voc, tmp_path):
    assert get("voc2007", tmp_path) == 2
    assert (tmp_path / "VOCdevkit/VOC2007/ImageSets/Main/test.txt").read_text() == "1\n"
    assert (tmp_path / "VOCdevkit/VOC2007/JPEGImages/1.jpg").is_file()
    assert not list(tmp_path.glob("*.zip"))
    assert get("voc2007", tmp_path) == 0
    assert len(server.asked) == 2
    assert get("voc2007", tmp_path / "kept", keep=True) == 2
    assert len(list((tmp_path / "kept").glob("*.zip"))) == 2


def test_get_from_the_command_line(voc, tmp_path, capsys):
    assert main(["data", "get", "voc2007", "--root", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "Fetched and unpacked 2 archives" in said.out
    assert "one.zip: 0 of 0 MB" in said.err
    voc["archives"].append({"url": "http://127.0.0.1:9/three.zip", "bytes": 10**16})
    assert main(["data", "get", "voc2007", "--root", str(tmp_path)]) == 2
    assert "GB free and" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nuswide", "wider", "apparel"])
def test_what_cannot_be_fetched_is_told_in_words(name, tmp_path, capsys):
    assert main(["data", "get", name, "--root", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"by hand, into {tmp_path}" in said
    assert "2. Unpack" in said


def test_the_sources_are_complete():
    for name, entry in download.sources().items():
        assert entry["page"].startswith("http"), name
        for item in entry.get("archives", []):
            published = Archive(**item)
            kind, _, digest = published.digest.partition(":")
            assert len(digest) == hashlib.new(kind).digest_size * 2
            assert published.bytes > 10**6
            assert published.source
        assert json.dumps(entry)
