"""Which labels occur together in the training images, and the graph that is made of it.

Chen, Wei, Wang, Guo, "Multi-Label Image Recognition with Graph Convolutional Networks", CVPR 2019, arXiv 1904.03582 (ML-GCN), for the
thresholded and re-weighted graph; MSRN (arXiv 2106.11596) uses it as a mask. Shapes: N images, C categories.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workbench.categories import Categories
from workbench.errors import WorkbenchError, did_you_mean
from workbench.files import write_text
from workbench.targets import checked_targets

DIRECTIONS = ("released", "conditional")
REWEIGHT = 0.25
SCHEMA_VERSION = 1


class Adjacency(NamedTuple):
    """The graph in three forms, each [C, C], rows being the labels that listen.

    Attributes:
        reweighted: A, float64: `REWEIGHT` shared out over the edges of each column, ones on the diagonal.
        normalised: float64: A scaled by its row sums on both sides, transposed where the direction is "released".
        neighbours: bool: where `normalised` is above 0; every label is its own neighbour. MSRN uses this and nothing else.
    """

    reweighted: np.ndarray
    normalised: np.ndarray
    neighbours: np.ndarray


class LabelGraph:
    """Counts of labels and of pairs of labels.

    Args:
        categories: names of the C rows and columns.
        counts: int [C, C], symmetric: images in which both labels are present. The diagonal is set to 0.
        singles: int [C]: images in which a label is present.

    Raises:
        WorkbenchError: wrong shapes, counts below 0 or not symmetric, or a pair that occurs more often than one of its labels.
    """

    def __init__(self, categories: Categories, counts: np.ndarray, singles: np.ndarray) -> None:
        size = len(categories)
        counts, singles = _integers(counts, "pair counts"), _integers(singles, "single counts")
        if counts.shape != (size, size) or singles.shape != (size,):
            raise WorkbenchError(
                f"A graph of {size} categories takes pair counts [{size}, {size}] and single counts [{size}], "
                f"not {list(counts.shape)} and {list(singles.shape)}."
            )
        counts = counts.copy()
        np.fill_diagonal(counts, 0)
        if not np.array_equal(counts, counts.T):
            raise WorkbenchError("The pair counts are not symmetric; count each pair of labels once for both of them.")
        if counts.min(initial=0) < 0 or singles.min(initial=0) < 0:
            raise WorkbenchError("Some of the counts are below 0; count images of the training split.")
        worst = int((counts.max(axis=1) - singles).argmax())
        if counts[worst].max() > singles[worst]:
            other = categories[int(counts[worst].argmax())]
            raise WorkbenchError(
                f'"{categories[worst]}" occurs {singles[worst]} times but {counts[worst].max()} times with "{other}"; '
                "the single counts are not the numbers of images that have the label."
            )
        self.categories, self.counts, self.singles = categories, counts, singles

    @classmethod
    def from_targets(cls, categories: Categories, targets: np.ndarray) -> LabelGraph:
        """Count the present labels (1) of targets int8 [N, C]; absent (0) and unknown (-1) ones are left out."""
        targets = checked_targets(targets, categories)
        present = (targets == 1).astype(np.float64)  # exact to 2^53, and a matrix product of integers would be slow
        pairs = (present.T @ present).round().astype(np.int64)
        return cls(categories, pairs, pairs.diagonal())

    @property
    def probabilities(self) -> np.ndarray:
        """float64 [C, C]: in row i, column j the share of the images with label i that have label j; 0 in rows without an image."""
        return self.counts / np.maximum(self.singles, 1)[:, None]

    def adjacency(self, threshold: float = 0.4, edge_direction: str = "released") -> Adjacency:
        """Keep the pairs (i, j) with P(j | i) of at least `threshold`.

        Args:
            edge_direction: who listens. "released", as in the published code, whose normalisation transposes: i listens to j where
                P(i | j) is high, so a label listens to those that imply it. "conditional": i listens to j where P(j | i) is high.

        Raises: WorkbenchError for an unknown direction, or a threshold that is not above 0 and at most 1.
        """
        if edge_direction not in DIRECTIONS:
            raise WorkbenchError(f'There is no edge direction "{edge_direction}".{did_you_mean(str(edge_direction), DIRECTIONS)}')
        if not 0 < threshold <= 1:
            raise WorkbenchError(f"The threshold is {threshold}; it is a probability above 0 and at most 1, such as 0.4.")
        edges = (self.probabilities >= threshold).astype(np.float64)
        reweighted = REWEIGHT * edges / (edges.sum(axis=0, keepdims=True) + 1e-6) + np.eye(len(edges))
        scale = reweighted.sum(axis=1) ** -0.5
        listening = reweighted.T if edge_direction == "released" else reweighted
        normalised = scale[:, None] * listening * scale[None]
        return Adjacency(reweighted, normalised, normalised > 0)

    def ordered_as(self, categories: Categories) -> LabelGraph:
        """The same graph with its rows and columns in the order of `categories`, matched by name.

        Raises: WorkbenchError, listing what is missing and what is extra, for other names.
        """
        categories.require_same_names(self.categories, "the label graph")
        order = categories.columns_of(self.categories)
        return LabelGraph(categories, self.counts[np.ix_(order, order)], self.singles[order])

    def to_json(self) -> dict[str, object]:
        return {
            "label graph": SCHEMA_VERSION,
            "categories": self.categories.to_json(),
            "counts": self.counts.tolist(),
            "singles": self.singles.tolist(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> LabelGraph:
        categories = Categories.from_json(value["categories"])  # type: ignore[arg-type]
        return cls(categories, np.array(value["counts"]), np.array(value["singles"]))

    def save(self, path: str | Path) -> Path:
        """Write the counts as JSON."""
        return write_text(path, json.dumps(self.to_json()) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> LabelGraph:
        """Read what `save` wrote. Raises WorkbenchError for a file that is missing, damaged or something else."""
        path = Path(path)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            schema = value["label graph"]
        except FileNotFoundError:
            raise WorkbenchError(f"There is no label graph at {path}; make one with LabelGraph.from_targets(...).save(path).") from None
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise WorkbenchError(f"{path} is not a label graph in JSON; make one with LabelGraph.from_targets(...).save(path).") from None
        if schema != SCHEMA_VERSION:
            raise WorkbenchError(
                f"{path} has label graph schema {schema!r:.60}, this version reads {SCHEMA_VERSION}; count the targets again."
            )
        try:
            return cls.from_json(value)
        except WorkbenchError as error:
            raise WorkbenchError(f"{path}: {error!s:.500}") from None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise WorkbenchError(f"{path} is damaged ({type(error).__name__}: {error!s:.200}); count the targets again.") from None

    def __repr__(self) -> str:
        return f"LabelGraph({len(self.categories)} categories, {int((self.counts > 0).sum()) // 2} pairs)"


def _integers(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values)
    whole = values.dtype.kind == "f" and bool((np.abs(values) < 2**53).all()) and np.array_equal(values, np.round(values))
    if values.dtype.kind not in "iu" and not whole:
        raise WorkbenchError(f"The {what} are {values.dtype} with fractions or text; they are whole numbers of images.")
    return values.astype(np.int64)
