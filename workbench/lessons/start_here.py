"""The questions of notebooks/00_start_here.ipynb."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from workbench.lessons.cases import Case, beside_object, coverage, map_of, on_object
from workbench.lessons.feedback import Feedback, choose, right, wrong
from workbench.lessons.questions import Lesson, question

KIND = "attention"
PAPERS = ("sun", "ball", "kite", "rug", "cloud", "bush")  # drawn alike in pairs, and named by where they hang
THIRDS = ("left", "middle", "right")


class StartHere(Lesson):
    """Where a label looks, who else looks there, which of two models points better, and a right answer with the attention elsewhere."""

    name = "00_start_here"
    archives = ("scenes-srn", "scenes-pooled")

    @cached_property
    def first(self) -> Case:
        """A picture and a label whose attention lies on its object, away from the middle.

        Without papers that are named by where they hang: a striped disc called "sun" is no first thing to see.
        """
        return on_object(self.inspections[0], KIND, without=PAPERS)

    @cached_property
    def misleading(self) -> Case:
        """A picture and a label that SRN is sure of and right about, with its attention elsewhere."""
        return beside_object(self.inspections[0], KIND)

    @cached_property
    def spot(self) -> tuple[int, int]:
        """Row and column of the strongest cell of the first map."""
        srn = self.inspections[0]
        values = map_of(srn, KIND, self.first.image, srn.categories.index(self.first.label))
        assert values is not None
        row, column = np.unravel_index(np.argmax(values), values.shape)
        return int(row), int(column)

    @question
    def q1(self, answer: Any) -> Feedback:
        """In which third of the picture is the strongest cell of the first label's attention?"""
        columns = self.inspections[0].grid(KIND)[1]
        truth = THIRDS[int(3 * (self.spot[1] + 0.5) / columns)]
        hint = f'That is where one might look first. Run the explorer below and find the brightest place for "{self.first.label}".'
        praise = f'SRN was never told where "{self.first.label}" is, only which labels the picture has.'
        return choose(answer, truth, {third: praise if third == truth else hint for third in THIRDS})

    @question
    def q2(self, answer: Any) -> Feedback:
        """Which other label attends most to that cell?"""
        srn = self.inspections[0]
        labels, values = srn.shown_maps(KIND, self.first.image)
        row, column = self.spot
        ranked = [srn.categories[label] for label in labels[np.argsort(-values[:, row, column], kind="stable")]]
        others = [name for name in ranked if name != self.first.label]
        given = str(answer).strip().lower()
        if given == self.first.label:
            return wrong("That is the label in view. Which other label is highest in the list?")
        srn.categories.index(given)
        if given == others[0]:
            return right("Labels share places: a map tells where a label looks, not what is there.")
        place = others.index(given) + 1 if given in others else 0
        return wrong(f"It is number {place} among the other labels. Is the map “Attention A” chosen, and the cursor in its brightest cell?")

    @question
    def q3(self, answer: Any) -> Feedback:
        """Which model's map has its strongest cell on the object more often?"""
        srn, pooled = self.inspections
        scores = [
            archive.measurements.get("pointing", {}).get(kind, {}).get("overall")
            for archive, kind in ((srn, KIND), (pooled, "class_activation"))
        ]
        if None in scores:
            return Feedback(None, "These archives were made without measuring the maps, so nothing can be compared.")
        shown = f"The pointing game gives SRN {scores[0]:.2f} and the pooled model {scores[1]:.2f}"
        truth = "srn" if scores[0] > scores[1] else "pooled"
        return choose(
            answer,
            truth,
            {
                name: f"{shown}, in one training of each." if name == truth else f"{shown}: find its row in the table below."
                for name in ("srn", "pooled")
            },
        )

    @question
    def q4(self, answer: Any) -> Feedback:
        """SRN is sure of a label and right: is its strongest cell on the object?"""
        srn, case = self.inspections[0], self.misleading
        column = srn.categories.index(case.label)
        values = map_of(srn, KIND, case.image, column)
        assert values is not None
        touches = bool(coverage(srn, case.image, column, values.shape)[np.unravel_index(np.argmax(values), values.shape)] > 0)
        where = f"In this picture the strongest cell for “{case.label}” {'touches' if touches else 'does not touch'} the object."
        return choose(answer, "yes" if touches else "no", {"yes": where, "no": where})
