"""The questions of notebooks/02_msrn.ipynb."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from workbench.labels import LabelGraph
from workbench.lessons import msrn_atlas
from workbench.lessons.atlas import WORDS, shown, side
from workbench.lessons.cases import Case, beside_object, coverage, map_of, on_object, share_near
from workbench.lessons.feedback import Feedback, choose, near, same, wrong
from workbench.lessons.questions import Lesson, question
from workbench.lessons.study import read_study

KIND = "local.sum"
GROUP_LOSS_WEIGHT = 1e-4
SHARPNESS = 0.25  # of the attention that is worked out by hand: the share of its strongest cell
NO_PARTS = Feedback(None, "This archive does not hold what the logits are made of.")


class MSRNLesson(Lesson):
    """From the label graph to the logit: who listens to whom, where each channel is read, what each layer adds."""

    name = "02_msrn"
    archives = ("scenes-msrn",)

    @cached_property
    def first(self) -> Case:
        """A picture and a predicted label in it whose evidence lies on the object and comes from more than one layer."""
        msrn = self.inspections[0]
        found, best = on_object(msrn, KIND), -np.inf
        added = np.stack([self.layer_part(name) for name in self.layers])  # [L, N, C]
        for image, label in np.argwhere((msrn.targets == 1) & (msrn.probabilities() >= msrn.threshold)):
            values = map_of(msrn, KIND, int(image), int(label))
            if values is not None and (total := np.maximum(added[:, image, label], 0).sum()) > 0:
                second = float(np.sort(added[:, image, label])[-2] / total) if len(added) > 1 else 0.0
                inside = share_near(values, coverage(msrn, int(image), int(label), values.shape))
                if (worth := inside + min(max(second, 0.0), 0.3)) > best:
                    best, found = worth, Case(int(image), msrn.categories[int(label)])
        return found

    @cached_property
    def misleading(self) -> Case:
        """A picture and a label that MSRN is sure of and right about, with its evidence elsewhere."""
        return beside_object(self.inspections[0], KIND)

    @cached_property
    def layers(self) -> dict[str, str]:
        """Titles of the layers by name, finest first: {"stage-2": "stage 2", ...}."""
        kinds = self.inspections[0].map_kinds
        names = [part.partition(".")[2] for part in self.inspections[0].part_kinds if part.startswith("local.")]
        return {name: str(kinds[f"local.{name}"].layer) for name in names}

    def layer_part(self, name: str) -> np.ndarray:
        """What a layer adds to the logits through label and group attention together: float64 [N, C]."""
        msrn = self.inspections[0]
        return np.sum([msrn.parts(part).astype(np.float64) for part in msrn.part_kinds if part.partition(".")[2] == name], axis=0)

    @cached_property
    def gaps(self) -> dict[str, float]:
        """By layer: how much more it adds where the label is there than where it is not, as a mean over labels."""
        there, absent = (self.inspections[0].targets == value for value in (1, 0))
        both = there.any(axis=0) & absent.any(axis=0)
        result = {}
        for name in self.layers:
            part = self.layer_part(name)
            gap = [part[there[:, c], c].mean() - part[absent[:, c], c].mean() for c in np.flatnonzero(both)]
            result[name] = float(np.mean(gap))
        return result

    @cached_property
    def graph(self) -> LabelGraph:
        """The counts of the training targets."""
        counts = self.inspections[0].table("cooccurrence").values.round().astype(np.int64)
        return LabelGraph(self.inspections[0].categories, counts, counts.diagonal())

    @cached_property
    def pair(self) -> tuple[str, str]:
        """(a, b): of all pairs the one where a implies b most and b implies a least."""
        shares = self.graph.probabilities
        i, j = np.unravel_index(np.argmax(shares - shares.T), shares.shape)
        return self.graph.categories[int(i)], self.graph.categories[int(j)]

    @cached_property
    def channel(self) -> tuple[int, str, int, str]:
        """(image, label, channel, layer) for the attention by hand: a present label and a channel of the coarsest layer that it attends to
        neither evenly nor in one cell alone."""
        msrn = self.inspections[0]
        steering = msrn.table("label_embedding").values.astype(np.float64)
        layer = list(self.layers)[-1]
        best, found = np.inf, (0, msrn.categories[0], 0, layer)
        for image in msrn.channel_images:
            stored = msrn.channels(image)
            assert stored is not None
            flat = stored.layers[layer][0].astype(np.float64).reshape(steering.shape[1], -1)  # [D, P]
            for label in np.flatnonzero(msrn.targets[image] == 1):
                off = np.abs(softmax(steering[label][:, None] * flat).max(axis=1) - SHARPNESS)  # [D]
                if off.min() < best:
                    best, found = off.min(), (image, msrn.categories[int(label)], int(off.argmin()), layer)
        return found

    @cached_property
    def likeness(self) -> dict[str, float]:
        """How alike the maps of two labels in one picture are (correlation, mean over pairs and pictures).

        "attention": softmax over the cells of the coarsest layer, mean over channels. "evidence": what the cells of that layer add.
        """
        msrn = self.inspections[0]
        steering = msrn.table("label_embedding").values.astype(np.float64)
        layer = list(self.layers)[-1]
        found: dict[str, list[float]] = {"attention": [], "evidence": []}
        for image in msrn.channel_images:
            stored = msrn.channels(image)
            assert stored is not None
            flat = stored.layers[layer][0].astype(np.float64).reshape(steering.shape[1], -1)  # [D, P]
            attention = np.stack([softmax(row[:, None] * flat).mean(axis=0) for row in steering])  # [C, P]
            evidence = msrn.maps(f"local.{layer}", image)[1].astype(np.float64).reshape(len(steering), -1)
            for name, maps in (("attention", attention), ("evidence", evidence)):
                between = np.corrcoef(maps)[~np.eye(len(maps), dtype=bool)]
                found[name].append(float(np.nanmean(between)))
        return {name: float(np.mean(values)) for name, values in found.items()}

    @cached_property
    def commitment(self) -> float:
        """How far labels commit to their group: 0 where the shares are even, 1 where one group has all; the median over labels."""
        shares = self.inspections[0].table("assignment").values.astype(np.float64)
        even = 1 / shares.shape[1]
        return float(np.median((shares.max(axis=1) - even) / max(1 - even, 1e-9)))

    @question
    def q1(self, answer: Any) -> Feedback:
        """Which layer adds most to the logit of the first label?"""
        msrn, (image, label) = self.inspections[0], self.first
        column = msrn.categories.index(label)
        added = {title: self.layer_part(name)[image, column] for name, title in self.layers.items()}
        shown_all = ", ".join(f"{title} {value:+.2f}" for title, value in added.items())
        return choose(answer, max(added, key=lambda title: added[title]), dict.fromkeys(added, f"They add {shown_all}."))

    @question
    def q2(self, answer: Any) -> Feedback:
        """P(j | i) from the counts: [C, C]."""
        counts, singles = self.graph.counts.astype(np.float64), np.maximum(self.graph.singles, 1).astype(np.float64)
        full = counts + np.diag(self.graph.singles)
        return same(
            answer,
            counts / singles[:, None],
            (
                (counts / singles[None], "You divided each column by its own count: that is P(i | j). Row i needs n_i (singles[:, None])."),
                (
                    counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
                    "You divided by the pairs of a row. Divide by pictures, n_i.",
                ),
                (counts / singles.sum(), "You divided by all labels together. Each row has its own n_i."),
                (counts / counts.max(), "You divided by the largest count. Each row has its own n_i."),
                (full / singles[:, None], "Nearly: the diagonal says that a label goes with itself. Take the counts without it."),
                (counts / singles[:, None] >= 0.4, "One step too far: keep the probabilities, the threshold comes next."),
            ),
            "Row i: of the pictures with label i, the share that also has label j.",
        )

    @question
    def q3(self, answer: Any) -> Feedback:
        """As released, which of the two labels listens to the other?"""
        implying, implied = self.pair
        listens = bool(self.graph.adjacency().neighbours[self.graph.categories.index(implied), self.graph.categories.index(implying)])
        truth = implied if listens else implying
        because = f"“{implying}” implies “{implied}”, and as released a label listens to the labels that imply it."
        other = implying if truth == implied else implied
        return choose(answer, truth, {truth: because, other: f"{because} That is the transpose in the released code."})

    @question
    def q4(self, answer: Any) -> Feedback:
        """The group loss, a number."""
        msrn = self.inspections[0]
        labels, groups, shares = (
            msrn.table(name).values.astype(np.float64) for name in ("label_embedding", "group_embedding", "assignment")
        )
        between = labels - groups[shares.argmax(axis=1)]
        distance = np.linalg.norm(between, axis=1)
        mixed = np.linalg.norm(labels - shares @ groups, axis=1)
        weight = GROUP_LOSS_WEIGHT
        return same(
            answer,
            np.asarray(weight * distance.sum()),
            (
                (distance.sum(), "The sum is right; its weight of 1e-4 is missing."),
                (weight * distance.mean(), "That is the mean. Add the distances up over the labels."),
                (distance.mean(), "That is the mean, without the weight. Add the distances up over the labels, times 1e-4."),
                (weight * (distance**2).sum(), "Distances, not their squares: take the square root for each label before you add."),
                (weight * np.linalg.norm(between), "That is one norm of the whole difference. Take one for each label (axis=1), then add."),
                (weight * mixed.sum(), "You took the mixture of all groups. Take the one group in which the label has its largest share."),
                (weight * distance, "These are the labels' own terms. Add them up."),
                (weight * np.linalg.norm(between, axis=0).sum(), "Wrong axis: the norm runs over the coordinates of a label (axis=1)."),
            ),
            "Each label is pulled to the group in which it has its largest share.",
        )

    @question
    def q5(self, answer: Any) -> Feedback:
        """Do labels commit to their groups?"""
        table = self.inspections[0].table("assignment").values
        truth = "clearly" if self.commitment >= 0.5 else "barely"
        said = f"The largest share of a label is {np.median(table.max(axis=1)):.2f} (median); an even share is {1 / table.shape[1]:.2f}."
        return choose(answer, truth, {"clearly": said, "barely": said})

    @question
    def q6(self, answer: Any) -> Feedback:
        """The attention of one label in one channel: [h, w]."""
        x, e = self.x_and_e
        product = e * x
        powers = np.exp(product - product.max())
        plain = np.exp(x - x.max())
        return same(
            answer,
            powers / powers.sum(),
            (
                (plain / plain.sum(), "You left out e. It says how much of the channel's height counts, and its sign whether high or low."),
                (e * plain / plain.sum(), "e belongs inside: first e * x, then the softmax."),
                (powers / powers.sum(axis=1, keepdims=True), "Here each row adds up to one. All cells together should."),
                (powers / powers.sum(axis=0, keepdims=True), "Here each column adds up to one. All cells together should."),
                (np.exp(product), "These are the powers. Divide them by their sum."),
                (product, "This is e * x, any numbers. The softmax turns them into shares."),
                (1 / (1 + np.exp(-product)), "This is a sigmoid, cell by cell. Softmax compares the cells with each other."),
            ),
            "The cells add up to one, for this label and this one channel.",
        )

    @property
    def x_and_e(self) -> tuple[np.ndarray, float]:
        """x [h, w] and e of `channel`."""
        image, label, channel, layer = self.channel
        msrn = self.inspections[0]
        stored = msrn.channels(image)
        assert stored is not None
        steering = msrn.table("label_embedding").values[msrn.categories.index(label), channel]
        return stored.layers[layer][0, channel].astype(np.float64), float(steering)

    @question
    def q7(self, answer: Any) -> Feedback:
        """Do most label-channel pairs read the channel where it is high, or where it is low?"""
        below = float((self.inspections[0].table("label_embedding").values < 0).mean())
        said = f"{100 * below:.0f} % of the entries of E are negative, so that exp(e * x) is largest where x is smallest."
        if below <= 0.5:
            said = f"{100 * (1 - below):.0f} % of the entries of E are positive, so that exp(e * x) is largest where x is largest."
        return choose(answer, "low" if below > 0.5 else "high", {"low": said, "high": said})

    @question
    def q8(self, answer: Any) -> Feedback:
        """The logits of the first picture from their parts: [C]."""
        msrn = self.inspections[0]
        if not msrn.part_kinds:
            return NO_PARTS
        parts = {name: msrn.parts(name)[self.first.image].astype(np.float64) for name in msrn.part_kinds}
        total = np.sum(list(parts.values()), axis=0)
        local = np.sum([part for name, part in parts.items() if name.startswith("local.")], axis=0)
        return same(
            answer,
            total,
            (
                (total - parts["bias"], "The bias is missing."),
                (local, "This is the local part alone. The group part and the bias belong to it."),
                (local + parts["bias"], "The group part is missing."),
                (total / len(parts), "That is the mean of the parts. A logit is their sum."),
                (1 / (1 + np.exp(-total)), "One step too far: this is the probability, the sigmoid of the logit."),
                (total.sum(), "Wrong axis: one number for each label is wanted. Add up the parts, not the labels."),
            ),
            "Nothing is left over: for this head the logit is exactly the sum of what is shown.",
        )

    @question
    def q9(self, answer: Any) -> Feedback:
        """Which layer tells present from absent labels best?"""
        said = ", ".join(f"{self.layers[name]} {gap:+.2f}" for name, gap in self.gaps.items())
        truth = self.layers[max(self.gaps, key=lambda name: self.gaps[name])]
        return choose(answer, truth, dict.fromkeys(self.layers.values(), f"Present minus absent, mean over labels: {said}."))

    @question
    def q10(self, answer: Any) -> Feedback:
        """Guess the pointing game of the evidence, all layers together."""
        rows = self.inspections[0].measurements.get("pointing", {})
        score = rows.get(KIND, {}).get("overall")
        if score is None:
            return Feedback(None, "This archive was made without measuring the maps, so there is nothing to compare with.")
        if not 0 <= float(answer) <= 1:
            return wrong("Give a share between 0 and 1.")
        others = ", ".join(f"{name} {rows[name]['overall']:.2f}" for name in ("random map", "centre blob") if name in rows)
        return near(answer, score, 0.1, f"It is {score:.2f} ({others}).")

    @question
    def q11(self, answer: Any) -> Feedback:
        """Guess how alike the attention of two labels is."""
        if not -1 <= float(answer) <= 1:
            return wrong("A correlation lies between -1 and 1.")
        attention, evidence = self.likeness["attention"], self.likeness["evidence"]
        return near(answer, attention, 0.15, f"It is {attention:.2f}; of the maps of evidence {evidence:.2f}.")

    @question
    def q12(self, answer: Any) -> Feedback:
        """Does the label graph help where labels go together?"""
        study = read_study("msrn_atlas")
        if study is None:
            return Feedback(None, msrn_atlas.ABSENT)
        figure = msrn_atlas.gain(study, "graph", "theme_AP", True)
        if figure is None:
            return Feedback(None, "This has not been measured yet.")
        said = f"The graph changes the AP of the theme labels by {shown(figure)} points."
        return choose(answer, WORDS[side(figure)], dict.fromkeys(WORDS.values(), said))


def softmax(values: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
