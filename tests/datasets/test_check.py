"""`data check`: what it counts, what it finds, and how scores give a wrong order of columns away."""

import json

import numpy as np
import pytest

from tests.support.miniatures import MINIATURES, SPLITS, make_miniature
from workbench.categories import Categories
from workbench.cli import main
from workbench.datasets import load_dataset
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.check import contents, order_of_names, order_of_scores
from workbench.datasets.official import official_categories
from workbench.errors import WorkbenchError


class Labels(MultiLabelDataset):
    """Labels of COCO's names in category-id order, without pictures; some are unknown, "zebra" never occurs."""

    def __init__(self, count=300):
        rng = np.random.default_rng(3)
        self.name, self.categories = "labels", official_categories("coco")
        self.targets = (rng.random((count, 80)) < rng.uniform(0.05, 0.3, 80)).astype(np.int8)
        self.targets[:, self.categories.index("zebra")] = 0
        self.targets[rng.random(self.targets.shape) < 0.02] = -1
        self.targets[:, self.categories.index("zebra")] = 0
        self.ids = [str(number) for number in range(count)]
        self.scores = (self.targets == 1) + rng.normal(0, 0.25, self.targets.shape)

    def image(self, index):
        raise AssertionError("nobody asked for pictures")


def test_scores_in_the_right_order():
    data = Labels()
    found = order_of_scores(data, data.scores)
    assert (found["verdict"], found["misplaced"], found["order"], found["judged"]) == ("as named", {}, None, 79)
    assert found["map"] > 0.9
    assert found["map_matched"] == pytest.approx(found["map"])


def test_scores_in_alphabetical_order_are_found_out():
    data = Labels()
    names = list(data.categories)
    alphabetical = data.scores[:, [names.index(name) for name in sorted(names)]]
    found = order_of_scores(data, alphabetical)
    assert (found["verdict"], found["order"]) == ("wrong order", "alphabetical order")
    assert found["map"] < 0.3
    assert found["map_matched"] > 0.9
    assert found["misplaced"]["person"] == "airplane"  # the first column of the scores is the first name of the alphabet


def test_scores_in_no_known_order():
    data = Labels()
    shuffled = data.scores[:, np.random.default_rng(0).permutation(80)]
    found = order_of_scores(data, shuffled)
    assert (found["verdict"], found["order"]) == ("wrong order", None)


def test_two_exchanged_columns_are_named_but_not_the_order():
    data = Labels()
    scores = data.scores.copy()
    scores[:, [2, 7]] = scores[:, [7, 2]]
    found = order_of_scores(data, scores)
    assert found["verdict"] == "some columns fit another label better"
    assert found["misplaced"] == {"car": "truck", "truck": "car"}


def test_noise_has_no_order():
    data = Labels()
    found = order_of_scores(data, np.random.default_rng(1).normal(size=data.targets.shape))
    assert found["verdict"] != "wrong order"
    assert found["order"] is None


def test_rows_are_matched_by_id():
    data = Labels()
    rows = np.random.default_rng(5).permutation(300)[:200]
    ids = [data.ids[row] for row in rows]
    assert order_of_scores(data, data.scores[rows], ids)["verdict"] == "as named"
    with pytest.raises(WorkbenchError, match="of image x"):
        order_of_scores(data, data.scores[:1], ["x"])
    with pytest.raises(WorkbenchError, match=r"scores are \[200, 80\] and labels has \[300, 80\]"):
        order_of_scores(data, data.scores[:200])


def test_names_against_the_official_list():
    official = official_categories("coco2014")
    assert order_of_names("coco2014", official) == "official"
    alphabetical = Categories(sorted(official))
    assert order_of_names("coco2014", alphabetical) == ('alphabetical, not official: column 0 is "airplane", officially "person"')
    assert order_of_names("coco2014", Categories(list(official)[::-1])).startswith("not official: column 0")
    renamed = Categories(["aeroplane" if name == "airplane" else name for name in official])
    assert order_of_names("coco2014", renamed) == "other names than the official list: lacks airplane and adds aeroplane"
    assert order_of_names("coco", Categories(["cup", "spoon"])) == "no official list"
    assert order_of_names("table", alphabetical) == "no official list"


