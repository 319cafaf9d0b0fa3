"""What a training starts from: the model that its recipe describes, with the weights that its seed gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workbench.datasets import MultiLabelDataset
from workbench.models import WorkbenchModel, create_model, model_class
from workbench.training.recipe import Recipe


def build_model(recipe: Recipe, dataset: MultiLabelDataset) -> WorkbenchModel:
    """The recipe's model for the categories of `dataset`, with the initial weights that its seed gives."""
    torch.manual_seed(recipe.seed)
    spec = recipe.model
    options = {**model_class(spec.name).options_from_training(dataset.categories, dataset.targets), **spec.options}
    model = create_model(
        spec.name, dataset.categories, backbone=spec.backbone, weights=spec.weights, image_size=recipe.image_size, **options
    )
    model.frozen_backbone = recipe.frozen_backbone
    return model


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Leave the caller's random numbers as they were."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        yield
