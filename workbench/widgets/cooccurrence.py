"""Which labels go together, in numbers: counts of pairs, shares, neighbours, groups, and the learned vectors in the plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError, did_you_mean
from workbench.inspection import Table
from workbench.widgets.layers import GROUPS, LABELS, MEMBERSHIP, table_by_label
from workbench.widgets.matching import Matched

VALUES = {
    "counts": ("Images with both labels", "How many images have the row's label and the column's."),
    "conditional": ("P(column | row)", "Of the images with the row's label, the share that has the column's too."),
    "neighbours": ("Neighbours", "1 where the row's label listens to the column's."),
    "correlation": ("Correlation, true", "Do both labels come and go together in this archive's images? 1 always, -1 never, 0 by chance."),
    "predicted": ("Correlation, predicted", "The same for what the model decides about these images."),
    "error": ("Correlation, predicted - true", "Red: the model says both together more than they are. Blue: it keeps them apart."),
    "leakage": ("Leakage", "How far the column's probability moves when the object of the row's label is painted over, on average."),
}
SIGNED = ("correlation", "predicted", "error")  # from -1 to 1
SORTS = ("stored", "group", "name", "frequency")
STEPS = 150  # of the force layout


@dataclass(frozen=True)
class Together:
    """Labels in relation to each other, in the order of `names`.

    Attributes:
        counts: float64 [C, C]: images with both labels; the single counts on the diagonal. source: where they come from, one sentence.
        neighbours: bool [C, C], the row listens to the column, or None. listening: what that means here.
        membership: float [C, M] and `groups`, its column names; or None and the data's own groups, if it has any.
        group_of: int [C], a place in `groups`, -1 for none.
        decided: bool [N, C], what the model says about the archive's images; correlation, predicted: float64 [C, C] of the truth and of
            `decided` over them, images of unknown truth left out.
        points: float [C, 2] and `group_points` [M, 2], learned vectors on their two main axes; None where there are none.
        explained: the share of the vectors' variance that both axes hold.
        leakage: float [C, C], how far the column's label moves without the row's object, or None where it was not measured.
    """

    names: tuple[str, ...]
    counts: np.ndarray
    source: str
    neighbours: np.ndarray | None
    listening: str
    membership: np.ndarray | None
    groups: tuple[str, ...]
    group_of: np.ndarray
    decided: np.ndarray
    correlation: np.ndarray
    predicted: np.ndarray
    points: np.ndarray | None
    group_points: np.ndarray | None
    explained: float
    leakage: np.ndarray | None = None

    @cached_property
    def conditional(self) -> np.ndarray:
        """float64 [C, C]: P(column | row); rows of labels without an image are 0."""
        return self.counts / np.maximum(np.diag(self.counts), 1)[:, None]

    def values(self, kind: str) -> np.ndarray:
        """float [C, C] of one of `kinds`. Raises WorkbenchError for neighbours that the archive does not know."""
        if kind not in self.kinds:
            known = f"{kind} is not stored in this archive" if kind in VALUES else f'there are no values "{kind}"'
            raise WorkbenchError(f"Of a co-occurrence matrix, {known}; use one of {', '.join(self.kinds)}.{did_you_mean(kind, self.kinds)}")
        values = {"counts": self.counts, "conditional": self.conditional, "correlation": self.correlation, "predicted": self.predicted}
        values |= {"error": self.predicted - self.correlation}
        return np.asarray(values.get(kind, self.leakage if kind == "leakage" else self.neighbours), dtype=np.float64)

    @property
    def kinds(self) -> tuple[str, ...]:
        measured = {"neighbours": self.neighbours, "leakage": self.leakage}
        return tuple(name for name in VALUES if name not in measured or measured[name] is not None)

    @property
    def sorts(self) -> tuple[str, ...]:
        return tuple(name for name in SORTS if name != "group" or self.groups)

    def order(self, sort: str) -> list[int]:
        """Places of the labels as stored, by group, by name, or the most frequent first. Raises WorkbenchError for another order."""
        if sort not in self.sorts:
            raise WorkbenchError(f'Labels cannot be sorted by "{sort}" here; use one of {", ".join(self.sorts)}.')
        places, often = range(len(self.names)), np.diag(self.counts)
        keys: dict[str, Callable[[int], Any]] = {
            "group": lambda at: (self.group_of[at] % (len(self.groups) + 1), -often[at]),
            "name": lambda at: self.names[at].casefold(),
            "frequency": lambda at: -often[at],
        }
        return sorted(places, key=keys[sort]) if sort in keys else list(places)


def together(matched: Matched) -> Together:
    """What one archive knows of its labels; co-occurrence is counted from its own targets where it holds no training counts."""
    member, names = matched.first, matched.categories.names
    stored = {name: table_by_label(member, name, names) for name in ("cooccurrence", "neighbours", MEMBERSHIP, LABELS, "leakage")}
    counts, neighbours, membership, vectors, leakage = stored.values()
    if counts is not None:
        values, source = _columns(counts, names), f"Training counts kept with the model. {counts.meaning}".strip()
    else:
        present = (matched.targets == 1).astype(np.float64)
        values = present.T @ present
        source = f"Counted from the {len(matched.ids)} images of this archive, which holds no training counts."
    groups, group_of = _groups(matched) if membership is None else (tuple(membership.columns), membership.values.argmax(axis=1))
    group_vectors = member.inspection.table(GROUPS).values if GROUPS in member.inspection.table_names else None
    decided = member.logits() > member.cut
    known = matched.targets >= 0
    points, group_points, explained = _plane(vectors.values if vectors is not None else None, group_vectors)
    return Together(
        names,
        np.asarray(values, dtype=np.float64),
        source,
        _columns(neighbours, names) > 0 if neighbours is not None else None,
        neighbours.meaning if neighbours is not None else "",
        membership.values if membership is not None else None,
        groups,
        np.asarray(group_of),
        decided,
        correlations(matched.targets == 1, known),
        correlations(decided, known),
        points,
        group_points,
        explained,
        _columns(leakage, names) if leakage is not None else None,
    )


def correlations(marks: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Correlation of the columns of `marks` (bool [N, C]) by pairs, over the images in which both are `known` (bool [N, C]).

    Returns: float64 [C, C]; 0 where a column is constant there.
    """
    here, all_known = (marks & known).astype(np.float64), known.astype(np.float64)
    count, both, alone = all_known.T @ all_known, here.T @ here, here.T @ all_known  # alone[i, j]: marks of i where j is known
    covariance = count * both - alone * alone.T
    spread = np.sqrt(np.maximum(alone * (count - alone), 0))
    return np.divide(covariance, spread * spread.T, out=np.zeros_like(covariance), where=spread * spread.T > 0)


