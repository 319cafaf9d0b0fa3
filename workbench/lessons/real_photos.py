"""The questions of notebooks/04_real_photos.ipynb."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from workbench.inspection import Inspection
from workbench.lessons import photo_study
from workbench.lessons.feedback import Feedback, choose, near, right, same, wrong
from workbench.lessons.questions import Lesson, question
from workbench.lessons.study import read_study
from workbench.metrics.calibration import sigmoid
from workbench.metrics.choosing import best_thresholds

SHOWN = ("person", "cup", "tripod")  # things in the photos
FEW, SOME = 5, 60  # labels of a picture
SAME = 0.005  # F1; shares that differ by less count as equal
KIND = "class_activation"


class RealPhotosLesson(Lesson):
    """Own pictures in a table, a classifier's thousand labels with their maps, a study on photos, and thresholds from held-out pictures."""

    name = "04_real_photos"
    archives = ("photos", "scenes-pooled")

    @cached_property
    def toy_activation(self) -> tuple[np.ndarray, np.ndarray]:
        """A made-up feature map X, [5 channels, 3 rows, 4 columns], and the weights w of two labels, [2, 5]."""
        random = np.random.default_rng(7)
        return random.normal(0, 1, (5, 3, 4)).round(1), random.normal(0, 1, (2, 5)).round(1)

    @cached_property
    def toy_scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Made-up probabilities of one label in eight pictures, [8], and whether it is there: int [8]."""
        return np.array([0.92, 0.71, 0.55, 0.44, 0.38, 0.31, 0.12, 0.05]), np.array([1, 1, 0, 1, 1, 0, 0, 0])

    @cached_property
    def halves(self) -> tuple[slice, slice]:
        """Two halves of the scored pictures: one to choose thresholds on, one to measure them on."""
        middle = len(self.inspections[1]) // 2
        return slice(0, middle), slice(middle, None)

    @cached_property
    def f1(self) -> tuple[float, float]:
        """Mean F1 over labels on the first half, with thresholds that were chosen on the same half, and on the other one."""
        first, second = self.halves
        scored = self.inspections[1]
        same_half, other_half = (
            mean_f1(scored, first, best_thresholds(scored.logits()[chosen], scored.targets[chosen])) for chosen in (first, second)
        )
        return same_half, other_half

    @question
    def q1(self, answer: Any) -> Feedback:
        """Which of three things in the photos can the model not say at all?"""
        known = self.inspections[0].categories
        missing = [name for name in SHOWN if name not in known]
        hint = "That is one of its thousand labels. Look for a thing that ImageNet has no label for: `name in photos.categories`."
        praise = "It is in two of the photos, and not in the list. A model can only answer what it was asked."
        return choose(answer, missing[0], {name: praise if name in missing else hint for name in SHOWN})

    @question
    def q2(self, answer: Any) -> Feedback:
        """The row of targets that a line of a table stands for."""
        return same(
            answer,
            np.array([-1, 1, 0]),
            (
                (np.array([1, 1, 0]), "The question mark says that nobody knows. Unknown is -1."),
                (np.array([0, 1, 0]), "The cat is not absent. The question mark says that nobody knows: -1."),
                (np.array([0, 1, -1]), "The horse is not listed, so it is absent: 0. Unknown is what has the mark."),
                (np.array([-1, 1, -1]), "The horse is not listed, so it is absent: 0. Unknown is only what has the mark."),
                (np.array([1, -1, 0]), "Mind the order of the categories: cat, dog, horse."),
            ),
            "Present, absent and unknown are three different things, and each measure says what it does with the third.",
        )

    @question
    def q3(self, answer: Any) -> Feedback:
        """Class-activation maps of the made-up feature map: [2, 3, 4]."""
        features, weights = self.toy_activation
        cells = features[0].size
        summed = np.einsum("cd,dhw->chw", weights, features)
        return same(
            answer,
            summed / cells,
            (
                (summed, "Nearly: the average over cells divides by their number. Without it the cells do not add up to the logit."),
                (summed.mean(axis=(1, 2)), "That is the logit, one number a label. Keep the cells apart: [2, 3, 4]."),
                (summed.sum(axis=(1, 2)), "Keep the cells apart: [2, 3, 4]. Only the channels are added up."),
                (np.maximum(summed, 0) / cells, "Keep the negative cells: they take away from the score."),
                (np.moveaxis(summed, 0, -1) / cells, "Right numbers, wrong order of axes: labels first, then rows and columns."),
                (weights[:, :, None, None] * features / cells, "Now add up the channels."),
            ),
            "All cells of a label together give its logit without the bias.",
        )

    @question
    def q4(self, answer: Any) -> Feedback:
        """How many of the thousand labels pass a probability of 0.5 in one photo?"""
        mean = float((sigmoid(self.inspections[0].logits()) >= 0.5).sum(axis=1).mean())
        options = ("one or two", "about twenty", "hundreds")
        truth = options[0] if mean < FEW else options[1] if mean < SOME else options[2]
        shown = f"It is {mean:.0f} labels a photo on average."
        hint = f"{shown} A softmax compares labels with each other, and nothing held single logits below zero where a label is absent."
        return choose(answer, truth, {option: shown if option == truth else hint for option in options})

    @question
    def q5(self, answer: Any) -> Feedback:
        """Two things are in a photo, with a logit of 9 each, all other labels have none to speak of: the softmax share of each."""
        if abs(float(answer) - 1 / (1 + np.exp(-9))) < 1e-3:
            return wrong("That is the sigmoid of 9, which asks for each label by itself. A softmax shares one whole among all labels.")
        return near(answer, 0.5, 0.01, "Both are certainly there, and each gets one half: a softmax asks “which one?”, not “which ones?”.")

    @question
    def q6(self, answer: Any) -> Feedback:
        """What lowers the scores of the photos' labels more: painting over the bright cells of their maps, or cells at random?"""
        found = self.inspections[0].measurements.get("deletion", {})
        bright, random = (found.get(name, {}).get("overall") for name in (KIND, "random map"))
        if bright is None or random is None:
            return Feedback(None, "This archive was made without measuring the maps, so nothing can be compared.")
        shown = f"The score that is left is {bright:.3f} with the bright cells painted over, {random:.3f} with cells at random."
        options = ("bright cells", "random cells", "no difference")
        truth = options[2] if abs(bright - random) < SAME else options[0] if bright < random else options[1]
        return choose(answer, truth, dict.fromkeys(options, shown))

    @question
    def q7(self, answer: Any) -> Feedback:
        """In the study on photos: how many systems have a better mAP than the pooled baseline, beyond the interval?"""
        study = read_study("voc_study")
        if study is None:
            return Feedback(None, photo_study.ABSENT)
        sides = list(photo_study.gains(study).values())
        won = sides.count(1)
        shown = f"It is {won} of {len(sides)}." if sides else photo_study.EMPTY
        if photo_study.taken_back(study):
            shown += " What that is worth is said below: the pooled baseline had not converged."
        return right(shown) if int(answer) == won else wrong(f"{shown} Look at the column of the gains, and at their intervals.")

    @question
    def q8(self, answer: Any) -> Feedback:
        """The best F1 that one threshold can reach on the made-up scores."""
        scores, there = self.toy_scores
        values = [f1_at(scores, there, threshold) for threshold in scores]
        if abs(float(answer) - f1_at(scores, there, 0.5)) < 1e-3:
            return wrong("That is the F1 at 0.5. Try the eight scores themselves as thresholds, and take the best.")
        if abs(float(answer) - float(scores[int(np.argmax(values))])) < 1e-3:
            return wrong("That is the best threshold. Its F1 is asked.")
        return near(
            answer, max(values), 0.005, f"The threshold {scores[int(np.argmax(values))]:.2f} finds four of four, with one false alarm."
        )

    @question
    def q9(self, answer: Any) -> Feedback:
        """Thresholds chosen on which pictures give the higher F1?"""
        same_half, other_half = self.f1
        shown = f"The mean F1 is {same_half:.3f} with thresholds of the same pictures and {other_half:.3f} with those of others."
        options = ("the same pictures", "other pictures", "no difference")
        truth = options[2] if abs(same_half - other_half) < SAME else options[0] if same_half > other_half else options[1]
        return choose(answer, truth, dict.fromkeys(options, shown))


def f1_at(scores: np.ndarray, there: np.ndarray, threshold: float) -> float:
    """F1 of one label at a threshold: scores float [N], there int [N] in {1, 0, -1}; unknown pictures do not count."""
    predicted, present = (scores >= threshold) & (there >= 0), there == 1
    total = int(predicted.sum() + present.sum())
    return 2 * int((predicted & present).sum()) / total if total else 0.0


def mean_f1(inspection: Inspection, rows: slice, thresholds: np.ndarray) -> float:
    """Mean F1 over the labels that are in these pictures at all; a threshold that is NaN, because none was best, counts as 0.5."""
    thresholds = np.where(np.isnan(thresholds), 0.5, thresholds)
    scores, targets = inspection.probabilities()[rows], inspection.targets[rows]
    there = np.flatnonzero((targets == 1).any(axis=0))
    return float(np.mean([f1_at(scores[:, label], targets[:, label], thresholds[label]) for label in there]))
