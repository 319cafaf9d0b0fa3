"""Damaged files of every kind that we write and read back: each is read, or refused in a sentence of our own, quickly, in little memory.

Annotations and tables have theirs in tests/soak/prove_annotations.py.
"""

from __future__ import annotations

import json
import random
import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import make_contents
from tests.support.damage import Watch, damaged_bytes, damaged_data, damaged_json, damaged_tensors, try_all
from tests.support.embedded import embed
from tests.support.layered import make_layered_contents
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.labels import LabelVectors
from workbench.metrics import Thresholds

CASES = {  # of each kind of file
    "srn": 300, "layered": 300, "points": 300, "thresholds": 200, "label vectors": 200, "word vectors": 200,
    "recipe.json": 100, "environment.json": 60, "history.jsonl": 100, "broken.json": 60, "evaluation-sklearn.json": 100,
    "state": 100, "checkpoint": 100, "probe": 100, "scores": 150, "tables of scores": 100, "foreign weights": 150, "label graph": 150,
    "saved view": 100, "study": 60, "status": 100, "maps": 100, "pictures": 60,
}  # fmt: skip
ARCHIVES = ("srn", "layered", "points")


def test_two_thousand_cases_are_tried():
    """The numbers above are those that the tests below ask for; annotations and tables have as many again."""
    asked = {*ARCHIVES, *re.findall(r'cases\("([^"]+)"', Path(__file__).read_text(encoding="utf-8")), *RUN_FILES}
    assert asked == set(CASES)
    assert sum(CASES.values()) >= 2000


def cases(kind, damaged, *arguments):
    """So many damaged files as are to be tried of a kind, each made by `damaged` with numbers of its own."""
    rng = random.Random(kind)
    return (damaged(rng, *arguments) for _ in range(CASES[kind]))


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


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives(kind, tmp_path):
    contents = {
        "srn": lambda: make_contents(3, 4, picture=(24, 24), top=2),
        "layered": lambda: make_layered_contents(3, 4, picture=(24, 24), with_channels=1),
        "points": lambda: embed(make_contents(6, 3, picture=(24, 24)), 2),
    }[kind]()
    path = contents.save(tmp_path / "archive.safetensors")
    content = path.read_bytes()
    read_archive(path)

    def damaged(rng):
        return damaged_tensors(rng, content, "inspection") if rng.random() < 0.67 else damaged_data(rng, content)

    try_all(read_archive, path, cases(kind, damaged), CASES[kind] // 3)


def test_thresholds(tmp_path):
    path = tmp_path / "thresholds.json"
    kept = {"schema": 1, "categories": ["a", "b"], "thresholds": [0.2, 0.7], "criterion": "F1", "split": "val"}
    try_all(Thresholds.read, path, cases("thresholds", damaged_json, kept), 60)


def test_label_vectors(tmp_path):
    path = tmp_path / "vectors.safetensors"
    names = Categories(["sun", "ball", "roof"])
    LabelVectors(names, np.eye(3, 8, dtype=np.float32)).save(path)
    damaged = cases("label vectors", damaged_tensors, path.read_bytes(), "label-vectors")
    try_all(lambda path: LabelVectors.from_file(path, names), path, damaged, 50)


def test_word_vectors(tmp_path):
    path = tmp_path / "words.txt"
    names = Categories(["sun", "ball"])
    content = "".join(f"{word} {' '.join('0.25' for _ in range(6))}\n" for word in ("the", "sun", "ball", "of")).encode()
    pieces = [b"", b"\x00", b"\xff\xfe", b"\n", b" ", b"nan", b"1e999", b"x" * 100_000, b"0.1 " * 10_000, b"\x1f\x8b", b"sun sun"]

    def damaged(rng):
        changed = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            begin = rng.randrange(len(changed) + 1)
            changed[begin : min(len(changed), begin + rng.choice([0, 1, 5, 40]))] = rng.choice(pieces)
        return bytes(changed)

    try_all(lambda path: LabelVectors.from_file(path, names), path, cases("word vectors", damaged), 40)


RUN_FILES = {
    "recipe.json": {},
    "environment.json": {"python": "3.11", "packages": {"torch": "2.4"}},
    "history.jsonl": {
        "stage": "joint", "epoch": 1, "stage_epoch": 1, "step": 4, "images": 64, "lr": 0.1, "loss": 1.0, "seconds": 1.5,
    },
    "broken.json": {"training": {"a": "cannot be read"}},
    "evaluation-sklearn.json": {"mAP": 0.5, "AP": {"a": 0.5}, "convention": "sklearn"},
}  # fmt: skip


def write_run(folder):
    """A run folder with its files of text."""
    from workbench.training import get_recipe

    folder.mkdir()
    kept = {**RUN_FILES, "recipe.json": get_recipe("scenes-srn-disc").to_json()}
    for name, value in kept.items():
        (folder / name).write_text(json.dumps(value))
    return kept


def test_files_of_a_run(tmp_path):
    from workbench.reports.collect import collect
    from workbench.training import Run
    from workbench.training.broken import left_out

    folder = tmp_path / "run"

    def read(path):
        run = Run.open(folder)
        assert all(isinstance(row, dict) for row in run.history)
        assert isinstance(run.environment, dict)
        assert run.recipe.total_epochs > 0
        left_out(folder)
        collect(folder)

    for name, value in write_run(folder).items():
        try_all(read, folder / name, cases(name, damaged_json, value), 3)
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

    def go_on(path):
        state = read_state(path)
        state.restore_model(model)
        state.restore_optimizer(torch.optim.AdamW(model.parameters()), schedule)

    try_all(go_on, path, cases("state", damaged_tensors, path.read_bytes(), "state"), 35)
    path = save_model(model, tmp_path / "last.safetensors")
    try_all(load_model, path, cases("checkpoint", damaged_tensors, path.read_bytes(), "workbench-model"), 35)


def test_foreign_weights(tmp_path):
    """Both forms in which others hand weights on; a pickle may ask for any code to be run, and none is."""
    import torch

    from workbench.models.weights import load_checked, read_tensors

    layer = torch.nn.Linear(5, 3)
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": layer.state_dict(), "epoch": 3}, path)
    try_all(
        lambda path: load_checked(layer, read_tensors(path), str(path)),
        path,
        cases("foreign weights", lambda rng, content: damaged_bytes(rng, content), path.read_bytes()),
        40,
    )


def test_features_that_a_run_kept(tmp_path):
    from safetensors.numpy import save_file

    from workbench.analysis.embedding import features_of
    from workbench.training import Run

    folder = tmp_path / "run"
    write_run(folder)
    (folder / "probe").mkdir()
    path = folder / "probe" / "features-0001.safetensors"
    tensors = {
        "targets": np.eye(3, dtype=np.int8),
        "features.values": np.ones((3, 4), dtype=np.float16),
        "features.pairs": np.array([[0, 0], [1, 1], [2, 2]], dtype=np.int32),
    }
    header = {"epoch": 1, "stage": "joint", "step": 4, "ids": ["a", "b", "c"], "categories": {"names": ["x", "y", "z"], "groups": {}}}
    save_file(tensors, path, metadata={"probe": json.dumps(header)})
    assert features_of(Run.open(folder))[0][0].shape == (3, 4)
    try_all(lambda path: features_of(Run.open(folder)), path, cases("probe", damaged_tensors, path.read_bytes(), "probe"), 25)


def test_what_a_training_says_while_it_runs(tmp_path):
    """A status that is none counts as not there; the rest is refused."""
    from tests.support.run_folder import NAMES, make_run
    from workbench.following import Following, progress_words

    status = {"state": "training", "pid": 7, "host": "here", "stage": "joint", "stage_epoch": 1, "epoch": 3, "images": 9, "loss": 0.5}
    folder = make_run(tmp_path / "run", 2, **status)

    def look(path):
        training = Following(folder)
        assert progress_words(training.facts())
        training.strongest(NAMES[0])
        for label in training.header(2)["categories"]:
            training.probe(2, label)
        training.pictures()

    path = folder / "probe" / "epoch-0002.safetensors"
    whole = path.read_bytes()
    try_all(look, path, cases("maps", damaged_tensors, whole, "probe"), 25)
    path.write_bytes(whole)
    path = folder / "probe" / "pictures.safetensors"
    whole = path.read_bytes()
    try_all(look, path, cases("pictures", damaged_bytes, whole), 10)
    path.write_bytes(whole)
    try_all(look, folder / "status.json", cases("status", damaged_json, status), 0)


def test_scores_of_a_run(tmp_path):
    from workbench.reports.scores import FILE, Scores

    kept = Scores("photos", "best", Categories(["a", "b"]), ["1", "2", "3"], np.ones((3, 2), np.float32), np.ones((3, 2), np.int8))
    path = kept.save(tmp_path)
    assert path.name == FILE

    def read(path):
        found = Scores.read(path.parent)
        assert found.logits.shape == found.targets.shape
        assert found.same_images(found)

    try_all(read, path, cases("scores", damaged_tensors, path.read_bytes(), "scores"), 40)


def test_tables_of_scores(tmp_path):
    from workbench.datasets.check import read_scores

    path = tmp_path / "scores.npz"
    np.savez(path, scores=np.ones((4, 3), np.float32), ids=np.array(["a", "b", "c", "d"]))
    try_all(read_scores, path, cases("tables of scores", damaged_bytes, path.read_bytes()), 25)


def test_label_graphs(tmp_path):
    from workbench.labels import LabelGraph

    targets = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=np.int8)
    path = LabelGraph.from_targets(Categories(["a", "b", "c"]), targets).save(tmp_path / "graph.json")
    try_all(LabelGraph.load, path, cases("label graph", damaged_json, json.loads(path.read_text())), 50)


