"""LabelExplorer: which labels go together in the data, which listen to each other in the model, and in which images.

Everything about the labels is sent once; the browser asks for thumbnails, and for the picture that was clicked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError, did_you_mean
from workbench.widgets.asked import Question
from workbench.widgets.cooccurrence import SIGNED, VALUES, Together, force_layout, together
from workbench.widgets.explorer import Explorer, Snapshot
from workbench.widgets.matching import Matched, Source, match
from workbench.widgets.payload import pack, picture_packet, thumbnails

FIRST_THUMBNAILS = 24
PICTURES, LAYOUTS = ("matrix", "graph"), ("force", "circle")
EDGE = 0.4  # P(B | A) from which the graph draws an edge where the archive knows no neighbours


class LabelExplorer(Explorer, kind="labels"):
    """Label x label, for one inspection: co-occurrence, neighbours, learned vectors, and the images of a pair.

    Args:
        inspection: an `Inspection`, or the path of one. With label tables in it, as MSRN makes them, training counts, neighbours, groups
            and learned vectors are shown; without them, co-occurrence is counted from the archive's targets.
        label, other: names of the first pair; by default the labels that are together most often.
        explorer: an `AttentionExplorer` to link, see `link`.
        view: other entries of `view_state`, for example ``picture="graph"``, ``values="conditional"``.

    Attributes:
        view_state, image, label, status: see `Explorer`.

    Raises:
        WorkbenchError: no archive, or a view that cannot be.
    """

    def __init__(
        self, inspection: Source, *, label: str | None = None, other: str | None = None, explorer: Any = None, **view: Any
    ) -> None:
        self._matched: Matched = match(inspection)
        self._together: Together = together(self._matched)
        first, second = _opening_pair(self._together, label, other)
        names = self._together.names
        sort = "group" if "group" in self._together.sorts else "frequency"
        self._view = {
            "image": self._matched.ids[0], "label": names[first], "other": names[second], "picture": "matrix", "values": "counts",
            "sort": sort, "layout": "force", "threshold": EDGE,
        }  # fmt: skip
        both = np.flatnonzero((self._matched.targets[:, [first, second]] == 1).all(axis=1))
        if len(both):
            self._view["image"] = self._matched.ids[int(both[0])]
        self._view = self._checked(view)
        self._first = both[:FIRST_THUMBNAILS].tolist()
        self._linked: Explorer | None = None
        super().__init__()
        if explorer is not None:
            self.link(explorer)

    def _opening(self) -> dict[str, Any]:
        shown = [self._matched.position(self._view["image"]), *self._first]
        return {
            "description": describe(self._matched, self._together),
            "tables": tables(self._matched, self._together),
            "image": picture_packet(self._matched, shown[0]),
            "thumbnails": thumbnails(self._matched, dict.fromkeys(shown)),
        }

    @property
    def matched(self) -> Matched:
        """The inspection in view."""
        return self._matched

    @property
    def together(self) -> Together:
        """The numbers behind the pictures."""
        return self._together

    def link(self, explorer: Explorer) -> None:
        """Let another explorer follow: an image that is clicked here, with the chosen label, is shown there; a label chosen there, here."""
        self._linked = explorer
        self.observe(lambda _change: explorer.show(image=self.image, label=self.label), "view_state")
        explorer.observe(lambda change: self.show(label=change["new"]) if change["new"] in self._together.names else None, "label")

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        from workbench.widgets.labels_still import describe_view, labels_html

        return Snapshot(labels_html(self), describe_view(self), self._names())

    def export_html(self, path: str | Path, images: Sequence[int | str] | None = None, cap_mb: float = 20) -> Path:
        """Write the explorer as one page that works from disk without a network.

        Args:
            images: ids or indices; by default all, from the one in view on, as far as `cap_mb` goes. The page says where it was cut.
            cap_mb: largest size of the page in megabytes.
        """
        from workbench.widgets.export import export_labels

        return export_labels(self, path, images=images, cap_mb=cap_mb)

    def __repr__(self) -> str:
        row, column = (self._together.names.index(self._view[key]) for key in ("label", "other"))
        count = int(self._together.counts[row, column])
        return (
            f"LabelExplorer of {self._matched.first.name}: {len(self._together.names)} labels, "
            f'"{self._view["label"]}" and "{self._view["other"]}" together in {count} images'
        )

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        result = {**self._view, **changes}
        for key in changes:
            if key not in self._view:
                raise WorkbenchError(f'A view has no "{key}".{did_you_mean(key, self._view)}')
        if isinstance(result["image"], int):
            result["image"] = self._matched.ids[self._matched.position(result["image"])]
        self._matched.position(result["image"])
        for key in ("label", "other"):
            self._matched.categories.index(result[key])
        choices = {"picture": PICTURES, "layout": LAYOUTS, "values": self._together.kinds, "sort": self._together.sorts}
        for key, known in choices.items():
            if result[key] not in known:
                raise WorkbenchError(f'"{key}" cannot be {result[key]!r} here; use one of {", ".join(known)}.')
        if not isinstance(result["threshold"], int | float) or not 0 < result["threshold"] <= 1:
            raise WorkbenchError(f'"threshold" is a probability above 0 and at most 1, not {result["threshold"]!r}.')
        return result

    def _packet(self, question: Question) -> dict[str, Any] | None:
        if question["ask"] == "image":
            return picture_packet(self._matched, self._matched.position(question.number("image")))
        if question["ask"] == "thumbnails":
            return thumbnails(self._matched, [self._matched.position(image) for image in question.numbers("images")])
        return None


def describe(matched: Matched, relations: Together) -> dict[str, Any]:
    """Names and sentences for the browser, as JSON."""
    return {
        "ids": list(matched.ids),
        "categories": list(relations.names),
        "models": [],
        "name": matched.first.name,
        "source": relations.source,
        "listening": relations.listening,
        "kinds": [[name, *VALUES[name]] for name in relations.kinds],
        "signed": list(SIGNED),
        "orders": {sort: relations.order(sort) for sort in relations.sorts},
        "groups": list(relations.groups),
        "group_of": [int(group) for group in relations.group_of],
        "soft": relations.membership is not None,
        "explained": relations.explained,
        "moved": most_moved(matched, relations),
    }


def most_moved(matched: Matched, relations: Together) -> dict[str, list[int]]:
    """Images in which painting over one label's object moves another label most, by the places of both in the order of names: "2 5"."""
    pairs = (matched.first.inspection.measurements.get("leakage") or {}).get("pairs", ())
    place = {identifier: position for position, identifier in enumerate(matched.ids)}
    names = {name: str(position) for position, name in enumerate(relations.names)}
    return {
        f"{names[pair['of']]} {names[pair['on']]}": [place[image] for image in pair["images"] if image in place]
        for pair in pairs
        if pair["of"] in names and pair["on"] in names
    }


