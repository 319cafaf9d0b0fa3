"""Own tables: labels columns, one-hot columns, splits, marks of the unknown, and errors with line numbers."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from workbench.cli import main
from workbench.datasets import load_dataset
from workbench.errors import DataWarning, WorkbenchError


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
        ("beeld,labels\na.png,dog\n", {}, "no column for the pictures .* say which of these it is: beeld, labels"),
        ("image,labels\na.png,dog\n", {"labels_column": "lables"}, 'Did you mean "labels"'),
        ("image,labels\na.png,dog\n", {"split": "train"}, "has no split column"),
        ("image,labels,split\na.png,dog,train\n", {"split": "trian"}, 'no row of the split "trian". Did you mean "train"'),
        ("image,dog\na.png,1\na.png,0\n", {}, "line 3: a.png is in line 2 already"),
        ("image,labels,split\na.png,dog,train\na.png,cat,val\n", {}, 'line 3: a.png is of the split "val", and in line 2 of "train"'),
        ("image,dog,\na.png,1,x\n", {}, "a column without a name holds 'x'"),
        ("image," + ",".join(f"c{n}" for n in range(100_000)), {}, "has 100,001 columns, more than the 20,000"),
        ("image,labels\na.png,dog,cat\n", {}, "line 2: 3 cells for 2 columns"),
        ("image,labels\n\na.png,dog;;cat\n", {}, "line 3: .* names an empty label"),
        ("image,labels\na.png,dog;?dog\n", {}, 'line 2: the label "dog" is there twice'),
        ("image,labels\n,dog\n", {}, "line 2 has no file name"),
        ("image,labels\n../../gone.png,dog\n", {}, "leads out of"),
        ("image,labels\nC:/gone.png,dog\n", {}, "leads out of"),
        ('image,labels\n"a.png,dog\n', {}, "line 2: not a row of a CSV file"),
        ("image,labels\na.png,dgo\n", {"categories": ["dog"]}, 'line 2: "dgo" is not one of the categories. Did you mean "dog"'),
        ("image,dog\na.png,-1\n", {}, "line 2: the cell '-1' of \"dog\" is none of"),
        ("image,dog\na.png,1\n", {"categories": ["cat"]}, 'no column "cat"'),
        ("image,dog\na.png,1\n", {"values": {"1": 2}}, "values says what a cell means"),
        ("image,labels\na.png,dog\n", {"separator": ""}, "cannot be empty"),
        ("image,labels\na.png,dog\n", {"delimiter": "||"}, "give one character"),
        ("image,labels\na.png,\n", {}, "category list is empty"),
        ('image,labels\na.png,"[1, 0, 1]"\n', {}, 'line 2: ".1, 0, 1." says 0 or 1 for each category, but not which'),
        ("a.png,dog\nb.png,cat\n", {}, "begins with a row .a.png, dog., not with names of columns"),
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


@pytest.mark.parametrize(
    ("text", "names", "targets"),
    [
        ("image,label\na.png,dog\na.png,cat\nb.png,cat\n", ["cat", "dog"], [[1, 1], [1, 0]]),  # a row for each label
        (",image,labels\n0,a.png,dog\n1,b.png,cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),  # the index that pandas writes
        ("Unnamed: 0,image,dog,cat\n0,a.png,1,0\n1,b.png,0,1\n", ["dog", "cat"], [[1, 0], [0, 1]]),
        ("image;labels\na.png;dog\nb.png;cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),
        ('image;labels\na.png;"dog;cat"\nb.png;cat\n', ["cat", "dog"], [[1, 1], [1, 0]]),
        ("image\tlabels\na.png\tdog\nb.png\tcat\n", ["cat", "dog"], [[0, 1], [1, 0]]),
        ("sep=;\nimage;labels\na.png;dog\nb.png;cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),  # for Excel
        ('"sep=,"\nimage,labels\na.png,dog\nb.png,cat\n', ["cat", "dog"], [[0, 1], [1, 0]]),
        ("image,labels\na,dog\nb,cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),  # names without their ending
        ("image,labels\nC:\\photos\\a.png,dog\n../../b.png,cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),
        ("image,labels\nfile:///x/a.png,dog\nB.PNG,cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),
        ("image,labels\na.png,dog;dog\nb.png,cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),
        ("image,dog,cat\na.png,True,False\nb.png,False,true\n", ["dog", "cat"], [[1, 0], [0, 1]]),
        ("image,dog,cat\na.png,1.0,0.0\nb.png,0.0,1.0\n", ["dog", "cat"], [[1, 0], [0, 1]]),
        ("Image,Labels\r\na.png,dog\r\nb.png,cat\r\n", ["cat", "dog"], [[0, 1], [1, 0]]),
        ("\ufeffimage,labels\na.png,dog;\nb.png,cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),
        ('image,labels\na.png,"dog;""hot;dog"""\nb.png,dog\n', ["dog", "hot;dog"], [[1, 1], [1, 0]]),  # a quoted separator
        ("image,labels\na.png,\"['dog', 'cat']\"\nb.png,\"['cat']\"\n", ["cat", "dog"], [[1, 1], [1, 0]]),  # a list as text
        ("image,labels\na.png,\"['dog' 'cat']\"\nb.png,[]\n", ["cat", "dog"], [[1, 1], [0, 0]]),  # as numpy writes it
        ("image,labels\na.png,caf\u00e9\nb.png,cafe\u0301\n", ["caf\u00e9"], [[1], [1]]),  # one name in two Unicode forms
        ("image,width,labels\na.png,640,dog\nb.png,480,cat\n", ["cat", "dog"], [[0, 1], [1, 0]]),
    ],
)
def test_what_is_surely_meant_is_read(table, text, names, targets):
    data = load_dataset("table", "all", table(text))
    assert list(data.categories) == names
    assert data.targets.tolist() == targets
    assert data.ids == ["a.png", "b.png"]
    assert data.image(1).shape == (4, 6, 3)


