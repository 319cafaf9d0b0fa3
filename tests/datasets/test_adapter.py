"""Whatever people hold pictures in is read as a data set, or refused with what to give instead."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from workbench.datasets import as_dataset
from workbench.errors import WorkbenchError
from workbench.regions import Region

NAMES = ["cat", "dog", "emu"]
RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    for name, picture in zip("abc", PICTURES, strict=True):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


class Endless(TorchDataset):
    """As many are written: a length, and a __getitem__ that knows no end."""

    def __init__(self, item=lambda index: torch.from_numpy(PICTURES[index % 3]).permute(2, 0, 1).float() / 255):
        self.item = item

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.item(index)


class Streamed(IterableDataset):
    def __iter__(self):
        yield from (torch.from_numpy(picture).permute(2, 0, 1) for picture in PICTURES)


class Rows:
    """As a Hugging Face data set: rows by index, features that know their names, slices that are columns."""

    def __init__(self, label, features):
        self.features = {"image": SimpleNamespace(), "label": features}
        self.rows = [{"image": Image.fromarray(picture), "label": one} for picture, one in zip(PICTURES, label, strict=True)]

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if isinstance(index, slice):
            return {key: [row[key] for row in self.rows[index]] for key in self.features}
        return self.rows[index]


def buffer(picture, kind="PNG"):
    held = io.BytesIO()
    Image.fromarray(picture).save(held, kind)
    held.seek(0)
    return held


def first_and_more():
    tensors = torch.from_numpy(PICTURES).permute(0, 3, 1, 2)
    floats = tensors.float() / 255
    return {
        "a torch data set with a length": lambda _: Endless(),
        "one with pairs": lambda _: Endless(lambda i: (tensors[i % 3], torch.tensor([1, 0, -1]))),
        "one with dicts": lambda _: Endless(lambda i: {"pixel_values": floats[i % 3], "labels": torch.tensor([0, 1, 0])}),
        "a TensorDataset": lambda _: TensorDataset(floats),
        "a loader": lambda _: DataLoader(TensorDataset(floats, torch.ones(3, 3)), batch_size=2),
        "a loader of dicts": lambda _: DataLoader(Endless(lambda i: {"image": floats[i]}), batch_size=2),
        "an iterable data set": lambda _: Streamed(),
        "a batch of a loader": lambda _: next(iter(DataLoader(TensorDataset(floats, torch.ones(3, 3)), batch_size=3))),
        "a float batch": lambda _: floats,
        "half precision": lambda _: floats.to(torch.bfloat16),
        "one that wants gradients": lambda _: floats.clone().requires_grad_(),
        "a byte batch": lambda _: tensors,
        "an array batch": lambda _: PICTURES,
        "a float array batch": lambda _: PICTURES / 255,
        "integers": lambda _: PICTURES.astype(np.int64),
        "a list of arrays": lambda _: list(PICTURES),
        "a tuple of tensors": lambda _: tuple(tensors),
        "a generator of arrays": lambda _: (picture for picture in PICTURES),
        "a generator of batches": lambda _: (floats[i : i + 1] for i in range(3)),
        "PIL images": lambda _: [Image.fromarray(picture) for picture in PICTURES],
        "a folder": lambda folder: folder,
        "a folder as text": lambda folder: str(folder),
        "a glob": lambda folder: sorted(folder.glob("*.png")),
        "a generator of paths": lambda folder: (folder / f"{name}.png" for name in "abc"),
        "an array of texts": lambda folder: np.array([str(folder / f"{name}.png") for name in "abc"]),
        "BytesIO": lambda _: [buffer(picture) for picture in PICTURES],
        "bytes": lambda _: [buffer(picture).getvalue() for picture in PICTURES],
        "rows": lambda _: Rows([0, 1, 2], SimpleNamespace(names=NAMES)),
        "a slice of rows": lambda _: Rows([0, 1, 2], SimpleNamespace(names=NAMES))[0:3],
        "a list of rows": lambda _: [Rows([0, 1, 2], None)[i] for i in range(3)],
        "rows that are not decoded": lambda _: [{"image": {"bytes": buffer(picture).getvalue(), "path": None}} for picture in PICTURES],
        "a column of a table": lambda folder: SimpleNamespace(iloc=None, tolist=lambda: [folder / f"{name}.png" for name in "abc"]),
    }  # fmt: skip


@pytest.mark.parametrize("kind", first_and_more())
def test_three_pictures_of_every_kind(kind, folder):
    data = as_dataset(first_and_more()[kind](folder), NAMES)
    assert len(data) == len(data.ids) == len(set(data.ids)) == 3
    assert data.targets.shape == (3, 3)
    tolerance = 1 if kind == "half precision" else 0
    for index in range(3):
        read = data.image(index)
        assert read.dtype == np.uint8
        assert abs(read.astype(int) - PICTURES[index]).max() <= tolerance
    assert len(as_dataset(first_and_more()[kind](folder), NAMES, limit=2)) == 2
    explicit = as_dataset(
        first_and_more()[kind](folder), NAMES, targets=[["dog"], [], ["cat", "emu"]], regions=[[("dog", (0, 0, 3, 2))], [], []]
    )
    assert explicit.targets.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1]]
    assert explicit.regions(0) == [Region("dog", (0.0, 0.0, 3.0, 2.0))]
    assert explicit.regions(1) == []


@pytest.mark.parametrize(
    "one",
    [
        lambda folder: folder / "a.png",
        lambda folder: str(folder / "a.png"),
        lambda _: Image.fromarray(PICTURES[0]),
        lambda _: PICTURES[0],
        lambda _: torch.from_numpy(PICTURES[0]).permute(2, 0, 1),
        lambda _: buffer(PICTURES[0]),
        lambda _: buffer(PICTURES[0]).getvalue(),
        lambda _: {"image": Image.fromarray(PICTURES[0])},
        lambda folder: bytearray((folder / "a.png").read_bytes()),
    ],
)
def test_one_picture(one, folder):
    data = as_dataset(one(folder), NAMES)
    assert len(data) == 1
    np.testing.assert_array_equal(data.image(0), PICTURES[0])


def test_grey_pictures_and_the_place_of_the_channels():
    grey = PICTURES[..., 0]
    for batch in (
        np.concatenate([grey, grey, grey]),  # nine: three would be channels
        grey[..., None],
        grey[:, None],
        torch.from_numpy(grey)[:, None],
        list(grey),
        grey[:, None] / 255,
        [Image.fromarray(g) for g in grey],
    ):
        data = as_dataset(batch, NAMES)
        assert len(data) in (3, 9)
        np.testing.assert_array_equal(data.image(2), np.repeat(grey[2][..., None], 3, axis=2))
    small = RNG.integers(0, 256, (3, 5, 3), dtype=np.uint8)  # both ends could be channels: as their libraries have them
    np.testing.assert_array_equal(as_dataset(small, NAMES).image(0), small)
    np.testing.assert_array_equal(as_dataset(torch.from_numpy(small), NAMES).image(0), small.transpose(1, 2, 0))
    assert as_dataset(np.eye(4, dtype=bool), NAMES).image(0).max() == 255
    clear = np.zeros((2, 2, 4), dtype=np.uint8)
    assert (as_dataset(clear, NAMES).image(0) == 255).all()  # transparent pixels lie on white, as in files


def test_the_depth_is_declared_and_never_taken_from_a_picture():
    deep = np.array([[[0, 2048, 4095]], [[0, 100, 200]]], dtype=np.uint16)[..., None]
    assert as_dataset(deep, NAMES, bits=12).image(0)[0, :, 0].tolist() == [0, 127, 255]
    assert as_dataset(deep, NAMES, bits=12).image(1)[0, :, 0].tolist() == [0, 6, 12]
    assert as_dataset(deep, NAMES).image(0)[0, :, 0].tolist() == [0, 7, 15]
    with pytest.raises(WorkbenchError, match=r"holds 4095, more than 10 bits can \(1023\)"):
        as_dataset(deep, NAMES, bits=10).image(0)
    with pytest.raises(WorkbenchError, match=r"whole numbers from 0 to 4095; .* bits="):
        as_dataset(deep.astype(np.int32), NAMES).image(0)


def test_a_normalise_step_is_undone_when_it_is_named():
    mean, spread = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    sent = (PICTURES / 255 - mean) / spread
    with pytest.raises(WorkbenchError, match=r"looks normalised.*normalised=\(mean, std\)"):
        as_dataset(sent, NAMES).image(0)
    np.testing.assert_array_equal(as_dataset(sent, NAMES, normalised=(mean, spread)).image(1), PICTURES[1])
    with pytest.raises(WorkbenchError, match="divide it by 255"):
        as_dataset(PICTURES.astype(np.float32), NAMES).image(0)


def test_labels_that_come_along():
    tensors = torch.from_numpy(PICTURES).permute(0, 3, 1, 2)
    assert as_dataset(Endless(lambda i: (tensors[i], torch.tensor([1, 0, -1]))), NAMES).targets.tolist() == [[1, 0, -1]] * 3
    assert as_dataset(Endless(lambda i: (tensors[i], i)), NAMES).targets.tolist() == np.eye(3).tolist()
    loader = DataLoader(TensorDataset(tensors, torch.eye(3)), batch_size=2)
    assert as_dataset(loader, NAMES).targets.tolist() == np.eye(3).tolist()
    rows = Rows([2, -1, 0], SimpleNamespace(names=NAMES))
    assert as_dataset(rows, NAMES).targets.tolist() == [[0, 0, 1], [-1, -1, -1], [1, 0, 0]]
    lists = Rows([[0, 1], [2, 0], [1, 2]], SimpleNamespace(feature=SimpleNamespace(names=NAMES)))
    assert as_dataset(lists, NAMES).targets.tolist() == [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    # By name, whatever the order of the model; what the source does not name is unknown.
    assert as_dataset(rows, ["yak", "emu", "dog", "cat"]).targets.tolist() == [[-1, 1, 0, 0], [-1] * 4, [-1, 0, 0, 1]]
    assert as_dataset(rows).categories.names == tuple(NAMES)
    with pytest.raises(WorkbenchError, match='"emu", which is none of the categories'):
        as_dataset(rows, ["cat", "dog"])


def test_a_folder_of_torchvision_keeps_its_classes(folder):
    from torchvision.datasets import ImageFolder

    for name in ("dog", "cat"):
        (folder / "set" / name).mkdir(parents=True)
        Image.fromarray(PICTURES[0]).save(folder / "set" / name / "x.png")
    data = as_dataset(ImageFolder(folder / "set"), NAMES)
    assert data.targets.tolist() == [[1, 0, -1], [0, 1, -1]]
    assert data.image(0).shape == (5, 7, 3)


def test_given_targets_in_every_form(folder):
    table = SimpleNamespace(columns=["emu", "cat", "dog"], to_numpy=lambda: np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    wanted = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    for given in (wanted, np.array(wanted), torch.tensor(wanted), torch.tensor(wanted).bool(), [torch.tensor(row) for row in wanted], table,
                  ["emu", "cat", "dog"], [["emu"], ["cat"], ["dog"]], [2, 0, 1], torch.tensor([2, 0, 1]), np.array(["emu", "cat", "dog"]),
                  {"a": ["emu"], "b.png": ["cat"], "c": ["dog"]}):  # fmt: skip
        assert as_dataset(folder, NAMES, targets=given).targets.tolist() == wanted
    assert as_dataset(folder, NAMES, targets=[[-100, 0, 1], [1, 0, 0], [0, 1, 0]], unknown=-100).targets[0].tolist() == [-1, 0, 1]
    for given, sentence in [
        ([[255, 0, 1], [1, 0, 0], [0, 1, 0]], 'hold 255 in row 0, column "cat".*unknown=255'),
        ([["dgo"], [], []], "label 'dgo'. Did you mean \"dog\""),
        ([["dog"], []], "2 rows of targets for 3 images"),
        ({"a": ["emu"], "b": []}, 'Nothing is given for image "c.png"'),
        ([0, 1, 7], "has the class 7, but there are classes 0 to 2"),
        (np.zeros((3, 4)), r"shape \[3, 4\], expected \[3, 3\]"),
        ("dog", "give one row for each image"),
    ]:
        with pytest.raises(WorkbenchError, match=sentence):
            as_dataset(folder, NAMES, targets=given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (lambda folder: folder / "gone.png", "There is no image at"),
        (lambda folder: [folder / "a.png", folder / "gone.png"], "There is no image at"),
        (lambda _: "https://example.org/a.png", "nothing is fetched"),
        (lambda folder: folder.joinpath("empty").mkdir() or folder / "empty", "There is no image in"),
        (lambda _: [], "is empty"),
        (lambda _: 7, "int is not understood as images"),
        (lambda _: [object()], "Image 0 is a object, which is not understood"),
        (lambda _: [{"text": "x"}], "row without an image"),
        (lambda _: np.zeros((2, 3, 4, 5, 6)), "not understood"),
        (lambda _: (np.zeros((4, 4), np.uint8) for _ in iter(int, 1)), "More than 10,000 images .* limit="),
        (lambda _: SimpleNamespace(iloc=None, columns=["image"]), "column of paths"),
        (lambda folder: folder / "notes.csv", r'load_dataset\("auto"'),
    ],
)
def test_what_is_refused(given, sentence, folder):
    with pytest.raises(WorkbenchError, match=sentence):
        as_dataset(given(folder), NAMES)


def test_what_is_wrong_with_one_picture_names_it(folder):
    for given, sentence in [
        ([np.full((2, 2), np.nan)], "image 0 holds NaN"),
        ([np.zeros((0, 4, 3), np.uint8)], "image 0 has the shape"),
        ([np.zeros((4, 4), np.complex64)], "image 0 is of type complex64"),
        (Endless(lambda i: 1 / 0), "Item 0 of Endless cannot be read"),
        ([io.StringIO("x")], "opened as text"),
    ]:
        with pytest.raises(WorkbenchError, match=sentence):
            as_dataset(given, NAMES).image(0)
    with pytest.raises(WorkbenchError, match="give categories="):
        as_dataset(folder)
    with pytest.warns(UserWarning, match="not understood .* count as unknown; give targets="):
        odd = as_dataset(Endless(lambda i: (PICTURES[i], {"annotation": {}})), NAMES)
    assert (odd.targets == -1).all()


def test_a_data_set_of_ours_stays_and_takes_other_targets():
    data = as_dataset(PICTURES, NAMES, targets=[["dog"], [], []])
    assert as_dataset(data) is data
    assert len(as_dataset(data, limit=2)) == 2
    other = as_dataset(data, targets=[[], [], ["emu"]])
    assert other.targets.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert other.ids == data.ids
    np.testing.assert_array_equal(other.image(1), PICTURES[1])


class Bright(torch.nn.Module):
    """Three logits: how bright the picture is in each colour."""

    def __init__(self):
        super().__init__()
        self.look = torch.nn.Conv2d(3, 3, 1, bias=False)
        torch.nn.init.dirac_(self.look.weight)

    def forward(self, images):
        return 8 * self.look(images).mean(dim=(2, 3)) - 4


@pytest.mark.parametrize("kind", ["a torch data set with a length", "PIL images", "a folder as text", "BytesIO", "a generator of paths"])
def test_inspect_and_predictor_take_them_all(kind, folder):
    from workbench import inspect
    from workbench.prediction import predictor

    model = Bright()
    given = first_and_more()[kind](folder)
    made = inspect(model, given, maps="look", categories=NAMES, size=8, targets=[["dog"], [], ["cat"]], measure=False)
    assert made.targets.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]
    expected = as_dataset(PICTURES, NAMES).pixels(8).mean(axis=(1, 2)) / 255 * 8 - 4
    np.testing.assert_allclose(made.logits(), expected, atol=1e-3)
    logits, _ = predictor(model, categories=NAMES, size=8)(first_and_more()[kind](folder))
    np.testing.assert_allclose(logits, expected, atol=1e-3)
