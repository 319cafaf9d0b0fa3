"""What MSRN's label semantics learned, in numbers: which labels share a group and how sharply, and whose embeddings lie near each other,
beside which labels really go together.

Groups are held against a partition that is known to be true: adjusted Rand index (Hubert, Arabie, J. Classification 2 (1985) 193) and
normalised mutual information. Cosines of label vectors are held against the correlation of the labels in the training images, by
Spearman's rank correlation over all pairs. Chance is the same figure after the labels of one side have changed places (for pairs: Mantel,
Cancer Research 27 (1967) 209). One membership and one embedding serve all layers of MSRN, so nothing here is asked layer by layer.
Shapes: C labels, M groups, D width, N images.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from workbench.analysis.sanity import average_ranks
from workbench.errors import WorkbenchError
from workbench.models.msrn import MSRNModel
from workbench.targets import checked_targets

__all__ = ["Agreement", "Groups", "learned_semantics", "pair_agreement", "partition_agreement", "read_groups"]

DRAWS = 2000
INITIALISATIONS = 5  # of the embeddings before training
LISTED = 3  # neighbours of a label
MEASURES = ("rand", "information")


@dataclass(frozen=True)
class Groups:
    """Which group each label belongs to, and how clearly.

    Attributes:
        of: the group with the largest share, for each of C labels; count: M; used: how many groups are the largest of some label.
        largest: mean over labels of the largest share, from 1 / M to 1.
        told: information that a label gives about its group, as a share of log M: 1 where each label belongs to one group and all groups
            hold as much, 0 where all labels are spread alike, however sharply.
    """

    of: tuple[int, ...]
    count: int
    used: int
    largest: float
    told: float


@dataclass(frozen=True)
class Agreement:
    """A figure beside chance.

    Attributes:
        value: as measured; chance: its mean over the shuffles; high: exceeded by 5 % of them.
        p: share of shuffles that are at least as high, the measured order counted as one of them.
    """

    value: float
    chance: float
    high: float
    p: float


def read_groups(shares: np.ndarray) -> Groups:
    """From soft memberships float [C, M] whose rows sum to 1. Raises WorkbenchError for anything else."""
    shares = np.asarray(shares, dtype=np.float64)
    if shares.ndim != 2 or not shares.size or shares.min() < 0 or not np.allclose(shares.sum(1), 1, atol=1e-3):
        raise WorkbenchError(f"Memberships are shares [labels, groups] whose rows sum to 1, not {list(shares.shape)} of other numbers.")
    of, count = shares.argmax(1), shares.shape[1]
    told = (_entropy(shares.mean(0)) - float(np.mean([_entropy(row) for row in shares]))) / np.log(count) if count > 1 else 0.0
    return Groups(tuple(int(group) for group in of), count, len(set(of.tolist())), float(shares.max(1).mean()), max(0.0, float(told)))


def partition_agreement(groups: Sequence[int], truth: Sequence[Any], measure: str = "rand", draws: int = DRAWS, seed: int = 0) -> Agreement:
    """How far two partitions of the same labels agree; chance: the groups dealt out to the labels anew.

    Args:
        groups, truth: for each label the part that it belongs to.
        measure: "rand" (adjusted Rand index: 1 the same, 0 as by chance) or "information" (normalised mutual information, from 0 to 1,
            which is above 0 by chance).

    Raises: WorkbenchError for partitions of different length, of fewer than two labels, or an unknown measure.
    """
    if len(groups) != len(truth) or len(groups) < 2:
        raise WorkbenchError(f"Two partitions of the same labels are compared, not of {len(groups)} and {len(truth)}; give two at least.")
    if measure not in MEASURES:
        raise WorkbenchError(f'Partitions are not compared by "{measure}"; use one of {", ".join(MEASURES)}.')
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    score: Callable[..., float] = adjusted_rand_score if measure == "rand" else normalized_mutual_info_score
    names = [str(part) for part in truth]
    rng, dealt = np.random.default_rng(seed), np.asarray(groups)
    shuffled = np.array([score(names, rng.permutation(dealt)) for _ in range(draws)])
    return _beside(float(score(names, dealt)), shuffled)


def pair_agreement(first: np.ndarray, second: np.ndarray, draws: int = DRAWS, seed: int = 0) -> Agreement:
    """Spearman's rank correlation of two symmetric matrices float [C, C] over the pairs of different labels; chance: the labels of the
    second change places. Raises WorkbenchError for other shapes, or fewer than three labels."""
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    count = len(first)
    if first.shape != (count, count) or second.shape != first.shape or count < 3:
        raise WorkbenchError(
            f"Two matrices of the same three labels or more are compared, not {list(first.shape)} and {list(second.shape)}."
        )
    rows, columns = np.triu_indices(count, 1)
    # Labels that change places take the ranks of their pairs with them, so both sides are ranked once.
    own, other = (_ranked(matrix[rows, columns]) for matrix in (first, second))  # [pairs], centred, of length 1
    ranks = np.zeros((count, count))
    ranks[rows, columns] = ranks[columns, rows] = other
    rng = np.random.default_rng(seed)
    orders = np.stack([np.arange(count), *(rng.permutation(count) for _ in range(draws))])  # [1 + draws, C]
    found = ranks[orders[:, rows], orders[:, columns]] @ own  # [1 + draws]
    return _beside(float(found[0]), found[1:])


def cosines(vectors: np.ndarray) -> np.ndarray:
    """float64 [C, C] of vectors [C, D]; 0 for a vector without length."""
    vectors = np.asarray(vectors, dtype=np.float64)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit @ unit.T


def label_correlation(targets: np.ndarray) -> np.ndarray:
    """Correlation of the columns of ``targets == 1``, int [N, C] -> float64 [C, C]; 0 for a constant one."""
    present = (checked_targets(targets) == 1).astype(np.float64)
    centred = present - present.mean(0)
    spread = np.sqrt((centred**2).sum(0))
    scale = np.outer(spread, spread)
    return np.divide(centred.T @ centred, scale, out=np.zeros_like(scale), where=scale > 0)


def neighbours(similarity: np.ndarray, names: Sequence[str], count: int = LISTED) -> dict[str, list[tuple[str, float]]]:
    """For each label the `count` others with the highest similarity [C, C], with it."""
    listed = {}
    for row, name in enumerate(names):
        order = [int(column) for column in np.argsort(-similarity[row], kind="stable") if column != row][:count]
        listed[name] = [(names[column], float(similarity[row, column])) for column in order]
    return listed


def embeddings(model: nn.Module, initialisations: int = INITIALISATIONS, seed: int = 0) -> dict[str, list[np.ndarray]]:
    """Vectors of an MSRN's labels on their way through it, each float [C, D].

    Returns: {"words": [what goes in], "untrained": [what comes out of fresh weights, for several of them], "trained": [E]}. Learned
        vectors are fresh in "untrained", too, and "words" are then those that were learned.
    Raises: WorkbenchError for another model.
    """
    semantics = _msrn(model).semantics
    found = {"words": [_numpy(semantics.vectors)], "untrained": [], "trained": []}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(initialisations):
            fresh = copy.deepcopy(semantics)
            for module in fresh.modules():
                if callable(reset := getattr(module, "reset_parameters", None)):
                    reset()
            found["untrained"].append(_numpy(fresh()["label_embedding"]))
        found["trained"].append(_numpy(semantics()["label_embedding"]))
    return found


def learned_semantics(
    model: nn.Module, targets: np.ndarray, themes: Mapping[str, str], draws: int = DRAWS, seed: int = 0
) -> dict[str, Any]:
    """Everything above for one MSRN, as JSON.

    Args:
        targets: int [N, C] in {1, 0, -1} of the training images, columns as in the model.
        themes: the theme of some labels, by name: what a group should hold. Labels without one are left out of that comparison.

    Returns: {"labels", "groups" (`Groups` as a dict, or None without groups), "members" ({group: labels}), "themes" ({"rand": ...,
        "information": ...} as `Agreement`, or None), "vectors" ({"words", "untrained", "trained"}: `Agreement` of their cosines with
        `label_correlation`, a mean over initialisations, with the mean "cosine" of two labels), "neighbours" ({label: [{"label", "cosine",
        "correlation"}]} of the trained embedding)}.
    Raises: WorkbenchError for another model, targets of other labels, or a theme of an unknown label.
    """
    names = list(_msrn(model).categories)
    targets = checked_targets(targets, names)
    places = [_msrn(model).categories.index(name) for name in themes]
    together = label_correlation(targets)
    off = ~np.eye(len(names), dtype=bool)
    vectors: dict[str, dict[str, float]] = {}
    for stage, each in embeddings(model, seed=seed).items():
        figures = [asdict(pair_agreement(cosines(one), together, draws, seed)) for one in each]
        vectors[stage] = {key: float(np.mean([figure[key] for figure in figures])) for key in figures[0]}
        vectors[stage]["cosine"] = float(np.mean([cosines(one)[off].mean() for one in each]))
        trained = cosines(each[-1])
    with torch.no_grad():
        shares = _msrn(model).semantics().get("assignment")
    groups = read_groups(_numpy(shares)) if shares is not None else None
    result: dict[str, Any] = {"labels": names, "groups": None, "members": {}, "themes": None, "vectors": vectors}
    if groups is not None:
        result["groups"] = asdict(groups)
        result["members"] = {f"group {m + 1}": [names[c] for c in range(len(names)) if groups.of[c] == m] for m in range(groups.count)}
        if len(places) > 1:
            chosen = [groups.of[place] for place in places]
            result["themes"] = {
                measure: asdict(partition_agreement(chosen, list(themes.values()), measure, draws, seed)) for measure in MEASURES
            }
    result["neighbours"] = {
        name: [
            {"label": other, "cosine": cosine, "correlation": float(together[names.index(name), names.index(other)])}
            for other, cosine in listed
        ]
        for name, listed in neighbours(trained, names).items()
    }
    return result


def _msrn(model: nn.Module) -> MSRNModel:
    if not isinstance(model, MSRNModel):
        raise WorkbenchError(
            f"Label semantics are read out of an MSRN, and this is a {type(model).__name__}; give the model of an MSRN run."
        )
    return model


def _beside(value: float, shuffled: np.ndarray) -> Agreement:
    p = (1 + int((shuffled >= value - 1e-12).sum())) / (1 + len(shuffled))
    return Agreement(value, float(shuffled.mean()), float(np.quantile(shuffled, 0.95)), p)


def _ranked(values: np.ndarray) -> np.ndarray:
    """Ranks less their mean, over their length; ties share their rank; zeros where all are equal."""
    ranks = average_ranks(values[None])[0]
    centred = ranks - ranks.mean()
    length = np.linalg.norm(centred)
    return centred / length if length else centred


def _entropy(shares: np.ndarray) -> float:
    kept = shares[shares > 0]
    return float(-(kept * np.log(kept)).sum())


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
