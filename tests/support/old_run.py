"""How tests/fixtures/run-schema-1.zip was made: python -m tests.support.old_run. To be made anew only when the format of a run changes.

Two folders: "finished", and "stopped" in the midst of the last epoch of the same recipe. All but a few channels of the network are zero and
stay zero, because nothing reaches them, so that the whole of it packs into some tens of kB.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from unittest import mock

import torch

from workbench.training import Run, loop, train
from workbench.training.build import build_model
from workbench.training.recipe import DataSpec, Discriminative, ModelSpec, Recipe, Stage

FIXTURE = Path(__file__).parents[1] / "fixtures" / "run-schema-1.zip"
KEPT = 4  # channels of each layer
WHEN = (2026, 11, 21, 0, 0, 0)


def recipe() -> Recipe:
    """CSRA on a few small scenes in two stages, with everything on that leaves something in the folder."""
    losses: dict[str, str | float] = {"logits.cls": "bce"}
    head = Stage(("classifier",), losses, 1, 1e-2, batch_size=8, optimizer="adamw", weight_decay=0.0)
    joint = Stage(("all",), losses, 2, 1e-3, batch_size=8, optimizer="adamw", schedule="cosine", discriminative=Discriminative())
    data = DataSpec("scenes", "train", "val", options={"count": 24, "size": 32}, validation_options={"count": 12})
    stages = {"head": head, "joint": joint}
    return Recipe("old", data, ModelSpec("csra", "small-narrow"), stages, image_size=32, average=0.9, feature_images=6)


def thinned(recipe: Recipe, dataset):
    """The recipe's model with `KEPT` channels a layer."""
    model = build_model(recipe, dataset)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 4 and weight.shape[1] > 3:
                weight[:, KEPT:] = 0
            if weight.ndim == 4 and weight.shape[-1] > 1:  # not the classifier's, whose rows are the labels
                weight[KEPT:] = 0
    return model


def make(folder: Path) -> None:
    """Both runs."""
    torch.set_num_threads(1)
    real, steps = loop.loss_terms, 0

    def failing(*arguments):
        nonlocal steps
        steps += torch.is_grad_enabled()
        if steps == 8:
            raise KeyboardInterrupt
        return real(*arguments)

    with mock.patch.object(loop, "build_model", thinned), mock.patch.object(loop, "SAVE_EVERY_SECONDS", -1.0):
        train(recipe(), folder / "finished", progress=False)
        with mock.patch.object(loop, "loss_terms", failing):
            try:
                train(recipe(), folder / "stopped", progress=False)
            except KeyboardInterrupt:
                print("stopped at", Run.open(folder / "stopped").position)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        make(place)
        with zipfile.ZipFile(FIXTURE, "w", zipfile.ZIP_LZMA) as archive:
            for path in sorted(place.rglob("*")):
                if path.is_file() and not path.relative_to(place).as_posix().startswith("."):
                    info = zipfile.ZipInfo(path.relative_to(place).as_posix(), WHEN)
                    archive.writestr(info, path.read_bytes(), zipfile.ZIP_LZMA)
                    print(info.filename, path.stat().st_size, archive.getinfo(info.filename).compress_size)
        print(FIXTURE.stat().st_size)
