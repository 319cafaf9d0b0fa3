"""Damaged files of every kind that we write and read back: each is read, or refused in a sentence of our own, quickly, in little memory.

Annotations and tables have theirs in prove_annotations.py. A kind is one function here: it writes a whole file into `folder`, says how it
is read, and lets `attempt` damage it and read it so many times.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.soak.registry import proof
from tests.support.archives import make_contents
from tests.support.damage import damaged_bytes, damaged_data, damaged_json, damaged_tensors, try_all
from tests.support.embedded import embed
from tests.support.layered import make_layered_contents
from workbench.categories import Categories
from workbench.inspection import Inspection
from workbench.labels import LabelVectors
from workbench.metrics import Thresholds

Kind = Callable[..., None]


def kind(name: str, sample: int, *arguments: str) -> Callable[[Kind], Kind]:
    """Register a kind of file, called with `folder`, `attempt` and the arguments; soak tries twenty times what CI does."""

    def register(write: Kind) -> Kind:
        def run(seed: int, count: int) -> dict[str, int]:
            found = {"refused": 0}

            def attempt(read, path, least, damaged, *numbers):
                """Read `path` with each of so many damaged contents in it; at least the share `least` of them has to be refused."""
                rng = random.Random(f"{name} {seed}")
                found["refused"] += try_all(read, path, (damaged(rng, *numbers) for _ in range(count)), int(least * count))

            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), attempt, *arguments)
            return found

        run.__doc__ = f"Damaged files of the kind {name} are read, or refused in one sentence of our own."
        proof(whole=20 * sample, sample=sample, piece=2 * sample, name=f"damaged_files.{name}")(run)
        return write

    return register


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


def archives(folder, attempt, contents):
    path = contents().save(folder / "archive.safetensors")
    content = path.read_bytes()
    read_archive(path)

    def damaged(rng):
        return damaged_tensors(rng, content, "inspection") if rng.random() < 0.67 else damaged_data(rng, content)

    attempt(read_archive, path, 0.3, damaged)


for name, make in {
    "srn": lambda: make_contents(3, 4, picture=(24, 24), top=2),
    "layered": lambda: make_layered_contents(3, 4, picture=(24, 24), with_channels=1),
    "points": lambda: embed(make_contents(6, 3, picture=(24, 24)), 2),
}.items():
    kind(f"archive-{name}", 150, make)(archives)


@kind("thresholds", 100)
def thresholds(folder, attempt):
    path = folder / "thresholds.json"
    kept = {"schema": 1, "categories": ["a", "b"], "thresholds": [0.2, 0.7], "criterion": "F1", "split": "val"}
    attempt(Thresholds.read, path, 0.25, damaged_json, kept)


@kind("label-vectors", 100)
def label_vectors(folder, attempt):
    path = folder / "vectors.safetensors"
    names = Categories(["sun", "ball", "roof"])
    LabelVectors(names, np.eye(3, 8, dtype=np.float32)).save(path)
    attempt(lambda path: LabelVectors.from_file(path, names), path, 0.2, damaged_tensors, path.read_bytes(), "label-vectors")


@kind("word-vectors", 100)
def word_vectors(folder, attempt):
    path = folder / "words.txt"
    names = Categories(["sun", "ball"])
    content = "".join(f"{word} {' '.join('0.25' for _ in range(6))}\n" for word in ("the", "sun", "ball", "of")).encode()
    pieces = [b"", b"\x00", b"\xff\xfe", b"\n", b" ", b"nan", b"1e999", b"x" * 100_000, b"0.1 " * 10_000, b"\x1f\x8b", b"sun sun"]

    def damaged(rng):
        changed = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            begin = rng.randrange(len(changed) + 1)
            changed[begin : min(len(changed), begin + rng.choice([0, 1, 5, 40]))] = rng.choice(pieces)
        return bytes(changed)

    attempt(lambda path: LabelVectors.from_file(path, names), path, 0.15, damaged)


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


def files_of_a_run(folder, attempt, name):
    from workbench.reports.collect import collect
    from workbench.training import Run
    from workbench.training.broken import left_out

    folder = folder / "run"

    def read(path):
        run = Run.open(folder)
        assert all(isinstance(row, dict) for row in run.history)
        assert isinstance(run.environment, dict)
        assert run.recipe.total_epochs > 0
        left_out(folder)
        collect(folder)

    kept = write_run(folder)
    attempt(read, folder / name, 0.02, damaged_json, kept[name])


for name in RUN_FILES:
    kind(f"run-{name}", 50, name)(files_of_a_run)


def states_and_checkpoints(folder, attempt, what):
    import torch

    from workbench.models import create_model, load_model, save_model
    from workbench.training.state import Position, read_state, write_state

    model = create_model("pooled", ["a", "b"], backbone="small-narrow", image_size=32)
    if what == "checkpoint":
        path = save_model(model, folder / "last.safetensors")
        attempt(load_model, path, 0.3, damaged_tensors, path.read_bytes(), "workbench-model")
        return
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer)
    path = folder / "state.safetensors"
    write_state(path, Position(step=3, sums={"a": 1.0}), model, optimizer, schedule)

    def go_on(path):
        state = read_state(path)
        state.restore_model(model)
        state.restore_optimizer(torch.optim.AdamW(model.parameters()), schedule)

    attempt(go_on, path, 0.3, damaged_tensors, path.read_bytes(), "state")


for name in ("state", "checkpoint"):
    kind(name, 60, name)(states_and_checkpoints)


@kind("foreign-weights", 80)
def foreign_weights(folder, attempt):
    """Both forms in which others hand weights on; a pickle may ask for any code to be run, and none is."""
    import torch

    from workbench.models.weights import load_checked, read_tensors

    layer = torch.nn.Linear(5, 3)
    path = folder / "weights.pth"
    torch.save({"state_dict": layer.state_dict(), "epoch": 3}, path)
    attempt(lambda path: load_checked(layer, read_tensors(path), str(path)), path, 0.2, damaged_bytes, path.read_bytes())


@kind("run-features", 60)
def features_that_a_run_kept(folder, attempt):
    from safetensors.numpy import save_file

    from workbench.analysis.embedding import features_of
    from workbench.training import Run

    folder = folder / "run"
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
    attempt(lambda path: features_of(Run.open(folder)), path, 0.2, damaged_tensors, path.read_bytes(), "probe")


def what_a_training_says_while_it_runs(folder, attempt, file):
    """A status that is none counts as not there; the rest is refused."""
    from tests.support.run_folder import NAMES, make_run
    from workbench.following import Following, progress_words

    status = {"state": "training", "pid": 7, "host": "here", "stage": "joint", "stage_epoch": 1, "epoch": 3, "images": 9, "loss": 0.5}
    folder = make_run(folder / "run", 2, **status)

    def look(path):
        training = Following(folder)
        assert progress_words(training.facts())
        training.strongest(NAMES[0])
        for label in training.header(2)["categories"]:
            training.probe(2, label)
        training.pictures()

    path = folder / file
    if file == "status.json":
        attempt(look, path, 0, damaged_json, status)
    elif file == "probe/pictures.safetensors":
        attempt(look, path, 0.15, damaged_bytes, path.read_bytes())
    else:
        attempt(look, path, 0.2, damaged_tensors, path.read_bytes(), "probe")


for name in ("status.json", "probe/pictures.safetensors", "probe/epoch-0002.safetensors"):
    kind(f"watched-{Path(name).stem}", 40, name)(what_a_training_says_while_it_runs)


@kind("scores", 80)
def scores_of_a_run(folder, attempt):
    from workbench.reports.scores import FILE, Scores

    kept = Scores("photos", "best", Categories(["a", "b"]), ["1", "2", "3"], np.ones((3, 2), np.float32), np.ones((3, 2), np.int8))
    path = kept.save(folder)
    assert path.name == FILE

    def read(path):
        found = Scores.read(path.parent)
        assert found.logits.shape == found.targets.shape
        assert found.same_images(found)

    attempt(read, path, 0.2, damaged_tensors, path.read_bytes(), "scores")


@kind("tables-of-scores", 60)
def tables_of_scores(folder, attempt):
    from workbench.datasets.check import read_scores

    path = folder / "scores.npz"
    np.savez(path, scores=np.ones((4, 3), np.float32), ids=np.array(["a", "b", "c", "d"]))
    attempt(read_scores, path, 0.2, damaged_bytes, path.read_bytes())


@kind("label-graph", 80)
def label_graphs(folder, attempt):
    from workbench.labels import LabelGraph

    targets = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=np.int8)
    path = LabelGraph.from_targets(Categories(["a", "b", "c"]), targets).save(folder / "graph.json")
    attempt(LabelGraph.load, path, 0.25, damaged_json, json.loads(path.read_text()))


@kind("saved-view", 50)
def saved_views(folder, attempt):
    from workbench import AttentionExplorer

    explorer = AttentionExplorer(Inspection.of(make_contents(3, 4, picture=(24, 24))))
    path = explorer.save_view(folder / "view.json")
    attempt(explorer.load_view, path, 0.2, damaged_json, json.loads(path.read_text()))


@kind("study", 40)
def studies(folder, attempt):
    from workbench.lessons import read_study

    (folder / "studies").mkdir()
    kept = {"hypothesis": "none", "rows": [{"seed": 0}], "summary": [{"arms": {}}]}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("WORKBENCH_HOME", str(folder))
        attempt(lambda _: read_study("atlas"), folder / "studies" / "atlas.json", 0.02, damaged_json, kept)
