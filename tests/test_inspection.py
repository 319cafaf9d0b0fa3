"""The archive: round trip, laziness, and one sentence for each way in which a file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.support.squares import Squares
from workbench import Inspection, WorkbenchError, create_model, open_inspection
from workbench.capture import capture, subject_of
from workbench.inspection import Channels, Embeddings, PartKind, Table


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


def test_a_name_asked_for_elsewhere_says_where_archives_lie(tmp_path, monkeypatch):
    monkeypatch.delenv("WORKBENCH_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkbenchError, match=r'no archive "scenes-srn" in .* start there, or name it in WORKBENCH_HOME'):
        open_inspection("scenes-srn")


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
    with pytest.raises(WorkbenchError, match="disk full"):
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


def additions():
    """Contents with everything that schema 2 brought."""
    squares = Squares(6)
    contents = capture(subject_of(create_model("srn", squares.categories, image_size=32)), squares)
    names = squares.categories.names
    logits = contents.logits["final"]
    contents.part_kinds = (PartKind("half", "Half", "One half.", maps="weighted"), PartKind("rest", "Rest"))
    contents.parts, contents.decomposes = {"half": logits / 2, "rest": logits - logits / 2}, "final"
    contents.tables = {"groups": Table(np.arange(2.0 * len(names)).reshape(-1, 2), names, ["a", "b"], "Groups", "Which group.")}
    contents.channels = Channels(np.array([1, 4]), {"layer": np.random.default_rng(0).normal(size=(2, 5, 3, 3))}, "groups")
    pairs = len(contents.features[1])
    points = np.random.default_rng(1).normal(size=(2, pairs, 2))
    contents.embeddings = Embeddings({"pca": points}, [{"title": "1"}, {"title": "2"}], {"pca": ("PCA", "Fitted on the last epoch.")})
    return contents


def test_parts_tables_channels_and_points_survive_the_file(tmp_path):
    contents = additions()
    opened = Inspection.open(contents.save(tmp_path / "a.safetensors"))
    assert sum(opened.parts(name) for name in opened.part_kinds) == pytest.approx(opened.logits(), abs=1e-6)
    assert opened.part_kinds["half"].maps == "weighted"
    assert opened.decomposes == "final"
    assert opened.table("groups").columns == ["a", "b"]
    assert opened.table("groups").values == pytest.approx(contents.tables["groups"].values)
    assert opened.channel_images == [1, 4]
    assert opened.channels(4).layers["layer"][0] == pytest.approx(contents.channels.layers["layer"][1], abs=1e-2)
    assert opened.channels(0) is None
    embeddings = opened.embeddings()
    assert embeddings.points["pca"] == pytest.approx(contents.embeddings.points["pca"], abs=1e-6)
    assert embeddings.titles == {"pca": ("PCA", "Fitted on the last epoch.")}
    assert [epoch["title"] for epoch in embeddings.epochs] == ["1", "2"]


def test_embeddings_can_be_added_to_an_archive_and_must_fit_its_pairs(tmp_path, path):
    opened = Inspection.open(path)
    assert opened.embeddings() is None
    pairs = len(opened.features()[1])
    added = opened.with_embeddings(Embeddings({"pca": np.zeros((1, pairs, 2))}, [{"title": "last"}]))
    assert Inspection.open(added.save(tmp_path / "b.safetensors")).embeddings().points["pca"].shape == (1, pairs, 2)
    with pytest.raises(WorkbenchError, match=rf'points "pca" have shape \[1, {pairs + 1}, 2\], expected \[1, {pairs}, 2\]'):
        opened.with_embeddings(Embeddings({"pca": np.zeros((1, pairs + 1, 2))}, [{"title": "last"}]))


def test_additions_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(WorkbenchError, match="name every row and column"):
        Table(np.zeros((2, 3)), ["a", "b"], ["x", "y"], "Groups")
    with pytest.raises(WorkbenchError, match=r"expected \[2 epochs, pairs, 2\]"):
        Embeddings({"pca": np.zeros((1, 4, 2))}, [{}, {}])
    with pytest.raises(WorkbenchError, match=r"expected \[images, channels, h, w\] for 3 images"):
        Channels(np.arange(3), {"layer": np.zeros((2, 5, 3, 3))})
    contents = additions()
    contents.decomposes = "nothing"
    with pytest.raises(WorkbenchError, match='add up to "nothing", which is not among the logits'):
        contents.save(tmp_path / "a.safetensors")


def test_an_archive_of_schema_1_opens_as_it_is():
    opened = Inspection.open(Path(__file__).parent / "fixtures" / "archive-schema-1.safetensors")
    assert len(opened) == 2
    assert opened.maps("attention", 1)[1].sum(axis=(1, 2)) == pytest.approx(1, abs=0.01)
    assert opened.embeddings() is None
    assert not opened.part_kinds
    assert not opened.table_names
    assert opened.channels(0) is None
