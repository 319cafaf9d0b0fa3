from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.colored_blocks import blocks_recipe, load_blocks
from workbench.analysis.embedding import DISTANCES, embed, embedding_of, embedding_of_inspection, features_of
from workbench.analysis.separation import MEASURES, separation
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.inspector import inspect
from workbench.training import train
from workbench.training.recipe import Discriminative


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run that kept class features, and one that did not."""
    import workbench.datasets

    torch.set_num_threads(1)
    recipe = blocks_recipe("disentangled", 3, feature_images=16)
    with_loss = replace(recipe, stages={"all": replace(recipe.stages["all"], discriminative=Discriminative())})
    folder = tmp_path_factory.mktemp("embedding")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbench.datasets, "load_dataset", load_blocks)
        yield train(with_loss, folder / "kept", progress=False), train(blocks_recipe(epochs=1), folder / "plain", progress=False)


def test_points_and_numbers_of_every_epoch_of_a_run(runs):
    run, _ = runs
    embeddings, tables = embedding_of(run, methods=("pca", "tsne"))
    values, pairs, ids, _ = features_of(run)
    assert ids == run.validation().ids[:16]
    assert embeddings.points["pca"].shape == embeddings.points["tsne"].shape == (3, len(pairs), 2)
    assert [(epoch["title"], epoch["epoch"], epoch["step"]) for epoch in embeddings.epochs] == [
        ("all 1", 1, 6),
        ("all 2", 2, 12),
        ("all 3", 3, 18),
    ]
    for epoch, part in zip(embeddings.epochs, values, strict=True):
        assert epoch["separation"] == separation(part, pairs, 3)["overall"]
        assert set(epoch["by_category"]) == set(MEASURES)
        assert all(len(column) == 3 for column in epoch["by_category"].values())
    assert tables[DISTANCES].values.shape == (3, 3)
    assert list(tables[DISTANCES].rows) == ["red", "green", "blue"]


def test_points_go_into_an_archive_of_the_same_images_in_its_order(runs, tmp_path):
    run, _ = runs
    inspection = inspect(run, limit=10, measure=False)
    embeddings, tables = embedding_of(run, inspection)
    path = inspection.with_embeddings(embeddings, tables).save(tmp_path / "archive.safetensors")
    again = Inspection.open(path)
    stored = again.embeddings()
    assert stored.points["pca"].shape == (3, len(again.features()[1]), 2)
    np.testing.assert_array_equal(stored.points["pca"], embeddings.points["pca"])
    values, pairs, _, _ = features_of(run)
    first = [row for row, (image, _) in enumerate(pairs.tolist()) if image < 10]
    expected, _, _ = embed([part[first] for part in values], pairs[first], again.categories)
    np.testing.assert_allclose(stored.points["pca"], expected["pca"], atol=1e-6)
    with pytest.raises(WorkbenchError, match="first 16 validation images at most"):
        embedding_of(run, inspect(run, limit=20, measure=False))


def test_a_model_at_one_moment(runs):
    run, plain = runs
    inspection = inspect(run, limit=12, measure=False)
    embeddings, _ = embedding_of_inspection(inspection)
    assert embeddings.points["pca"].shape == (1, len(inspection.features()[1]), 2)
    with pytest.raises(WorkbenchError, match="holds no class features"):
        embedding_of_inspection(inspect(plain, limit=12, measure=False))
    with pytest.raises(WorkbenchError, match="feature_images"):
        embedding_of(plain)


def test_descriptions_and_epochs_have_to_fit():
    with pytest.raises(WorkbenchError, match="one for each epoch"):
        embed([np.ones((5, 3))], np.zeros((5, 2), dtype=int), Categories(["a"]), epochs=[])
