"""Damaged pictures of every format that Pillow knows, whatever they are called, through every reader of ours: read, or refused in one
sentence; no other program is started; little memory."""

import contextlib
import io
import random
import subprocess
import tempfile
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from tests.soak.registry import proof
from tests.support.damage import Watch, damaged_bytes
from workbench.datasets import as_dataset, load_dataset, open_rgb
from workbench.errors import WorkbenchError
from workbench.inspection.checking import stored_picture
from workbench.pictures import FORMATS
from workbench.training.broken import without_broken
from workbench.widgets.payload import thumbnail

MODES = ("RGB", "L", "RGBA", "P", "1", "LA", "CMYK", "I;16", "I", "F", "YCbCr", "HSV")
SIDES = (24, 17)


def every_format():
    """{(format, mode): a small file} of all that this Pillow can write."""
    Image.init()
    files = {}
    values = np.random.default_rng(0).integers(0, 256, (*SIDES, 3), dtype=np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in sorted(Image.SAVE):
            for mode in MODES:
                held = io.BytesIO()
                with contextlib.suppress(Exception):  # Pillow says in a dozen ways that a format has no such mode
                    image = Image.fromarray(values)
                    image = image.convert("L").convert(mode) if mode in ("I;16", "I", "F", "1", "LA") else image.convert(mode)
                    image.save(held, kind)
                    files[kind, mode] = held.getvalue()
    return files


def damaged(rng, content):
    """Bytes changed, cut, doubled, or the sizes in the header made large."""
    action = rng.random()
    if action < 0.1:
        return content
    if action < 0.2:
        begin = rng.randrange(len(content))
        return content[:begin] + content[begin : begin + 40] * rng.randint(2, 50) + content[begin:]
    if action < 0.4:
        changed = bytearray(content)
        begin = rng.randrange(min(len(changed), 80))
        changed[begin : begin + 4] = rng.choice(
            [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\x00\x01\x00\x00", b"\x00\x00\x20\x00"]
        )
        return bytes(changed)
    return damaged_bytes(rng, content)


def read_everywhere(path, content):
    """How many readers of ours took it: every one has to, or to raise WorkbenchError."""
    readers = [
        lambda: open_rgb(path),
        lambda: open_rgb(content, "an upload", bits=16),
        lambda: as_dataset([io.BytesIO(content)], ["dog"]).image(0),
        lambda: as_dataset(path, ["dog"]).image(0),
        lambda: stored_picture(content, SIDES, "RGB", "A stored picture"),
        lambda: thumbnail(content, 16),
    ]
    taken, sentences = 0, []
    for read in readers:
        try:
            read()
        except WorkbenchError as error:
            sentences.append(str(error))
        else:
            taken += 1
    wrong = [sentence for sentence in sentences if len(sentence.splitlines()) != 1 or len(sentence) > 1000]
    assert not wrong, wrong[0]
    return taken


@proof(whole=20_000, sample=500, piece=1000)
def damaged_pictures(seed, count):
    """A damaged picture of any format is read or refused in one sentence by every reader, and starts no other program."""
    rng = random.Random(f"pictures {seed}")
    files = every_format()
    kinds = sorted({kind for kind, _ in files})
    taken = refused = 0
    forbidden = mock.Mock(side_effect=AssertionError("another program was started"))
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        mock.patch.multiple(subprocess, Popen=forbidden, check_call=forbidden, run=forbidden, call=forbidden),
        mock.patch("os.system", forbidden),
        Watch() as watch,
    ):
        warnings.simplefilter("ignore")
        path = Path(folder) / "picture.jpg"
        for case in range(count):
            kind = rng.choice(kinds)
            content = damaged(rng, files[rng.choice([key for key in files if key[0] == kind])])
            path.write_bytes(content)
            try:
                found = []
                watch.read(lambda content=content, found=found: found.append(read_everywhere(path, content)))
            except Exception as error:
                pytest.fail(f"case {case}, {kind}: {type(error).__name__}: {str(error)[:300]} from {content[:200]!r}")
            taken += bool(found[0])
            refused += not found[0]
    assert refused > count // 4
    return {"taken": taken, "refused": refused}


@proof(whole=200, sample=10, piece=50)
def broken_pictures_are_counted(seed, count):
    """With skip_broken, a folder of damaged pictures of all formats is looked through, and the broken ones are left out and counted."""
    rng = random.Random(f"broken {seed}")
    files = every_format()
    skipped = 0
    for _ in range(count):
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            folder = Path(name)
            whole = [f"whole {number}.png" for number in range(3)]
            for picture in whole:
                (folder / picture).write_bytes(files["PNG", "RGB"])
            broken = []
            for number, (kind, _) in enumerate(rng.sample(sorted(files), 8)):
                content = files[kind, rng.choice([mode for form, mode in files if form == kind])]
                cut = kind in FORMATS
                broken += [f"{number}.jpg"]
                (folder / f"{number}.jpg").write_bytes(content[: rng.randrange(1, 12)] if cut else damaged(rng, content))
            run = folder / "run"
            run.mkdir()
            data = load_dataset("table", "all", folder, categories=["dog"])
            kept = without_broken(data, len(broken), run, "training")
            assert set(whole) <= set(kept.ids)
            told = (run / "broken.json").read_text(encoding="utf-8")
            assert all(name in kept.ids or name in told for name in data.ids)
            skipped += len(data) - len(kept)
    assert skipped
    return {"skipped": skipped}
