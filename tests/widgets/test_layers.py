"""Families of maps, their sum over layers, and what the layer view refuses."""

import numpy as np
import pytest

from tests.support.archives import make_inspection
from tests.support.layered import LAYERS, make_layered, make_layered_contents
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.widgets import AttentionExplorer
from workbench.widgets.layers import GROUPS, LABELS, MEMBERSHIP, families, summed, table_by_label
from workbench.widgets.matching import match
from workbench.widgets.payload import description, image_packet, tables


def test_families_come_from_parts_with_several_layers():
    local, group = families(make_layered(2))
    assert local.kinds == tuple(f"local.{layer}" for layer in LAYERS)
    assert (local.total, group.total, group.title) == ("local.sum", None, "Group")
    assert families(make_inspection(2)) == []


def test_msrn_calls_its_tables_what_the_layer_view_looks_for():
    from workbench import create_model

    assert {MEMBERSHIP, LABELS, GROUPS} <= set(create_model("msrn", ["sun", "ball", "house"], backbone="small-narrow").tables())


def test_the_sum_over_layers_keeps_the_total_and_the_place():
    random = np.random.default_rng(0)
    maps = [random.normal(size=(side, side)) for side in (9, 4, 2)]
    whole = summed(maps)
    assert whole.shape == (9, 9)
    assert whole.sum() == pytest.approx(sum(values.sum() for values in maps))
    alone = np.zeros((4, 4))
    alone[1, 2] = 16.0
    spread = summed([np.zeros((8, 8)), alone])
    np.testing.assert_allclose(spread[2:4, 4:6], 4.0)
    assert spread.sum() == pytest.approx(16)


def test_parts_add_up_and_tables_follow_the_common_order():
    contents = make_layered_contents(3)
    inspection = Inspection.of(contents)
    total = sum(inspection.parts(name) for name in inspection.part_kinds)
    np.testing.assert_allclose(total, inspection.logits(), atol=1e-5)
    other = match(inspection)
    names = tuple(reversed(inspection.categories.names))
    np.testing.assert_array_equal(table_by_label(other.first, "assignment", names).values, inspection.table("assignment").values[::-1])
    assert table_by_label(other.first, "group_embedding", names) is None, "its rows are no categories"


def test_channels_travel_only_with_the_images_that_have_them():
    matched = match(make_layered(4, with_channels=2))
    assert [name for name, *_ in image_packet(matched, 1)["layout"] if name.startswith("channels.0.")] == [
        f"channels.0.{layer}" for layer in LAYERS
    ]
    assert not [name for name, *_ in image_packet(matched, 2)["layout"] if name.startswith("channels.")]
    assert description(matched)["models"][0]["channel_images"] == [0, 1]
    assert "steering.0.groups" in [name for name, *_ in tables(matched)["layout"]]


def test_a_layered_archive_opens_on_its_layers():
    explorer = AttentionExplorer(make_layered(3), label="roof")
    assert (explorer.view_state["panel"], explorer.view_state["family"]) == ("layers", "local")
    explorer.show(channel=3, group=1, family="group")
    with pytest.raises(WorkbenchError, match='no layers called "golbal"'):
        explorer.show(family="golbal")
    with pytest.raises(WorkbenchError, match='"channel" is None or one of the 24'):
        explorer.show(channel=24)
    with pytest.raises(WorkbenchError, match='"group" is None or one of the 0'):
        AttentionExplorer(make_inspection(3), group=0)


def test_the_still_picture_has_a_line_for_each_family_and_the_parts_in_numbers():
    inspection = make_layered(3, remainder=True)
    still = AttentionExplorer(inspection, image=1, label="sun").snapshot()
    assert "photo, Local, all layers; below: Local, stage 2, Local, stage 3" in still.words
    for name, kind in inspection.part_kinds.items():
        assert f"<th>{kind.title}</th><td>{inspection.parts(name)[1, 0]:.3f}</td>" in still.data
    assert f"<th>together</th><td>{inspection.logits()[1, 0]:.3f}</td>" in still.data
