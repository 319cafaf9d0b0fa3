"""Recipes by name, ``<data>-<system>``: functions, so that reading one shows everything that it decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.errors import WorkbenchError, did_you_mean
from workbench.training.recipe import Recipe
from workbench.training.recipes import discriminative, modern, msrn, scenes, shortcut, srn, voc

RECIPES: dict[str, Callable[[], Recipe]] = {
    "scenes-pooled": scenes.pooled,
    "scenes-csra": scenes.csra,
    "scenes-srn": scenes.srn,
    "scenes-msrn": scenes.msrn,
    "scenes-disentangled": discriminative.scenes_disentangled,
    "scenes-disentangled-off": discriminative.scenes_disentangled_off,
    "scenes-srn-disc": discriminative.scenes_srn,
    "scenes-msrn-disc": discriminative.scenes_msrn,
    "shortcut": shortcut.shortcut,
    "shortcut-off": shortcut.shortcut_off,
    "voc-study-pooled": voc.pooled,
    "voc-study-csra": voc.csra,
    "voc-study-srn": voc.srn,
    "voc-study-msrn": voc.msrn,
    "voc-study-disc": discriminative.voc_study,
    "voc-study-disc-off": discriminative.voc_study_off,
    "voc2007-msrn": msrn.voc2007,
    "coco2014-msrn": msrn.coco2014,
    "nuswide-msrn": msrn.nuswide,
    "apparel-msrn": msrn.apparel,
    "coco2014-srn": srn.coco2014,
    "nuswide-srn": srn.nuswide,
    "wider-srn": srn.wider,
    "coco2014-disc": discriminative.coco2014,
    "voc2007-disc": discriminative.voc2007,
    "voc2012-disc": discriminative.voc2012,
    "coco2014-modern": modern.coco2014,
}


def get_recipe(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe by name, with single values changed (see `Recipe.with_overrides`). Raises WorkbenchError for unknown names and keys."""
    if name not in RECIPES:
        raise WorkbenchError(f'There is no recipe "{name}".{did_you_mean(name, RECIPES)}')
    return RECIPES[name]().with_overrides(overrides or {})
