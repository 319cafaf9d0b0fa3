"""The bench without a browser: what is asked of the model, and what comes back."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import make_contents, make_inspection
from tests.support.strips import Strips
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.inspection.scaling import unscaled
from workbench.widgets import AttentionExplorer
from workbench.widgets.edits import covered

BOX = {"do": "box", "box": [0.0, 0.0, 0.5, 1.0], "fill": "mean"}


@pytest.fixture
def inspection():
    return make_inspection(5, 6)


def ask(explorer, image=0, edits=(), **question):
    """The answer, its arrays unpacked."""
    sent = []
    explorer.send = lambda content, buffers=None: sent.append((content, buffers))
    explorer._handle_custom_msg({"ask": "whatif", "image": image, "edits": list(edits), "serial": "s", **question}, [])
    [(content, buffers)] = sent
    if content["answer"] == "error":
        raise WorkbenchError(content["text"])
    packet = content["packet"]
    arrays = {
        name: np.frombuffer(buffers[0], dtype, int(np.prod(shape)), offset).reshape(shape)
        for name, dtype, shape, offset in packet["layout"]
    }
    return packet, arrays


def stored(inspection, image):
    frame = inspection.frame
    return np.asarray(inspection.image(image).resize((frame[1], frame[0]), Image.Resampling.BILINEAR))


def test_the_model_is_asked_about_the_covered_picture(inspection):
    predict = Strips(inspection)
    packet, arrays = ask(AttentionExplorer(inspection, predict=predict), 3, [BOX])
    before = stored(inspection, 3)
    after = covered(before, [BOX])
    np.testing.assert_allclose(arrays["before.0"], predict.logits(before), rtol=1e-5)
    np.testing.assert_allclose(arrays["logits.0"], predict.logits(after), rtol=1e-5)
    for kind in inspection.map_kinds:
        np.testing.assert_allclose(unscaled(arrays[f"maps.0.{kind}"], arrays[f"scales.0.{kind}"]), predict.maps(after), atol=1e-3)
        np.testing.assert_array_equal(arrays[f"labels.0.{kind}"], range(6))
    shown = np.asarray(Image.open(io.BytesIO(arrays["picture"].tobytes())))
    expected = covered(np.asarray(inspection.image(3)), [BOX])
    assert np.abs(shown.astype(int) - expected).mean() < 3
    assert (packet["image"], packet["serial"], packet["things"]) == (3, "s", None)
    assert len(packet["regions"]) == len(inspection.regions(3))


def test_columns_are_matched_by_name(inspection):
    names = list(inspection.categories)[::-1]
    turned = Strips(inspection, names)
    _, arrays = ask(AttentionExplorer(inspection, predict=turned), 1, [BOX])
    after = covered(stored(inspection, 1), [BOX])
    np.testing.assert_allclose(arrays["logits.0"], turned.logits(after)[::-1], rtol=1e-5)
    np.testing.assert_allclose(unscaled(arrays["maps.0.attention"], arrays["scales.0.attention"]), turned.maps(after)[::-1], atol=1e-3)
    with pytest.raises(WorkbenchError, match="predicts for srn lacks"):
        AttentionExplorer(inspection, predict=Strips(inspection, ["a", "b", "c", "d", "e", "f"]))


def test_the_unedited_picture_is_asked_about_once(inspection):
    predict = Strips(inspection)
    explorer = AttentionExplorer(inspection, predict=predict)
    _, arrays = ask(explorer)
    np.testing.assert_array_equal(arrays["before.0"], arrays["logits.0"])
    assert len(predict.asked) == 1
    for edits in ([BOX], [BOX, BOX]):
        ask(explorer, 0, edits)
    assert len(predict.asked) == 3


def test_several_models_each_have_their_function():
    first, second = make_inspection(4, 5), make_inspection(4, 5, system="pooled", frame=(32, 32))
    functions = {"srn": Strips(first), "pooled": Strips(second)}
    explorer = AttentionExplorer([first, second], predict=functions)
    _, arrays = ask(explorer, 0, [BOX])
    assert {name for name in arrays if name.startswith(("maps", "logits"))} == {
        "logits.0", "logits.1", "maps.0.attention", "maps.0.confidence", "maps.0.weighted", "maps.1.class_activation"
    }  # fmt: skip
    assert [each.asked[0].shape[1:] for each in functions.values()] == [(64, 64, 3), (32, 32, 3)]
    for predict in (Strips(first), {"srn": Strips(first)}, [Strips(first)], [None, None]):
        with pytest.raises(WorkbenchError, match="one function for each of the 2 models"):
            AttentionExplorer([first, second], predict=predict)


def test_an_own_picture_takes_the_place_of_the_stored_one(inspection):
    predict = Strips(inspection)
    explorer = AttentionExplorer(inspection, predict=predict)
    own = np.full((40, 20, 3), 200, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(own).save(buffer, "PNG")
    edit = {"do": "picture", "key": "k1", "name": "mine.png", "size": [40, 20]}
    with pytest.raises(WorkbenchError, match=r'"mine\.png" is not in this session'):
        ask(explorer, 0, [edit])
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)
    explorer._handle_custom_msg({"ask": "upload", "key": "k1", "serial": "u", "data": base64.b64encode(buffer.getvalue()).decode()}, [])
    assert sent[0]["answer"] == "upload"
    packet, arrays = ask(explorer, 0, [BOX, edit])
    np.testing.assert_allclose(arrays["logits.0"], 8 * (200 / 255 - 0.5), rtol=1e-5)
    np.testing.assert_array_equal(arrays["before.0"], arrays["logits.0"])
    assert Image.open(io.BytesIO(arrays["picture"].tobytes())).size == (20, 40)
    assert packet["regions"] == [], "where the objects of the stored picture are says nothing about this one"
    explorer.send = lambda content, buffers=None: sent.append(content)
    explorer._handle_custom_msg({"ask": "upload", "key": "k2", "serial": "u", "data": "bm8gcGljdHVyZQ=="}, [])
    assert "not an image that can be read" in sent[-1]["text"]
    with pytest.raises(WorkbenchError, match="no objects that can be moved"):
        ask(explorer, 0, [edit, {"do": "delete", "thing": 0}])


class Drawn:
    """A grey scene with one thing, a white square that can be moved; unknown for image 2, another picture for image 1."""

    def __init__(self, identifier, edits, pictures):
        self.x = 0.25 + sum(edit["by"][0] for edit in edits if edit["do"] == "move")
        self.gone = any(edit["do"] == "delete" for edit in edits)
        self.labels = [] if self.gone else ["ball" if self.x > 0.5 else "sun"]
        self.pixels = pictures[identifier]

    def render(self, size):
        pixels = np.asarray(Image.fromarray(self.pixels).resize((size, size))).copy()
        if not self.gone and self.x != 0.25:
            pixels[: size // 4, round(self.x * size) : round((self.x + 0.25) * size)] = 255
        return pixels

    def things(self):
        return [] if self.gone else [{"thing": 4, "name": self.labels[0], "box": [self.x, 0.0, self.x + 0.25, 0.25]}]


@pytest.fixture
def scenic(inspection):
    pictures = {inspection.ids[0]: np.asarray(inspection.image(0)), inspection.ids[1]: np.zeros((96, 96, 3), dtype=np.uint8)}

    def compose(identifier, edits):
        if identifier not in pictures:
            raise WorkbenchError(f"no scene {identifier}")
        return Drawn(identifier, edits, pictures)

    predict = Strips(inspection)
    predict.scenes = compose
    return AttentionExplorer(inspection, predict=predict)


def test_a_moved_object_is_drawn_anew_and_named_anew(scenic, inspection):
    packet, arrays = ask(scenic, 0, [])
    assert [thing["thing"] for thing in packet["things"]] == [4]
    assert [inspection.categories[i] for i in np.flatnonzero(arrays["targets"])] == ["sun"]
    packet, moved = ask(scenic, 0, [{"do": "move", "thing": 4, "by": [0.5, 0.0]}, {**BOX, "box": [0.0, 0.5, 1.0, 1.0]}])
    assert [inspection.categories[i] for i in np.flatnonzero(moved["targets"])] == ["ball"]
    np.testing.assert_array_equal(moved["before.0"], arrays["logits.0"])
    assert moved["logits.0"][5] > moved["before.0"][5]
    assert packet["regions"] == [{"label": inspection.categories.index("ball"), "box": [0.75, 0.0, 1.0, 0.25], "flags": 0}]
    packet, gone = ask(scenic, 0, [{"do": "delete", "thing": 4}])
    assert packet["things"] == []
    assert not gone["targets"].any()


@pytest.mark.parametrize("image", [1, 2])
def test_a_scene_that_is_not_the_stored_picture_is_not_used(scenic, image):
    packet, arrays = ask(scenic, image, [BOX])
    assert packet["things"] is None
    assert "targets" not in arrays
    with pytest.raises(WorkbenchError, match="cannot be drawn again"):
        ask(scenic, image, [{"do": "delete", "thing": 4}])


def test_answers_that_do_not_fit_are_told(inspection):
    fits = Strips(inspection)
    wrong = [
        lambda images: (fits(images)[0][:, :4], fits(images)[1]),
        lambda images: (fits(images)[0], {kind: values[:, :, 0] for kind, values in fits(images)[1].items()}),
    ]
    for predict, words in zip(wrong, ["predict gave logits", "not \\[1, 6, h, w\\]"], strict=True):
        with pytest.raises(WorkbenchError, match=words):
            ask(AttentionExplorer(inspection, predict=predict))


def test_maps_that_the_model_does_not_give_are_left_out(inspection):
    fits = Strips(inspection)
    explorer = AttentionExplorer(inspection, predict=lambda images: (fits(images)[0], {"attention": fits(images)[1]["attention"]}))
    _, arrays = ask(explorer, 0, [BOX])
    assert len(arrays["maps.0.attention"]) == len(arrays["labels.0.attention"]) == 6
    assert arrays["maps.0.weighted"].shape == (0, *inspection.grid("weighted"))
    assert len(arrays["labels.0.weighted"]) == 0


def test_without_a_model_it_opens_and_says_so(inspection):
    explorer = AttentionExplorer(inspection)
    assert explorer.opening["description"]["bench"] is None
    assert explorer.view_state["whatif"] is False
    with pytest.raises(WorkbenchError, match="no model at hand"):
        ask(explorer)
    explorer.show(whatif=True, edits={inspection.ids[0]: [BOX]})
    assert explorer.snapshot()


def test_edits_are_part_of_the_view(inspection, tmp_path):
    explorer = AttentionExplorer(inspection, predict=Strips(inspection))
    assert explorer.view_state["whatif"] is True
    assert explorer.opening["description"]["bench"] == {"scenes": False}
    explorer.show(edits={inspection.ids[2]: [BOX]})
    other = AttentionExplorer(inspection, predict=Strips(inspection))
    other.load_view(explorer.save_view(tmp_path / "view.json"))
    assert other.view_state["edits"] == {inspection.ids[2]: [BOX]}
    with pytest.raises(WorkbenchError, match="no image"):
        explorer.show(edits={"nowhere": [BOX]})
    with pytest.raises(WorkbenchError, match="cannot be"):
        explorer.show(edits={inspection.ids[2]: [{"do": "burn"}]})


def test_large_values_of_maps_stay_finite():
    inspection = Inspection.of(make_contents(2, 3))
    fits = Strips(inspection)
    _, arrays = ask(
        AttentionExplorer(inspection, predict=lambda images: (fits(images)[0], {k: 1e9 * v for k, v in fits(images)[1].items()}))
    )
    assert np.isfinite(arrays["maps.0.attention"]).all()
