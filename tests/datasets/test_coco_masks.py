"""Masks: run lengths against pycocotools, and outlines that its C code would not survive."""

import numpy as np
import pytest
from pycocotools import mask as codec

from workbench.datasets.coco_masks import decode_segmentation
from workbench.errors import WorkbenchError


@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 0.98, 1.0])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 3), (48, 64), (300, 500)])
def test_run_lengths_are_those_of_pycocotools(density, height, width):
    rng = np.random.default_rng(height)
    coarse = rng.random((height // 5 + 1, width // 7 + 1)) < density
    mask = np.kron(coarse, np.ones((5, 7), dtype=bool))[:height, :width]
    runs = codec.encode(np.asfortranarray(mask, dtype=np.uint8))
    text = {"size": [height, width], "counts": runs["counts"].decode("ascii")}
    np.testing.assert_array_equal(decode_segmentation(text, height, width, "here"), mask)
    changes = np.flatnonzero(np.diff(np.concatenate([[False], mask.T.ravel()])))
    plain = {"size": [height, width], "counts": [int(run) for run in np.diff(np.concatenate([[0], changes, [mask.size]]))]}
    np.testing.assert_array_equal(decode_segmentation(plain, height, width, "here"), mask)


@pytest.mark.parametrize(
    ("segmentation", "sentence"),
    [
        ([[1, 1, 1e12, 1e12, 5, 5]], "leaves the image by far"),
        ([[1, 1, float("nan"), 3, 5, 5]], "leaves the image by far"),
        ([[1, 1, 5, 5]], "polygon of 4 numbers"),
        ([["a"] * 6], "cannot be decoded"),
        ([3], "cannot be decoded"),
        ({"size": [6, 8], "counts": ""}, "do not add up"),
        ({"size": [6, 8], "counts": []}, "do not add up"),
        ({"size": [6, 8], "counts": "zz"}, "cannot be decoded"),
        ({"size": [6, 8], "counts": "P"}, "end in the middle"),
        ({"size": [6, 8], "counts": [6, 600]}, "do not add up"),
        ({"size": [6, 8], "counts": [-6, 54]}, "do not add up"),
        ({"size": [6, 8], "counts": [10**30]}, "cannot be decoded"),
        ({"size": [60000, 60000], "counts": [48]}, "mask of 60000 x 60000 pixels"),
        ({"size": 3, "counts": [48]}, "cannot be decoded"),
        ({"counts": [48]}, "cannot be decoded"),
        ("abc", "cannot be decoded"),
    ],
)
def test_impossible_outlines_are_one_sentence(segmentation, sentence):
    with pytest.raises(WorkbenchError, match=sentence) as caught:
        decode_segmentation(segmentation, 6, 8, "file.json: annotation 5")
    assert str(caught.value).startswith("file.json: annotation 5")


def test_a_mask_for_an_image_said_to_be_enormous():
    with pytest.raises(WorkbenchError, match="correct the image's size"):
        decode_segmentation([[1, 1, 5, 1, 5, 5]], 10**6, 10**6, "here")
