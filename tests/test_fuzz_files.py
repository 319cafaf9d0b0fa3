"""Damaged files of every kind that we write and read back: each is read, or refused in a sentence of our own, quickly, in little memory.

Annotations and tables have theirs in tests/datasets/test_fuzz_annotations.py.
"""

from __future__ import annotations

import copy
import json
import random
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import make_contents
from tests.support.embedded import embed
from tests.support.layered import make_layered_contents
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.labels import LabelVectors
from workbench.metrics import Thresholds

CASES = 300  # of each kind of file
SLOWEST = 5.0  # seconds a file, on a machine that does other things too
MOST_MEMORY = 200e6  # bytes of Python's and numpy's
STRANGE = [
    None, True, False, 0, -1, 1.5, 10**30, 2**40, -(2**63), 1e308, float("nan"), float("inf"), "", " ", "0", "../../x", "a\x00b", "\ud800",
    "x" * 5000, [], [[]], [None], {}, {"a": {"b": []}}, ["a", "a"], [1, 2], [10**9, 10**9],
]  # fmt: skip


def places(node):
    """Every place in a JSON value, as (container, key)."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from places(value)


def damaged_json(rng, content):
    """JSON in which one to three places hold something else, are gone, or are there twice; or that was cut, or nests deeply."""
    if rng.random() < 0.05:
        return "[" * 100_000
    changed = copy.deepcopy(content)
    for _ in range(rng.randint(1, 3)):
        found = list(places(changed))
        if not found:
            break
        kinds = sorted({key if isinstance(key, str) else "item" for _, key in found})
        kind = rng.choice(kinds)
        container, key = rng.choice([place for place in found if (place[1] if isinstance(place[1], str) else "item") == kind])
        action = rng.random()
        if action < 0.7:
            container[key] = copy.deepcopy(rng.choice(STRANGE))
        elif action < 0.85:
            del container[key]
        else:
            container["extra" if isinstance(container, dict) else slice(key, key)] = [copy.deepcopy(container[key])]
    text = json.dumps(changed)
    return text[: rng.randrange(len(text))] if rng.random() < 0.1 else text


def split(content):
    """The header of a safetensors file as JSON, and its data."""
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(header, data):
    text = header.encode("utf-8", "surrogatepass") if isinstance(header, str) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def damaged_tensors(rng, content, entry):
    """A safetensors file whose description, header or data was changed."""
    header, data = split(content)
    action = rng.random()
    if action < 0.6:  # what we wrote into it, which the library does not look at
        header["__metadata__"][entry] = damaged_json(rng, json.loads(header["__metadata__"][entry]))
        return joined(header, data)
    if action < 0.75:  # other types and shapes that are consistent in themselves
        name = rng.choice([key for key in header if key != "__metadata__"])
        described = header[name]
        if rng.random() < 0.5:
            described["shape"] = described["shape"][::-1] if rng.random() < 0.5 else [int(np.prod(described["shape"]))]
        else:
            described["dtype"] = rng.choice(["U8", "I8", "F16", "BF16", "I16", "F32", "I32", "I64", "BOOL"])
        return joined(header, data)
    if action < 0.85:
        return joined(damaged_json(rng, header), data)
    changed = bytearray(content)
    for _ in range(rng.randint(1, 30)):
        changed[rng.randrange(8, len(changed))] = rng.randrange(256)
    return bytes(changed[: rng.randrange(len(changed))] if rng.random() < 0.3 else changed)


def damaged_data(rng, content):
    """Bytes changed in the data alone: offsets, pictures, pairs."""
    header, data = split(content)
    changed = bytearray(data)
    names = [name for name in header if name.split(".")[0] in ("images", "regions", "features", "labels", "targets")]
    begin, end = header[rng.choice(names)]["data_offsets"]
    for _ in range(rng.randint(1, 20) if end > begin else 0):
        changed[rng.randrange(begin, end)] = rng.randrange(256)
    return joined(header, bytes(changed))


def try_all(read, path, cases, least_refused):
    """Read `path` with each of `cases` in it."""
    refused, slowest = [], 0.0
    tracemalloc.start()
    try:
        for number, content in enumerate(cases):
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
            began = time.process_time()
            try:
                read(path)
            except WorkbenchError as error:
                refused.append(str(error))
            except Exception as error:
                shown = content[:2000]
                pytest.fail(f"case {number}: {type(error).__name__}: {str(error)[:300]} from {shown!r}")
            slowest = max(slowest, time.process_time() - began)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert slowest < SLOWEST
    assert peak < MOST_MEMORY
    assert len(refused) >= least_refused
    assert [text[:200] for text in refused if "\n" in text or len(text) > 1500] == []


def read_archive(path):
    """Everything that explorers, plots and reports ask of an archive."""
    inspection = Inspection.open(path)
    inspection.probabilities()
    assert inspection.targets.shape == (len(inspection), len(inspection.categories))
    for image in range(min(2, len(inspection))):
        inspection.image(image)
        inspection.regions(image)
        inspection.channels(image)
        for kind in inspection.map_kinds:
            inspection.shown_maps(kind, image)
        for name in inspection.relation_titles:
            inspection.relations_of(name, image)
    for name in inspection.table_names:
        inspection.table(name)
    inspection.features()
    inspection.embeddings()


@pytest.mark.parametrize("kind", ["srn", "layered", "points"])
def test_archives(kind, tmp_path):
    contents = {
        "srn": lambda: make_contents(3, 4, picture=(24, 24), top=2),
        "layered": lambda: make_layered_contents(3, 4, picture=(24, 24), with_channels=1),
        "points": lambda: embed(make_contents(6, 3, picture=(24, 24)), 2),
    }[kind]()
    path = contents.save(tmp_path / "archive.safetensors")
    content = path.read_bytes()
    read_archive(path)
    rng = random.Random(kind)
    cases = [damaged_tensors(rng, content, "inspection") if case % 3 else damaged_data(rng, content) for case in range(CASES)]
    try_all(read_archive, path, cases, CASES // 3)


def test_thresholds(tmp_path):
    path = tmp_path / "thresholds.json"
    kept = {"schema": 1, "categories": ["a", "b"], "thresholds": [0.2, 0.7], "criterion": "F1", "split": "val"}
    rng = random.Random(1)
    try_all(Thresholds.read, path, [damaged_json(rng, kept) for _ in range(CASES)], CASES // 3)


def test_label_vectors(tmp_path):
    path = tmp_path / "vectors.safetensors"
    names = Categories(["sun", "ball", "roof"])
    LabelVectors(names, np.eye(3, 8, dtype=np.float32)).save(path)
    content, rng = path.read_bytes(), random.Random(2)
    cases = [damaged_tensors(rng, content, "label-vectors") for _ in range(CASES)]
    try_all(lambda path: LabelVectors.from_file(path, names), path, cases, CASES // 4)


def test_word_vectors(tmp_path):
    path = tmp_path / "words.txt"
    names = Categories(["sun", "ball"])
    content, rng = (
        "".join(f"{word} {' '.join('0.25' for _ in range(6))}\n" for word in ("the", "sun", "ball", "of")).encode(),
        random.Random(3),
    )
    pieces = [b"", b"\x00", b"\xff\xfe", b"\n", b" ", b"nan", b"1e999", b"x" * 100_000, b"0.1 " * 10_000, b"\x1f\x8b", b"sun sun"]

    def damaged():
        changed = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            begin = rng.randrange(len(changed) + 1)
            changed[begin : min(len(changed), begin + rng.choice([0, 1, 5, 40]))] = rng.choice(pieces)
        return bytes(changed)

    try_all(lambda path: LabelVectors.from_file(path, names), path, [damaged() for _ in range(CASES)], CASES // 5)


def test_files_of_a_run(tmp_path):
    from workbench.reports.collect import collect
    from workbench.training import Run, get_recipe
    from workbench.training.broken import left_out

    folder = tmp_path / "run"
    folder.mkdir()
    recipe = get_recipe("scenes-srn-disc").to_json()
    row = {"stage": "joint", "epoch": 1, "stage_epoch": 1, "step": 4, "images": 64, "lr": 0.1, "loss": 1.0, "seconds": 1.5}
    kept = {
        "recipe.json": recipe,
        "environment.json": {"python": "3.11", "packages": {"torch": "2.4"}},
        "history.jsonl": row,
        "broken.json": {"training": {"a": "cannot be read"}},
        "evaluation-sklearn.json": {"mAP": 0.5, "AP": {"a": 0.5}, "convention": "sklearn"},
    }
    for name, value in kept.items():
        (folder / name).write_text(json.dumps(value))

    def read(path):
        run = Run.open(folder)
        assert all(isinstance(row, dict) for row in run.history)
        assert isinstance(run.environment, dict)
        assert run.recipe.total_epochs > 0
        left_out(folder)
        collect(folder)

    for name, value in kept.items():
        rng = random.Random(name)
        try_all(read, folder / name, [damaged_json(rng, value) for _ in range(CASES // 3)], 3)
        (folder / name).write_text(json.dumps(value))


def test_states_and_checkpoints(tmp_path):
    import torch

    from workbench.models import create_model, load_model, save_model
    from workbench.training.state import Position, read_state, write_state

    model = create_model("pooled", ["a", "b"], backbone="small-narrow", image_size=32)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer)
    path = tmp_path / "state.safetensors"
    write_state(path, Position(step=3, sums={"a": 1.0}), model, optimizer, schedule)
    content, rng = path.read_bytes(), random.Random(4)

    def go_on(path):
        state = read_state(path)
        state.restore_model(model)
        state.restore_optimizer(torch.optim.AdamW(model.parameters()), schedule)

    try_all(go_on, path, [damaged_tensors(rng, content, "state") for _ in range(CASES // 3)], CASES // 8)
    path = save_model(model, tmp_path / "last.safetensors")
    content = path.read_bytes()
    try_all(load_model, path, [damaged_tensors(rng, content, "workbench-model") for _ in range(CASES // 3)], CASES // 8)


def png_that_claims(width, height):
    """A PNG of a few hundred bytes that says it has so many pixels, and would unpack to them."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded(side, tmp_path):
    from workbench.datasets import open_rgb

    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(side, side))
    tracemalloc.start()
    try:
        with pytest.raises(WorkbenchError, match=r"bomb\.png has more pixels than can be trusted"):
            open_rgb(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_picture_of_another_size_in_an_archive_is_refused_before_it_is_decoded(tmp_path):
    contents = make_contents(3, 4, picture=(24, 24))
    contents.images = [png_that_claims(8000, 8000), *contents.images[1:]]
    inspection = Inspection.open(contents.save(tmp_path / "archive.safetensors"))
    with pytest.raises(WorkbenchError, match="is 8000 x 8000 pixels, not 24 x 24"):
        inspection.image(0)
    assert isinstance(inspection.image(1), Image.Image)


def test_a_name_as_long_as_a_book_is_refused(tmp_path):
    with pytest.raises(WorkbenchError, match="name of 200000 letters"):
        Inspection.open(make_contents(2, ["a", "b" * 200_000], picture=(24, 24)).save(tmp_path / "archive.safetensors"))
