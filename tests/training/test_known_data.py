"""A run knows its data by their content: what differs is said before the first step, in a resumed training and between processes."""

import shutil
import threading

import pytest

import workbench.datasets
from tests.training.colored_blocks import ColoredBlocks, blocks_recipe, load_blocks
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.evaluation import evaluate
from workbench.training import Run, loop, train
from workbench.training.known_data import FILE, opened
from workbench.training.processes import Processes

RECIPE = blocks_recipe(epochs=2)


class Stop(Exception):
    pass


def stop(run, row):
    raise Stop


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One of two epochs."""
    place = tmp_path_factory.mktemp("known") / "run"
    with pytest.raises(Stop):
        train(RECIPE, place, progress=False, on_epoch=stop)
    return place


@pytest.fixture
def stopped(place, tmp_path):
    return shutil.copytree(place, tmp_path / "run")


def pictures_kept(data, change):
    """The data changed, the pictures as they were."""
    shown = [data.image(index) for index in range(len(data))]
    data.image = lambda index: shown[index]
    return change(data) or data


def inverted(data):
    data.targets[:, 1] = 1 - data.targets[:, 1]


def one_label(data):
    data.targets[3, 0] = 1 - data.targets[3, 0]


def replaced(data):
    real = data.image
    data.image = lambda index: 255 - real(index) if index == 5 else real(index)


def renamed(data):
    data.categories = Categories(("azure", *list(data.categories)[1:]))


def exchanged(data):
    data.categories = Categories(reversed(list(data.categories)))
    data.targets = data.targets[:, ::-1].copy()


def other_split(data):
    return ColoredBlocks("study", len(data))


ROWS = {
    "removed": (lambda data: data.subset(range(40)), "8 images (train-40, train-41, train-42 and 5 more) are gone"),
    "added": (lambda data: ColoredBlocks("train", 56), "8 images (train-48, train-49, train-50 and 5 more) are new"),
    "reordered": (lambda data: data.subset([1, 0, *range(2, 48)]), "in another order: number 1 was train-0 and is train-1"),
    "inverted": (inverted, 'the labels of "green" are inverted'),
    "one label": (one_label, 'the labels of 1 image (train-3) differ ("red" of train-3, for one)'),
    "picture replaced": (replaced, "the pictures of 1 image (train-5) were replaced"),
    "another split": (other_split, "48 images (train-0, train-1, train-2 and 45 more) are gone; training: 48 images (study-0"),
}
COLUMNS = {
    "renamed": (renamed, 'the category "red" is gone; training: the category "azure" is new'),
    "exchanged": (exchanged, 'the categories are in another order: column 1 was "red" and is "blue"'),
}


def changed(monkeypatch, change, of="train"):
    def load(name, split, root=None, **options):
        data = load_blocks(name, split, root, **options)
        return pictures_kept(data, change) if split == of else data

    monkeypatch.setattr(workbench.datasets, "load_dataset", load)


@pytest.mark.parametrize("what", [*ROWS, *COLUMNS])
def test_other_data_are_refused_before_the_first_step_and_said(what, stopped, monkeypatch):
    change, told = {**ROWS, **COLUMNS}[what]
    changed(monkeypatch, change)
    before = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file() and path.name != "status.json"}
    monkeypatch.setattr(loop, "loss_terms", lambda *_: pytest.fail("a step was made"))
    with pytest.raises(WorkbenchError) as error:
        train(RECIPE, stopped, progress=False)
    assert told in str(error.value)
    assert ("--accept-data" in str(error.value)) == (what in ROWS)
    assert {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file() and path.name != "status.json"} == before


@pytest.mark.parametrize("what", ["removed", "added", "inverted"])
def test_they_are_accepted_by_word_and_the_history_says_so(what, stopped, monkeypatch, capsys):
    changed(monkeypatch, ROWS[what][0])
    run = train(RECIPE, stopped, progress=False, accept_data=True)
    assert run.done
    assert ROWS[what][1] in capsys.readouterr().err
    assert [ROWS[what][1] in "; ".join(row.get("accepted", [])) for row in run.history] == [False, True]
    assert 0 < run.history[-1]["lr"] <= RECIPE.stages["all"].lr / 1e4, "the schedule ends where it should, whatever the number of steps"


@pytest.mark.parametrize("what", list(COLUMNS))
def test_other_columns_are_never_accepted(what, stopped, monkeypatch):
    changed(monkeypatch, COLUMNS[what][0])
    with pytest.raises(WorkbenchError, match="have other columns than it was trained on"):
        train(RECIPE, stopped, progress=False, accept_data=True)
    (stopped / FILE).unlink()
    with pytest.raises(WorkbenchError, match="have other columns than it was trained on"):
        train(RECIPE, stopped, progress=False, accept_data=True)


def test_the_fingerprint_itself_may_be_lost(stopped, monkeypatch, capsys):
    whole = (stopped / FILE).read_bytes()
    for damage in (b"", whole[:200]):
        (stopped / FILE).write_bytes(damage)
        with monkeypatch.context() as patch:
            changed(patch, inverted)
            with pytest.raises(WorkbenchError, match=r"training: they are not those of data.safetensors, which is missing"):
                train(RECIPE, stopped, progress=False)
    assert train(RECIPE, stopped, progress=False).done
    assert (stopped / FILE).read_bytes() == whole
    assert capsys.readouterr().err == ""


def test_evaluating_other_images_is_said(place, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(place, tmp_path / "run")
    evaluate(folder, which="last")
    assert capsys.readouterr().err == ""
    changed(monkeypatch, inverted, of="val")
    evaluate(folder, which="last")
    assert 'not those that it was validated on: validation: the labels of "green" are inverted' in capsys.readouterr().err
    changed(monkeypatch, renamed, of="val")
    with pytest.raises(WorkbenchError, match=r"azure|red"):
        evaluate(folder, which="last")


class Both:
    """What two processes gather, each in a thread of its own."""

    def __init__(self):
        self.barrier, self.sent = threading.Barrier(2, timeout=60), {}

    def exchanged(self, rank, value):
        self.sent[rank] = value
        self.barrier.wait()
        held = [self.sent[0], self.sent[1]]
        self.barrier.wait()
        return held


class InThread(Processes):
    def __init__(self, rank, both):
        self.rank, self.count, self.first, self.both = rank, 2, rank == 0, both

    def gathered(self, rows):
        return self.both.exchanged(self.rank, rows)

    def totals(self, values):
        return [float(sum(pair)) for pair in zip(*self.both.exchanged(self.rank, list(values)), strict=True)]

    def wait(self):
        self.both.barrier.wait()


def of_two(folder, recipes, datasets):
    """What `opened` says in each of two processes; None where it is content."""
    both, said = Both(), [None, None]

    def one(rank):
        run = Run(folder, recipes[rank])
        run._datasets = {"training": datasets[rank], "validation": load_blocks("blocks", "val", count=24)}
        try:
            opened(run, InThread(rank, both))
        except WorkbenchError as error:
            said[rank] = str(error)

    threads = [threading.Thread(target=one, args=(rank,)) for rank in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


@pytest.mark.parametrize("what", [*ROWS, *COLUMNS])
def test_processes_with_other_data_are_refused_with_what_differs(what, tmp_path):
    change, told = {**ROWS, **COLUMNS}[what]
    mine, theirs = load_blocks("blocks", "train"), pictures_kept(load_blocks("blocks", "train"), change)
    said = of_two(tmp_path, [RECIPE, RECIPE], [mine, theirs])
    assert said[0] == said[1]
    assert said[0].startswith("Process 1 of this training has something else than process 0")
    assert told in said[0]


@pytest.mark.parametrize(("key", "value"), [("seed", "3"), ("stages.all.lr", "0.5"), ("image_size", "64")])
def test_processes_with_other_recipes_are_refused(key, value, tmp_path):
    data = load_blocks("blocks", "train")
    said = of_two(tmp_path, [RECIPE, RECIPE.with_overrides({key: value})], [data, data])
    assert said[0] == said[1]
    assert f"the recipe: {key} is" in said[0]


def test_processes_with_the_same_are_content_wherever_the_data_lie(tmp_path):
    elsewhere = RECIPE.with_overrides({"data.root": "/elsewhere"})
    assert of_two(tmp_path, [RECIPE, elsewhere], [load_blocks("blocks", "train"), load_blocks("blocks", "train")]) == [None, None]