def test_absolute_paths_and_names_that_macos_wrote(table, tmp_path):
    root = table(f"image,labels\n{tmp_path / 'a.png'},dog\n")
    assert load_dataset("table", "all", root).ids == ["a.png"]
    decomposed, composed = unicodedata.normalize("NFD", "\u00fcber.png"), "\u00fcber.png"
    (tmp_path / "a.png").rename(tmp_path / decomposed)
    root = table(f"image,labels\n{composed},dog\n")
    assert load_dataset("table", "all", root).image(0).shape == (4, 6, 3)


@pytest.mark.parametrize(
    ("text", "names", "words"),
    [
        ('image,labels\na.png,"dog, cat"\nb.png,dog\n', ["cat", "dog"], 'line 2: "dog, cat" is read as 2 labels.*separator=","'),
        ('image,labels\na.png,"dog, cat"\nb.png,emu\n', ["dog, cat", "emu"], 'line 2: "dog, cat" is read as one label.*separator=","'),
        ("image,labels\na.png,dog|cat\nb.png,emu\n", ["cat", "dog", "emu"], 'line 2: "dog.cat" is read as 2 labels'),
        ("image,labels\na.png,dog cat\nb.png,dog\n", ["dog", "dog cat"], 'line 2: "dog cat" is read as one label; if a space'),
        ("image,width,dog\na.png,640,1\nb.png,480,0\n", ["dog"], r"column \"width\" \('640'\) is not taken as a category"),
        ("image,sharpness,dog\na.png,12.5,1\nb.png,48.3,0\n", ["dog"], r"column \"sharpness\" \('12.5'\) is not taken"),
        ("image,fold,dog\na.png,0,1\nb.png,1,0\n", ["dog"], 'column "fold"'),
        ("image,labels\na.png,Dog\nb.png,dog\n", ["Dog", "dog"], 'line 3: "dog" and "Dog" are two categories'),
        ("image,labels\na.png,nan\nb.png,dog\n", ["dog"], 'line 2: "nan" is read as an empty cell'),
        ("image,labels\na.png,dog\ngone.png,cat\nlost.png,cat\n", ["cat", "dog"], r"2 pictures are not in .* such as gone\.png"),
        ('image,labels\na.png,dog;cat\nb.png,"dog,cat"\n', ["cat", "dog", "dog,cat"], 'line 3: "dog,cat", beside "dog", is a category of'),
        ("image,labels\na.png,dog/cat\nb.png,dog\n", ["dog", "dog/cat"], 'line 2: "dog/cat", beside "dog"'),
        ("image,labels\na.png,dog\nb.png,dog\u200b\n", ["dog", "dog\u200b"], r'line 3: "dog\\u200b" and "dog" are two categories'),
        ("image,labels\na.png,dog\nb.png,None;dog\n", ["None", "dog"], 'line 3: "None" in "None;dog" is read as a label of that name'),
        ("image,is_train,dog\na.png,1,1\nb.png,0,0\n", ["dog"], 'column "is_train"'),
        ("image,label,value\na.png,dog,0.9\nb.png,cat,0.1\n", ["cat", "dog"], "column .value. .'0.9'. .* is not used"),
        ("image,label,confidence\na.png,dog,1\na.png,cat,0\nb.png,cat,1\n", ["cat", "dog"], 'column "confidence" says whether'),
    ],
)
def test_what_looks_odd_is_said_with_line_and_cell(table, text, names, words, capsys):
    root = table(text)
    with pytest.warns(DataWarning, match=words):
        data = load_dataset("table", "all", root)
    assert list(data.categories) == names
    if "confidence" in text:
        assert data.targets.tolist() == [[0, 1], [1, 0]]
    assert data.notes
    main(["data", "check", "table", "--root", str(root)])
    printed = capsys.readouterr()
    assert all(note in printed.out for note in data.notes)
    assert "DataWarning" not in printed.err


