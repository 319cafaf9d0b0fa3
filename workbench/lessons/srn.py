"""The questions of notebooks/01_srn.ipynb."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from workbench.lessons import atlas
from workbench.lessons.cases import Case, beside_object, coverage, map_of, strongest_cells, typical_absent
from workbench.lessons.feedback import Feedback, choose, near, right, same, wrong
from workbench.lessons.questions import Lesson, question
from workbench.lessons.study import read_study


class SRNLesson(Lesson):
    """From the scores of cells to the answer, and how far the picture can be trusted."""

    name = "01_srn"
    archives = ("scenes-srn",)

    @cached_property
    def absent(self) -> Case:
        """A picture and a label that is not in it, with an attention map such as absent labels have."""
        return typical_absent(self.inspections[0], "attention")

    @cached_property
    def brightness(self) -> tuple[float, float]:
        """The strongest cell of that map, and the median of the strongest cells of labels that are there."""
        peaks = strongest_cells(self.inspections[0], "attention")
        image, label = self.absent
        there = peaks[self.inspections[0].targets == 1]
        return float(peaks[image, self.inspections[0].categories.index(label)]), float(np.nanmedian(there))

    @cached_property
    def misleading(self) -> Case:
        """A picture and a label that SRN is sure of and right about, with its attention elsewhere."""
        return beside_object(self.inspections[0], "attention")

    @cached_property
    def scores(self) -> np.ndarray:
        """Made-up scores Z of 3 labels on a grid of 4 rows and 5 columns: float64 [3, 4, 5]."""
        return np.random.default_rng(7).normal(0, 2, (3, 4, 5)).round(1)

    @cached_property
    def changes(self) -> tuple[int, int]:
        """How many answers the regularisation fixed and how many it broke, over all pictures and labels whose truth is known."""
        srn = self.inspections[0]
        truth, known = srn.targets == 1, srn.targets >= 0
        before, after = (srn.probabilities(name) >= srn.threshold for name in ("cls", "final"))
        return int(((before != truth) & (after == truth) & known).sum()), int(((before == truth) & (after != truth) & known).sum())

    @cached_property
    def found(self) -> dict[bool, tuple[int, int]]:
        """Present labels whose strongest cell touches the object (True) or not (False): how many SRN finds, and how many there are."""
        srn = self.inspections[0]
        predicted = srn.probabilities() >= srn.threshold
        counts = {True: [0, 0], False: [0, 0]}
        for image, label in np.argwhere(srn.targets == 1):
            values = map_of(srn, "attention", int(image), int(label))
            if values is None or not (covered := coverage(srn, int(image), int(label), values.shape)).any():
                continue
            count = counts[bool(covered[np.unravel_index(np.argmax(values), values.shape)] > 0)]
            count[0] += bool(predicted[image, label])
            count[1] += 1
        return {touches: (found, all_of_them) for touches, (found, all_of_them) in counts.items()}

    @question
    def q1(self, answer: Any) -> Feedback:
        """What does the attention of an absent label look like?"""
        this, there = self.brightness
        rows, columns = self.inspections[0].grid("attention")
        shown = (
            f"Its strongest cell holds {this:.2f} of the map, that of a label that is there {there:.2f} (median); shared out evenly, "
            f"each of the {rows * columns} cells would hold {1 / (rows * columns):.3f}."
        )
        return choose(
            answer,
            "as bright" if this >= there / 2 else "fainter",
            {
                "dark": "Then the cells would add up to nothing, but those of every attention map add up to one.",
                "fainter": shown,
                "as bright": shown,
            },
        )

    @question
    def q2(self, answer: Any) -> Feedback:
        """Softmax over the cells of each label: [3, 4, 5]."""
        scores = self.scores
        powers = np.exp(scores)
        return same(
            answer,
            powers / powers.sum(axis=(1, 2), keepdims=True),
            (
                (
                    powers / powers.sum(axis=0, keepdims=True),
                    "Wrong axis: here the labels of a cell add up to one. The cells of a label should.",
                ),
                (powers / powers.sum(axis=2, keepdims=True), "Wrong axis: here each row adds up to one. All cells of a label should."),
                (powers / powers.sum(axis=1, keepdims=True), "Wrong axis: here each column adds up to one. All cells of a label should."),
                (powers / powers.sum(), "Here all labels together add up to one. Each label should by itself (keepdims=True helps)."),
                (_sigmoid(scores), "This is a sigmoid: it looks at one cell alone. Softmax compares the cells of a label with each other."),
                (powers, "You have the powers. Divide them by their sum over the cells of the label."),
                (
                    scores / scores.sum(axis=(1, 2), keepdims=True),
                    "Take np.exp of the scores first: scores may be negative, shares may not.",
                ),
            ),
            "Each label's cells add up to one.",
        )

    @question
    def q3(self, answer: Any) -> Feedback:
        """Weighted attention of the first picture: [C, h, w]."""
        attention, confidence = self._maps()
        softmax = np.exp(confidence - confidence.max(axis=(1, 2), keepdims=True))
        softmax /= softmax.sum(axis=(1, 2), keepdims=True)
        return same(
            answer,
            _sigmoid(confidence) * attention,
            (
                (confidence * attention, "S is still raw here: put it through a sigmoid first, so that it lies between 0 and 1."),
                (_sigmoid(confidence * attention), "The sigmoid goes around S alone. Around the product it would give 0.5 where A is 0."),
                ((confidence > 0) * attention, "That is a threshold. The sigmoid damps by degrees."),
                (softmax * attention, "That is a softmax of S. Confidence is asked of each cell by itself: a sigmoid."),
                (_sigmoid(confidence), "This is the confidence alone. Multiply it by A."),
                (_sigmoid(confidence) + attention, "Multiply: where one of the two is near zero, the result has to be near zero."),
            ),
            "A decides where, sigmoid(S) decides how much of it counts.",
        )

    @question
    def q4(self, answer: Any) -> Feedback:
        """y_att of the first picture: [C]."""
        attention, confidence = self._maps()
        product = attention * confidence
        return same(
            answer,
            product.sum(axis=(1, 2)),
            (
                (product.mean(axis=(1, 2)), "That is the mean. A already holds the weights, so the sum over cells is a weighted mean."),
                (
                    (_sigmoid(confidence) * attention).sum(axis=(1, 2)),
                    "Here S stays raw: y_att is a logit, and the sigmoid comes after it.",
                ),
                (_sigmoid(product.sum(axis=(1, 2))), "You went one step too far: y_att is the logit, before the sigmoid."),
                (confidence.sum(axis=(1, 2)), "You left out A: cells that are not looked at should not count."),
                (product.sum(axis=0), "Wrong axis: sum over the cells of a label, not over the labels of a cell."),
                (product.sum(), "This is one number for all labels. There is one for each label: axis=(1, 2)."),
                (product, "Now add up the cells of each label."),
            ),
            "A weighted mean of S: the cells that are looked at decide.",
        )

    @question
    def q5(self, answer: Any) -> Feedback:
        """Which labels are predicted, from y_cls and y_sr: bool [N, C]."""
        srn = self.inspections[0]
        cls, att, sr = (srn.logits(name) for name in ("cls", "att", "sr"))
        final = (cls + sr) / 2
        soft = np.exp(final - final.max(axis=1, keepdims=True))
        return same(
            answer,
            final >= 0,
            (
                (final >= 0.5, "Threshold before sigmoid: 0.5 is a probability, and these are logits. Which logit has probability 0.5?"),
                (
                    soft / soft.sum(axis=1, keepdims=True) >= 0.5,
                    "That is a softmax over labels: it allows one winner. Here each label is judged alone.",
                ),
                (cls >= 0, "That is y_cls alone. Take the mean of y_cls and y_sr."),
                (sr >= 0, "That is y_sr alone. Take the mean of y_cls and y_sr."),
                ((cls + sr + att) / 3 >= 0, "y_att does not take part: it only teaches the attention where to look."),
                (final, "These are the logits. Compare them with the logit of probability 0.5."),
                (_sigmoid(final), "These are the probabilities. Compare them with 0.5."),
            ),
            "Probability 0.5 is logit 0.",
        )

    @question
    def q6(self, answer: Any) -> Feedback:
        """Which input channel does output 10 of the grouped convolution read, with 4 outputs for each channel?"""
        if str(answer).strip().lower() == "all":
            return wrong("That would be an ordinary convolution. With one group for each channel, an output reads one channel only.")
        place = int(answer)
        if place == 2:
            return right("Outputs 8 to 11 all read channel 2: 10 // 4 = 2. Each is one pattern of places for that channel.")
        hints = {10: "That would be one output for each channel; here each channel has 4.", 3: "Count channels and outputs from 0."}
        return wrong(hints.get(place, "Outputs 0 to 3 read channel 0, outputs 4 to 7 channel 1, and so on."))

    @question
    def q7(self, answer: Any) -> Feedback:
        """Did the regularisation fix more answers than it broke?"""
        fixed, broken = self.changes
        shown = f"It fixed {fixed} answers and broke {broken}"
        if abs(fixed - broken) <= 1.96 * (fixed + broken) ** 0.5:
            truth, shown = "about as many", f"{shown}: so near to each other that a coin could have done it."
        else:
            truth, shown = ("more fixed" if fixed > broken else "more broken"), f"{shown}."
        return choose(answer, truth, dict.fromkeys(("more fixed", "about as many", "more broken"), shown))

    @question
    def q8(self, answer: Any) -> Feedback:
        """Does the strongest push between two different labels raise or lower a score?"""
        srn = self.inspections[0]
        if not srn.relation_titles:
            return Feedback(None, "This archive holds no influence of labels on each other.")
        influence = srn.relations(next(iter(srn.relation_titles)))
        between = influence * (1 - np.eye(len(influence)))
        i, j = np.unravel_index(np.argmax(np.abs(between)), between.shape)
        shown = f"The strongest push is that of “{srn.categories[j]}” on “{srn.categories[i]}”: {between[i, j]:+.2f}."
        return choose(answer, "raises" if between[i, j] > 0 else "lowers", dict.fromkeys(("raises", "lowers"), shown))

    @question
    def q9(self, answer: Any) -> Feedback:
        """Guess the pointing game of the attention, over all labels."""
        rows = self.inspections[0].measurements.get("pointing", {})
        score = rows.get("attention", {}).get("overall")
        if score is None:
            return Feedback(None, "This archive was made without measuring the maps, so there is nothing to compare with.")
        if not 0 <= float(answer) <= 1:
            return wrong("Give a share between 0 and 1.")
        others = ", ".join(f"{name} {rows[name]['overall']:.2f}" for name in ("random map", "centre blob") if name in rows)
        return near(answer, score, 0.1, f"It is {score:.2f} ({others}).")

    @question
    def q10(self, answer: Any) -> Feedback:
        """Guess: of the present labels whose attention misses the object, what share is found all the same?"""
        (hit, hits), (missed, misses) = self.found[True], self.found[False]
        if not misses:
            return Feedback(None, "In this archive the attention never misses.")
        if not 0 <= float(answer) <= 1:
            return wrong("Give a share between 0 and 1.")
        shown = f"Of {misses} such labels SRN finds {missed}, a share of {missed / misses:.2f}"
        shown += f"; of the {hits} whose attention touches the object, {hit / hits:.2f}." if hits else "."
        return near(answer, missed / misses, 0.15, shown)

    @question
    def q11(self, answer: Any) -> Feedback:
        """In how many settings with the rule does SRN beat the pooled baseline beyond the interval?"""
        study = read_study("atlas")
        if study is None:
            return Feedback(None, atlas.ABSENT)
        settings = [row for row in study["summary"] if row["relation"] == 1 and "pooled" in row["srn_minus"]]
        won = sum(atlas.side(row["srn_minus"]["pooled"]["relational_AP"]) > 0 for row in settings)
        shown = f"It does in {won} of {len(settings)}."
        return right(shown) if int(answer) == won else wrong(f"{shown} Look at where the intervals of the differences lie.")

    def _maps(self) -> tuple[np.ndarray, np.ndarray]:
        """A and raw S of the first picture, float64 [C, h, w] each."""
        srn = self.inspections[0]
        attention, confidence = (srn.maps(kind, self.absent.image)[1].astype(np.float64) for kind in ("attention", "confidence"))
        return attention, confidence


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(values, dtype=np.float64)))
