"""The moved-object experiment finds the rule in a judge that knows it, and nothing in one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.analysis.relations import all_moves, detect, moved_effects, shifted, swapped_effects, sweep, true_relations, unrelated
from workbench.datasets.scenes.compose import compose
from workbench.datasets.scenes.rules import CATEGORIES, RELATION_LABELS, RELATIONS, Knobs
from workbench.errors import WorkbenchError

SCENES = [compose(0, "test", index, Knobs()) for index in range(500)]
SIZE = 8


class Judge:
    """Answers in the order in which the pictures are drawn, from the scenes themselves: rendering is replaced by a note of the scene."""

    def __init__(self, monkeypatch, knows_rule: bool, sees_covered: bool = True):
        self.seen = []

        def note(scene, size):
            self.seen.append(scene)
            return np.zeros((size, size, 3), dtype=np.uint8)

        monkeypatch.setattr("workbench.datasets.scenes.scene.Scene.render", note)
        self.knows_rule, self.sees_covered = knows_rule, sees_covered
        self.noise = np.random.default_rng(0)

    def __call__(self, pixels):
        scenes, self.seen = self.seen[-len(pixels) :], []
        logits = np.stack([4.0 * scene.target for scene in scenes])
        if not self.knows_rule:  # the shapes alone: either name is as good
            for first, second in zip(RELATION_LABELS[::2], RELATION_LABELS[1::2], strict=True):
                pair = [CATEGORIES.index(first), CATEGORIES.index(second)]
                logits[:, pair] = 2.0
        if not self.sees_covered:
            for row, scene in zip(logits, scenes, strict=True):
                hidden = {thing.shape for thing in scene.things if thing.shape in RELATIONS and covered(thing, scene)}
                row[[CATEGORIES.index(name) for shape in hidden for name in RELATIONS[shape]]] -= 4
        return logits + 0.3 * self.noise.standard_normal(logits.shape)


def covered(thing, scene):
    """Whether a house stands near it."""
    houses = [other for other in scene.things if other.shape == "house"]
    return any(abs(thing.x - other.x) < 0.15 and abs(thing.y - other.y) < 0.15 for other in houses)


def moves(judge, scenes=SCENES):
    return all_moves(judge, scenes, SIZE)


def test_a_judge_that_knows_the_rule_is_found_out_and_one_that_does_not_is_not(monkeypatch):
    for effects in (moved_effects, swapped_effects):
        found = detect(effects(moves(Judge(monkeypatch, True))), true_relations(), unrelated())
        assert found.asked == 6
        assert len(found.found) == 6
        assert found.false_alarms < 0.2
        blind = detect(effects(moves(Judge(monkeypatch, False))), true_relations(), unrelated())
        assert len(blind.found) <= 1


def test_what_is_merely_covered_takes_from_both_names(monkeypatch):
    """A judge without the rule that cannot see what a house covers: its scores fall when houses move, its choice of a name does not."""
    seen = moves(Judge(monkeypatch, False, sees_covered=False))
    assert len(detect(moved_effects(seen), true_relations(), unrelated()).found) >= 5
    assert len(detect(swapped_effects(seen), true_relations(), unrelated()).found) <= 1


def test_pairs_seen_too_seldom_are_left_out(monkeypatch):
    effects = moved_effects(moves(Judge(monkeypatch, True)), least=60)
    assert np.isnan(effects).sum() > np.isnan(moved_effects(moves(Judge(monkeypatch, True)))).sum()
    with pytest.raises(WorkbenchError, match="too few"):
        moved_effects(moves(Judge(monkeypatch, True), SCENES[:5]))


def test_the_threshold_is_passed_by_the_stated_share_of_unrelated_pairs():
    values = np.random.default_rng(1).standard_normal((60, 60))
    free = ~np.eye(60, dtype=bool)
    found = detect(values, np.zeros_like(free), free, rate=0.05)
    assert found.false_alarms == pytest.approx(0.05, abs=0.02)
    assert found.asked == 0
    with pytest.raises(WorkbenchError, match="unrelated pairs"):
        detect(np.full((60, 60), np.nan), free, free)


def test_a_sweep_says_what_is_true_at_each_place():
    number, position = next(
        (number, position) for number, scene in enumerate(SCENES) for position, thing in enumerate(scene.things) if thing.category == "sun"
    )
    seen = sweep(lambda pixels: pixels.reshape(len(pixels), -1)[:, : len(CATEGORIES)], SCENES[number], position, [(0, 0), (0, 0.9)], 16)
    assert seen.targets[0, CATEGORIES.index("sun")] == 1
    assert seen.targets[1, CATEGORIES.index("ball")] == 1
    assert seen.logits.shape == (2, len(CATEGORIES))
    with pytest.raises(WorkbenchError, match="no offsets"):
        sweep(len, SCENES[number], position, [], 16)


def test_all_things_of_a_label_are_shifted_together():
    scene = next(scene for scene in SCENES if "house" in scene.labels)
    moved = shifted(scene, "house", 0.25)
    shapes = {old.shape for old, new in zip(scene.things, moved.things, strict=True) if old.y != new.y}
    assert shapes == {"house", "street"}
    assert all(new.y == pytest.approx(old.y + 0.25) for old, new in zip(scene.things, moved.things, strict=True) if old.shape == "house")
