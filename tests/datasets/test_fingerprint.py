"""Data are known by what is in them: wherever they lie and whatever their times, and no longer when a picture, a row or a name changed."""

import os
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.support.miniatures import SPLITS, make_miniature
from workbench.datasets import as_dataset, load_dataset
from workbench.datasets.fingerprint import DRAWN, Fingerprint, chosen
from workbench.errors import WorkbenchError
from workbench.training import Run, train
from workbench.training.recipe import DataSpec, ModelSpec, Recipe, Stage


def table(folder):
    """Eight pictures and their labels."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    rows = ["image,labels"]
    for number in range(8):
        Image.fromarray(random.integers(0, 255, (24, 30, 3), dtype=np.uint8)).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{'cat;dog' if number % 2 else 'cat' if number % 4 else 'dog'}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    return folder


def known(folder, **how):
    return Fingerprint.of(load_dataset("table", "all", folder), **how)


def test_copies_with_other_times_moved_and_unzipped_are_the_same(tmp_path):
    first = known(table(tmp_path / "a"))
    assert first.looked_at == "all pictures"
    copy = shutil.copytree(tmp_path / "a", tmp_path / "elsewhere" / "b")
    for path in copy.iterdir():
        os.utime(path, (1e9, 1e9))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in copy.iterdir():
            archive.write(path, path.name)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "c")
    for folder in (copy, tmp_path / "c"):
        again = known(folder)
        assert again.digest == first.digest
        assert not first.columns_changed(again)
        assert not first.rows_changed(again)


def test_what_changed_is_said(tmp_path):
    folder = table(tmp_path / "a")
    first = known(folder)
    content = (folder / "3.png").read_bytes()
    (folder / "3.png").write_bytes(content[:-30] + bytes([content[-30] ^ 1]) + content[-29:])  # of the same size
    times = (folder / "table.csv").stat()
    os.utime(folder / "3.png", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert first.rows_changed(known(folder)) == ["the pictures of 1 image (3.png) were replaced"]
    (folder / "3.png").write_bytes(content)
    assert not first.rows_changed(known(folder))
    text = (folder / "table.csv").read_text()
    (folder / "table.csv").write_text(text.replace("5.png,cat;dog", "5.png,dog"))
    assert first.rows_changed(known(folder)) == ['the labels of 1 image (5.png) differ ("cat" of 5.png, for one)']
    (folder / "table.csv").write_text(text.replace("cat", "eel"))
    told = first.columns_changed(known(folder))
    assert told == ['the category "cat" is gone', 'the category "eel" is new']
    assert known(folder).digest != first.digest


def test_a_sample_says_so_finds_all_sizes_and_is_the_same_whatever_rows_come_or_go(tmp_path):
    folder = table(tmp_path / "a")
    first = known(folder, sample=3)
    assert first.looked_at == "a sample of 3 of 8 pictures"
    Image.fromarray(np.zeros((24, 30, 3), np.uint8)).save(folder / "3.png")
    assert first.rows_changed(known(folder, sample=3)) == ["the pictures of 1 image (3.png) were replaced"]
    ids = [f"image {number}" for number in range(100)]
    few = {ids[place] for place in chosen(ids, 20)}
    rest = [name for name in ids if name not in list(few)[:5]]
    assert few & set(rest) <= {rest[place] for place in chosen(rest, 20)}


@pytest.mark.filterwarnings("ignore::workbench.errors.DataWarning")  # of the missing picture
def test_a_picture_that_cannot_be_read_is_not_compared(tmp_path):
    folder = table(tmp_path / "a")
    whole = known(folder)
    (folder / "2.png").write_bytes(b"")
    (folder / "4.png").unlink()
    broken = known(folder)
    assert not broken.rows_changed(whole)
    assert not broken.digests[[2, 4]].any()


@pytest.mark.parametrize("name", ["coco2017", "voc2007", "nuswide", "wider", "apparel"])
def test_every_reader_says_where_its_pictures_are(name, tmp_path):
    data = load_dataset(name, SPLITS[name][0], make_miniature(name, tmp_path / "a"))
    assert all(data.file(index).is_file() for index in range(len(data)))
    assert (Fingerprint.of(data).bytes > 0).all()
    assert data.subset([1, 0]).file(0) == data.file(1)


def test_drawn_scenes_are_known_by_what_they_are_drawn_from():
    first = Fingerprint.of(load_dataset("scenes", "val", count=40, size=32, cache=False))
    assert int(first.digests.any(axis=1).sum()) == DRAWN
    other = Fingerprint.of(load_dataset("scenes", "val", count=40, size=32, noise=0.9, cache=False))
    assert first.rows_changed(other)[0] == f"the pictures are drawn with noise 0.9 and were with {first.parameters['noise']}"
    assert first.digest == Fingerprint.of(load_dataset("scenes", "val", count=40, size=32, cache=False)).digest


def test_pictures_in_memory_are_known_by_their_pixels():
    pictures = [np.full((4, 5, 3), number, np.uint8) for number in range(3)]
    first = Fingerprint.of(as_dataset(pictures, ["a"]))
    assert first.sizes.tolist() == [[4, 5]] * 3
    pictures[1] = pictures[1] + 1
    assert first.rows_changed(Fingerprint.of(as_dataset(pictures, ["a"]))) == ["the pictures of 1 image (image 1) were replaced"]


def test_a_run_goes_on_wherever_it_and_its_data_were_moved(tmp_path):
    stage = Stage(("all",), {"logits.cls": "bce"}, 2, 1e-3, batch_size=4)

    def recipe(root):
        return Recipe(
            "t", DataSpec("table", "all", "all", root=str(root)), ModelSpec("pooled", "small-narrow"), {"all": stage}, image_size=32
        )

    class Stop(Exception):
        pass

    def stop(run, row):
        raise Stop

    with pytest.raises(Stop):
        train(recipe(table(tmp_path / "a")), tmp_path / "run", progress=False, on_epoch=stop)
    moved = shutil.copytree(tmp_path / "a", tmp_path / "cluster" / "data")
    run = shutil.copytree(tmp_path / "run", tmp_path / "cluster" / "run")
    shutil.rmtree(tmp_path / "a")
    for path in moved.iterdir():
        os.utime(path, (1e9, 1e9))
    again = shutil.copytree(run, tmp_path / "again")
    assert train(recipe(moved), run, progress=False).done
    assert Run.open(run).done
    Image.fromarray(np.zeros((24, 30, 3), np.uint8)).save(moved / "6.png")
    with pytest.raises(WorkbenchError, match=r"training: the pictures of 1 image \(6.png\) were replaced; validation: "):
        train(recipe(moved), again, progress=False)