@pytest.mark.parametrize("name", MINIATURES)
def test_counts_of_every_miniature(name, tmp_path, capsys):
    root, split = make_miniature(name, tmp_path), SPLITS[name][1]
    assert main(["data", "check", name.removesuffix("-table"), "--root", str(root), "--split", split, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    data = load_dataset(name.removesuffix("-table"), split, root)
    assert result["images"] == len(data) > 0
    assert result["broken"] == []
    assert sum(result["frequencies"].values()) == (data.targets == 1).sum()
    assert sum(result["unknown"].values()) == (data.targets == -1).sum()
    assert result["order"] == ("no official list" if name == "table" else "official")


def test_missing_and_broken_pictures(tmp_path, capsys):
    root = make_miniature("voc2007", tmp_path)
    pictures = sorted((root / "VOCdevkit/VOC2007/JPEGImages").glob("*.jpg"))
    pictures[-1].unlink()
    pictures[-2].write_bytes(pictures[-2].read_bytes()[:200])
    data = load_dataset("voc2007", "test", root)
    assert [(entry["id"], entry["missing"]) for entry in contents(data)["broken"]] == [(data.ids[-2], False), (data.ids[-1], True)]
    assert main(["data", "check", "voc2007", "--root", str(root)]) == 2
    said = capsys.readouterr()
    assert "1 pictures missing, 1 broken" in said.out
    assert "2 of 12 pictures of voc2007-test cannot be read" in said.err


def test_a_coco_file_that_is_numbered_in_alphabetical_order(tmp_path, capsys):
    root = make_miniature("coco2014", tmp_path)
    path = root / "annotations/instances_val2014.json"
    content = json.loads(path.read_text())
    for number, entry in enumerate(sorted(content["categories"], key=lambda entry: entry["name"])):
        entry["id"] = 200 + number
    content["annotations"] = []
    path.write_text(json.dumps(content))
    assert main(["data", "check", "coco2014", "--root", str(root)]) == 2
    assert 'alphabetical, not official: column 0 is "airplane"' in capsys.readouterr().err


def test_scores_from_the_command_line(tmp_path, capsys):
    root = make_miniature("apparel", tmp_path / "data")
    data = load_dataset("apparel", "all", root)
    scores = data.targets + np.random.default_rng(0).normal(0, 0.1, data.targets.shape)
    arguments = ["data", "check", "apparel", "--split", "all", "--root", str(root), "--scores"]
    np.savez(tmp_path / "right.npz", scores=scores, ids=np.array(data.ids))
    assert main([*arguments, str(tmp_path / "right.npz")]) == 0
    assert "columns of the scores: as named" in capsys.readouterr().out
    np.save(tmp_path / "wrong.npy", scores[:, ::-1])
    assert main([*arguments, str(tmp_path / "wrong.npy")]) == 2
    said = capsys.readouterr()
    assert "wrong order, reversed order" in said.out
    assert 'the column of "red" fits "dress" better' in said.out
    assert "fit other labels better" in said.err


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: None, "There is no file of scores"),
        (lambda path: path.write_bytes(b"nothing"), "cannot be read as a table of scores"),
        (lambda path: np.savez(path, other=np.zeros((2, 2))), 'holds no table "scores"'),
        (lambda path: np.savez(path, scores=np.array(["a"])), 'holds no table "scores"'),
    ],
)
def test_wrong_scores_are_one_sentence(tmp_path, capsys, write, sentence):
    write(tmp_path / "scores.npz")
    root = make_miniature("apparel", tmp_path / "data")
    assert main(["data", "check", "apparel", "--root", str(root), "--scores", str(tmp_path / "scores.npz")]) == 2
    assert sentence in capsys.readouterr().err


def test_options_of_the_reader_from_the_command_line(tmp_path, capsys):
    root = make_miniature("table", tmp_path)
    text = (root / "table.csv").read_text()
    (root / "table.csv").write_text(text.replace(";", "|").replace(",", ";"))
    assert main(["data", "check", "table", "--root", str(root), "--set", "separator=|", "--set", "delimiter=;", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["categories"] == 4
    assert main(["data", "check", "table", "--root", str(root), "--set", "seperator=|"]) == 2
    assert 'Did you mean "separator"' in capsys.readouterr().err
