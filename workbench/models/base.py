"""What every model promises, so that training, capture and the explorers treat them all alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import Tensor, nn

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection.additions import Table
from workbench.inspection.schema import LogitKind, MapKind, PartKind
from workbench.models.backbone import Backbone


class WorkbenchModel(nn.Module):
    """A backbone and a head: ``logits, out = model(images)``.

    `images` is float [B, 3, H, W] in 0..1, or the stage maps of a frozen trunk (`Backbone.frozen_maps`). `logits` is [B, C].
    `out` is a plain dict of named intermediates with the same keys in training and evaluation:
    ``maps.<kind>`` [B, C, h, w], ``features`` [B, C, D] (class-specific; absent where a model has none), ``logits.<name>`` [B, C],
    ``loss.<name>`` scalar, and whatever else a paper names.

    Attributes:
        categories: names of the C columns.
        image_size: side in pixels of the square images it was built for. Others work too.
        map_kinds: what its maps mean; every model has at least one. Each can be asked from `maps`.
        logit_kinds: its sets of logits; `scored` names the one that is returned as `logits`.
        part_kinds: the addends that `decompose` gives; empty where the scored logits are no sum that can be shown.
        frozen_backbone: whether all of the backbone counts as the part "trunk", so that the other parts are heads alone.
        channel_steering: the table whose entry [label, channel] multiplies a channel of `channel_maps` before the softmax over cells.
        used_stages: the backbone stages whose maps the head reads (what a feature cache must hold).
        config: JSON; ``create_model(**config)`` builds the same model.
        settled: options as `config` should hold them, where they were given as something that is not JSON.
        stored_options: options to be replaced when a checkpoint is loaded, because it holds what they would fetch.
    """

    map_kinds: tuple[MapKind, ...]
    logit_kinds: tuple[LogitKind, ...]
    scored: str
    used_stages: tuple[int, ...]
    config: dict[str, Any]
    part_kinds: tuple[PartKind, ...] = ()
    channel_steering: str | None = None
    frozen_backbone: bool = False
    settled: Mapping[str, Any] = MappingProxyType({})
    stored_options: Mapping[str, Any] = MappingProxyType({})
    relation_titles: Mapping[str, str] = MappingProxyType({})  # headings of what `relations` gives, by name

    def __init__(self, categories: Categories, backbone: Backbone, image_size: int) -> None:
        super().__init__()
        self.categories = categories
        self.backbone = backbone
        self.image_size = image_size

    @classmethod
    def options_from_training(cls, categories: Categories, targets: np.ndarray) -> dict[str, Any]:
        """Options that training takes from the targets of its training split, int8 [N, C], unless the recipe gives them."""
        return {}

    def forward(self, images: Tensor | Mapping[int, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        raise NotImplementedError

    @property
    def parts(self) -> dict[str, tuple[nn.Module, ...]]:
        """Named parts that training stages train or freeze. Together they hold every parameter exactly once."""
        raise NotImplementedError

    def maps(self, out: Mapping[str, Tensor], kind: str, labels: Sequence[int] | Tensor | None = None) -> Tensor:
        """Maps of a declared kind, [B, K, h, w] for the K `labels` (all by default), raw: before the kind's transform.

        Args:
            out: what `forward` returned beside the logits.
            kind: name of one of `map_kinds`.
        """
        known = [declared.name for declared in self.map_kinds]
        if kind not in known:
            raise WorkbenchError(f'This model has no map "{kind}".{did_you_mean(kind, known)}')
        columns = range(len(self.categories)) if labels is None else labels
        return self._maps(out, kind, [int(column) for column in columns])

    def _maps(self, out: Mapping[str, Tensor], kind: str, labels: list[int]) -> Tensor:
        """The maps for checked arguments; a model overrides it for kinds that are too costly to stand in `out`."""
        return out[f"maps.{kind}"][:, labels]

    def map_grid(self, kind: str, image_size: int) -> tuple[int, int]:
        """(H, W) of the maps of a kind for square images of this side."""
        layer = next(declared.layer for declared in self.map_kinds if declared.name == kind)
        assert layer is not None
        return self.backbone.grid(image_size, self.backbone.names.index(layer))

    def relations(self, images: Tensor | Mapping[int, Tensor]) -> dict[str, Tensor]:
        """Influence of the column's category on the row's for each image, by name: [B, C, C]. Empty where a model has none."""
        return {}

    def decompose(self, out: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Addends of the scored logits by the names of `part_kinds`, [B, C] each; together they are the logits."""
        return {}

    def tables(self) -> dict[str, Table]:
        """What the model knows of the labels apart from any image, by name. Empty where it has nothing of the kind."""
        return {}

    def channel_maps(self, out: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Raw feature maps [B, D, h, w] by layer, for looking at single channels. Empty where a model offers none."""
        return {}

    def logit_bias(self, name: str) -> Tensor:
        """[C]: the part of the logits `name` that comes from no cell, for maps that sum to "logit - bias"."""
        raise WorkbenchError(f'No map of this model adds up to the logits "{name}".')

    def _trunk_and_last_stage(self) -> tuple[tuple[nn.Module, ...], nn.Module]:
        """The backbone as parts: the stages up to the last but one, and the last; all of them and nothing where it is frozen."""
        if self.frozen_backbone:
            return tuple(self.backbone.stages), nn.Identity()
        *trunk, last = self.backbone.stages
        return tuple(trunk), last
