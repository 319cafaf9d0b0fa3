"""The archive: round trip, laziness, and one sentence for each way in which a file can be wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.support.squares import Squares
from workbench import Inspection, WorkbenchError, create_model
from workbench.capture import capture, subject_of


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    squares = Squares(6)
    model = create_model("srn", squares.categories, image_size=32)
    return capture(subject_of(model), squares).save(tmp_path_factory.mktemp("archive") / "a.safetensors")


def rewritten(path, target, change=None, drop=None, metadata=None):
    """A copy of an archive with one thing wrong."""
    tensors = load_file(path)
    header = json.loads(safetensors_header(path)["__metadata__"]["inspection"])
    if change:
        change(tensors, header)
    if drop:
        del tensors[drop]
    save_file(tensors, target, metadata={"inspection": json.dumps(header)} if metadata is None else metadata)
    return target


def safetensors_header(path):
    with open(path, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))


def test_opening_reads_no_tensor(path, monkeypatch):
    inspection = Inspection.open(path)
    assert not any(isinstance(tensor, np.ndarray) for tensor in inspection._tensors.values())
    assert inspection.image(2).size == (32, 32)
    assert inspection.maps("attention", 2)[1].sum(axis=(1, 2)) == pytest.approx(1, abs=0.01)


def test_a_newer_schema_is_refused(path, tmp_path):
    newer = rewritten(path, tmp_path / "n.safetensors", lambda _, header: header.update(schema=99))
    with pytest.raises(WorkbenchError, match=r"n\.safetensors has archive schema 99, newer than"):
        Inspection.open(newer)


def test_missing_truncated_and_foreign_files(path, tmp_path):
    with pytest.raises(WorkbenchError, match="There is no archive at"):
        Inspection.open(tmp_path / "nothing.safetensors")
    short = tmp_path / "short.safetensors"
    short.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WorkbenchError, match=r"short\.safetensors cannot be read"):
        Inspection.open(short)
    empty = tmp_path / "empty.safetensors"
    empty.write_bytes(b"")
    with pytest.raises(WorkbenchError, match=r"empty\.safetensors cannot be read"):
        Inspection.open(empty)
    other = rewritten(path, tmp_path / "other.safetensors", metadata={})
    with pytest.raises(WorkbenchError, match="not an inspection archive"):
        Inspection.open(other)


@pytest.mark.parametrize("drop", ["targets", "logits.final", "maps.attention", "images.offsets"])
def test_a_missing_tensor_is_named(path, tmp_path, drop):
    with pytest.raises(WorkbenchError, match=drop):
        Inspection.open(rewritten(path, tmp_path / "x.safetensors", drop=drop))


def test_shapes_that_disagree_are_named(path, tmp_path):
    def fewer_ids(_, header):
        header["ids"] = header["ids"][:-1]

    with pytest.raises(WorkbenchError, match=r"shape \[7\], expected \[6\]"):
        Inspection.open(rewritten(path, tmp_path / "x.safetensors", fewer_ids))


@pytest.mark.parametrize(
    "damage",
    [
        lambda header: header.pop("categories"),
        lambda header: header.update(categories={"names": ["a", "a", "b"]}),
        lambda header: header.update(frame="wide"),
        lambda header: header.update(map_kinds=[{"title": "no name"}]),
        lambda header: header.update(ids=None),
    ],
)
def test_a_damaged_description_is_one_sentence(path, tmp_path, damage):
    with pytest.raises(WorkbenchError, match=r"x\.safetensors"):
        Inspection.open(rewritten(path, tmp_path / "x.safetensors", lambda _, header: damage(header)))


def test_nothing_half_written_is_left(path, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("workbench.inspection.contents.save_file", fails)
    with pytest.raises(OSError, match="disk full"):
        Inspection.open(path).save(tmp_path / "b.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_not_there_name_the_nearest(path):
    inspection = Inspection.open(path)
    with pytest.raises(WorkbenchError, match='Did you mean "attention"'):
        inspection.maps("atention", 0)
    with pytest.raises(WorkbenchError, match='Did you mean "square 1"'):
        inspection.position("square1")
    with pytest.raises(WorkbenchError, match='Did you mean "red"'):
        inspection.categories.index("rad")
