from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from tests.training.colored_blocks import ColoredBlocks, blocks_recipe
from workbench.errors import WorkbenchError
from workbench.models import create_model
from workbench.training import features, train
from workbench.training.batches import ImageSource, epoch_draws, epoch_plan
from workbench.training.features import FeatureSource, frozen_stage


def heads_only(stage):
    """A stage without the trunk among what it trains."""
    trained = ("classifier", "attention", "regularisation") if "all" in stage.train else stage.train
    return replace(stage, train=tuple(part for part in trained if part != "trunk"))


def frozen_recipe(**changes):
    """SRN whose trunk no stage trains."""
    recipe = blocks_recipe("srn")
    return replace(recipe, stages={name: heads_only(stage) for name, stage in recipe.stages.items()}, **changes)


def test_a_trunk_counts_as_frozen_only_if_no_stage_trains_it():
    model = create_model("srn", ["a", "b", "c"], backbone="small-narrow", image_size=32)
    assert frozen_stage(model, frozen_recipe()) == 2
    assert frozen_stage(model, blocks_recipe("srn")) is None
    assert frozen_stage(model, frozen_recipe().with_overrides({"stages.joint.train": "all"})) is None
    assert frozen_stage(model, frozen_recipe().with_overrides({"stages.joint.train": "all", "stages.joint.epochs": "0"})) == 2


def test_cached_maps_are_those_of_the_trunk_for_images_and_mirror_images(tmp_path):
    run = train(frozen_recipe(), tmp_path / "run", progress=False)
    path = next((tmp_path / ".features").glob("blocks-train-*.safetensors"))
    with safe_open(path, framework="pt") as file:
        assert set(file.keys()) == {"plain.2", "mirrored.2"}
    cpu = torch.device("cpu")
    dataset, model = ColoredBlocks("train"), run.model()
    plan, draws = epoch_plan(48, 8, 0, 0), epoch_draws(48, 0, 0)
    images = ImageSource(dataset, 32, "flip", cpu)
    cached = FeatureSource(path, cpu)
    for drawn in (None, draws):
        for pixels, maps in zip(images.inputs(plan, drawn), cached.inputs(plan, drawn), strict=True):
            expected = model.backbone.frozen_maps(pixels, 2)[2]
            assert torch.allclose(maps[2], expected, atol=2e-3, rtol=2e-3)


