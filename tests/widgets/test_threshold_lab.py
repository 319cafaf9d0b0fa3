"""The threshold lab without a browser: its numbers, where thresholds come from, views, files, still picture and page."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import HOSTILE_NAME, make_inspection
from tests.support.scored import make_scores
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.metrics import PRESETS, Thresholds, best_thresholds, evaluate
from workbench.reports.scores import Scores
from workbench.widgets import ThresholdLab

NAMES = ["boat", "cat", "dog", "emu", "fox", "gnu"]


def make_lab(images=300, **options):
    held = (*make_scores(images, 6, seed=1), "held out")
    return ThresholdLab(*make_scores(images, 6), NAMES, **{"chosen_on": held, "name": "test", **options})


@pytest.mark.parametrize("preset", PRESETS)
def test_numbers_are_those_of_evaluate(preset):
    lab = make_lab(convention=preset)
    lab.show(thresholds={"boat": 0.2, "gnu": 0.9, "dog": 0.999})  # the last predicts nothing
    images = lab.setting.measured
    expected = evaluate(images.logits, images.targets, images.categories, preset, lab.thresholds)
    assert lab.numbers["all"] == expected["all"]
    for c, name in enumerate(NAMES):
        for key in ("P", "R", "F1"):
            value = expected["labels"][name][key]
            assert np.isnan(lab.numbers[key][c]) if value is None else lab.numbers[key][c] == value
    boat = (images.logits[:, 0] >= np.log(0.2 / 0.8)) & (images.targets[:, 0] == 1)
    assert lab.numbers["TP"][0] == boat.sum()


def test_the_best_are_chosen_on_the_held_out_images_and_saved_for_evaluate(tmp_path):
    lab = make_lab()
    chosen = lab.choose("recall", 0.8)
    held = lab.setting.chosen_on
    np.testing.assert_allclose(chosen.values, best_thresholds(held.logits, held.targets, "recall", 0.8), rtol=1e-12)
    assert (chosen.split, chosen.criterion) == ("held out", "highest precision per label with recall of at least 0.8")
    saved = Thresholds.read(lab.save_thresholds(tmp_path / "thresholds.json"))
    assert saved == chosen
    saved.require_held_out(["test"])
    lab.show(thresholds={"cat": 0.31})
    assert lab.thresholds.split == "test", "moved with these images in view: no longer held out"
    assert lab.thresholds.criterion.endswith("(5 labels), by hand (1 label)")
    with pytest.raises(WorkbenchError, match="the images to be scored"):
        lab.thresholds.require_held_out(["test"])
    lab.load_thresholds(tmp_path / "thresholds.json")
    assert lab.thresholds == chosen
    assert lab.view_state["origins"] == [f"loaded: {chosen.criterion}"] * 6


def test_labels_without_a_best_one_keep_theirs_and_others_can_be_left_out():
    lab = make_lab(200)
    lab.show(thresholds=0.45)
    lab.choose("f1", labels=["dog"])
    assert [value == 0.45 for value in lab.view_state["thresholds"]] == [True, True, False, True, True, True]
    assert lab.view_state["before"] == [0.45] * 6
    logits, targets = make_scores(50, 2)
    targets[:, 1] = 0
    bare = ThresholdLab(logits, targets, ["a", "b"])
    assert bare.choose("f1").values[1] == 0.5
    assert bare.thresholds.criterion == "highest F1 per label (1 label), 0.5, not chosen (1 label)"


def test_flips_are_counted_from_before_the_last_change_or_from_the_reference():
    lab = make_lab()
    lab.show(thresholds=0.4)
    lab.show(thresholds=0.3, label="cat")
    assert lab.compared == [0.4] * 6
    lab.show(label="dog")
    assert lab.compared == [0.4] * 6, "another label is no change of thresholds"
    lab.show(since="reference")
    assert lab.compared == [0.5] * 6


def test_a_share_of_the_images_is_held_out_and_not_measured():
    inspection = make_inspection(30, 5)
    lab = ThresholdLab(inspection, chosen_on=0.4)
    measured, held = lab.setting.measured, lab.setting.chosen_on
    assert (len(measured.ids), len(held.ids)) == (18, 12)
    assert sorted([*measured.ids, *held.ids]) == sorted(inspection.ids)
    assert lab.setting.warning == ""
    place = measured.pictures.position(measured.ids[3])
    assert measured.pictures.first.image_bytes(place) == inspection.image_bytes(list(inspection.ids).index(measured.ids[3]))
    np.testing.assert_array_equal(measured.logits[3], inspection.logits("final")[list(inspection.ids).index(measured.ids[3])])


def test_choosing_where_it_is_measured_is_said():
    scores = make_scores(40, 6)
    for chosen_on in (None, scores, (*scores, "another name")):
        assert "optimistic" in ThresholdLab(*scores, NAMES, chosen_on=chosen_on, name="test").setting.warning
    half = tuple(part.copy() for part in make_scores(40, 6, seed=1))
    for part, own in zip(half, scores, strict=True):
        part[:10] = own[:10]
    assert ThresholdLab(*scores, NAMES, chosen_on=half).setting.warning.startswith("10 of the images")


def test_columns_are_matched_by_name_and_kept_scores_open():
    logits, targets = make_scores(40, 3)
    ids = [f"{number}.jpg" for number in range(40)]
    kept = Scores("voc-test", "best", Categories(["a", "b", "c"]), ids, logits, targets)
    other = Scores("voc-val", "best", Categories(["c", "a", "b"]), ids, *(part[:, [2, 0, 1]] for part in make_scores(40, 3, seed=1)))
    lab = ThresholdLab(kept, chosen_on=other)
    np.testing.assert_array_equal(lab.setting.chosen_on.logits, make_scores(40, 3, seed=1)[0])
    assert lab.choose().split == "voc-val"
    with pytest.raises(WorkbenchError, match="d"):
        ThresholdLab(kept, chosen_on=Scores("x", "best", Categories(["a", "b", "d"]), ids, logits, targets))


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((np.zeros((4, 2)),), {}, "need targets and categories"),
        ((np.zeros((4, 2)), np.zeros((4, 3), int), ["a", "b"]), {}, r"expected \[N, 2\]"),
        ((np.zeros((4, 2)), np.zeros((4, 2), int), ["a"]), {}, r"expected \[N, 1\]"),
        ((np.zeros((4, 2)), np.full((4, 2), 2), ["a", "b"]), {}, "hold 2 in row 0"),
        ((np.zeros((0, 2)), np.zeros((0, 2), int), ["a", "b"]), {}, "at least one image"),
        ((np.full((4, 2), np.nan), np.zeros((4, 2), int), ["a", "b"]), {}, "NaN or infinite"),
        ((np.zeros((4, 2)), np.zeros((4, 2), int), ["a", "b"]), {"chosen_on": 0.01}, "one side empty"),
        ((np.zeros((4, 2)), np.zeros((4, 2), int), ["a", "b"]), {"reference": 1}, '"reference" holds'),
    ],
)
def test_scores_that_cannot_be(arguments, options, words):
    with pytest.raises(WorkbenchError, match=words):
        ThresholdLab(*arguments, **options)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"label": "dg"}, 'no category "dg".* Did you mean "dog"'),
        ({"convention": "srm"}, 'no evaluation preset "srm"'),
        ({"criterion": "best"}, '"criterion" cannot be'),
        ({"since": "ever"}, '"since" cannot be'),
        ({"floor": 0}, "needs a floor"),
        ({"thresholds": 1.0}, "probabilities between 0 and 1"),
        ({"thresholds": [0.5, 0.5]}, "one for each of 6 labels"),
        ({"thresholds": {"god": 0.5}}, 'no category "god"'),
        ({"before": [0.5]}, '"before" needs'),
        ({"origins": ["guess"] * 6}, '"origins" needs one of'),
        ({"image": "image 999"}, "no image"),
        ({"threshold": 0.5}, 'no "threshold". Did you mean "thresholds"'),
    ],
)
def test_views_that_cannot_be(changes, sentence):
    with pytest.raises(WorkbenchError, match=sentence):
        make_lab(40).show(**changes)


def test_views_are_saved_and_loaded(tmp_path):
    lab, other = make_lab(), make_lab()
    lab.choose("f1", labels=["fox"])
    lab.show(label="emu", thresholds={"emu": 0.2}, sort="AP", since="reference", convention="srn", image=7)
    other.load_view(lab.save_view(tmp_path / "view.json"))
    assert other.view_state == lab.view_state
    assert repr(other) == repr(lab)
    assert '"emu" from 0.200' in repr(lab)


def test_it_answers_for_thumbnails():
    inspection = make_inspection(8)
    lab = ThresholdLab(inspection)
    answers = []
    lab.send = lambda content, buffers=None: answers.append((content, buffers))
    for question in ({"ask": "thumbnails", "images": [2, 5]}, {"ask": "weather"}):
        lab._handle_custom_msg(question, [])
    assert [content["answer"] for content, _ in answers] == ["thumbnails", "error"]
    assert [name for name, *_ in answers[0][0]["packet"]["layout"]] == ["2", "5"]


def test_the_still_picture_marks_the_thresholds_and_keeps_names_as_text():
    lab = ThresholdLab(make_inspection(60, 5, hostile=True, skill=0.6), label=HOSTILE_NAME)
    pictures = []
    for threshold in (0.5, 0.9):
        lab.show(thresholds=threshold)
        still = lab.snapshot()
        pictures.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(re.search('base64,([^"]+)', still.data)[1])))))
        assert "<img src=x" not in still.data
        assert HOSTILE_NAME in still.words
        assert "Beware: chosen on the images that it is measured on" in still.words
        c = lab.setting.measured.categories.index(HOSTILE_NAME)
        assert f"F1 {100 * lab.numbers['F1'][c]:.1f}." in still.words
    assert (pictures[0] != pictures[1]).any()
    bare = (pictures[0][:40, :44] == 255).all(axis=(1, 2))  # rows of pixels beside the plot that nothing is written in
    written = np.flatnonzero(~bare)
    assert (np.diff(written) > 4).any(), "the name of the axis covers its topmost number"


def test_the_page_holds_the_scores_and_pictures_as_far_as_there_is_room(tmp_path):
    lab = ThresholdLab(make_inspection(40, 5, hostile=True))
    sizes = []
    for cap in (20, 0.16):
        page = lab.export_html(tmp_path / "page.html", cap).read_text()
        data = json.loads(re.search(r'id="content">(.*?)</script>', page, re.DOTALL).group(1))
        sizes.append(len(data["thumbnails"]))
        assert HOSTILE_NAME not in page
        assert len(page.encode()) <= cap * 1e6
    assert sizes[0] == 40
    assert 0 < sizes[1] < 40
    assert f"it holds {sizes[1]} of 40 pictures" in page
    with pytest.raises(WorkbenchError, match="raise cap_mb"):
        lab.export_html(tmp_path / "page.html", 0.05)
