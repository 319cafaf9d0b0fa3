"""A model as a plain function of pictures, for what asks it again and again: ``AttentionExplorer(inspection, predict=predictor(run))``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from workbench.analysis.adapted import Maps, adapted
from workbench.analysis.attribution import Attribution, of_all_labels
from workbench.capture import batch_of
from workbench.datasets.adapter import as_dataset
from workbench.datasets.base import MultiLabelDataset
from workbench.datasets.scene_editor import SceneEditor
from workbench.errors import WorkbenchError
from workbench.foreign import Output
from workbench.inspection import Inspection, MapKind
from workbench.scores import doubt
from workbench.subject import Subject
from workbench.training import Run
from workbench.training.recipes import get_recipe

MADE = 8  # labels of a picture, the best-scored ones, whose maps are made where each takes a run of its own


class Predictor:
    """``predictor(images)``: uint8 [B, H, W, 3] -> (logits float32 [B, C], raw maps {kind: float32 [B, C, h, w]}).

    Attributes:
        categories: names of the columns. size: H = W, or (H, W). scenes: draws the scenes that the model looks at anew, or None.
    """

    def __init__(self, subject: Subject, scenes: SceneEditor | None = None, asked: Sequence[Attribution] = ()) -> None:
        self._subject, self._asked = subject, asked
        self.categories = subject.categories
        height, width = subject.size
        self.size = height if height == width else subject.size
        self.scenes = scenes
        plain = np.linspace(0, 255, 4, dtype=np.uint8)[:, None, None, None]
        logits, _ = self(np.broadcast_to(plain, (4, height, width, 3)))  # the first answer of a network is its slowest
        if subject.scores is None:
            doubt(logits, "The model's scores")

    def __call__(self, images: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Ask about uint8 pictures [B, H, W, 3], or images of any kind that `as_dataset` takes, which are squashed to that size."""
        height, width = self._subject.size
        if not (isinstance(images, np.ndarray) and images.dtype == np.uint8 and images.shape[1:] == (height, width, 3)):
            images = as_dataset(images, self.categories, targets=False).pixels((height, width))
        batch = batch_of(images, range(len(images)), self._subject.device)
        with torch.no_grad():
            seen = self._subject.observe(batch)
        maps = {kind.name: _numpy(seen.maps[kind.name]) for kind in self._subject.map_kinds}
        maps |= {each.name: _numpy(of_all_labels(self._subject, each, batch, MADE)) for each in self._asked}
        return _numpy(seen.logits[self._subject.scored]), maps


def predictor(
    model: Any,
    maps: Maps | None = None,
    *,
    attributions: Sequence[str | Attribution] = (),
    categories: Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    map_kinds: Sequence[MapKind] = (),
    prepare: Callable[[Tensor], Tensor] | None = None,
    scores: Literal["logits", "probabilities"] | None = None,
    output: Output | None = None,
    layout: str | None = None,
    scenes: MultiLabelDataset | Inspection | None = None,
) -> Predictor:
    """Make a model ready to be asked about edited pictures.

    Args:
        model, maps, attributions, categories, size, map_kinds, prepare, scores, output, layout: as of `workbench.inspect`; maps by the
            names in the archive, none at all for scores alone. Grad-CAM is made for every label, an attribution that runs the model many
            times for the 8 best-scored labels of a picture.
        scenes: drawn scenes whose objects are to be moved: their data set, or the archive that was made from them; a run knows its own.

    Raises: WorkbenchError where something is missing or does not fit together.
    """
    run = Run.open(model) if isinstance(model, str | Path) else model if isinstance(model, Run) else None
    if run is not None:
        model = run.model("best")
        if scenes is None and run.recipe.data.name == "scenes":
            scenes = run.validation()
    made = adapted(
        model,
        maps,
        attributions=attributions,
        categories=categories,
        size=size,
        map_kinds=map_kinds,
        prepare=prepare,
        scores=scores,
        output=output,
        layout=layout,
        scores_alone=True,
    )
    return Predictor(made.subject, _editor(scenes), made.asked)


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


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