def test_training_on_cached_maps_is_training_on_images(tmp_path, monkeypatch):
    cached = train(frozen_recipe(), tmp_path / "cached", progress=False)
    monkeypatch.setattr(features, "SIZE_LIMIT", 0)
    direct = train(frozen_recipe(), tmp_path / "direct", progress=False, cache=tmp_path / "none")
    assert not (tmp_path / "none").exists()
    for left, right in zip(cached.history, direct.history, strict=True):
        assert left["loss"] == pytest.approx(right["loss"], rel=0.02)
    trunk = [value for run in (cached, direct) for value in run.model("last").backbone.stages[:3].state_dict().values()]
    assert all(torch.equal(left, right) for left, right in zip(trunk[: len(trunk) // 2], trunk[len(trunk) // 2 :], strict=True))


def test_the_cache_is_shared_between_runs_and_made_anew_for_other_data_or_weights(tmp_path):
    folder = tmp_path / "shared"

    def files():
        return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    train(frozen_recipe(), tmp_path / "a", progress=False, cache=folder)
    first = files()
    assert len(first) == 2
    train(frozen_recipe().with_overrides({"stages.joint.lr": "1e-4"}), tmp_path / "b", progress=False, cache=folder)
    assert files() == first
    train(frozen_recipe().with_overrides({"data.options.count": "40"}), tmp_path / "c", progress=False, cache=folder)
    train(frozen_recipe().with_overrides({"seed": "1"}), tmp_path / "d", progress=False, cache=folder)  # other random trunk
    assert len(files()) == 6
    train(
        frozen_recipe().with_overrides({"augmentation": "none", "data.options.count": "30"}), tmp_path / "e", progress=False, cache=folder
    )
    sizes = sorted(path.stat().st_size for path in folder.glob("blocks-train-*"))
    assert sizes[0] < sizes[-1] / 2  # without mirror images


def test_a_run_on_cached_maps_resumes_exactly(tmp_path):
    whole = train(frozen_recipe(), tmp_path / "whole", progress=False)

    def stop(run, row):
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(frozen_recipe(), tmp_path / "run", progress=False, on_epoch=stop)
    resumed = train(frozen_recipe(), tmp_path / "run", progress=False)
    assert resumed.weights("last").read_bytes() == whole.weights("last").read_bytes()
    assert np.isfinite(resumed.history[-1]["loss"])


def test_a_frozen_backbone_is_cached_to_its_last_stage_and_stays_bit_for_bit(tmp_path):
    run = train(frozen_recipe(frozen_backbone=True), tmp_path / "run", progress=False)
    path = next((tmp_path / ".features").glob("blocks-train-*.safetensors"))
    with safe_open(path, framework="pt") as file:
        assert set(file.keys()) == {"plain.2", "plain.3", "mirrored.2", "mirrored.3"}
    torch.manual_seed(run.recipe.seed)
    before = create_model("srn", ["red", "green", "blue"], backbone=run.recipe.model.backbone, image_size=32)
    for name, value in run.model("last").backbone.state_dict().items():
        assert torch.equal(value, before.backbone.state_dict()[name]), name


def test_a_frozen_backbone_that_a_stage_would_train_is_refused():
    with pytest.raises(WorkbenchError, match='Stage "classifier" trains the backbone'):
        replace(blocks_recipe("srn"), frozen_backbone=True)


def cached_maps(folder, dataset):
    """Path of the maps of a data set, as a training makes them."""
    from lightning_fabric import Fabric

    torch.manual_seed(0)
    model = create_model("srn", ["red", "green", "blue"], backbone="small-narrow", image_size=32).eval()
    return features.cached_features(model, dataset, frozen_recipe(), 2, folder, False, Fabric(accelerator="cpu", devices=1), True)


def test_other_pictures_under_the_same_names_have_maps_of_their_own(tmp_path):
    first = cached_maps(tmp_path, ColoredBlocks("train"))
    assert cached_maps(tmp_path, ColoredBlocks("train")) == first
    other = ColoredBlocks("train")
    real = other.image
    other.image = lambda index: 255 - real(index) if index == 47 else real(index)
    second = cached_maps(tmp_path, other)
    assert second != first
    with safe_open(first, framework="pt") as one, safe_open(second, framework="pt") as two:
        differ = (one.get_tensor("plain.2") != two.get_tensor("plain.2")).flatten(1).any(1)
    assert differ.nonzero().flatten().tolist() == [47]


@pytest.mark.parametrize("damage", ["zeroed", "cut", "empty", "another"])
def test_a_damaged_file_is_made_anew_and_that_is_said(damage, tmp_path, capsys):
    path = cached_maps(tmp_path, ColoredBlocks("train"))
    whole = path.read_bytes()
    middle = len(whole) // 2
    spoiled = {"zeroed": whole[:middle] + bytes(4096) + whole[middle + 4096 :], "cut": whole[:middle], "empty": b"", "another": whole}
    path.write_bytes(spoiled[damage])
    if damage == "another":
        path.write_bytes(cached_maps(tmp_path / "other", ColoredBlocks("train", count=20)).read_bytes())
    assert cached_maps(tmp_path, ColoredBlocks("train")) == path
    assert path.read_bytes() == whole
    assert "is damaged; the trunk maps in it are made anew" in capsys.readouterr().err


def test_what_a_killed_process_left_is_swept_by_the_next_one(tmp_path):
    orphan = tmp_path / ".blocks-train-1.safetensors.abc.part"
    orphan.mkdir()
    (orphan / "blocks-train-1.safetensors").write_bytes(bytes(1000))
    (orphan / ".lock").write_text("1")
    path = cached_maps(tmp_path, ColoredBlocks("train"))
    assert list(tmp_path.iterdir()) == [path]
