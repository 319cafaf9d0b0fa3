"""Own tables: labels columns, one-hot columns, splits, marks of the unknown, and errors with line numbers."""

import pytest
from PIL import Image

from workbench.datasets import load_dataset
from workbench.errors import WorkbenchError


@pytest.fixture
def table(tmp_path):
    """Writes a table beside three pictures and returns the folder."""
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (6, 4), (1, 2, 3)).save(tmp_path / name)

    def write(text, name="mine.csv"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


def test_a_labels_column(table):
    root = table("image,labels,split\na.png,dog;?cat,train\nb.png,,train\nc.png, cat ; kite ,val\n")
    data = load_dataset("table", "train", root)
    assert list(data.categories) == ["cat", "dog", "kite"]  # of every split, so that splits agree
    assert data.ids == ["a.png", "b.png"]
    assert data.targets.tolist() == [[-1, 1, 0], [0, 0, 0]]
    assert data.image(0).shape == (4, 6, 3)
    assert load_dataset("table", "val", root / "mine.csv").targets.tolist() == [[1, 0, 1]]
    assert len(load_dataset("table", "all", root)) == 3
    chosen = load_dataset("table", "all", root, categories=["kite", "dog", "cat", "emu"])
    assert chosen.targets.tolist() == [[0, 1, -1, 0], [0, 0, 0, 0], [1, 0, 1, 0]]


def test_another_separator_delimiter_mark_and_names(table):
    root = table('\ufefffoto; tags ;part\n"a.png";"dog|!cat";x\n\nb.png;cat;y\n')
    data = load_dataset(
        "table", "x", root, image_column="foto", labels_column="tags", split_column="part", separator="|", delimiter=";", unknown="!"
    )
    assert data.targets.tolist() == [[-1, 1]]


def test_one_hot_columns(table):
    root = table("file,dog,cat,split_name\na.png,1,0,train\nb.png,?,1,val\n")
    data = load_dataset("table", "all", root)
    assert list(data.categories) == ["dog", "cat"]
    assert data.targets.tolist() == [[1, 0], [-1, 1]]
    assert load_dataset("table", "all", root, categories=["cat"]).targets.tolist() == [[0], [1]]
    signed = table("file,dog,cat\na.png,-1,yes\n", "mine.csv")
    assert load_dataset("table", "all", signed, values={"-1": 0, "yes": 1}).targets.tolist() == [[0, 1]]


def test_a_folder_without_a_table_is_unknown_throughout(table, tmp_path):
    data = load_dataset("table", "all", tmp_path, categories=["dog", "cat"])
    assert data.ids == ["a.png", "b.png", "c.png"]
    assert data.targets.tolist() == [[-1, -1]] * 3
    (tmp_path / "val").mkdir()
    (tmp_path / "c.png").rename(tmp_path / "val" / "c.png")
    assert load_dataset("table", "val", tmp_path, categories=["dog"]).ids == ["c.png"]
    with pytest.raises(WorkbenchError, match=r"nothing says what is in its pictures"):
        load_dataset("table", "all", tmp_path)


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("", {}, "no header line"),
        ("image,labels\n", {}, "no row below its header"),
        ("image,labels,labels\na.png,x,y\n", {}, 'two columns "labels"'),
        ("picture,labels\na.png,dog\n", {}, "no column for the pictures .* say which of these it is: picture, labels"),
        ("image,labels\na.png,dog\n", {"labels_column": "lables"}, 'Did you mean "labels"'),
        ("image,labels\na.png,dog\n", {"split": "train"}, "has no split column"),
        ("image,labels,split\na.png,dog,train\n", {"split": "trian"}, 'no row of the split "trian". Did you mean "train"'),
        ("image,labels\na.png,dog\na.png,cat\n", {}, "line 3: a.png is in line 2 already"),
        ("image,labels\na.png,dog,cat\n", {}, "line 2: 3 cells for 2 columns"),
        ("image,labels\n\na.png,dog;;cat\n", {}, "line 3: .* names an empty label"),
        ("image,labels\na.png,dog;?dog\n", {}, 'line 2: the label "dog" is there twice'),
        ("image,labels\n,dog\n", {}, "line 2 has no file name"),
        ("image,labels\n../../a.png,dog\n", {}, "leads out of"),
        ("image,labels\nC:/a.png,dog\n", {}, "leads out of"),
        ('image,labels\n"a.png,dog\n', {}, "line 2: not a row of a CSV file"),
        ("image,labels\na.png,dgo\n", {"categories": ["dog"]}, 'line 2: "dgo" is not one of the categories. Did you mean "dog"'),
        ("image,dog\na.png,-1\n", {}, "line 2: the cell '-1' of \"dog\" is none of"),
        ("image,dog\na.png,1\n", {"categories": ["cat"]}, 'no column "cat"'),
        ("image,dog\na.png,1\n", {"values": {"1": 2}}, "values says what a cell means"),
        ("image,labels\na.png,dog\n", {"separator": ""}, "cannot be empty"),
        ("image,labels\na.png,dog\n", {"delimiter": "||"}, "give one character"),
        ("image,labels\na.png,\n", {}, "category list is empty"),
        (b"image,labels\na.png,caf\xe9\n", {}, "save it as UTF-8"),
    ],
)
def test_a_wrong_table_is_one_sentence(table, text, options, sentence):
    root = table(text)
    with pytest.raises(WorkbenchError, match=sentence) as caught:
        load_dataset("table", **{"split": "all", "root": root, **options})
    assert len(str(caught.value).splitlines()) == 1


def test_wrong_places(table, tmp_path):
    with pytest.raises(WorkbenchError, match="no usual place"):
        load_dataset("table", "all")
    with pytest.raises(WorkbenchError, match="There is no table at"):
        load_dataset("table", "all", tmp_path / "nowhere")
    table("image,labels\na.png,dog\n", "one.csv")
    table("image,labels\na.png,dog\n", "two.csv")
    with pytest.raises(WorkbenchError, match=r"holds 2 CSV files \(one.csv, two.csv\)"):
        load_dataset("table", "all", tmp_path)