def _columns(table: Table, names: tuple[str, ...]) -> np.ndarray:
    """Values whose columns are categories too, in the order of `names`."""
    if set(table.columns) != set(names):
        raise WorkbenchError(f'The table "{table.title}" of the archive has other columns than rows; make the archive again.')
    return table.values[:, [list(table.columns).index(name) for name in names]]


def _groups(matched: Matched) -> tuple[tuple[str, ...], np.ndarray]:
    own: Mapping[str, str] = matched.categories.groups
    groups = tuple(dict.fromkeys(own[name] for name in matched.categories if own.get(name)))
    return groups, np.array([groups.index(own[name]) if own.get(name) else -1 for name in matched.categories])


def _plane(labels: np.ndarray | None, groups: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray | None, float]:
    """Both sets of vectors on the two main axes of them all, and the share of the variance that these hold."""
    if labels is None:
        return None, None, 0.0
    with_groups = groups is not None and groups.shape[1] == labels.shape[1]
    everything = np.concatenate([labels, groups]) if with_groups else labels
    centred = everything.astype(np.float64) - everything.mean(axis=0)
    left, strength, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(centred), 2))
    kept = min(2, len(strength))
    points[:, :kept] = left[:, :kept] * strength[:kept]
    # The sign of an axis is arbitrary: the entry farthest from 0 is positive, so that the picture stays the same.
    for axis in range(2):
        points[:, axis] *= np.sign(points[np.abs(points[:, axis]).argmax(), axis]) or 1
    explained = float((strength[:2] ** 2).sum() / max((strength**2).sum(), 1e-12))
    return points[: len(labels)], points[len(labels) :] if with_groups else None, explained


def force_layout(weights: np.ndarray) -> np.ndarray:
    """Places of C nodes in 0..1, float64 [C, 2], that pulls together what `weights` [C, C] ties (Fruchterman and Reingold 1991).

    It starts from a circle and draws no random number: the same weights give the same picture.
    """
    count = len(weights)
    pull = np.maximum(weights, weights.T) * (1 - np.eye(count))
    turn = 2 * np.pi * np.arange(count) / max(count, 1)
    places = np.exp(1j * turn) * (1 + 0.05 * (np.arange(count) % 3))  # the plane as complex numbers
    near = (4 / max(count, 1)) ** 0.5
    for step in range(STEPS):
        apart = places[:, None] - places
        distance = np.maximum(np.abs(apart), 1e-3)
        force = near**2 / distance**2 - pull * distance / near  # away, and along the ties; by the distance, as `apart` has it too
        move = (apart * force).sum(axis=1) - 0.3 * places
        length = np.maximum(np.abs(move), 1e-9)
        places = places + move / length * np.minimum(length, 0.2 * (1 - step / STEPS))
    points = np.stack([places.real, places.imag], axis=1)
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - low) / np.maximum(high - low, 1e-9)
