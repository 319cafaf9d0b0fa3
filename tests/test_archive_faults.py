"""Archives from anywhere: what opens can be shown, and what changes while it is mapped is noticed."""

import io
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

from tests.support.archives import make_contents
from workbench import AttentionExplorer
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection


def picture(size, kind="JPEG"):
    held = io.BytesIO()
    Image.new("RGB", size, "red").save(held, kind)
    return np.frombuffer(held.getvalue(), np.uint8)


def rewritten(path, change):
    """The archive with `change(tensors, metadata)` done to it."""
    with safe_open(path, framework="numpy") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = json.loads(file.metadata()["inspection"])
    change(tensors, metadata)
    save_file(tensors, path, metadata={"inspection": json.dumps(metadata)})
    return path


@pytest.fixture
def archive(tmp_path):
    return make_contents(3, 4, picture=(24, 24)).save(tmp_path / "archive.safetensors")


def put(name, value, where=...):
    def change(tensors, metadata):
        tensors[name] = tensors[name].copy()
        tensors[name][where] = value

    return change


def describe(key, value):
    return lambda tensors, metadata: metadata.update({key: value})


def empty(tensors, metadata):
    for name in ("images.sizes", "targets", *[name for name in tensors if name.startswith(("logits.", "maps."))]):
        tensors[name] = tensors[name][:0]
    for name in list(tensors):
        if name.startswith("regions.") or name.endswith(".each"):
            del tensors[name]
    tensors["images.offsets"] = tensors["images.offsets"][:1]
    metadata["ids"] = []


def no_grid(tensors, metadata):
    tensors["maps.attention"] = tensors["maps.attention"][..., :0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (no_grid, "grid of 7 x 0 cells"),
        (lambda tensors, metadata: tensors.update({"maps.attention": tensors["maps.attention"].ravel()}), r'"maps.attention" .* has shape'),
        (put("images.sizes", 0), '"images.sizes" in the archive hold 0'),
        (put("targets", 7, 0), '"targets" in the archive hold 7'),
        (put("regions.pairs", 99, (0, 1)), r'categories of "regions.pairs" in the archive hold 99, expected 0 to 3'),
        (put("regions.pairs", -1, (0, 0)), r'images of "regions.pairs" in the archive hold -1'),
        (put("regions.pairs", [[2, 0]], slice(0, 1)), "not in the order of their images"),
        (put("regions.boxes", np.nan, (0, 0)), "box with NaN"),
        (put("regions.boxes", np.inf, (0, 2)), "infinite edges"),
        (put("regions.boxes", -5, (0, 2)), "right or lower edge comes before"),
        (describe("measurements", {"a": "\ud800"}), "no valid Unicode"),
        (empty, "holds no image"),
        (describe("logit_kinds", []), "scored logits .* not declared"),
        (describe("scored", "other"), "scored logits .* not declared"),
        (describe("threshold", 0), "no probability between 0 and 1"),
        (describe("ids", ["a", "b", "\ud800"]), "no valid Unicode"),
        (describe("categories", {"names": ["a", "b", "c", "d\udfff"]}), "no valid Unicode"),
    ],
)
def test_what_no_explorer_could_show_is_refused_at_opening(archive, change, sentence):
    with pytest.raises(WorkbenchError, match=sentence) as caught:
        Inspection.open(rewritten(archive, change))
    assert str(archive) in str(caught.value)


def test_numbers_that_json_has_not_become_null(archive):
    found = Inspection.open(rewritten(archive, describe("measurements", {"a": float("nan"), "b": [float("inf"), 1]})))
    assert found.measurements == {"a": None, "b": [None, 1]}


@pytest.mark.parametrize(("size", "kind"), [((2500, 2500), "JPEG"), ((24, 24), "GIF"), ((24, 24), "EPS")])
def test_a_picture_that_is_none_of_the_archives_reaches_no_explorer(archive, size, kind):
    """Large ones used to be decoded by the stills, and sent to the browser; EPS started Ghostscript."""

    def change(tensors, metadata):
        data = picture(size, kind)
        tensors["images.bytes"] = np.concatenate([data] * 3)
        tensors["images.offsets"] = np.arange(4, dtype=np.int64) * len(data)

    found = Inspection.open(rewritten(archive, change))
    for read in (found.image, found.image_bytes, lambda image: AttentionExplorer(found).snapshot()):
        with pytest.raises(WorkbenchError, match=r"The picture of .*make the archive again"):
            read(0)


def test_an_archive_that_is_changed_in_place_is_noticed(archive, tmp_path):
    def reread(found):
        return [found.maps("attention", image)[1] for image in range(3)]

    whole = archive.read_bytes()
    found = Inspection.open(archive)
    maps = reread(found)
    archive.write_bytes(whole[: len(whole) // 2])  # a slice beyond the end would kill the process
    with pytest.raises(WorkbenchError, match="was changed since it was opened"):
        found.maps("attention", 2)

    archive.write_bytes(whole)
    found = Inspection.open(archive)
    other = make_contents(3, 4, picture=(24, 24), model_seed=5).save(tmp_path / "other").read_bytes()
    times = os.stat(archive)
    archive.write_bytes(other[: len(whole)].ljust(len(whole), b"\0"))
    os.utime(archive, ns=(times.st_atime_ns, times.st_mtime_ns))  # of the same size, its time set back
    with pytest.raises(WorkbenchError, match="was changed since it was opened"):
        found.maps("attention", 2)

    archive.write_bytes(whole)
    found = Inspection.open(archive)
    os.chmod(archive, 0o600)  # no change of what is in it
    shutil.copy(tmp_path / "other", tmp_path / "third")
    np.testing.assert_array_equal(reread(found), maps)
    os.replace(tmp_path / "third", archive)  # another file of this name: the mapped one is whole still
    np.testing.assert_array_equal(reread(found), maps)
    archive.unlink()
    np.testing.assert_array_equal(reread(found), maps)


@pytest.mark.parametrize("name", ["maps.attention", "regions.pairs"])
def test_a_tensor_without_sides_is_refused_by_its_shape(archive, name):
    def change(tensors, metadata):
        tensors["scales.attention"] = np.ones((3, 4))
        tensors[name] = np.array(1, tensors[name].dtype)

    with pytest.raises(WorkbenchError, match="in the archive has shape"):
        Inspection.open(rewritten(archive, change))
