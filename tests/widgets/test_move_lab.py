"""The move lab without a browser: every number is that of the scene drawn by hand and put to the model."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.support.moving import SIZE, Weighing, make_editor
from workbench.analysis.relations import shifted, sweep
from workbench.datasets.scenes import CATEGORIES
from workbench.errors import WorkbenchError
from workbench.widgets import MoveLab
from workbench.widgets.moves import PLACES
from workbench.widgets.moves_still import true_words


@pytest.fixture(scope="module")
def editor():
    return make_editor()


@pytest.fixture
def lab(editor):
    return MoveLab(Weighing(editor))


def middle(box, axis):
    return (box[axis] + box[axis + 2]) / 2


def test_it_opens_where_moving_one_thing_changes_the_truth_of_another(lab, editor):
    view = lab.view_state
    label = CATEGORIES.index(view["label"])
    true = lab.sweep().targets[:, label]
    assert true[lab.sweep().start] == 1
    assert 0 < true.sum() < len(true)
    assert view["thing"].split()[-1 if view["thing"].startswith("every") else 0] != view["label"]


@pytest.mark.parametrize("axis", ["down", "across"])
def test_a_sweep_is_the_scene_drawn_by_hand_at_every_place(lab, editor, axis):
    image = lab.view_state["image"]
    single = next(title for title in lab.objects if not title.startswith("every"))
    found = lab.sweep(thing=single, axis=axis)
    whole = editor(image)
    number, box = next((each["thing"], each["box"]) for each in whole.things()[::-1] if single.startswith(each["name"]))
    was = middle(box, ["across", "down"].index(axis))
    offsets = [(0, place - was) if axis == "down" else (place - was, 0) for place in found.places]
    judge = Weighing(editor)
    expected = sweep(lambda pixels: judge(pixels)[0], whole.scene, number, offsets, SIZE)
    np.testing.assert_allclose(found.logits[0], expected.logits, atol=1e-4)
    np.testing.assert_array_equal(found.targets, expected.targets)
    np.testing.assert_allclose(found.probabilities(), 1 / (1 + np.exp(-expected.logits)), atol=1e-5)
    assert found.places[found.start] == pytest.approx(was)
    np.testing.assert_array_equal(found.logits[0, found.start], judge(whole.render(SIZE)[None])[0][0])
    far = [place for place in PLACES if abs(place - was) > 0.02]
    np.testing.assert_allclose(np.delete(found.places, found.start), far)


def test_every_house_moves_with_its_street(lab, editor):
    image = next(each for each in editor.ids if "house" in editor(each).labels)
    found = lab.sweep(image=image, thing="every house", axis="down")
    place = 3
    by = found.places[place] - found.places[found.start]
    expected = shifted(editor(image).scene, "house", by)
    np.testing.assert_allclose(found.logits[0, place], Weighing()(expected.render(SIZE)[None])[0][0], atol=1e-4)
    np.testing.assert_array_equal(found.targets[place], expected.target)
    picture = np.asarray(Image.open(io.BytesIO(found.pictures[place]))).astype(int)
    assert np.abs(picture - expected.render(picture.shape[0])).mean() < 6


def test_things_that_belong_together(editor):
    whole = editor(next(each for each in editor.ids if "house" in editor(each).labels))
    kinds = whole.kinds()
    shapes = {whole.scene.things[whole.numbers.index(number)].shape for number in kinds["house"]}
    assert shapes == {"house", "street"}
    assert sorted(number for numbers in kinds.values() for number in numbers) == sorted(whole.numbers)


def test_models_are_asked_once_and_stand_side_by_side(editor):
    first, second = Weighing(editor), Weighing(size=48, names=tuple(CATEGORIES)[::-1], seed=1)
    lab = MoveLab({"SRN": first, "pooled": second})
    found = lab.sweep()
    before = (first.seen, second.seen)
    lab.sweep()
    assert (first.seen, second.seen) == before == (len(found.places),) * 2
    whole = editor(lab.view_state["image"])
    other = Weighing(size=48, names=tuple(CATEGORIES)[::-1], seed=1)(whole.render(48)[None])[0][0]
    np.testing.assert_allclose(found.logits[1, found.start], other[::-1], atol=1e-4)


def test_what_cannot_be_is_refused(editor, lab):
    with pytest.raises(WorkbenchError, match="no scenes"):
        MoveLab(Weighing())
    with pytest.raises(WorkbenchError, match="categories= and size="):
        MoveLab(lambda pixels: pixels, scenes=editor)
    with pytest.raises(WorkbenchError, match="one to 4"):
        MoveLab(dict.fromkeys("abcde", Weighing(editor)))
    with pytest.raises(WorkbenchError, match="lacks"):
        MoveLab({"a": Weighing(editor), "b": Weighing(names=("sun", "ball"))})
    with pytest.raises(WorkbenchError, match=r"gave logits \[\d+, 3\]"):
        MoveLab(lambda pixels: np.zeros((len(pixels), 3)), scenes=editor, categories=CATEGORIES, size=SIZE)
    with pytest.raises(WorkbenchError, match="None of the images"):
        MoveLab(Weighing(editor), images=[])
    for changes, told in (
        ({"thing": "zebra"}, "it has"),
        ({"image": "val-9"}, "no scene"),
        ({"axis": "up"}, "down"),
        ({"place": 99}, "number of a place"),
        ({"scale": "odds"}, "logit"),
        ({"lable": "sun"}, "label"),
    ):
        with pytest.raises(WorkbenchError, match=told):
            lab.show(**changes)


def test_another_object_starts_where_it_is(lab):
    lab.show(place=2)
    assert lab.view_state["place"] == 2
    lab.show(thing=lab.objects[-1])
    assert lab.view_state["place"] is None
    lab.show(image=1)
    assert lab.view_state["thing"] == lab.objects[0]


def test_the_browser_gets_the_numbers_of_python(lab):
    sent = []
    lab.send = lambda content, buffers=None: sent.append((content, buffers))
    thing = lab.objects[-1]
    lab._handle_custom_msg({"ask": "sweep", "image": lab.view_state["image"], "thing": thing, "axis": "across"}, [])
    [(content, [data])] = sent
    packet = content["packet"]
    arrays = {
        name: np.frombuffer(data, dtype, int(np.prod(shape)), offset).reshape(shape) for name, dtype, shape, offset in packet["layout"]
    }
    expected = lab.sweep(thing=thing, axis="across")
    assert (packet["thing"], packet["axis"], packet["start"]) == (thing, "across", expected.start)
    np.testing.assert_array_equal(arrays["logits"], expected.logits)
    np.testing.assert_array_equal(arrays["targets"], expected.targets)
    assert arrays["picture.0"].tobytes() == expected.pictures[0]


def test_the_still_picture_says_the_same(lab):
    lab.show(scale="logit", label="sun")
    shot = lab.snapshot()
    values = lab.sweep().logits[0, :, CATEGORIES.index("sun")]
    cells = re.findall(r"<td>(-?\d+\.\d{3})</td>", shot.data)
    assert cells == [f"{value:.3f}" for value in values]
    assert f"{values.max():.2f} at most" in shot.words
    assert shot.words in repr(lab)
    picture = base64.b64decode(re.search(r"base64,([^\"]+)\"", shot.data).group(1))
    assert Image.open(io.BytesIO(picture)).size[0] > 400


def test_where_it_is_true_in_words(lab):
    found = lab.sweep()
    targets = np.zeros_like(found.targets)
    edited = type(found)(found.places, found.start, found.box, found.logits, targets, found.pictures)
    assert true_words(edited, 0) == "is true nowhere"
    targets[2:5, 0] = targets[-1, 0] = 1
    assert true_words(edited, 0) == "is true from {} to {} % and {} to {} %".format(
        *(f"{100 * found.places[place]:.0f}" for place in (2, 4, -1, -1))
    )
    targets[:, 0] = 1
    assert true_words(edited, 0) == "is true at every place"


def test_the_page_holds_every_movement_and_says_where_it_was_cut(lab, tmp_path):
    image = lab.view_state["image"]
    page = lab.export_html(tmp_path / "moves.html", images=[image]).read_text()
    content = json.loads(re.search(r'id="content">(.*?)</script>', page, re.DOTALL).group(1))
    assert content["description"]["ids"] == [image]
    asked = {(sweep["image"], sweep["thing"], sweep["axis"]) for sweep in content["sweeps"]}
    assert asked == {(image, thing, axis) for thing in lab.objects for axis in ("down", "across")}
    size = len(page) / 1e6
    cut = lab.export_html(
        tmp_path / "cut.html", images=[image, *(each for each in lab.describe()["ids"] if each != image)], cap_mb=size + 0.02
    )
    assert "The page was cut at" in cut.read_text()
    with pytest.raises(WorkbenchError, match="raise cap_mb"):
        lab.export_html(tmp_path / "none.html", cap_mb=0.1)
    with pytest.raises(WorkbenchError, match="no scene"):
        lab.export_html(tmp_path / "none.html", images=["val-77"])
