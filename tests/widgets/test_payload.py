"""What the browser gets holds exactly what the archive holds."""

import io

import numpy as np
from PIL import Image

from tests.support.archives import make_inspection
from workbench.inspection.scaling import unscaled
from workbench.widgets.matching import match
from workbench.widgets.payload import THUMBNAIL, description, image_packet, pack, tables, thumbnails


def unpacked(packet):
    """Arrays of a packet by name, read back from its bytes."""
    arrays = {}
    for name, dtype, shape, offset in packet["layout"]:
        assert offset % 8 == 0
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        arrays[name] = np.frombuffer(packet["data"][offset : offset + size], dtype=dtype).reshape(shape)
    return arrays


def test_a_packet_holds_its_arrays():
    arrays = {"a": np.arange(5, dtype=np.int8), "b": np.zeros((0, 2), dtype=np.float32), "c": np.arange(6, dtype=np.float16).reshape(2, 3)}
    for name, array in unpacked(pack(arrays)).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_tables_of_all_images():
    inspection = make_inspection(9)
    found = unpacked(tables(match(inspection)))
    np.testing.assert_array_equal(found["targets"], inspection.targets)
    np.testing.assert_array_equal(found["sizes"], inspection.sizes)
    for name in ("cls", "sr", "final"):
        np.testing.assert_array_equal(found[f"logits.0.{name}"], inspection.logits(name))
    np.testing.assert_array_equal(found["relations.0.regularisation"], inspection.relations("regularisation"))


def test_one_image_with_some_labels_maps_only():
    inspection = make_inspection(9, 12, top=3)
    packet = image_packet(match(inspection), 4)
    found = unpacked(packet)
    assert found["picture"].tobytes() == inspection.image_bytes(4)
    labels, values = inspection.maps("weighted", 4)
    np.testing.assert_array_equal(found["labels.0.weighted"], labels)
    np.testing.assert_array_equal(unscaled(found["maps.0.weighted"], found["scales.0.weighted"]), values)
    regions = inspection.regions(4)
    assert [inspection.categories[region["label"]] for region in packet["regions"]] == [region.category for region in regions]
    for place, region in enumerate(regions):
        np.testing.assert_allclose(np.array(packet["regions"][place]["box"]) * 64, region.box, atol=1e-4)
        if region.mask is not None:
            mask = np.asarray(Image.open(io.BytesIO(found[f"mask.{place}"].tobytes())))
            np.testing.assert_array_equal(mask.astype(bool), region.mask)


def test_thumbnails_are_small_jpegs():
    for data in unpacked(thumbnails(match(make_inspection(4)), [0, 3])).values():
        assert Image.open(io.BytesIO(data.tobytes())).size == (THUMBNAIL, THUMBNAIL)


def test_description_names_everything():
    text = description(match([make_inspection(4, hostile=True), make_inspection(4, hostile=True, system="pooled", model_seed=1)]))
    assert [model["name"] for model in text["models"]] == ["srn", "pooled"]
    assert [kind["grid"] for kind in text["models"][0]["kinds"]] == [[7, 7]] * 3
    assert text["categories"][1] == "<img src=x onerror=alert(1)>"
