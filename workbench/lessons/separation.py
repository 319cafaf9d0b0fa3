"""The questions of notebooks/03_class_separation.ipynb."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from workbench.inspection import Inspection
from workbench.lessons import disc_atlas
from workbench.lessons.atlas import side
from workbench.lessons.feedback import Feedback, choose, near, right, same, wrong
from workbench.lessons.questions import Lesson, question
from workbench.lessons.study import read_study
from workbench.metrics.centres import centre_distances

OFF, ON = 0, 1
TEMPERATURE = 0.1
RARE, BATCH = 1 / 50, 16
COMPANIONS = 6  # pairs of labels that count as those which come together most
SAME = 0.05  # shares and distances that differ by less than this count as equal


class Overlap(NamedTuple):
    """Two classes, and the share of their points that lie nearer to their own class's centre, in the plane and in the full space."""

    first: str
    second: str
    plane: float
    full: float


class SeparationLesson(Lesson):
    """Class features, the loss that pulls and pushes them, what separation is, and whether it is worth anything."""

    name = "03_class_separation"
    archives = ("scenes-disentangled-off", "scenes-disentangled")

    @cached_property
    def toy_maps(self) -> tuple[np.ndarray, np.ndarray]:
        """Made-up scores S of 3 labels, [3, 4, 5], and values V with 6 numbers in each cell, [6, 4, 5]."""
        random = np.random.default_rng(3)
        return random.normal(0, 2, (3, 4, 5)).round(1), random.normal(0, 1, (6, 4, 5)).round(1)

    @cached_property
    def toy_cosines(self) -> tuple[np.ndarray, np.ndarray]:
        """Made-up cosines of one anchor with six others [6], and which of these share its label: bool [6]."""
        return np.array([0.9, 0.5, 0.7, 0.1, -0.3, 0.2]), np.array([True, True, False, False, False, False])

    @cached_property
    def toy_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors in the plane [36, 2] and their classes [36]; two of the three classes begin almost on top of each other."""
        random = np.random.default_rng(5)
        labels = np.repeat(np.arange(3), 12)
        angles = np.radians([20, 50, 160])[labels] + random.normal(0, 0.35, len(labels))
        return np.stack([np.cos(angles), np.sin(angles)], axis=1), labels

    @cached_property
    def toy_distances(self) -> tuple[float, float]:
        """Mean distance between the three centres of the toy: at the start, and after pulling alone."""
        points, labels = self.toy_points
        return _between(points, labels), _between(descend(points, labels, pull=1, push=0), labels)

    @cached_property
    def ratios(self) -> list[float]:
        """inter / intra of both models, of the class features in their archives."""
        return [_ratio(inspection) for inspection in self.inspections]

    @cached_property
    def plane(self) -> np.ndarray:
        """The points of the model with the loss in the plane of the PCA, after its last epoch: float64 [P, 2]."""
        return _plane(self.inspections[ON])

    @cached_property
    def nearest(self) -> tuple[float, float]:
        """With the loss: share of points nearer to their own class's centre than to any other, in the plane of the PCA and in full."""
        inspection = self.inspections[ON]
        values, labels = _points(inspection)
        return _nearest_in_plane(_plane(inspection), labels), float(np.mean(_own_is_nearest(values, labels, len(inspection.categories))))

    @cached_property
    def misleading(self) -> Overlap:
        """The two classes of the model with the loss that the PCA throws together most, of those that are apart in the full space."""
        inspection = self.inspections[ON]
        values, labels = _points(inspection)
        plane, best = _plane(inspection), None
        there = np.flatnonzero(np.bincount(labels, minlength=len(inspection.categories)) > 1)
        for place, first in enumerate(there):
            for second in there[place + 1 :]:
                rows = np.flatnonzero(np.isin(labels, (first, second)))
                two = (labels[rows] == second).astype(np.int64)
                full = float(np.mean(_own_is_nearest(values[rows], two, 2)))
                found = Overlap(
                    inspection.categories[int(first)], inspection.categories[int(second)], _nearest_in_plane(plane[rows], two), full
                )
                if best is None or found.full - found.plane > best.full - best.plane:
                    best = found
        assert best is not None, "an archive holds at least two classes"
        return best

    @cached_property
    def together(self) -> np.ndarray:
        """How many times as often as by chance labels come together: float64 [C, C]; 0 where one of them never occurs."""
        present = (self.inspections[ON].targets == 1).astype(np.float64)
        both, share = present.T @ present / len(present), present.mean(axis=0)
        by_chance = share[:, None] * share
        return np.where(by_chance > 0, both / np.where(by_chance > 0, by_chance, 1), 0.0)

    @cached_property
    def companions(self) -> np.ndarray:
        """The six pairs of labels that come together most, compared with chance: int [6, 2]."""
        rows, columns = np.triu_indices(len(self.together), 1)
        order = np.argsort(-self.together[rows, columns], kind="stable")[:COMPANIONS]
        return np.stack([rows[order], columns[order]], axis=1)

    @cached_property
    def distances(self) -> list[np.ndarray]:
        """1 - cosine between the mean directions of the classes, for both models: [C, C] each; NaN for a class without a point."""
        return [centre_distances(*_points(inspection), len(inspection.categories)).between for inspection in self.inspections]

    def companion_distances(self, model: int) -> tuple[float, float]:
        """Mean distance between the centres of the six pairs that come together most, and of all other pairs."""
        between = self.distances[model].astype(np.float64)
        chosen = np.zeros(between.shape, dtype=bool)
        chosen[tuple(self.companions.T)] = True
        rest = np.triu(~chosen, 1)
        return float(np.nanmean(between[chosen])), float(np.nanmean(between[rest]))

    @question
    def q1(self, answer: Any) -> Feedback:
        """Which model keeps its classes further apart, in units of their own width?"""
        off, on = self.ratios
        shown = f"Between classes over within classes is {off:.1f} without the loss and {on:.1f} with it, in one training of each."
        if (study := read_study("disc_atlas")) is not None:
            shown += f" {disc_atlas.ratio_of(study, 'disentangled').paragraphs[0]}"
        return choose(
            answer,
            _compared(on, off, "with the loss", "without it", "no difference"),
            _all(shown, "with the loss", "without it", "no difference"),
        )

    @question
    def q2(self, answer: Any) -> Feedback:
        """Class features of the made-up maps: [3, 6]."""
        scores, values = self.toy_maps
        powers = np.exp(scores)
        attention = powers / powers.sum(axis=(1, 2), keepdims=True)
        across = powers / powers.sum(axis=0, keepdims=True)
        pooled = np.einsum("chw,dhw->cd", attention, values)
        return same(
            answer,
            pooled,
            (
                (pooled.T, "Right numbers, wrong way round: labels first, then the numbers of V. [3, 6]."),
                (
                    np.einsum("chw,dhw->cd", across, values),
                    "Wrong axis: the softmax runs over the cells of a label, axis=(1, 2), not over labels.",
                ),
                (np.einsum("chw,dhw->cd", scores, values), "These are the raw scores as weights. Take their softmax over the cells first."),
                (np.einsum("chw,dhw->cd", powers, values), "Divide the powers by their sum over the cells of each label first."),
                (np.einsum("chw,dhw->cd", 1 / (1 + np.exp(-scores)), values), "That is a sigmoid. The cells of a label have to share one."),
                (pooled / scores[0].size, "That is a mean over cells. A already adds up to one, so take the sum."),
                (
                    np.broadcast_to(values.mean(axis=(1, 2)), pooled.shape),
                    "That is the plain mean, the same for every label. Weigh the cells with A.",
                ),
                (attention[:, None] * values[None], "Now add up the cells."),
            ),
            "Each label gets its own mean of the same values, weighted by where it looks.",
        )

    @question
    def q3(self, answer: Any) -> Feedback:
        """What does the pull alone do to the distances between the class centres of the toy?"""
        before, after = self.toy_distances
        shown = f"The mean distance between class centres was {before:.2f} and is {after:.2f} after pulling alone."
        options = ("further apart", "as far as before", "closer together")
        return choose(answer, _compared(after, before, options[0], options[2], options[1]), _all(shown, *options))

    @question
    def q4(self, answer: Any) -> Feedback:
        """The contrastive loss of one anchor, from its cosines."""
        cosine, positive = self.toy_cosines
        scaled = cosine / TEMPERATURE
        pull, push = -scaled[positive].mean(), np.log(np.exp(scaled).sum())
        share = np.exp(scaled) / np.exp(scaled).sum()
        plain = -cosine[positive].mean() + np.log(np.exp(cosine).sum())
        return same(
            answer,
            np.array(pull + push),
            (
                (plain, "The temperature is missing: divide the cosines by t = 0.1 first."),
                (pull, "That is the pull alone. Add the push: the log of the sum over all others."),
                (push, "That is the push alone. Add the pull: minus the mean over the positives."),
                (pull + np.log(np.exp(scaled[~positive]).sum()), "The sum under the log runs over positives and negatives."),
                (-(scaled[positive].sum()) + push, "Take the mean over the positives, not their sum."),
                (push - pull, "Mind the sign: the pull is minus the mean, so that a large cosine makes it small."),
                (-np.log(share[positive].mean()), "Here the mean is inside the log. Take the mean of the cosines, outside."),
                (-np.log(share[positive].sum()), "Here the sum over positives is inside the log. Take the mean outside."),
            ),
            "The pull falls as the positives come near; the push falls as everything else goes away.",
        )

    @question
    def q5(self, answer: Any) -> Feedback:
        """Duck and pond in one picture: what are their features to each other?"""
        hint = "Their labels differ, and only the label decides. That both come from one picture, and often do, is not asked."
        return choose(
            answer,
            "negatives",
            {
                "positives": hint,
                "negatives": "Only the label decides. So the two are pushed apart, although a pond makes a duck likely (section 7).",
                "not compared": "Every pair of the batch is compared, those of one picture too.",
            },
        )

    @question
    def q6(self, answer: Any) -> Feedback:
        """Of a label in one picture of fifty: what share of anchors has no partner in a batch of 16?"""
        alone = (1 - RARE) ** (BATCH - 1)
        if abs(float(answer) - (1 - alone)) < 0.01:
            return wrong("That share does have a partner. The others are wanted.")
        if abs(float(answer) - (1 - RARE) ** BATCH) < 1e-3:
            return wrong("Nearly. The anchor's own picture is one of the 16, so only 15 others can hold a partner.")
        if abs(float(answer) - (BATCH - 1) * RARE) < 0.01:
            return wrong("That is how many partners there are on average. Ask how likely it is that all 15 others lack the label.")
        return near(answer, alone, 0.02, f"All 15 others must lack the label: (49/50) to the power of 15 is {alone:.2f}.")

    @question
    def q7(self, answer: Any) -> Feedback:
        """Are more points nearest to their own class's centre in the plane of the PCA, or in the full space?"""
        if not self.inspections[ON].projections:
            return Feedback(None, "This archive holds no projection, so there is nothing to compare.")
        plane, full = self.nearest
        options = ("in the plane", "in the full space", "no difference")
        truth = options[2] if abs(full - plane) <= SAME else options[1] if full > plane else options[0]
        shown = f"It is a share of {plane:.2f} in the plane and of {full:.2f} in the full space."
        return choose(answer, truth, _all(shown, *options))

    @question
    def q8(self, answer: Any) -> Feedback:
        """With the loss: do labels that come together most have nearer centres than others?"""
        together, rest = self.companion_distances(ON)
        shown = f"With the loss the centres of the six pairs are {together:.2f} apart on average, those of all others {rest:.2f}."
        options = ("nearer", "further apart", "no difference")
        return choose(answer, _compared(together, rest, options[1], options[0], options[2]), _all(shown, *options))

    @question
    def q9(self, answer: Any) -> Feedback:
        """An untrained network: the cosine between the features of two classes in one picture."""
        return choose(
            answer,
            "near 1",
            {
                "near 1": "Untrained scores differ little, so every class weighs the cells almost alike and takes almost the same mean.",
                "near 0": "Directions at random would do that. But what does each class pool, if all of them weigh the cells almost alike?",
                "near -1": "Opposite directions? What does each class pool, if all of them weigh the cells almost alike?",
            },
        )

    @question
    def q10(self, answer: Any) -> Feedback:
        """A network that gives each class the same feature for every picture: how well are its classes separated?"""
        hint = "Within a class nothing varies, and different classes differ. That is all that these numbers ask."
        return choose(
            answer,
            "perfectly",
            {
                "perfectly": "And yet it knows nothing of any picture. Separation never asks whether a label is there.",
                "by chance": hint,
                "not at all": hint,
            },
        )

    @question
    def q11(self, answer: Any) -> Feedback:
        """In how many settings of the atlas does the loss raise mAP beyond the interval?"""
        study = read_study("disc_atlas")
        if study is None:
            return Feedback(None, disc_atlas.ABSENT)
        found = [row["on_minus_off"]["mAP"] for row in study["summary"] if "mAP" in row["on_minus_off"]]
        won = sum(side(difference) > 0 for difference in found)
        shown = f"It does in {won} of {len(found)}."
        return right(shown) if int(answer) == won else wrong(f"{shown} Look at where the intervals of the differences lie.")


