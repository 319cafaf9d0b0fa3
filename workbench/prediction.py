"""A model as a plain function of pictures, for what asks it again and again: ``AttentionExplorer(inspection, predict=predictor(run))``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from workbench.capture import batch_of
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.scene_editor import SceneEditor
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection, MapKind
from workbench.subject import Subject, subject_of
from workbench.training import Run
from workbench.training.recipes import get_recipe


class Predictor:
    """``predictor(images)``: uint8 [B, H, W, 3] -> (logits float32 [B, C], raw maps {kind: float32 [B, C, h, w]}).

    Attributes:
        categories: names of the columns. size: H = W. scenes: draws the scenes that the model looks at anew, or None.
    """

    def __init__(self, subject: Subject, scenes: SceneEditor | None = None) -> None:
        self._subject = subject
        self.categories = subject.categories
        self.size = subject.size
        self.scenes = scenes
        self(np.zeros((1, self.size, self.size, 3), dtype=np.uint8))  # the first answer of a network is its slowest

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Ask. Raises WorkbenchError for pictures of another shape."""
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.shape[1:] != (self.size, self.size, 3):
            raise WorkbenchError(
                f"The model takes uint8 pictures [B, {self.size}, {self.size}, 3], not {images.dtype} {list(images.shape)}."
            )
        self._subject.module.eval()
        with torch.inference_mode():
            seen = self._subject.observe(batch_of(images, range(len(images)), self._subject.device))
        maps = {kind.name: _numpy(seen.maps[kind.name]) for kind in self._subject.map_kinds}
        return _numpy(seen.logits[self._subject.scored]), maps


def predictor(
    model: nn.Module | Run | str | Path,
    maps: Callable[[nn.Module, Tensor], Mapping[str, Tensor]] | None = None,
    *,
    categories: Sequence[str] | None = None,
    size: int | None = None,
    map_kinds: Sequence[MapKind] = (),
    prepare: Callable[[Tensor], Tensor] | None = None,
    scenes: MultiLabelDataset | Inspection | None = None,
) -> Predictor:
    """Make a model ready to be asked about edited pictures.

    Args:
        model: a run (or its folder), a model of ours, or any torch module with its categories.
        maps: for a foreign model, ``maps(model, images) -> {name: tensor [B, C, h, w]}``, by the names in the archive; without it only
            scores are given. Called without gradients, so that an answer comes at once.
        categories, size, map_kinds, prepare: for a foreign model, see `workbench.subject.subject_of`.
        scenes: drawn scenes whose objects are to be moved: their data set, or the archive that was made from them; a run knows its own.

    Raises: WorkbenchError where something is missing or does not fit together.
    """
    run = Run.open(model) if isinstance(model, str | Path) else model if isinstance(model, Run) else None
    if run is not None:
        network: nn.Module = run.model("best")
        if scenes is None and run.recipe.data.name == "scenes":
            scenes = run.validation()
    else:
        assert isinstance(model, nn.Module)
        network = model
    if maps is None and not hasattr(network, "map_kinds"):
        maps = _no_maps
    categories = categories or getattr(network, "categories", None)
    network.eval()
    subject = subject_of(network, maps, categories=categories, size=size, map_kinds=map_kinds, prepare=prepare)
    return Predictor(subject, _editor(scenes))


def _editor(scenes: MultiLabelDataset | Inspection | None) -> SceneEditor | None:
    if not isinstance(scenes, Inspection):
        return None if scenes is None else SceneEditor(scenes)
    if "scenes" in scenes.provenance or "recipe" not in scenes.provenance:
        return SceneEditor.from_origin(scenes.provenance)
    data = get_recipe(scenes.provenance["recipe"]).data  # archives from before scenes were written down: the recipe's own settings
    if data.name != "scenes":
        raise WorkbenchError(f"{scenes.name} was not made from drawn scenes: its objects cannot be moved.")
    from workbench.datasets import load_dataset

    return SceneEditor(load_dataset(data.name, data.validation, data.root, **{**data.options, **data.validation_options}))


def _no_maps(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    return {}


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
