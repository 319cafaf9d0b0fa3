"""Project folders to run notebooks in: the repository with what it ships, and one whose archives a hasty student trained."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RECIPES = ("scenes-srn", "scenes-pooled", "scenes-msrn", "scenes-disentangled", "scenes-disentangled-off")
SHORTCUTS = tuple(f"scenes-shortcut{twin}{kind}" for twin in ("", "-off") for kind in ("", "-apart", "-edits"))
SHIPPED = (*RECIPES, *SHORTCUTS, "photos")


@pytest.fixture(scope="session")
def shipped_home() -> Path:
    """The repository. Its archives belong to it: in CI a missing one is a failure."""
    missing = [name for name in SHIPPED if not (ROOT / "data" / f"{name}.safetensors").is_file()]
    if missing:
        reason = f"data/ lacks the archives {', '.join(missing)}: the notebooks were not run on them"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return ROOT


@pytest.fixture(scope="session")
def hasty_home(tmp_path_factory) -> Path:
    """A project folder without studies, where the tour was run on a handful of scenes: its models know next to nothing."""
    import torch

    import workbench
    from workbench.analysis.embedding import embedding_of
    from workbench.datasets import load_dataset
    from workbench.datasets.photos import write_photos
    from workbench.models import create_model
    from workbench.models.imagenet import imagenet_categories
    from workbench.training import get_recipe, train

    home = tmp_path_factory.mktemp("hasty")
    for folder in ("data", "notebooks", "runs/tour"):
        (home / folder).mkdir(parents=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so few scenes are not worth more, and on a busy machine threads wait for each other
    for name in RECIPES:
        recipe = get_recipe(name)
        epochs = {f"stages.{stage}.epochs": int(stage == recipe.last_stage) for stage in recipe.stages}
        hasty = recipe.with_overrides({**epochs, "data.options.count": 64, "data.validation_options.count": 16})
        run = train(hasty, home / "runs" / "tour" / name, progress=False)
        pointed = "disentangled" not in name  # nobody reads pointing and deletion of these two, and measuring takes its time
        inspection = workbench.inspect(run, picture_size=96, measure=pointed)
        if run.feature_probes:
            inspection = inspection.with_embeddings(*embedding_of(run, inspection))
        inspection.save(home / "runs" / "tour" / f"{name}.safetensors")
    _shortcuts(home)
    untrained = create_model("pooled", imagenet_categories(), backbone="small-narrow", image_size=64)
    photos = load_dataset("table", "all", root=write_photos(home / "runs" / "photos"), categories=untrained.categories)
    inspection = workbench.inspect(untrained, photos, name="photos", picture_size=96, top_labels=12)
    inspection.save(home / "runs" / "tour" / "photos.safetensors")
    torch.set_num_threads(threads)
    return home


def _shortcuts(home: Path) -> None:
    """The pair of models that the notebook on trust opens, trained on a handful of scenes, with their weights."""
    import shutil

    import workbench
    from workbench.datasets import load_dataset
    from workbench.datasets.edited_scenes import EditedScenes, without_label
    from workbench.datasets.scenes import THEMES
    from workbench.training import get_recipe, train

    together, apart = (load_dataset("scenes", "test", count=24, terraces=1.0, cooccurrence=knob) for knob in (1.0, 0.0))
    versions = {}
    for theme in THEMES.values():
        scene = next(found for found in map(together.scene, range(24)) if {*theme} <= {*found.labels})
        versions |= {scene.id: scene, **{f"{scene.id} without {member}": without_label(scene, member) for member in theme}}
    (home / "data" / "weights").mkdir()
    for name in ("shortcut", "shortcut-off"):
        hasty = {"stages.all.epochs": 1, "data.options.count": 64, "data.validation_options.count": 16}
        run = train(get_recipe(name, hasty), home / "runs" / "hasty" / name, progress=False)
        shutil.copy(run.weights("best"), home / "data" / "weights" / f"scenes-{name}.safetensors")
        for ending, pictures in (("", together), ("-apart", apart), ("-edits", EditedScenes(versions))):
            inspection = workbench.inspect(run, pictures, name=f"{name}{ending}", picture_size=96, measure=not ending)
            inspection.save(home / "data" / f"scenes-{name}{ending}.safetensors")
