import pytest

from tests.support.run_folder import NAMES, history_row
from workbench.following import duration, epoch_words, extremes, progress_words, state_words

FACTS = {
    "state": "training", "sentence": "", "rows": 2, "stage": "joint", "stage_epoch": 1, "stage_epochs": 3, "epoch": 3, "epochs": 5,
    "step": 4, "steps": 10, "loss": 0.7, "images_per_second": 1234.5, "seconds_left": 150.0,
}  # fmt: skip


def test_progress_in_words():
    expected = "training: joint 1/3, epoch 3 of 5, step 4 of 10, loss 0.7, 1,234 images/s, about 2 min left"
    assert progress_words(FACTS) == expected
    unknown = dict.fromkeys(("stage", "epoch", "steps", "loss", "images_per_second", "seconds_left"))
    assert progress_words({**FACTS, "state": "starting", **unknown}) == "starting"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "stopped"}, "stopped after 2 of 5 epochs; start it again to go on"),
        ({"state": "failed", "sentence": "No memory left."}, "failed: No memory left."),
        ({"state": "done"}, "finished"),
        ({"state": "killed"}, "its process is gone"),
        ({"state": "new"}, "not started"),
    ],
)
def test_the_end_in_words(changes, words):
    assert words in state_words({**FACTS, **changes})
    assert progress_words({**FACTS, **changes}) == state_words({**FACTS, **changes})


def test_an_epoch_in_two_lines():
    first, second = epoch_words(history_row(3), history_row(2), NAMES, 5)
    assert first == "epoch 3/5  joint 1   loss 0.6667   mAP 55.0 (+5.0)   80 images/s   2.0 s"
    assert second == "    worst AP: tree 25.0 (-5.0), sun 45.0 (+5.0)   best: house 65.0 (+5.0), boat 45.0 (-5.0)"
    assert len(epoch_words(history_row(1), None, [], None)) == 1, "without names there is one"


def test_extremes_leave_out_what_has_no_score_and_name_nobody_twice():
    worst, best = extremes(history_row(1), None, NAMES)
    assert worst == ["sun 35.0", "tree 35.0"]
    assert best == ["boat 55.0", "house 55.0"]
    many = {"validation.ap": [place / 10 for place in range(10)]}
    assert extremes(many, None, "abcdefghij") == (["a 0.0", "b 10.0", "c 20.0"], ["j 90.0", "i 80.0", "h 70.0"])
    assert extremes({"validation.ap": [0.5]}, None, ["only"]) == (["only 50.0"], [])


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.31, "0.3 s"), (48, "48 s"), (720, "12 min"), (12000, "3 h 20 min"), (7200, "2 h"), (187200, "2 d 4 h")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words
