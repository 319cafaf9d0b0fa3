"""What an archive may hold beside images, logits and maps: tables about labels, raw channels of some images, points of an embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError


@dataclass(frozen=True)
class Table:
    """Numbers with named rows and columns, such as the groups that each label belongs to.

    Attributes:
        values: float [rows, columns].
        rows, columns: their names; category names where they stand for categories. No column names: the columns are coordinates.
        title, meaning: a heading and one plain sentence.
    """

    values: np.ndarray
    rows: Sequence[str]
    columns: Sequence[str] = ()
    title: str = ""
    meaning: str = ""

    def __post_init__(self) -> None:
        expected = (len(self.rows), len(self.columns) or self.values.shape[-1])
        if self.values.shape != expected:
            raise WorkbenchError(
                f'Table "{self.title}" has shape {list(self.values.shape)} but names for {list(expected)}; name every row and column.'
            )

    def described(self) -> dict[str, Any]:
        return {"rows": list(self.rows), "columns": list(self.columns), "title": self.title, "meaning": self.meaning}


@dataclass(frozen=True)
class Channels:
    """Raw feature maps of a few images, for looking at single channels.

    Attributes:
        images: positions of the images in the archive, int [K].
        layers: float16 or float32 [K, D, h, w] by name of the layer.
        steering: name of the table [labels, D] whose entry multiplies channel d before the softmax over cells, or None.
    """

    images: np.ndarray
    layers: Mapping[str, np.ndarray]
    steering: str | None = None

    def __post_init__(self) -> None:
        for name, values in self.layers.items():
            if values.ndim != 4 or len(values) != len(self.images):
                raise WorkbenchError(
                    f'Channels "{name}" have shape {list(values.shape)}, expected [images, channels, h, w] for {len(self.images)} images.'
                )


@dataclass(frozen=True)
class Embeddings:
    """The class features of the present (image, category) pairs as points in the plane.

    Attributes:
        points: float [T, P, 2] by name of the projection ("pca", "tsne", "umap"), pairs in the order of ``features.pairs``.
        epochs: one JSON description for each of the T stored epochs: ``title`` ("joint 3"), ``epoch``, and what was measured in the full
            space: ``separation`` (numbers over all categories, by name) and ``by_category`` (name of the number -> one value a category).
        titles: heading and one plain sentence by projection, such as ("PCA", "Fitted on the last epoch.").
    """

    points: Mapping[str, np.ndarray]
    epochs: Sequence[Mapping[str, Any]]
    titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in self.points.items():
            if values.ndim != 3 or values.shape[0] != len(self.epochs) or values.shape[2] != 2:
                raise WorkbenchError(f'Projection "{name}" has shape {list(values.shape)}, expected [{len(self.epochs)} epochs, pairs, 2].')

    def described(self) -> dict[str, Any]:
        titles = {name: list(self.titles.get(name, (name, ""))) for name in self.points}
        return {"epochs": [dict(epoch) for epoch in self.epochs], "titles": titles}