def tables(matched: Matched, relations: Together) -> dict[str, Any]:
    """Arrays about all labels and images, as one packet."""
    arrays: dict[str, np.ndarray] = {"sizes": matched.sizes.astype(np.int32), "targets": matched.targets}
    arrays["decided"] = relations.decided.astype(np.uint8)
    wanted = {
        "counts": relations.counts,
        "correlation": relations.correlation,
        "predicted": relations.predicted,
        "membership": relations.membership,
        "points": relations.points,
        "group_points": relations.group_points,
        "leakage": relations.leakage,
        "force": force_layout(relations.conditional),
    }
    arrays |= {name: values.astype(np.float32) for name, values in wanted.items() if values is not None}
    if relations.neighbours is not None:
        arrays["neighbours"] = relations.neighbours.astype(np.uint8)
    return pack(arrays)


def _opening_pair(relations: Together, label: str | None, other: str | None) -> tuple[int, int]:
    """The pair that was asked for, or the one that is together most often, within what is given."""
    counts = relations.counts - np.diag(np.diag(relations.counts) + 1)
    for name, axis in ((label, 0), (other, 1)):
        if name is not None:
            if name not in relations.names:
                raise WorkbenchError(f'There is no category "{name}" here.{did_you_mean(name, relations.names)}')
            keep = np.arange(len(counts)) == relations.names.index(name)
            counts = np.where(keep[:, None] if axis == 0 else keep, counts, -2)
    row, column = np.unravel_index(int(counts.argmax()), counts.shape)
    return int(row), int(column)
