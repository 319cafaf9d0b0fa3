"""The rules of the scenes hold, as seen in the masks; each knob does what it says and nothing else."""

import math

import numpy as np
import pytest

from workbench.datasets.scenes import ANIMALS, CATEGORIES, RELATION_LABELS, RELATIONS, THEMES, Knobs, Scenes
from workbench.datasets.scenes.compose import compose
from workbench.datasets.scenes.draw import shown
from workbench.errors import WorkbenchError

ABOVE = {pair[0] for pair in RELATIONS.values()}


def scenes_of(count, split="train", **knobs):
    knobs = Knobs(**knobs)
    return [compose(0, split, index, knobs) for index in range(count)]


def targets_of(count, **knobs):
    return np.stack([scene.target for scene in scenes_of(count, **knobs)])


def side_in_masks(paper, houses, angle):
    """-1 above, 1 below: where a paper's mask lies, across the street, relative to the house pixels nearest to it along the street."""

    def turned(mask):
        rows, columns = np.nonzero(mask)
        return columns * math.cos(angle) + rows * math.sin(angle), rows * math.cos(angle) - columns * math.sin(angle)

    along, across = turned(paper)
    house_along, house_across = turned(houses)
    distance = abs(house_along - along.mean())
    near = house_across[distance <= distance.min() + 3]
    if across.mean() < near.min():
        return -1
    return 1 if across.mean() > near.max() else 0


@pytest.mark.parametrize("knobs", [{}, {"terraces": 1.0}, {"tilt": 1.0}, {"terraces": 1.0, "tilt": 1.0, "occlusion": 1.0}], ids=str)
def test_names_follow_the_masks(knobs):
    seen = 0
    for scene in scenes_of(250, relation=1.0, **knobs):
        regions = scene.regions(96)
        houses = [region.mask for region in regions if region.category == "house"]
        papers = [region for region in regions if region.category in RELATION_LABELS]
        assert houses or not papers
        angle = next((thing.angle for thing in scene.things if thing.shape == "house"), 0.0)
        for paper in papers:
            expected = -1 if paper.category in ABOVE else 1
            assert side_in_masks(paper.mask, np.any(houses, axis=0), angle) == expected, scene.id
            seen += 1
    assert seen > 150


def test_at_relation_zero_a_coin_names_the_very_same_pictures():
    by_rule, by_coin = scenes_of(1200, relation=1.0), scenes_of(1200, relation=0.0)
    same = []
    for rule, coin in zip(by_rule, by_coin, strict=True):
        for a, b in zip(rule.things, coin.things, strict=True):
            assert (a.shape, a.x, a.y, a.looks, a.color) == (b.shape, b.x, b.y, b.looks, b.color)
            if a.shape in RELATIONS:
                same.append(a.category == b.category)
    np.testing.assert_array_equal(by_rule[7].render(64), by_coin[7].render(64))
    assert abs(np.mean(same) - 0.5) < 4 * 0.5 / math.sqrt(len(same))


def test_halfway_relation_is_right_three_times_in_four():
    pairs = zip(scenes_of(1200, relation=1.0), scenes_of(1200, relation=0.5), strict=True)
    same = [a.category == b.category for one, two in pairs for a, b in zip(one.things, two.things, strict=True) if a.shape in RELATIONS]
    assert abs(np.mean(same) - 0.75) < 0.05


def nearest_neighbour_scores(train, labels, test, neighbours=40):
    """Share of positives among the nearest training rows, columns put on one scale."""
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-9
    train, test = (train - mean) / spread, (test - mean) / spread
    distance = ((test[:, None, :] - train[None, :, :]) ** 2).sum(axis=2)
    return labels[np.argpartition(distance, neighbours, axis=1)[:, :neighbours]].mean(axis=1)


def average_precision(scores, labels):
    hits = labels[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def probe(columns, **knobs):
    """AP of "above" from some facts of a paper alone: a nearest-neighbour probe trained on 2,000 scenes and scored on 1,500 others."""
    tables = []
    for split, count in (("train", 2000), ("test", 1500)):
        rows, labels = [], []
        for scene in scenes_of(count, split=split, **knobs):
            houses = sorted((thing.x, thing.y) for thing in scene.things if thing.shape == "house")
            for thing in scene.things:
                if thing.category in RELATION_LABELS:
                    heights = [y for _, y in houses]
                    facts = {"place": (thing.x, thing.y), "height": (thing.y,), "streets": (min(heights), max(heights), np.mean(heights))}
                    facts["looks"] = (thing.size, thing.angle, *thing.color, *thing.looks)
                    facts["both"] = (*facts["place"], houses[0][1], houses[-1][1])
                    rows.append(facts[columns])
                    labels.append(thing.category in ABOVE)
        tables += [np.array(rows), np.array(labels)]
    train, labels, test, truth = tables
    assert abs(truth.mean() - 0.5) < 0.06
    return average_precision(nearest_neighbour_scores(train, labels, test), truth)


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["place", "height", "streets", "looks"])
def test_on_terraces_neither_place_nor_looks_tell_a_sun_from_a_ball(columns):
    assert probe(columns, terraces=1.0) < 0.57


