"""The study on shortcuts, its two recipes, and the archives and weights that come of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import workbench
from benchmarks.shortcut import RECIPES, edited, held_out, said, summarise
from workbench.datasets.scene_editor import SceneEditor
from workbench.datasets.scenes import CATEGORIES, THEMES, Scenes
from workbench.training import get_recipe

DATA = Path(__file__).parent.parent / "data"


def test_the_two_recipes_differ_in_the_rule_alone():
    on, off = (get_recipe(name).to_json() for name in RECIPES)
    assert (on.pop("name"), off.pop("name")) == tuple(RECIPES)
    assert on["data"]["options"].pop("cooccurrence") == 1.0
    assert off["data"]["options"].pop("cooccurrence") == 0.0
    assert on == off


def test_members_of_a_theme_come_together_or_as_often_alone():
    together, apart = (Scenes("test", 1000, cooccurrence=knob, cache=False).targets for knob in (1.0, 0.0))
    for theme in THEMES.values():
        columns = [CATEGORIES.index(member) for member in theme]
        counts = together[:, columns].sum(axis=1)
        assert np.isin(counts, (0, 3)).mean() > 0.99  # a member that finds no place is left out
        assert np.isin(apart[:, columns].sum(axis=1), (0, 3)).mean() < 0.6
        np.testing.assert_allclose(together[:, columns].mean(axis=0), apart[:, columns].mean(axis=0), atol=0.05)


def row(rule: bool, seed: int, ap: float) -> dict:
    everywhere = {"overall": ap, "per_label": {}}
    return {
        "rule": rule,
        "seed": seed,
        "theme_AP": {"together": 1.0, "apart": ap},
        "maps": {"pointing": {"attention": ap / 2}},
        "leakage": {"within a theme": 0.1},
        "said": {"as drawn": everywhere, "itself gone": everywhere, "company gone": everywhere, "scenes": 80},
    }


def test_differences_are_taken_seed_by_seed():
    rows = [row(True, 0, 0.5), row(False, 0, 0.9), row(True, 1, 0.6), row(False, 1, 0.9), row(True, 2, 0.4)]
    found = {each["figure"]: each for each in summarise(rows)}
    assert found["AP, apart"]["difference"]["values"] == [-0.4, -0.3]
    assert found["AP, apart"]["shortcut"]["n"] == 2, "a seed without its twin does not count"
    assert found["pointing, attention"]["shortcut"]["mean"] == pytest.approx(0.275)
    assert found["said, itself gone"]["shortcut-off"]["mean"] == 0.9
    assert summarise([row(True, 0, 0.5)]) == []


def test_a_model_that_reads_the_company_is_found_out_by_edits(monkeypatch):
    """In place of a network: says all members of a theme as soon as its pond or its tree is there, which it knows from the pixels."""
    together = held_out(0, {"cooccurrence": 1.0})
    monkeypatch.setattr("benchmarks.shortcut.EDITED", 6)
    leaders = {member: theme[0] for theme in THEMES.values() for member in theme}

    def predict(subject, pictures, batch_size=64):
        there = {name: pictures.targets[:, CATEGORIES.index(name)] for name in set(leaders.values())}
        return np.stack([there[leaders[name]] - 0.5 if name in leaders else there["pond"] * 0.0 for name in CATEGORIES], axis=1)

    monkeypatch.setattr("workbench.capture.predict", predict)
    monkeypatch.setattr("workbench.capture.subject_of", lambda model: model)
    found = said(None, together)
    assert found["scenes"] == 12
    assert all(value == 1.0 for value in found["as drawn"]["per_label"].values())
    leads = set(leaders.values())
    assert found["itself gone"]["per_label"] == {name: float(name not in leads) for name in leaders}
    assert found["company gone"]["per_label"] == {name: float(name in leads) for name in leaders}
    assert all({*theme} <= {*scene.labels} for theme in THEMES.values() for scene in edited(together, theme, 6))


@pytest.mark.parametrize("ending", ["", "-off"])
def test_the_shipped_weights_said_what_the_shipped_archive_says(ending):
    from workbench.models import load_model

    archive = workbench.open_inspection(DATA / f"scenes-shortcut{ending}.safetensors")
    predict = workbench.predictor(load_model(DATA / "weights" / f"scenes-shortcut{ending}.safetensors"), scenes=archive)
    editor = SceneEditor.from_origin(archive.provenance)
    pictures = np.stack([editor(identifier).render(predict.size) for identifier in archive.ids[:12]])
    assert predict.categories == archive.categories
    np.testing.assert_allclose(predict(pictures)[0], archive.logits()[:12], atol=1e-3)


@pytest.mark.parametrize("ending", ["", "-off"])
def test_the_shipped_archives_are_small_and_of_the_same_pictures(ending):
    for kind in ("", "-apart", "-edits"):
        file, other = (DATA / f"scenes-shortcut{which}{kind}.safetensors" for which in (ending, ""))
        assert file.stat().st_size < 2e6
        assert workbench.open_inspection(file).ids == workbench.open_inspection(other).ids
