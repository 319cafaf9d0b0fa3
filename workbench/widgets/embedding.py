"""EmbeddingExplorer: how far apart does a model keep its classes, and which images are in the wrong place?

The kernel sends names, numbers and the points of one projection once, of the other projections when the browser asks for them. Colours,
selections and the way from epoch to epoch are the browser's work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from workbench.errors import WorkbenchError
from workbench.files import write_json
from workbench.widgets.asked import Question
from workbench.widgets.explorer import Explorer, Snapshot
from workbench.widgets.matching import Source
from workbench.widgets.points import MOST, Points, line_up
from workbench.widgets.points_payload import coordinates, point_thumbnails, points_description, points_tables
from workbench.widgets.points_view import checked_points, opening_points

Pair = tuple[str, str]


class EmbeddingExplorer(Explorer, kind="embedding"):
    """One point for each present (image, category), for one inspection or for two of the same images side by side.

    Args:
        inspections: an `Inspection` with class features and points, the path of one, a list of two, or a dict of them by the names to show.
        most: points to show; of more, a random sample of this size is drawn, and the page says so.
        view: entries of `view_state`, for example ``colour="state"``, ``category="sun"``, ``projection="tsne"``; and ``selected``.

    Attributes:
        view_state: everything that is shown but the selection, as one JSON dict; assign some of its entries to change them.
        image, label: id and category of the chosen point; assign to change them, `observe` to follow them.
        selected: the selection as (image id, category) pairs; assign to change it, `observe` to follow it.
        status: what went wrong last, shown below the explorer.

    Raises:
        WorkbenchError: archives without points or that do not fit together, or a view that cannot be.
    """

    # The selection as the browser holds it: places of points, int32. A list of a hundred thousand pairs would not be JSON worth sending.
    picked = traitlets.Bytes(b"").tag(sync=True, from_json=lambda value, _widget: bytes(value))
    selected: traitlets.List[Any] = traitlets.List()

    def __init__(self, inspections: Source | Sequence[Source] | Mapping[str, Source], *, most: int = MOST, **view: Any) -> None:
        self._points = line_up(inspections, most)
        selected = view.pop("selected", [])
        self._view = opening_points(self._points, view)
        super().__init__()
        self.selected = selected

    def _opening(self) -> dict[str, Any]:
        return {
            "description": points_description(self._points),
            "tables": points_tables(self._points),
            "points": coordinates(self._points, self._view["projection"]),
        }

    @property
    def points(self) -> Points:
        """The points in view, and what each model says about them."""
        return self._points

    def show(self, **changes: Any) -> None:
        """Change entries of the view: ``explorer.show(colour="state", category="sun", epoch=0)``; ``selected=[(image, category), ...]``."""
        self.view_state = changes

    def save_view(self, path: str | Path) -> Path:
        """Write what is shown now, the selection included, to a JSON file."""
        view = {**self.view_state, "selected": [list(pair) for pair in self.selected]}
        return write_json(path, view, names=True)

    def snapshot(self) -> Snapshot:
        """What is shown now as a still picture with its numbers, which stays readable without a kernel."""
        from workbench.widgets.points_still import describe_points, points_html

        picked = self._places()
        return Snapshot(
            points_html(self._points, self.view_state, picked), describe_points(self._points, self.view_state, picked), self._names()
        )

    def export_html(self, path: str | Path, cap_mb: float = 20) -> Path:
        """Write the explorer as one page that works from disk without a network.

        Args:
            cap_mb: largest size of the page in megabytes. All points are in it; pictures beyond the cap are left out, and the page says so.

        Raises:
            WorkbenchError: the points alone do not fit under the cap.
        """
        from workbench.widgets.points_export import export_points

        return export_points(self, path, cap_mb)

    def __repr__(self) -> str:
        points, view = self._points, self._view
        models = " and ".join(model.member.name for model in points.models)
        epochs = points.models[view["model"]].embeddings.epochs
        title = epochs[min(view["epoch"], len(epochs) - 1)].get("title", f"epoch {view['epoch']}")
        colour = f"the {view['number']}" if view["colour"] == "number" else f'{view["colour"]} of "{view["category"]}"'
        chosen = f"{len(self.selected):,} selected" if self.selected else "none selected"
        return (
            f"EmbeddingExplorer of {models}: {len(points):,} points of {len(points.matched.categories)} categories, {chosen}, "
            f"{points.projections[view['projection']][0]} at {title}, coloured by {colour}"
        )

    def _checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        changes = dict(changes)
        pairs = changes.pop("selected", None)
        view = checked_points(self._points, self._view, changes)
        if pairs is not None:
            self.selected = pairs
        return view

    def _packet(self, question: Question) -> dict[str, Any] | None:
        if question["ask"] == "points":
            if question.text("projection") not in self._points.projections:
                raise WorkbenchError(f'There is no projection "{question["projection"]}" here; restart the kernel after an update.')
            return coordinates(self._points, question["projection"])
        if question["ask"] == "thumbnails":
            return point_thumbnails(self._points, [self._points.matched.position(image) for image in question.numbers("images")])
        return None

    def _require_possible(self, changes: Mapping[str, Any]) -> None:
        super()._require_possible(changes)
        if "picked" in changes:
            if not isinstance(changes["picked"], bytes | bytearray | memoryview):
                raise WorkbenchError(f"The selection is bytes, four for each point, not a {type(changes['picked']).__name__}.")
            self._check_picked({"value": bytes(changes["picked"])})

    def _places(self) -> np.ndarray:
        """Places of the selected points, int32."""
        return np.frombuffer(self.picked, dtype=np.int32)

    @traitlets.validate("picked")
    def _check_picked(self, proposal: Any) -> bytes:
        value: bytes = proposal["value"]
        if len(value) % 4:
            raise WorkbenchError(f"The selection has {len(value)} bytes, not four for each point; select them again.")
        places = np.unique(np.frombuffer(value, dtype=np.int32))
        if len(places) and not 0 <= places[0] <= places[-1] < len(self._points):
            raise WorkbenchError(f"The selection names points that are not among the {len(self._points)} in view; select them again.")
        return places.tobytes()

    @traitlets.observe("picked")
    def _follow_picked(self, _change: Any) -> None:
        pairs, ids, names = self._points.pairs, self._points.matched.ids, self._points.matched.categories.names
        self.selected = [(ids[image], names[label]) for image, label in pairs[self._places()].tolist()]

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> list[Pair]:
        return _pairs(self._points, proposal["value"])

    @traitlets.observe("selected")
    def _follow_selected(self, change: Any) -> None:
        places = [self._points.place(image, label) for image, label in change["new"]]
        self.picked = np.array(places, dtype=np.int32).tobytes()


def _pairs(points: Points, value: Iterable[Any]) -> list[Pair]:
    """The pairs in the order of the points, each once. Raises WorkbenchError for what is no pair or no point."""
    places = set()
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise WorkbenchError(f'A selection is a list of (image id, category) pairs; {pair!r} is none: write ("scene-0001", "sun").')
        places.add(points.place(*pair))
    return [points.pair(place) for place in sorted(places)]


def link_explorers(embedding: Explorer, attention: Explorer) -> Callable[[], None]:
    """Let an attention explorer show the image and the category that are chosen in an embedding explorer or a threshold lab.

    Returns:
        A function that ends the link. An image or category that the attention explorer does not have is told in the status line.
    """

    def follow(change: Any) -> None:
        old, new = change["old"], change["new"]
        if (old.get("image"), old.get("label")) != (new["image"], new["label"]):
            attention.show(image=new["image"], label=new["label"])

    embedding.observe(follow, "view_state")
    return lambda: embedding.unobserve(follow, "view_state")
