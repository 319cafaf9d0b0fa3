"""The first view shows something worth seeing, and a view that cannot be is refused in a sentence."""

import numpy as np
import pytest

from tests.support.archives import make_contents, make_inspection
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.widgets.matching import match
from workbench.widgets.view import before_choices, checked_view, opening_view


def opened(inspections, image=None, label=None, **changes):
    matched = match(inspections)
    return matched, opening_view(matched, image, label, changes)


def test_one_model_opens_on_the_first_label_that_the_final_answer_fixed():
    inspection = make_inspection(30, 8)
    matched, view = opened(inspection)
    fixed = (inspection.targets == 1) & (inspection.logits("cls") < 0) & (inspection.probabilities() >= 0.8022)
    image = int(np.flatnonzero(fixed.any(axis=1))[0])
    assert view["image"] == inspection.ids[image]
    assert fixed[image, matched.categories.index(view["label"])]


def test_without_fixed_or_found_labels_it_still_opens():
    contents = make_contents(4, 3)
    contents.logits = {name: np.full((4, 3), -5, dtype=np.float32) for name in contents.logits}
    assert opened(Inspection.of(contents))[1]["image"] == "scene-0000"


def test_several_models_open_where_they_disagree_most():
    inspections = [make_inspection(20), make_inspection(20, model_seed=1), make_inspection(20, system="pooled", model_seed=2)]
    matched, view = opened(inspections)
    p = np.stack([inspection.probabilities() for inspection in inspections])
    image, label = np.unravel_index(np.argmax(p.max(0) - p.min(0)), p.shape[1:])
    assert (view["image"], view["label"]) == (matched.ids[image], matched.categories[int(label)])
    assert (view["sort"], view["model"], view["map"]) == ("disagreement", 2, "class_activation")


def test_the_first_spot_is_the_peak_of_the_map():
    inspection = make_inspection(5)
    matched, view = opened(inspection, image=3, label="roof", map="confidence")
    values = inspection.shown_maps("confidence", 3)[1][matched.categories.index("roof")]
    x, y = view["spot"]
    assert values[int(y * 7), int(x * 7)] == values.max()
    assert opened(inspection, spot=None)[1]["spot"] is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"overlay": "contuor"}, '"overlay" cannot be .* Did you mean "contour"'),
        ({"label": "son"}, 'no category "son" here. Did you mean "sun"'),
        ({"image": "scene-00001"}, 'no image "scene-00001".* Did you mean'),
        ({"image": 99}, "no image 99: there are 12"),
        ({"map": "atention"}, 'no map "atention".* Did you mean "attention"'),
        ({"alhpa": 0.3}, 'has no "alhpa". Did you mean "alpha"'),
        ({"alpha": 3}, '"alpha" is a number between 0 and 1'),
        ({"alpha": "strong"}, '"alpha" is a number'),
        ({"spot": [0.1]}, '"spot" is'),
        ({"model": 1}, '"model" is the place'),
        ({"before": "final"}, "cannot be compared with"),
        ({"filter_label": "nobody"}, "no category"),
        ({"filter_state": "wrong"}, "filter_state"),
    ],
)
def test_views_that_cannot_be(changes, sentence):
    matched, view = opened(make_inspection(12))
    with pytest.raises(WorkbenchError, match=sentence):
        checked_view(matched, view, changes)


def test_another_model_brings_its_own_maps_and_comparisons():
    matched, view = opened([make_inspection(6), make_inspection(6, system="pooled", model_seed=1)], model=0)
    assert (view["map"], view["before"]) == ("attention", "cls")
    pooled = checked_view(matched, view, {"model": 1})
    assert (pooled["map"], pooled["before"]) == ("class_activation", "model:0")
    assert before_choices(matched, matched.members[0]) == ["cls", "sr", "model:1"]
