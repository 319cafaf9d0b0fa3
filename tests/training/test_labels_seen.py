"""What labels let nobody learn or measure is said before the first step."""

import numpy as np
import pytest

from workbench.datasets import as_dataset
from workbench.errors import WorkbenchError
from workbench.training.labels_seen import odd_labels

NAMES = ["cat", "dog", "emu", "yak"]


def data(rows, name):
    found = as_dataset(np.zeros((len(rows), 4, 4, 3), np.uint8), NAMES, targets=rows)
    found.name = name
    return found


def test_nothing_odd():
    assert odd_labels(data([[1, 1, 1, 1]], "train"), data([[1, 1, 1, 1]], "val")) == []


def test_each_kind_of_category_is_named():
    notes = odd_labels(data([[1, 0, 0, -1], [1, 0, 0, -1]], "train"), data([[0, 1, 0, 1]], "val"))
    assert notes == [
        "1 of 4 categories (yak) is unknown in every image of train, so nothing is learned about it.",
        "1 of 4 categories (dog) is in val only: no image of train shows it.",
        "1 of 4 categories (emu) is in no image of train and val.",
        "1 of 4 categories (cat) is in no image of val: there is no average precision for it.",
    ]
    assert "nothing can be measured" in odd_labels(data([[1, 1, 1, 1]], "train"), data([[-1] * 4], "val"))[-1]


def test_nothing_to_learn_is_refused():
    with pytest.raises(WorkbenchError, match="Every label of train is unknown"):
        odd_labels(data([[-1] * 4], "train"), data([[1, 0, 0, 0]], "val"))


def test_columns_are_matched_by_name():
    validation = as_dataset(np.zeros((1, 4, 4, 3), np.uint8), NAMES[::-1], targets=[[0, 0, 0, 1]])
    validation.name = "val"
    notes = odd_labels(data([[1, 1, 1, 1]], "train"), validation)
    assert notes == ["3 of 4 categories (dog, emu, yak) are in no image of val: there is no average precision for them."]


def test_a_training_says_it_before_its_first_step(tmp_path, capfd, monkeypatch):
    import workbench.datasets
    from tests.training.colored_blocks import blocks_recipe, load_blocks
    from workbench.training import train

    def without_the_first(name, split, *arguments, **options):
        found = load_blocks(name, split, *arguments, **options)
        found.targets = found.targets.copy()
        found.targets[:, 0] = empty
        return found

    monkeypatch.setattr(workbench.datasets, "load_dataset", without_the_first)
    empty = 0
    train(blocks_recipe(epochs=1), tmp_path / "run", progress=False)
    assert "is in no image of" in capfd.readouterr().err
