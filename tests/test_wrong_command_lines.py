"""Command lines that are wrong in many ways: each ends with exit code 2 and one sentence, soon, and leaves what was there alone."""

from __future__ import annotations

import os
import shlex
import time
import zipfile
from pathlib import Path

import pytest

from workbench.cli import main

ROOT = Path(__file__).parents[1]
SECONDS = 30  # far more than any takes: nothing may hang, or begin to train
WRONG = {  # LONG is a name of 300 letters, RUN a finished run; a and b are archives of other images
    "export": """
        (nothing)
        nothing -o page.html
        a -o folder
        a -o /dev/null/x
        a -o /dev/full
        LONG -o p.html
        a -o LONG.html
        a b -o p.html
        a -o p.html --images -3
        a -o p.html --images 0
        a -o p.html --images x
        a -o p.html --cap 0
        a -o p.html --cap nan
        a -o p.html --cap -1
        a -o p.html --cap 1e999
        notanarchive.safetensors -o p.html
        file.txt -o p.html
        folder -o p.html
        fifo -o p.html
        data/a.safetensors -o data/a.safetensors
        '' -o p.html
        a -o ''
    """,
    "train": """
        (nothing)
        nothing
        LONG
        scenes-srn --set
        scenes-srn --set lr
        scenes-srn --set lr=1
        scenes-srn --set stages.joint.lr=1e999 -o r1
        scenes-srn --set stages.joint.lr=nan -o r1
        scenes-srn --set stages.joint.lr=abc -o r1
        scenes-srn --set stages.joint.epochs=-1 -o r1
        scenes-srn --set stages.joint.epochs=1e9 -o r1x --set stages.joint.batch_size=99999999999999999999
        scenes-srn --set stages.nothing.lr=1 -o r1
        scenes-srn -o file.txt
        scenes-srn -o folder/../file.txt/x
        folder
        file.txt
        scenes-srn -o LONG
        scenes-srn --set image_size=-5 -o r2
        scenes-srn --set image_size=100000000 -o r2
        scenes-srn --set data.name=table -o r3
        scenes-srn --set data.options={} -o r3
        scenes-srn --set data.options.count=-1 -o r3
        scenes-srn --set data.options.count=abc -o r3
        scenes-srn --set model.backbone=nothing -o r4
        scenes-srn --set precision=3 -o r4
        scenes-srn --set seed=-1 -o r4
        scenes-srn --set seed=1e400 -o r4
        scenes-srn --workers -1 -o r5
        scenes-srn --workers x -o r5
        scenes-srn --set =3
        scenes-srn --set a.b.c.d.e=3
        scenes-srn --set stages={} -o r6
        scenes-srn --set name=
        coco2014-srn --set data.root=/nonexistent -o r8
        scenes-srn -o /dev/null
        --help=3
    """,
    "evaluate": """
        (nothing)
        nothing
        folder
        file.txt
        RUN --preset nothing
        RUN --thresholds nothing.json
        RUN --thresholds file.txt
        RUN --thresholds folder
        RUN --split nothing
        LONG
        RUN --scores-out folder
    """,
    "inspect": """
        (nothing)
        nothing -o x
        RUN -o folder
        RUN -o x.safetensors --limit -1
        RUN -o x.safetensors --limit 0
        RUN -o x.safetensors --picture-size 20000
        RUN -o x.safetensors --picture-size -1
        RUN -o x.safetensors --picture-size 0
        RUN -o /dev/full
        RUN -o RUN/best.safetensors
        RUN -o x.safetensors --pictures sharp
    """,
    "report": """
        (nothing)
        nothing -o p.html
        RUN -o folder
        folder -o p.html
        RUN -o LONG.html
    """,
    "data": """
        (nothing)
        list x
        get
        get nothing
        get coco
        get coco2014 --root file.txt
        get voc2007 --root LONG
        check
        check nothing
        check scenes --count 0
        check scenes --count -3
        check scenes --split nothing
        check scenes --root folder
        check table
        check table --root folder
        check table --root file.txt
        check table --root fifo
        check table --root LONG
        check scenes --set
        check scenes --set nothing=3
        check scenes --set seed=abc
        check scenes --set relation=nan
        check scenes --count 3 --scores nothing.npy
        check scenes --count 3 --scores file.txt
        check scenes --count 3 --scores folder
        export scenes
        export scenes --count 2 -o file.txt
        export scenes --count 2 -o /dev/null
        check voc2007 --root /nonexistent
        check coco --root folder
        check x.ipynb
        check file.txt --strip
    """,
    "watch": """
        (nothing)
        nothing
        folder
        file.txt
        LONG
    """,
    "lab": """
        nothing
        --port -1
        --port 99999
        --port x
        LONG
        ../../etc/passwd
        folder
    """,
    "": """
        recipes x
        doctor x
        tour x
        tour -o file.txt
        nothing
        (nothing)
        --nothing
        -o
    """,
}
LINES = [
    f"{command} {rest if rest != '(nothing)' else ''}".strip()
    for command, lines in WRONG.items()
    for rest in (line.strip() for line in lines.strip("\n").splitlines()[:-1])
]


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A folder with two archives, a run, and things that are neither."""
    room = tmp_path_factory.mktemp("room")
    for name in ("data", "notebooks", "folder"):
        (room / name).mkdir()
    for name, source in (("a", "scenes-pooled"), ("b", "photos")):
        (room / f"data/{name}.safetensors").write_bytes((ROOT / f"data/{source}.safetensors").read_bytes())
    (room / "notanarchive.safetensors").write_bytes(b"x" * 100)
    (room / "file.txt").write_text("hello")
    if hasattr(os, "mkfifo"):
        os.mkfifo(room / "fifo")
    with zipfile.ZipFile(ROOT / "tests/fixtures/run-schema-1.zip") as packed:
        packed.extractall(room / "runs")
    return room, contents(room)


def contents(room: Path) -> dict[str, bytes]:
    return {str(path.relative_to(room)): path.read_bytes() for path in sorted(room.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("line", LINES)
def test_a_sentence_and_exit_code_2(room, line, monkeypatch, capsys):
    room, before = room
    monkeypatch.chdir(room)
    monkeypatch.setenv("WORKBENCH_HOME", str(room))
    began = time.monotonic()
    run = next((room / "runs").rglob("recipe.json")).parent
    try:
        code = main(shlex.split(line.replace("LONG", "x" * 300).replace("RUN", str(run))))
    except SystemExit as end:  # as argparse ends
        code = end.code
    said = capsys.readouterr().err.strip()
    assert code == 2, said
    assert said
    assert "Traceback" not in said
    assert time.monotonic() - began < SECONDS
    assert {name: content for name, content in contents(room).items() if name in before} == before


def test_there_are_many():
    assert len(LINES) == len(set(LINES)) > 100