@pytest.mark.slow
def test_on_terraces_place_and_streets_together_tell():
    assert probe("both", terraces=1.0) > 0.8


@pytest.mark.slow
def test_on_one_street_looks_tell_nothing_but_height_does():
    """Why `terraces` is there: a study of relations that leaves it at 0 can be passed by looking at absolute height."""
    assert probe("looks", terraces=0.0) < 0.57
    assert probe("height", terraces=0.0) > 0.85


def test_labels_are_neither_rare_nor_everywhere():
    targets = targets_of(4000)
    assert len(CATEGORIES) >= 12
    assert len(set(CATEGORIES.groups.values())) >= 3
    assert set(CATEGORIES.groups) == set(CATEGORIES)
    frequency = targets.mean(axis=0)
    assert frequency.min() > 0.08
    assert frequency.max() < 0.6
    assert 2.5 < targets.sum(axis=1).mean() < 4


@pytest.mark.slow
@pytest.mark.parametrize("members", THEMES.values(), ids=THEMES)
def test_cooccurrence_changes_what_comes_together_and_not_how_often(members):
    columns = [CATEGORIES.index(name) for name in members]
    apart, together = (targets_of(2500, cooccurrence=knob)[:, columns] for knob in (0.0, 1.0))
    error = math.sqrt(0.2 * 0.8 / 2500)
    for targets in (apart, together):
        assert abs(targets.mean(axis=0) - 0.2).max() < 4.5 * error + 0.012  # a few find no place in a full scene
    assert abs(np.corrcoef(apart.T)[np.triu_indices(3, 1)]).max() < 0.1
    assert np.corrcoef(together.T)[np.triu_indices(3, 1)].min() > 0.85


def test_scale_spread_makes_some_members_small_and_faint():
    def members(knob):
        return [thing for scene in scenes_of(600, scale_spread=knob) for thing in scene.things if thing.category in THEMES["park"]]

    even, uneven = members(0.0), members(1.0)
    assert {thing.fade for thing in even} == {0.0}
    assert max(thing.fade for thing in uneven) > 0.5
    assert min(thing.size for thing in uneven) < 0.6 * min(thing.size for thing in even)
    assert 0.3 < np.mean([thing.fade == 0 for thing in uneven]) < 0.7


def test_look_alike_animals_share_colours_and_proportions():
    def table(knob):
        found = {name: [] for name in ANIMALS}
        for scene in scenes_of(1500, look_alike=knob):
            for thing in scene.things:
                if thing.category in ANIMALS:
                    found[thing.category].append((*thing.color, *(60 * look for look in thing.looks)))
        return {name: np.array(rows) for name, rows in found.items()}

    def between_over_within(groups):
        means = np.array([rows.mean(axis=0) for rows in groups.values()])
        return means.std(axis=0).mean() / np.mean([rows.std(axis=0).mean() + 1e-9 for rows in groups.values()])

    assert between_over_within(table(1.0)) < 0.15
    assert between_over_within(table(0.0)) > 10


def test_noise_and_tilt():
    quiet, loud = scenes_of(3, noise=0.0), scenes_of(3, noise=1.0)
    assert quiet[0].render(64).astype(float).std() < loud[0].render(64).astype(float).std()
    np.testing.assert_array_equal(quiet[0].target, loud[0].target)
    angles = [thing.angle for scene in scenes_of(400, tilt=0.0) for thing in scene.things if thing.shape == "house"]
    assert set(angles) == {0.0}
    angles = [thing.angle for scene in scenes_of(400, tilt=1.0) for thing in scene.things if thing.shape == "house"]
    assert math.radians(20) < max(np.abs(angles)) <= math.radians(25)
    assert abs(np.mean(angles)) < math.radians(4)


@pytest.mark.slow
def test_occlusion_lets_more_be_covered():
    def hidden(knob):
        fractions = []
        for scene in scenes_of(150, occlusion=knob):
            together = shown(scene.things, 96).sum(axis=(1, 2))
            for thing, seen in zip(scene.things, together, strict=True):
                if thing.category:
                    fractions.append(1 - seen / shown([thing], 96).sum())
        return np.array(fractions)

    none, much = hidden(0.0), hidden(1.0)
    assert none.mean() < 0.02 < much.mean()


@pytest.mark.parametrize("bad", [{"relation": 1.2}, {"noise": -0.1}, {"tilt": "much"}, {"occlusion": True}, {"look_alike": float("nan")}])
def test_a_knob_out_of_range_is_named(bad):
    (name,) = bad
    with pytest.raises(WorkbenchError, match=f'knob "{name}"'):
        Scenes("val", count=2, cache=False, **bad)