def test_a_separator_that_is_given_is_taken(table):
    root = table('image,labels\na.png,"dog, cat"\nb.png,emu\n')
    assert list(load_dataset("table", "all", root, separator=",").categories) == ["cat", "dog", "emu"]
    assert list(load_dataset("table", "all", table("image,labels\na.png,dog cat\n"), separator=" ").categories) == ["cat", "dog"]


def test_the_depth_of_sixteen_bit_pictures(table, tmp_path):
    values = np.array([[0, 2048, 4095]], dtype=np.uint16)
    root = table("image,labels\na.png,dog\nb.png,dog\n")
    for name in "ab":
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    with pytest.warns(DataWarning, match=r"none is brighter than 4095.*bits=12"):
        load_dataset("table", "all", root)
    data = load_dataset("table", "all", root, bits=12)
    assert data.image(0)[0, :, 0].tolist() == [0, 127, 255]
    with pytest.raises(WorkbenchError, match="more than 10 bits"):
        load_dataset("table", "all", root, bits=10).image(0)
    assert load_dataset("table", "all", root, bits=16).image(0)[0, :, 0].tolist() == [0, 7, 15]


def test_categories_given_beside_the_table_may_look_alike(tmp_path):
    """ImageNet's thousand hold "cardigan" and "Cardigan"; that says nothing of a table in which only one of them stands, or neither."""
    (tmp_path / "labels.csv").write_text("image,labels\na.png,cup\nb.png,cup;Cardigan\n")
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / name)
    data = load_dataset("table", "all", root=tmp_path, categories=["cup", "cardigan", "Cardigan"])
    assert data.targets.tolist() == [[1, 0, 0], [1, 0, 1]]
    (tmp_path / "labels.csv").write_text("image,labels\na.png,cardigan\nb.png,cup;Cardigan\n")
    with pytest.warns(DataWarning, match='line [23]: "[cC]ardigan" and "[cC]ardigan" are two categories'):
        load_dataset("table", "all", root=tmp_path, categories=["cup", "cardigan", "Cardigan"])