def test_saved_views(tmp_path):
    from workbench import AttentionExplorer

    explorer = AttentionExplorer(Inspection.of(make_contents(3, 4, picture=(24, 24))))
    path = explorer.save_view(tmp_path / "view.json")
    try_all(explorer.load_view, path, cases("saved view", damaged_json, json.loads(path.read_text())), 30)


def test_studies(tmp_path, monkeypatch):
    from workbench.lessons import read_study

    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    (tmp_path / "studies").mkdir()
    kept = {"hypothesis": "none", "rows": [{"seed": 0}], "summary": [{"arms": {}}]}
    path = tmp_path / "studies" / "atlas.json"
    try_all(lambda _: read_study("atlas"), path, cases("study", damaged_json, kept), 3)


def test_the_watch_sees_memory_outside_of_python_and_time(monkeypatch):
    import torch

    from tests.support import damage

    monkeypatch.setattr(damage, "MOST_RESIDENT", 100e6)
    with pytest.raises(AssertionError, match="the process grew by"), Watch() as watch:
        watch.read(lambda: torch.ones(75_000_000).sum())  # 300 MB that Python's own bookkeeping does not see
    monkeypatch.setattr(damage, "SLOWEST", 0.01)
    with pytest.raises(AssertionError, match="one file took"), Watch() as watch:
        watch.read(lambda: sum(range(3_000_000)))


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
        with pytest.raises(WorkbenchError, match=r"bomb\.png has more pixels than are read"):
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
    with pytest.raises(WorkbenchError, match="has 200000 letters; shorten"):
        Inspection.open(make_contents(2, ["a", "b" * 200_000], picture=(24, 24)).save(tmp_path / "archive.safetensors"))