def descend(points: np.ndarray, labels: np.ndarray, pull: float, push: float, steps: int = 200, rate: float = 0.02) -> np.ndarray:
    """Move unit vectors [n, 2] down the two-term loss (outer = 2), with the class means of each step as centres: [n, 2]."""
    points = points.copy()
    for _ in range(steps):
        points = points - rate * two_term_slopes(points, labels, class_centres(points, labels), pull, push)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points


def two_term_slopes(points: np.ndarray, labels: np.ndarray, centres: np.ndarray, pull: float, push: float) -> np.ndarray:
    """Slope of pull * d(own centre) + push * mean over other centres of ([2 - d]+)^2, with d = 2 - 2 cosine: [n, 2]."""
    closeness = np.maximum(2 * points @ centres.T, 0)  # 2 - d, where the push acts
    closeness[np.arange(len(labels)), labels] = 0
    return -2 * pull * centres[labels] + 4 * push * closeness @ centres / (len(centres) - 1)


def class_centres(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean direction of each class: [C, D], of length one."""
    sums = np.stack([points[labels == label].sum(0) for label in np.unique(labels)])
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def _between(points: np.ndarray, labels: np.ndarray) -> float:
    centres = class_centres(points, labels)
    return float(np.mean((1 - centres @ centres.T)[np.triu_indices(len(centres), 1)]))


def _points(inspection: Inspection) -> tuple[np.ndarray, np.ndarray]:
    """Class features of the present pairs, float64 [P, D], and the label of each [P]."""
    held = inspection.features()
    assert held is not None, "the archives of this lesson hold class features"
    return held[0].astype(np.float64), held[1][:, 1].astype(np.int64)


def _plane(inspection: Inspection) -> np.ndarray:
    """The first projection at the last epoch: [P, 2]."""
    embeddings = inspection.embeddings()
    assert embeddings is not None, "the archives of this lesson hold a projection"
    return next(iter(embeddings.points.values()))[-1].astype(np.float64)


def _ratio(inspection: Inspection) -> float:
    """Mean distance between class centres over mean distance of points to their own, both means over classes first."""
    values, labels = _points(inspection)
    found = centre_distances(values, labels, len(inspection.categories))
    counts = np.bincount(labels, minlength=len(inspection.categories))
    there = counts > 0
    intra = np.bincount(labels, found.own, minlength=len(counts))[there] / counts[there]
    between = found.between[np.ix_(there, there)].astype(np.float64)
    return float(between[np.triu_indices(len(between), 1)].mean() / intra.mean())


def _own_is_nearest(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    found = centre_distances(values, labels, count)
    return found.own < found.nearest


def _nearest_in_plane(plane: np.ndarray, labels: np.ndarray) -> float:
    there = np.unique(labels)
    centres = np.stack([plane[labels == label].mean(0) for label in there])
    distance = np.linalg.norm(plane[:, None] - centres[None], axis=2)
    return float(np.mean(there[distance.argmin(1)] == labels))


def _compared(value: float, other: float, more: str, less: str, equal: str) -> str:
    if abs(value - other) <= SAME * abs(other):
        return equal
    return more if value > other else less


def _all(shown: str, *options: str) -> dict[str, str]:
    return dict.fromkeys(options, shown)
