"""The checks of the lesson on trust: right, the usual mistakes with their hints, and answers that follow the archives in use."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.support.archives import make_contents
from workbench import Inspection
from workbench.datasets.scenes import THEMES
from workbench.inspection.additions import Table
from workbench.lessons import evidence, lesson
from workbench.lessons.evidence import KIND, THEME_LABELS
from workbench.regions import Region

NONSENSE = ["", None, ..., "nonsense", -7, [], [1, "a"], np.zeros((2, 2)), {"a": 1}, object(), np.array("x"), lambda: 1]
NAMES = [*THEME_LABELS, "cat", "house"]
SCENES = 30


def figures(pointing: float, deletion: float) -> dict:
    def by_label(value: float) -> dict:
        return {"overall": 0.99, "per_label": {**dict.fromkeys(THEME_LABELS, value), "cat": 0.99, "house": 0.99}, "n": 9}

    rows = {KIND: (pointing, deletion), "random map": (0.02, 0.6), "centre blob": (0.03, 0.5)}
    return {
        measure: {row: by_label(values[place]) for row, values in rows.items()} for place, measure in enumerate(("pointing", "deletion"))
    }


def contents(model_seed: int, seed: int = 0, skill: float = 1.0, pointing: float = 0.1, deletion: float = 0.2):
    made = make_contents(SCENES, NAMES, seed=seed, model_seed=model_seed, skill=skill)
    moved = np.full((len(NAMES), len(NAMES)), 0.01, dtype=np.float32)
    for column, label in enumerate(THEME_LABELS):
        moved[column, column] = 0.9
        for rank, other in enumerate(evidence.companions(label)):
            moved[NAMES.index(other), column] = 0.4 - 0.1 * rank
    made.tables = {"leakage": Table(moved, tuple(NAMES), tuple(NAMES))}
    made.measurements = {**figures(pointing, deletion), "leakage": {"other labels move": 0.05}}
    return made


def edited(still: float) -> Inspection:
    """Four scenes, each as drawn and without one member of a theme; a share `still` of the labels is said without its thing."""
    made = make_contents(4 * 7, NAMES, seed=5)
    made.ids = [f"scene-{scene}{ending}" for scene in range(4) for ending in ("", *(f" without {name}" for name in THEME_LABELS))]
    logits = np.full((28, len(NAMES)), 3.0, dtype=np.float32)
    for place, identifier in enumerate(made.ids):
        gone = identifier.partition(" without ")[2]
        if gone:
            logits[place, NAMES.index(gone)] = 1.0 if place < 28 * still else -1.0
    made.logits = dict.fromkeys(made.logits, logits)
    return Inspection.of(made)


@pytest.fixture(scope="module")
def archives() -> list[Inspection]:
    kinds = [contents(1, skill=3), contents(2, skill=3, pointing=0.7), contents(1, seed=1, skill=0.1), contents(2, seed=1, skill=3)]
    return [*(Inspection.of(each) for each in kinds), edited(0.5), edited(0.0)]


@pytest.fixture
def check(archives):
    return lesson("05_trust", *archives)


def said(feedback, passed, *parts) -> None:
    assert feedback.passed is passed, feedback
    for part in parts:
        assert part in feedback.text


def test_the_themes_are_those_of_the_scenes():
    assert tuple(tuple(members) for members in THEMES.values()) == evidence.THEMES
    assert evidence.companions("duck") == ("pond", "reed")
    assert evidence.companions("cat") == ()


def test_nonsense_never_raises_and_never_passes(check):
    for question in check.questions:
        for answer in NONSENSE:
            assert getattr(check, question)(answer).passed is not True


def test_the_label_is_the_one_whose_score_falls_most(check, archives):
    falls = {name: ap_by_hand(archives[0], name) - ap_by_hand(archives[2], name) for name in THEME_LABELS}
    assert check.label == max(falls, key=falls.get)
    column = NAMES.index(check.label)
    assert archives[0].targets[check.case.image, column] == 1


def ap_by_hand(archive: Inspection, name: str) -> float:
    column = archive.categories.index(name)
    order = sorted(range(len(archive)), key=lambda place: -archive.logits()[place, column])
    present = [archive.targets[place, column] == 1 for place in order]
    return float(np.mean([sum(present[: place + 1]) / (place + 1) for place in range(len(present)) if present[place]]))


def on_something_else(where: str):
    """A misled archive whose only map of "duck" has its strongest cell on the thing itself, on the pond, or on nothing."""
    made = contents(1, skill=3)
    duck, pond = NAMES.index("duck"), NAMES.index("pond")
    made.targets = np.zeros_like(made.targets)
    made.targets[0, [duck, pond]] = 1
    boxes = {"duck": (0.0, 0.0, 20.0, 20.0), "pond": (40.0, 40.0, 64.0, 64.0)}
    made.regions = [[Region(name, box) for name, box in boxes.items()], *([] for _ in range(SCENES - 1))]
    values = np.zeros_like(made.maps[KIND])
    cell = {"on it": (0, 0), "on something else": (6, 6), "on bare paper": (0, 6)}[where]
    values[0, duck][cell] = 1
    made.maps = {**made.maps, KIND: values}
    return Inspection.of(made)


@pytest.mark.parametrize("where", ["on it", "on something else", "on bare paper"])
def test_where_the_strongest_cell_is(archives, where):
    check = lesson("05_trust", on_something_else(where), *archives[1:])
    check.__dict__["label"] = "duck"
    assert check.case.image == 0
    said(check.q1(where), True)
    for other in {"on it", "on something else", "on bare paper"} - {where}:
        said(check.q1(other), False)


def test_pointing_is_the_mean_over_the_six_labels(check):
    said(check.q2(0.1), True, "It is 0.10", "random map 0.02", "centre blob 0.03")
    said(check.q2(0.9), False, "too high")
    said(check.q2(7), False, "share")


def test_energy_and_its_mistakes(check):
    M, thing = check.toy_map
    inside = total = 0.0
    for row in range(5):
        for column in range(6):
            value = max(float(M[row, column]), 0.0)
            total += value
            inside += value if thing[row, column] else 0.0
    said(check.q3(inside / total), True)
    said(check.q3(M[thing].sum() / M.sum()), False, "below zero")
    said(check.q3(np.abs(M)[thing].sum() / np.abs(M).sum()), False, "not their size")
    said(check.q3(inside), False, "Divide")
    said(check.q3(thing.mean()), False, "share of the picture")
    said(check.q3(np.maximum(M, 0)[thing].mean() / np.maximum(M, 0).mean()), False, "Sums, not means")


@pytest.mark.parametrize(
    ("pointing", "deletion", "truth"),
    [(0.1, 0.2, "the model is wrong"), (0.1, 0.6, "the map is wrong"), (0.8, 0.2, "nothing is wrong"), (0.8, 0.6, "the map is wrong")],
)
def test_who_is_wrong_follows_from_both_numbers(archives, pointing, deletion, truth):
    check = lesson("05_trust", Inspection.of(contents(1, pointing=pointing, deletion=deletion)), *archives[1:])
    for answer in ("the model is wrong", "the map is wrong", "nothing is wrong"):
        said(check.q4(answer), answer == truth, f"Pointing {pointing:.2f}", f"{deletion:.2f}, with random cells 0.60")


def test_what_was_not_measured_is_said(archives):
    bare = contents(1)
    bare.measurements, bare.tables = {}, {}
    check = lesson("05_trust", Inspection.of(bare), *archives[1:])
    for answer in (check.q2(0.1), check.q4("the map is wrong")):
        said(answer, None, "without measuring")
    said(check.q5("pond"), None, "no leakage")


def test_the_label_that_moves_it_most(check):
    first, second = evidence.companions(check.label)
    said(check.q5(first), True, "0.40")
    said(check.q5(second), False, "0.30", "column")
    said(check.q5(check.label), False, "diagonal")
    said(check.q5("unicorn"), False)


def test_the_score_where_the_cue_is_broken(check, archives):
    apart = float(np.mean([ap_by_hand(archives[2], name) for name in THEME_LABELS]))
    together = float(np.mean([ap_by_hand(archives[0], name) for name in THEME_LABELS]))
    assert together - apart > 0.2
    said(check.q6(apart), True, f"It is {apart:.2f}", f"{together:.2f}")
    said(check.q6(together), False, "too high")


def test_edited_scenes_are_counted(check, archives):
    assert check.stands.size == 24
    assert check.stands.mean() == pytest.approx(0.5, abs=0.05)
    said(check.q7(check.stands.mean()), True, "0.00")
    said(check.q7(0.9), False)
    none = lesson("05_trust", *archives[:4], archives[0], archives[1])
    said(none.q7(0.5), None, "no edited scenes")


def test_the_table_of_edits(archives):
    table = evidence.edits_table({"misled": archives[4], "twin": archives[5]})
    rows = {tuple(row[:2]): [float(cell) for cell in row[2:]] for row in table.rows}
    assert len(rows) == 12
    for name in THEME_LABELS:
        drawn, itself, company = rows["twin", name]
        assert (drawn, itself, company) == (1.0, 0.0, 1.0)
        assert rows["misled", name][1] == 0.5


def test_two_models_on_the_same_pictures(archives):
    misled, twin = (evidence.theme_mean(archive) for archive in archives[:2])
    truth = "no difference" if abs(misled - twin) < 0.02 else "misled" if misled > twin else "twin"
    check = lesson("05_trust", *archives)
    said(check.q8(truth), True, f"{misled:.3f}", f"{twin:.3f}")
    poor = lesson("05_trust", archives[2], *archives[1:])
    said(poor.q8("twin"), True)
    said(poor.q8("no difference"), False)


def test_the_study_is_counted_or_said_to_be_absent(check, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    said(check.q9(1), None, "is not there")
    (tmp_path / "studies").mkdir()
    maps = {
        "a": {"title": "A", "reference": False, "pointing": 0.5},
        "b": {"title": "B", "reference": False, "pointing": 0.1},
        "centre blob": {"title": "centre blob", "reference": True, "pointing": 0.2},
    }
    (tmp_path / "studies" / "trust.json").write_text(json.dumps({"rows": [{"data": "scenes", "model": "m", "maps": maps}]}))
    said(check.q9(1), True, "1 of 2")
    said(check.q9(2), False, "centre blob")


def test_tables_read_the_archives(archives):
    misled, twin = archives[:2]
    table = evidence.numbers_table({"misled": misled, "twin": twin}, kinds=[KIND, "random map"])
    assert [row[:2] for row in table.rows] == [
        ["misled", "Attention A"],
        ["misled", "(random map)"],
        ["twin", "Attention A"],
        ["twin", "(random map)"],
    ]
    assert [row[2] for row in table.rows] == ["0.10", "0.02", "0.70", "0.02"]
    leaks = evidence.leakage_table({"misled": misled}, "duck")
    assert leaks.rows == [["misled", "0.90", "0.40", "0.30", "0.01"]]
    duck, pond = (misled.targets[:, NAMES.index(name)] == 1 for name in ("duck", "pond"))
    (row,) = [row for row in evidence.company_table(misled).rows if row[0] == "duck"]
    assert row[1:3] == [str(sum(duck)), f"pond {sum(a and b for a, b in zip(duck, pond, strict=True)) / sum(duck):.2f}"]
    scores = evidence.score_table({"like those": misled})
    assert float(scores.rows[0][-2]) == pytest.approx(evidence.theme_mean(misled), abs=0.006)
