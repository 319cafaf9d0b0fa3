"""The questions of notebooks/05_trust.ipynb."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from workbench.inspection import Inspection
from workbench.lessons import evidence, trust_study
from workbench.lessons.cases import Case, coverage, map_of
from workbench.lessons.evidence import KIND, THEME_LABELS, companions
from workbench.lessons.feedback import Feedback, choose, near, right, same, wrong
from workbench.lessons.questions import Lesson, question
from workbench.lessons.study import read_study

SURE = 0.8
CLOSE = 0.02  # AP, or a score that is left; figures that differ by less count as equal
POINTS = 0.5  # pointing game, from which on a map counts as lying on the object
UNMEASURED = Feedback(None, "This archive was made without measuring the maps, so there is nothing to compare with.")


class TrustLesson(Lesson):
    """A model that is right for the wrong reason, its map, the numbers beside it, the pictures that break the cue, and its twin."""

    name = "05_trust"
    archives = (
        "scenes-shortcut",
        "scenes-shortcut-off",
        "scenes-shortcut-apart",
        "scenes-shortcut-off-apart",
        "scenes-shortcut-edits",
        "scenes-shortcut-off-edits",
    )

    @property
    def misled(self) -> Inspection:
        return self.inspections[0]

    @cached_property
    def label(self) -> str:
        """The label of a theme that shows it best: the one whose AP falls most where each member comes on its own."""
        falls = evidence.scores(self.misled) - evidence.scores(self.inspections[2])
        places = [self.misled.categories.index(name) for name in THEME_LABELS]
        return THEME_LABELS[int(np.argmax(np.nan_to_num(falls[places], nan=-np.inf)))]

    @cached_property
    def case(self) -> Case:
        """A picture in which the misled model is sure of that label and right, with its map's strongest cell on something else."""
        column = self.misled.categories.index(self.label)
        sure = self.misled.probabilities()[:, column]
        worth = np.where(self.misled.targets[:, column] == 1, 1.0 + (sure >= SURE), 0.0)
        for image in np.flatnonzero(worth > 0).tolist():
            own, others = self._shares(image)
            lonely = (self.misled.targets[image] == 1).sum() <= 4  # few things, so that the eye finds them
            worth[image] += 2 * others - 2 * own + 0.3 * lonely
        return Case(int(np.argmax(worth)), self.label)

    @cached_property
    def strongest(self) -> tuple[float, float]:
        """Is the strongest cell of that map on the label's own thing (1 or 0), and is it on another labelled thing instead?"""
        return self._shares(self.case.image, strongest=True)

    @cached_property
    def toy_map(self) -> tuple[np.ndarray, np.ndarray]:
        """A made-up signed map [5 rows, 6 columns] and the cells of its object: bool [5, 6]."""
        random = np.random.default_rng(3)
        mask = np.zeros((5, 6), dtype=bool)
        mask[1:3, 3:6] = True
        return (random.normal(0, 1, (5, 6)) + 1.5 * mask).round(1), mask

    @cached_property
    def stands(self) -> np.ndarray:
        """Is the label still said with the thing itself taken out? bool, for each such edited scene and each label of the themes."""
        return evidence.said_without_itself(self.inspections[4])

    @question
    def q1(self, answer: Any) -> Feedback:
        """Where is the strongest cell of the label's map?"""
        own, others = self.strongest
        truth = "on it" if own > 0 else "on something else" if others > 0 else "on bare paper"
        company = " and ".join(companions(self.case.label))
        hints = {
            "on it": "That is what the score makes one believe. Run the explorer below, with the outlines on.",
            "on something else": f"Is it? Find {company} in the picture, and compare.",
            "on bare paper": "There is something under it. Make the map fainter, or hide it.",
        }
        praise = {
            "on it": "In this archive it is.",
            "on something else": f"A “{self.case.label}” is there, and the model is sure of it. It looks elsewhere.",
            "on bare paper": "Nothing that has a name is there.",
        }
        return choose(answer, truth, {**hints, truth: praise[truth]})

    @question
    def q2(self, answer: Any) -> Feedback:
        """Guess the pointing game, over all pictures and the six labels of the themes."""
        score = evidence.mean_over(self.misled, "pointing", KIND)
        if score is None:
            return UNMEASURED
        if not 0 <= float(answer) <= 1:
            return wrong("Give a share between 0 and 1.")
        noise, blob = (evidence.mean_over(self.misled, "pointing", name) for name in ("random map", "centre blob"))
        return near(answer, score, 0.15, f"It is {score:.2f} (random map {noise:.2f}, centre blob {blob:.2f}).")

    @question
    def q3(self, answer: Any) -> Feedback:
        """Energy inside of the made-up map: one number."""
        values, mask = self.toy_map
        positive = np.maximum(values, 0)
        return same(
            answer,
            np.array(positive[mask].sum() / positive.sum()),
            (
                (values[mask].sum() / values.sum(), "Cells below zero speak against the label. Count them as zero first."),
                (
                    np.abs(values)[mask].sum() / np.abs(values).sum(),
                    "Cells below zero are not evidence for the label: zero, not their size.",
                ),
                (positive[mask].mean() / positive.mean(), "Sums, not means: the share of the map, whatever the size of the object."),
                (positive[mask].sum(), "Divide by the positive part of the whole map."),
                (mask.mean(), "That is the object's share of the picture: what a map without any knowledge would get."),
                (float(mask.ravel()[values.argmax()]), "That is the pointing game of this one map: its strongest cell alone."),
            ),
            "A share of the map, between 0 and 1.",
        )

    @question
    def q4(self, answer: Any) -> Feedback:
        """What follows from pointing and deletion together?"""
        point, left, noise = (
            evidence.mean_over(self.misled, measure, row)
            for measure, row in (("pointing", KIND), ("deletion", KIND), ("deletion", "random map"))
        )
        if point is None or left is None or noise is None:
            return UNMEASURED
        shown = f"Pointing {point:.2f}; score left after deletion {left:.2f}, with random cells {noise:.2f}."
        faithful = left < noise - CLOSE
        truth = "nothing is wrong" if faithful and point >= POINTS else "the model is wrong" if faithful else "the map is wrong"
        hints = {
            "the map is wrong": f"{shown} What the map shows does matter to the model: take it away and the score goes.",
            "the model is wrong": f"{shown} Is what the map shows what the model needs? And is it the object?",
            "nothing is wrong": f"{shown} The map is not on the object. Somebody is wrong: the map or the model.",
        }
        praise = {
            "the map is wrong": f"{shown} The map tells no more about the model than noise does.",
            "the model is wrong": f"{shown} The map shows what the model needs, and that is not the object.",
            "nothing is wrong": f"{shown} The map is on the object, and the model needs it.",
        }
        return choose(answer, truth, {**hints, truth: praise[truth]})

    @question
    def q5(self, answer: Any) -> Feedback:
        """Which other label's evidence, painted over, moves the label most?"""
        if not evidence.leaks(self.misled):
            return Feedback(None, "This archive holds no leakage between labels.")
        names, moved = evidence.leakage_on(self.misled, self.label)
        given = str(answer).strip().lower()
        self.misled.categories.index(given)
        if given == self.label:
            return wrong("That is the diagonal: of course a label moves when its own object goes. Which other one moves it most?")
        if given == names[0]:
            return right(f"Painting over “{names[0]}” moves “{self.label}” by {moved[0]:.2f} in probability. The thing itself was left in.")
        place = names.index(given)
        return wrong(
            f"“{given}” moves it by {moved[place]:.2f}. Look along the column of “{self.label}”: each row is what was painted over."
        )

    @question
    def q6(self, answer: Any) -> Feedback:
        """Guess the mean AP of the six labels where each member comes on its own."""
        together, apart = (evidence.theme_mean(archive) for archive in (self.misled, self.inspections[2]))
        if not 0 <= float(answer) <= 1:
            return wrong("Give a number between 0 and 1.")
        return near(answer, apart, 0.15, f"It is {apart:.2f}; on pictures like those that it learned from {together:.2f}.")

    @question
    def q7(self, answer: Any) -> Feedback:
        """Guess: in what share of the scenes does the misled model still say a label whose thing was taken out?"""
        if not self.stands.size:
            return Feedback(None, "This archive holds no edited scenes.")
        if not 0 <= float(answer) <= 1:
            return wrong("Give a share between 0 and 1.")
        other = evidence.said_without_itself(self.inspections[5])
        shown = f"It is {self.stands.mean():.2f}; a model that looks at the thing would have 0. Its twin below: {other.mean():.2f}."
        return near(answer, float(self.stands.mean()), 0.15, shown)

    @question
    def q8(self, answer: Any) -> Feedback:
        """Which model has the better score on the pictures that the misled one learned from?"""
        misled, twin = (evidence.theme_mean(archive) for archive in self.inspections[:2])
        shown = f"AP of the six labels: misled {misled:.3f}, twin {twin:.3f}."
        truth = "no difference" if abs(misled - twin) < CLOSE else "misled" if misled > twin else "twin"
        return choose(answer, truth, dict.fromkeys(("misled", "twin", "no difference"), shown))

    @question
    def q9(self, answer: Any) -> Feedback:
        """In the study on all maps: how many point no better than a blob in the middle of the picture?"""
        study = read_study("trust")
        if study is None:
            return Feedback(None, trust_study.ABSENT)
        worse, compared = trust_study.below(study)
        shown = f"It is {worse} of {compared}."
        return right(shown) if int(answer) == worse else wrong(f"{shown} Compare the column “pointing” with the row (centre blob).")

    def _shares(self, image: int, strongest: bool = False) -> tuple[float, float]:
        """The share of the label's map on its own object, and on other labelled things but not on it; or of its strongest cell alone."""
        column = self.misled.categories.index(self.label)
        values = map_of(self.misled, KIND, image, column)
        assert values is not None
        weight = np.where(values == values.max(), 1.0, 0.0) if strongest else np.maximum(values, 0)
        own = coverage(self.misled, image, column, values.shape) > 0
        others = np.zeros_like(own)
        for other in np.flatnonzero(self.misled.targets[image] == 1).tolist():
            if other != column:
                others |= coverage(self.misled, image, other, values.shape) > 0
        total = max(float(weight.sum()), 1e-9)
        return float(weight[own].sum() / total), float(weight[others & ~own].sum() / total)
